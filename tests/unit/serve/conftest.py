from collections.abc import AsyncIterator, Iterator

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from httpx._transports import asgi

from serve.app import Api
from serve.identity import passwords, sessions
from tests.unit.serve import passed_routes, quick_apps
from tests.unit.serve.documented import watched
from tests.unit.serve.small_cell import Cell, furnish

quick_apps.install()
passed_routes.install()
# Each request would look in all folders for a package that is not there, which took a twentieth of these tests' time.
asgi.is_running_trio = lambda: False

# The hash of a password takes 0.1 s and 64 MiB, by intention. Few tests are about that; the others took a
# fifth of their time for it.
_cheap_hasher = PasswordHasher.from_parameters(CHEAPEST)
_CHEAP_DUMMY = _cheap_hasher.hash("nobody's")


@pytest.fixture(autouse=True)
def _hashes_are_cheap(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the test is marked with `real_hashes`."""
    if request.node.get_closest_marker("real_hashes") is None:
        monkeypatch.setattr(passwords, "_hasher", _cheap_hasher)
        for module in (passwords, sessions):
            monkeypatch.setattr(module, "DUMMY_HASH", _CHEAP_DUMMY)


@pytest.fixture(autouse=True)
def _answers_are_documented(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever the API answers in a test has a status, a media type and a Location that its document tells of."""
    found: set[str] = set()
    monkeypatch.setattr(Api, "__call__", watched(Api.__call__, found))
    yield
    assert sorted(found) == []


@pytest.fixture
async def cell() -> AsyncIterator[Cell]:
    made = Cell()
    await furnish(made)
    yield made
    await made.http.aclose()
