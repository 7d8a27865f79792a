"""A short month that nobody tuned on: what is found, and how often the monitor is wrong. The whole measurement:
`python -m tests.misuse`."""

from __future__ import annotations

import pytest

from actors.anomalies.monitor import Monitor
from tests.misuse.judge import SETTINGS, judged
from tests.misuse.month import month

HELD_OUT_SEED = 31


@pytest.mark.timeout(400)  # a month of 200 people, beside all other tests
def test_misuse_goes_unseen_or_honest_people_are_accused():
    played = month(HELD_OUT_SEED, number=120, days=14, each=2)
    verdict = judged(played, Monitor("us", SETTINGS))
    assert verdict.planted.total() == 24
    assert verdict.recall >= 0.9, verdict.lines()
    # 1.0 a thousand over a long run (docs/security/anomalies.md); of a month this short, at most two.
    assert verdict.false.total() <= 2, verdict.lines()


def test_the_month_tells_the_monitor_what_is_planted():
    played = month(HELD_OUT_SEED, number=60, days=11, each=1)
    kinds = {plant.kind for plant in played.plants}
    words = {word for record in played.records for word in (record.action, record.outcome, record.why, record.kind)}
    assert kinds.isdisjoint(words)
    assert played.records == month(HELD_OUT_SEED, number=60, days=11, each=1).records
