"""What dies at once whenever it is started again keeps a core busy and fills the log, or waits though it was well."""

import pytest

from cells import keeper
from cells.keeper import _BACKOFF_MAX_S, _CALM_S, _Backoff


class Ending:
    """Notes what is waited for, and lets that time pass."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def test_a_store_that_dies_at_each_start_is_started_all_the_time_or_ever_later(monkeypatch: pytest.MonkeyPatch) -> None:
    ending = Ending()
    monkeypatch.setattr(keeper, "time", ending)
    backoff = _Backoff(ending)  # type: ignore[arg-type]
    for _ in range(10):
        backoff.wait()
        ending.now += 0.5
    assert ending.waits == [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, _BACKOFF_MAX_S, _BACKOFF_MAX_S]
    # It was well for a while: its next death is one like the first.
    ending.now += _CALM_S
    for _ in range(3):
        backoff.wait()
    assert ending.waits[10:] == [0, 0.1, 0.2]
