"""Turns of those who take all or nothing, where goods have lots: what is set aside is good for them."""

from __future__ import annotations

import pytest

from actors.domain.location_commands import Allocate, ReceiptLine, ReceiveStock, Reserve
from actors.domain.location_profile import Profile, SetProfile
from actors.domain.location_turns import COMES_MS, KEEP_MS
from tests.unit.domain.line_rig import NOW_MS, Place

DAY_MS = 86_400_000


def milk(place: Place, units: int, lot: str, days: int) -> None:
    """A lot that is good for so long from now on."""
    place.do(ReceiveStock([ReceiptLine("a", units, None, lot, NOW_MS // DAY_MS + days)]))


@pytest.mark.parametrize("command", [
    Allocate("us-new", 1, [("a", 1)], "", {"a": 30}), Reserve("us-resv-1", [("a", 25)]),
], ids=lambda command: type(command).__name__)  # fmt: skip
def test_lots_that_are_too_old_are_kept_and_the_good_ones_given_away(at_once, command):
    place = Place()
    milk(place, 20, "short", 5)
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True, life_days={"a": 30})
    milk(place, 1, "long", 60)
    place.wait("us-2", 20, ("a", 1), life_days={"a": 30})
    assert place.served == [], "the good one is kept"
    got = place.do(command).lines
    assert got == ([] if type(command) is Allocate else [("a", 20)])
    assert place.do(Allocate("us-newer", 1, [("a", 1)], "", {"a": 30})).lines == []
    place.receive(("b", 1))
    assert place.served == [("us-1", 10_001, [("a", 1), ("b", 1)])]
    assert place.state.claims["us-1.10001"] == {("a", "long"): 1}


def test_what_ends_too_soon_counts_as_there_when_a_turn_is_over(at_once):
    """Its other goods would be kept for it again and again."""
    place = Place()
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True, life_days={"a": 30})
    milk(place, 20, "short", 9)
    place.now_ms += COMES_MS
    place.receive(("b", 1))
    assert place.do(Allocate("us-new", 1, [("b", 1)])).lines == []
    place.now_ms += KEEP_MS
    place.wake()
    assert place.do(Allocate("us-newer", 1, [("b", 1)])).lines == [("b", 1)]
    place.receive(("b", 1))
    assert place.do(Allocate("us-newest", 1, [("b", 1)])).lines == [("b", 1)]
    place.now_ms += KEEP_MS
    milk(place, 1, "long", 60)
    assert place.do(Allocate("us-last", 1, [("a", 1)], "", {"a": 30})).lines == []


def test_two_are_kept_the_same_lot(at_once):
    place = Place()
    milk(place, 20, "short", 5)
    place.wait("us-1", 10, ("a", 1), ("b", 1), whole=True, life_days={"a": 30})
    milk(place, 1, "long", 60)
    place.wait("us-2", 20, ("a", 1), ("c", 1), whole=True, life_days={"a": 30})
    place.receive(("c", 1))
    assert place.served == []
    milk(place, 1, "longer", 90)
    assert [name for name, _, _ in place.served] == ["us-2"]
    place.receive(("b", 1))
    assert place.state.claims["us-1.10001"] == {("a", "long"): 1}


def test_the_good_lots_of_who_is_served_tomorrow_are_given_away_today():
    place = Place()
    place.do(SetProfile(Profile(units_a_day=1)))
    place.wait("us-1", 10, ("a", 2), life_days={"a": 30})
    milk(place, 5, "short", 5)
    milk(place, 2, "long", 60)
    assert len(place.served) == 1
    cart = Reserve("us-resv-1", [("a", 1)], life_days={"a": 30})
    assert place.do(cart).lines == []
    place.now_ms = place.state.waiting.due_ms
    place.wake()
    assert place.state.claims["us-1.10002"] == {("a", "long"): 1}
