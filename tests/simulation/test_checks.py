"""What the checks pass over though it went wrong: what happens twice must look so to them."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.order_backorder import DateKept, DateTold
from actors.runtime.wire import Turn
from tests.simulation.checks import once
from tests.simulation.patients import told_anew

A_DAY, A_WEEK = 86_400_000, 604_800_000


def told(number, known_ms, expected_by_ms):
    return DateTold(number, expected_by_ms, known_ms, A_WEEK, b"who")


def woken(version, *events):
    return Turn("order", "us-o1", version, 5, "wake-5", 0, 0, "", msgspec.json.encode(events), 0, b"")


@pytest.mark.parametrize(("one", "other"), [(A_DAY, A_WEEK), (None, A_WEEK), (A_DAY, None)])
def test_a_customer_is_told_of_the_same_date_twice(one, other):
    assert len(list(told_anew("us-o1", enumerate([told(1, one, other), told(2, one, other)])))) == 1
    assert list(told_anew("us-o1", enumerate([told(1, one, other), DateKept(), told(2, other, one)]))) == []
    assert len(list(told_anew("us-o1", enumerate([told(1, one, one)])))) == 1


def test_a_wake_up_that_tells_a_date_does_all_else_twice():
    assert list(once([woken(3, told(1, A_DAY, A_WEEK)), woken(4, told(2, A_WEEK, None))])) == []
    for other in (woken(4, told(2, A_WEEK, None), DateKept()), woken(4, DateKept())):
        assert len(list(once([woken(3, told(1, A_DAY, A_WEEK), DateKept()), other]))) == 1
