"""`make up` must not believe a setting that the running cell was not started with."""

import msgspec
import pytest

from cells import up
from cells.calls import Answer
from cells.config import Identity, RegionConfig
from cells.errors import StepFailed


@pytest.mark.parametrize(
    ("wanted", "answer", "fits"),
    [
        ("required", Answer(401, {}), True),
        ("required", Answer(200, {}), False),
        ("off", Answer(200, {}), True),
        ("off", Answer(401, {}), False),
        ("required", Answer(0, ""), True),  # it does not answer now: nothing is known
        ("off", Answer(503, {}), True),
    ],
)
def test_a_cell_that_runs_open_is_taken_for_a_guarded_one(monkeypatch, wanted, answer, fits):
    monkeypatch.setattr(up, "call", lambda method, url: answer)
    config = msgspec.structs.replace(RegionConfig(), identity=Identity(mode=wanted))
    if fits:
        up._check_mode(config)
        return
    with pytest.raises(StepFailed) as raised:
        up._check_mode(config)
    assert "make down REGIONS=us" in raised.value.next_step
