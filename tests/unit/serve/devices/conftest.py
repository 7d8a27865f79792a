import pytest

from serve.devices import claiming, signing_in
from serve.identity import sessions
from tests.unit.serve.guarded_cell import furnished


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    """Refusals come at once here; that they all come at one time is tested by itself."""
    for module in (claiming, signing_in, sessions):
        monkeypatch.setattr(module, "REFUSAL_S", 0.0)
    monkeypatch.setattr(sessions, "REFUSAL_AFTER_HASH_S", 0.0)
    async with furnished(tmp_path) as made:
        yield made
