"""The monitor forgets nothing over a restart. What it finds is measured in tests/misuse/."""

from __future__ import annotations

import pytest

from actors.anomalies.monitor import Monitor
from tests.misuse.judge import SETTINGS
from tests.misuse.month import month


def test_a_restart_in_the_middle_changes_what_is_told():
    records = month(951, 40, 12, 1).records
    whole, second = Monitor("us", SETTINGS), Monitor("us", SETTINGS)
    half = len(records) // 2
    for record in records[:half]:
        whole.see(record)
    assert second.restore(whole.dump())
    told = 0
    for record in records[half:]:
        alerts = whole.see(record)
        assert second.see(record) == alerts
        told += len(alerts)
    assert told


@pytest.mark.parametrize("kept", [b"", b"x", b"\x80"])
def test_a_state_that_cannot_be_read_is_half_taken_over(kept):
    monitor = Monitor("us", SETTINGS)
    before = monitor.dump()
    assert not monitor.restore(kept)
    assert monitor.dump() == before
