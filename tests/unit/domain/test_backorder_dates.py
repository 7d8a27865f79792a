"""Dates of orders that wait, as the supplier's change: who hears of it, how often, and of what he does not."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from actors.domain import location_dates
from actors.domain.allocation import Place as Seen
from actors.domain.kind import Context
from actors.domain.location_commands import Allocate, Expect, LookAtLocation, ReceiptLine, ReceiveStock
from actors.domain.location_dates import LATE_MS, LOOK_AFTER_MS, LOOK_AGAIN_MS, LOOKED_AT_MAX
from actors.domain.location_line import WaitingLine
from actors.domain.order_backorder import BackorderTerms, DateMoved, Dates, LineAnswered, UnitsOffered
from actors.domain.order_commands import ForgetPerson, UpdateOrder
from actors.domain.order_dates import TELL_AFTER_MS
from actors.domain.order_state import due_of
from actors.domain.times import DAY_MS, HOUR_MS, moment
from tests.unit.domain.cart_rig import NOW_MS, Shop
from tests.unit.domain.line_rig import Place
from tests.unit.domain.test_order_waiting import place, shop_of, state

SOON, LATE = NOW_MS + 2 * DAY_MS, NOW_MS + 9 * DAY_MS


def told(place_: Place) -> list[tuple[str, int | None]]:
    """Since it was asked last."""
    found = [(one.entity_id, one.command.expected_ms) for one in place_.sent if type(one.command) is DateMoved]
    place_.sent.clear()
    return found


def expects(place_: Place, revision: int, at_ms: int, units: int, source: str = "us-inbound-1") -> None:
    place_.do(Expect(source, "purchase", revision, at_ms, [("a", units)]))


def later(place_: Place, ms: int = LOOK_AFTER_MS) -> None:
    place_.now_ms += ms
    place_.wake()
    assert place_.again() == place_.state


# --- at the location ----------------------------------------------------------------------------------------------
def test_who_waits_does_not_hear_that_it_comes_later_or_not_at_all():
    here = Place()
    here.wait("us-1", 10, ("a", 2))
    here.wait("us-2", 20, ("a", 2))
    expects(here, 1, SOON, 3)
    assert told(here) == []
    later(here)
    assert told(here) == [("us-1", SOON)]
    expects(here, 2, LATE, 4)
    later(here)
    assert told(here) == [("us-1", LATE), ("us-2", LATE)]
    expects(here, 3, LATE, 0)
    later(here)
    assert told(here) == [("us-1", None), ("us-2", None)]
    assert here.state.waiting.dates == {}
    assert here.state.waiting.due_ms is None


@pytest.mark.parametrize("moves", [[LATE, SOON], [SOON + DAY_MS - 1], [SOON]])
def test_what_is_no_news_is_told(moves):
    """It comes and goes, or is less than a day."""
    here = Place()
    expects(here, 1, SOON, 5)
    assert here.wait("us-1", 10, ("a", 2)).expected_ms == SOON
    for revision, at_ms in enumerate(moves, 2):
        expects(here, revision, at_ms, 5)
        here.now_ms += 1_000
    later(here)
    assert told(here) == []


@pytest.mark.parametrize("moves_after", [None, 1, 3])
def test_thousands_of_dates_hold_up_the_location_or_some_are_forgotten(moves_after):
    """Also those who were looked at already hear of what changes in the middle of it."""
    here, everybody = Place(small=False), [f"us-{number:04}" for number in range(3 * LOOKED_AT_MAX + 1)]
    for number, name in enumerate(everybody):
        here.wait(name, number, ("a", 1))
    expects(here, 1, SOON, 1_000)
    here.now_ms += LOOK_AFTER_MS
    rounds = []
    while (due := here.state.waiting.due_ms) is not None and due < SOON:
        here.now_ms = max(here.now_ms, due)
        here.do(LookAtLocation())
        rounds.append(told(here))
        assert here.again() == here.state
        if len(rounds) == moves_after:
            expects(here, 2, LATE, 1_000)
    looked = [len(one) for one in rounds if one]
    assert looked == [LOOKED_AT_MAX] * (moves_after or 0) + [LOOKED_AT_MAX] * 3 + [1]
    last = [one for round_ in rounds for one in round_][-len(everybody) :]
    assert last == [(name, LATE if moves_after else SOON) for name in everybody]


def test_dates_are_looked_at_by_what_a_receipt_of_the_same_moment_takes_away():
    here = Place()
    here.wait("us-1", 10, ("a", 2))
    expects(here, 1, SOON, 3)
    here.now_ms += LOOK_AFTER_MS
    here.receive(("a", 2))
    assert told(here) == []
    here.now_ms += 1
    here.wake()
    assert told(here) == []
    assert here.state.waiting.dates == {}


def test_what_comes_out_goes_to_others_and_who_was_to_have_it_never_hears():
    here = Place()
    here.receive(("a", 3))
    assert here.wait("us-1", 10, ("a", 2), from_ms={"a": SOON}).expected_ms == SOON
    assert here.wait("us-2", 20, ("a", 1), from_ms={"a": SOON}).expected_ms == SOON
    assert here.do(Allocate("us-new", 1, [("a", 2)])).lines == [("a", 2)]
    later(here, SOON - here.now_ms)
    assert here.served == [("us-1", 10_001, [("a", 1)])]
    assert told(here) == []
    later(here)
    assert told(here) == [("us-1", None), ("us-2", None)]
    assert (here.state.waiting.dates, here.state.waiting.due_ms) == ({}, None)


@pytest.mark.parametrize("announced_first", [True, False])
def test_a_date_that_has_passed_stays_for_ever(announced_first):
    """An afternoon late is no news; a day is."""
    here = Place()
    if announced_first:
        expects(here, 1, SOON, 5)
    here.wait("us-1", 10, ("a", 2))
    if not announced_first:
        expects(here, 1, SOON, 5)
    later(here)
    told(here)
    later(here, SOON + LATE_MS - 1 - here.now_ms)
    assert told(here) == []
    assert here.wait("us-2", 20, ("a", 2)).expected_ms == here.now_ms + 1
    later(here, 1)
    assert told(here) == [("us-1", None), ("us-2", None)]
    assert (here.state.waiting.dates, here.state.waiting.due_ms) == ({}, None)


def test_lines_are_looked_at_each_time_that_one_of_many_announcements_passes():
    here = Place()
    for number in range(6):
        expects(here, 1, SOON + number * HOUR_MS, 1, f"us-inbound-{number}")
    here.wait("us-1", 10, ("a", 3))
    here.wait("us-2", 20, ("a", 3))
    looks = []
    while (due := here.state.waiting.due_ms) is not None:
        here.now_ms = due
        here.wake()
        looks.append((due, told(here)))
    assert looks == [
        (SOON + LATE_MS, [("us-2", None)]),
        (SOON + LATE_MS + LOOK_AGAIN_MS, [("us-1", None)]),
    ]


def test_who_comes_when_the_line_was_empty_keeps_a_date_that_has_passed():
    """Of what is announced meanwhile nobody was to be told."""
    here = Place()
    expects(here, 1, LATE, 1)
    here.wait("us-0", 1, ("b", 1))
    here.wait("us-1", 10, ("a", 1))
    here.wait("us-1", 10)
    assert here.state.waiting.dates == {}, "nobody waits for it any more"
    expects(here, 1, SOON, 1, "us-inbound-2")
    assert here.wait("us-2", 20, ("a", 1)).expected_ms == SOON
    later(here, SOON + LATE_MS - here.now_ms)
    assert told(here) == [("us-2", LATE)]


def test_an_empty_line_stays_till_what_was_announced_is_late():
    here = Place()
    expects(here, 1, SOON, 5)
    here.wait("us-1", 10, ("a", 2))
    here.wait("us-1", 10)
    assert here.state.waiting is None
    assert here.again() == here.state


# --- at the order -------------------------------------------------------------------------------------------------
def notices(shop: Shop):
    found = [one for (kind, _), (one, _) in shop.entities.items() if kind == "notice"]
    # What was not sent in time is empty.
    return [msgspec.json.decode(one.sealed_content or b"{}") for one in found if one.template == "order.date_moved"]


def waits(shop: Shop, **more) -> str:
    order_id = place(shop, ("a", 1), sealed=b"who", email_digest="e", **more)
    shop.deliver_all()
    return order_id


def expect(shop: Shop, revision: int, at_ms: int, units: int = 5, name: str = "near") -> None:
    shop.do("location", name, Expect("us-inbound-1", "purchase", revision, at_ms, [("a", units)]))
    pass_(shop, LOOK_AFTER_MS)


def pass_(shop: Shop, ms: int) -> None:
    shop.now_ms += ms
    for _ in range(3):
        shop.fire_timers()
        shop.deliver_all()
        shop.now_ms += 1


def iso(ms: int) -> str:
    return moment(ms).isoformat()


def test_the_customer_is_told_each_time_or_never():
    shop = shop_of()
    order_id = waits(shop, backorder=BackorderTerms({}, {"near": DAY_MS}))
    expect(shop, 1, SOON)
    assert shop.order_view(order_id).backorder.expected_by.timestamp() * 1000 == SOON + DAY_MS
    assert notices(shop) == [], "it may be otherwise in a moment"
    pass_(shop, TELL_AFTER_MS)
    assert notices(shop) == [{"expected_by": iso(SOON + DAY_MS), "was_expected_by": ""}]
    expect(shop, 2, LATE)
    expect(shop, 3, LATE + 2 * DAY_MS)
    pass_(shop, TELL_AFTER_MS)
    assert notices(shop)[1:] == [{"expected_by": iso(LATE + 3 * DAY_MS), "was_expected_by": iso(SOON + DAY_MS)}]
    expect(shop, 4, LATE, 0)
    pass_(shop, TELL_AFTER_MS)
    assert notices(shop)[2:] == [{"expected_by": "", "was_expected_by": iso(LATE + 3 * DAY_MS)}]
    pass_(shop, 10 * TELL_AFTER_MS)
    assert len(notices(shop)) == 3
    assert b"who" not in str(notices(shop)).encode()


def test_the_customer_hears_of_a_date_that_was_wrong_for_less_than_an_hour():
    shop = shop_of()
    order_id = waits(shop)
    expect(shop, 1, SOON)
    pass_(shop, TELL_AFTER_MS)
    expect(shop, 2, LATE)
    expect(shop, 3, SOON)
    pass_(shop, TELL_AFTER_MS)
    assert len(notices(shop)) == 1
    assert state(shop, order_id).backorder.dates.tell_at_ms is None


@pytest.mark.parametrize("end", ["cancel", "receive", "forget"])
def test_somebody_is_told_a_date_who_waits_for_nothing(end):
    shop = shop_of()
    order_id = waits(shop)
    expect(shop, 1, SOON)
    if end == "cancel":
        shop.do("order", order_id, UpdateOrder("cancel"), "cancel")
    elif end == "receive":
        shop.receive("far", "a", 1)
    else:
        shop.do("order", order_id, UpdateOrder("cancel"), "cancel")
        shop.do("order", order_id, ForgetPerson(), "forget")
    shop.deliver_all()
    pass_(shop, TELL_AFTER_MS)
    assert notices(shop) == []
    due = due_of(state(shop, order_id))
    assert due is None or due > shop.now_ms


def test_an_order_by_nobody_who_can_be_told_wakes_up_for_it():
    shop = shop_of()
    order_id = place(shop, ("a", 1))
    shop.deliver_all()
    pass_(shop, 60_000)
    expect(shop, 1, SOON)
    assert shop.order_view(order_id).backorder.expected_by.timestamp() * 1000 == SOON
    assert due_of(state(shop, order_id)) is None


@pytest.mark.parametrize("seed", range(6))
def test_what_a_place_says_first_counts_when_messages_cross(seed):
    shop = shop_of()
    order_id = waits(shop)
    said = [
        DateMoved("near", SOON, NOW_MS + 1_000), LineAnswered("near", True, LATE, NOW_MS + 2_000),
        DateMoved("near", None, NOW_MS + 3_000), DateMoved("near", SOON + DAY_MS, NOW_MS + 4_000),
    ]  # fmt: skip
    said += said
    Random(seed).shuffle(said)
    for number, command in enumerate(said):
        shop.do("order", order_id, command, f"m{number}")
    assert state(shop, order_id).backorder.places["near"].expected_ms == SOON + DAY_MS


def test_a_line_is_asked_for_dates_that_nobody_can_know(monkeypatch):
    monkeypatch.setattr(location_dates, "SOURCES_LOOKED_AT_MAX", 1)
    here = Place()
    expects(here, 1, SOON, 5)
    here.wait("us-1", 10, ("a", 2))
    expects(here, 1, SOON, 5, "us-inbound-2")
    later(here)
    assert told(here) == [("us-1", None)]


def test_nobody_knows_when_all_of_it_is_there_once_a_part_has_come_in_time():
    """Who takes all or nothing waits for one SKU while the other is there."""
    here = Place()
    for number, (sku, at_ms) in enumerate([("a", SOON), ("b", LATE)]):
        here.do(Expect(f"us-inbound-{number}", "purchase", 1, at_ms, [(sku, 1)]))
    here.wait("us-1", 10, ("a", 1), ("b", 1), whole=True)
    here.receive(("a", 1))
    expects(here, 2, SOON, 0, "us-inbound-0")
    later(here)
    assert told(here) == []
    assert here.state.waiting.waiters["us-1"].expected_ms == LATE


def test_goods_that_end_too_soon_are_there_for_who_takes_all_or_nothing():
    here = Place()
    here.do(Expect("us-inbound-1", "purchase", 1, SOON, [("b", 1)]))
    day = NOW_MS // DAY_MS
    here.do(ReceiveStock([ReceiptLine("a", 1, lot="l1", expires_on=day + 3)]))
    wants = {"whole": True, "number": 10_001}
    assert here.wait("us-1", 10, ("a", 1), ("b", 1), life_days={"a": 9}, **wants).expected_ms is None
    assert here.wait("us-2", 20, ("a", 1), ("b", 1), life_days={"a": 1}, **wants).expected_ms is None
    here.wait("us-1", 10, number=10_001)
    assert here.wait("us-3", 15, ("a", 1), ("b", 1), life_days={"a": 1}, **wants).expected_ms == SOON


def test_the_line_is_walked_anew_for_each_who_is_looked_at(monkeypatch):
    here = Place(small=False)
    for number in range(LOOKED_AT_MAX + 1):
        here.wait(f"us-{number:04}", number, ("a", 1 + number % 3), ("b", 1), channel=("web", "app")[number % 2])
    line = here.state.waiting
    arrivals, slow = location_dates.Arrivals(here.state, line, line.queues, Context("here", "c", NOW_MS)), []
    walked = WaitingLine.ahead
    monkeypatch.setattr(WaitingLine, "ahead", lambda *args: slow.append(args[2]) or walked(*args))
    for waiter in line.waiters.values():
        for sku in "ab":
            assert arrivals._before(waiter, sku) == walked(line, waiter, sku)
    assert slow == ["a", "b"]


def test_the_date_is_that_of_the_soonest_place_which_may_not_serve_all_of_it():
    shop = shop_of()
    barred = {"near": ["b"], "far": ["a"]}
    order_id = place(shop, ("a", 1), ("b", 1), sealed=b"who", email_digest="e", backorder=BackorderTerms(barred=barred))
    shop.deliver_all()
    expect(shop, 1, SOON)
    pass_(shop, TELL_AFTER_MS)
    assert notices(shop) == [], "nobody knows when b comes"
    shop.do("location", "far", Expect("us-inbound-2", "purchase", 1, LATE, [("b", 1)]))
    pass_(shop, LOOK_AFTER_MS)
    pass_(shop, TELL_AFTER_MS)
    assert notices(shop) == [{"expected_by": iso(LATE), "was_expected_by": ""}]
    assert shop.order_view(order_id).backorder.expected_by.timestamp() * 1000 == LATE


@pytest.mark.parametrize("told_before", [True, False])
def test_a_date_that_comes_with_an_answer_is_told_to_nobody(told_before):
    """A place is told something else before it has looked at the dates."""
    shop = shop_of()
    if not told_before:
        shop.do("location", "near", Expect("us-inbound-1", "purchase", 1, SOON, [("a", 5)]))
    place(shop, ("a", 2), sealed=b"who", email_digest="e")
    shop.deliver_all()
    if told_before:
        expect(shop, 1, SOON)
        pass_(shop, TELL_AFTER_MS)
    before = notices(shop)
    assert len(before) == told_before
    shop.do("location", "near", Expect("us-inbound-1", "purchase", 2, LATE, [("a", 5)]))
    shop.receive("far", "a", 1)
    shop.deliver_all()
    pass_(shop, LOOK_AFTER_MS)
    pass_(shop, TELL_AFTER_MS)
    assert notices(shop)[len(before) :] == [{"expected_by": iso(LATE), "was_expected_by": iso(SOON)}]


def test_a_customer_hears_of_dates_as_places_answer_one_by_one():
    shop = shop_of()
    for name, at_ms in (("near", LATE), ("far", SOON)):
        shop.do("location", name, Expect("us-inbound-1", "purchase", 1, at_ms, [("a", 5)]))
    order_id = waits(shop)
    assert state(shop, order_id).backorder.dates.known_ms == SOON
    shop.do("order", order_id, UpdateOrder("cancel"), "cancel")
    pass_(shop, TELL_AFTER_MS)
    assert notices(shop) == []
    assert due_of(state(shop, order_id)) is None


def test_it_is_time_while_the_order_asks_others_and_the_customer_never_hears():
    shop = shop_of()
    order_id = waits(shop)
    expect(shop, 1, SOON)
    shop.do("order", order_id, UpdateOrder("allocate", places=[Seen("far", {"a": 2})]), "again")
    shop.now_ms += TELL_AFTER_MS
    shop.fire_timers()
    shop.deliver_all()
    pass_(shop, TELL_AFTER_MS)
    assert notices(shop) == [{"expected_by": iso(SOON), "was_expected_by": ""}]


def test_a_date_that_moves_while_the_place_is_told_something_is_told_to_nobody():
    shop = shop_of()
    shop.do("location", "near", Expect("us-inbound-1", "purchase", 1, SOON, [("a", 5)]))
    order_id = place(shop, ("a", 3), places=("near",), sealed=b"who", email_digest="e")
    shop.deliver_all()
    shop.do("location", "near", Expect("us-inbound-1", "purchase", 2, LATE, [("a", 5)]))
    # In one instant a unit is served, and dates are looked at.
    shop.now_ms += LOOK_AFTER_MS
    shop.receive("near", "a", 1)
    shop.now_ms += 1
    shop.fire_timers()
    for kind in (UnitsOffered, DateMoved):
        for posted in [one for one in shop.post if type(one.message.command) is kind]:
            shop.apply(posted)
    near = state(shop, order_id).backorder.places["near"]
    assert (near.telling, near.expected_ms) == ([10_001], LATE)
    shop.deliver_all()
    pass_(shop, TELL_AFTER_MS)
    assert notices(shop) == [{"expected_by": iso(LATE), "was_expected_by": iso(SOON)}]
    assert shop.order_view(order_id).backorder.expected_by.timestamp() * 1000 == LATE


def test_it_is_time_while_a_place_is_told_something_and_the_customer_hears_that_nobody_knows():
    shop = shop_of()
    order_id = waits(shop)
    expect(shop, 1, SOON)
    pass_(shop, TELL_AFTER_MS)
    shop.do("order", order_id, DateMoved("near", LATE, shop.now_ms), "moved")
    near = state(shop, order_id).backorder.places["near"]
    near.telling = []
    shop.now_ms += TELL_AFTER_MS
    shop.fire_timers()
    assert state(shop, order_id).backorder.dates == Dates(SOON, None, 1)
    shop.do("order", order_id, LineAnswered("near", True, LATE, shop.now_ms), "answered")
    shop.now_ms += TELL_AFTER_MS
    shop.fire_timers()
    assert state(shop, order_id).backorder.dates == Dates(LATE, None, 2)


def test_the_customer_keeps_a_date_that_has_passed():
    shop = shop_of()
    order_id = waits(shop)
    expect(shop, 1, SOON)
    pass_(shop, TELL_AFTER_MS)
    seen = []
    for _ in range(9):
        pass_(shop, DAY_MS)
        seen += [one for one in notices(shop)[1:] if one]
    assert seen == [{"expected_by": "", "was_expected_by": iso(SOON)}]
    assert len(notices(shop)) == 2
    assert shop.order_view(order_id).backorder.expected_by is msgspec.UNSET
