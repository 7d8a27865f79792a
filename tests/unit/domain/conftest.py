"""What several tests of a location's line begin with."""

import pytest

from actors.domain import location_turns


@pytest.fixture
def at_once(monkeypatch):
    """Nobody has to be passed before it is his turn."""
    monkeypatch.setattr(location_turns, "PASSED_MAX", 0)
