"""The monitor finds most of what is planted, is seldom wrong, and forgets nothing over a restart."""

from __future__ import annotations

import pytest

from actors.anomalies.monitor import Monitor
from tests.misuse.judge import SETTINGS, judged
from tests.misuse.month import Month, month


@pytest.fixture(scope="module")
def played() -> Month:
    return month(950, 80, 16, 1)


def test_planted_misuse_goes_unnoticed_or_honest_work_is_taken_for_it(played):
    # A small month on a seed that nothing was tuned on; the figures of whole months stand in docs/security/anomalies.md.
    verdict = judged(played, Monitor("us", SETTINGS))
    assert verdict.planted.total() == 12
    assert verdict.recall >= 0.75, verdict.lines()
    assert verdict.false.total() <= 3, verdict.told


def test_a_monitor_that_knows_no_rules_finds_what_they_find(played):
    verdict = judged(played, Monitor("us", SETTINGS, with_rules=False))
    assert verdict.found["stuffing"] <= 1
    assert verdict.recall < 0.75


def test_a_restart_in_the_middle_changes_what_is_told():
    records = month(951, 40, 12, 1).records
    whole, first = Monitor("us", SETTINGS), Monitor("us", SETTINGS)
    half = len(records) // 2
    for record in records[:half]:
        assert first.see(record) == whole.see(record)
    second = Monitor("us", SETTINGS)
    assert second.restore(first.dump())
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
