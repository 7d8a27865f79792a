"""An inbound by example: each promise once, with the location that it tells."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.domain import gs1, ids, inbound_announcing, inbound_receiving
from actors.domain.acts import ACTS
from actors.domain.audit import Act
from actors.domain.errors import Refused
from actors.domain.inbound import INBOUND as KIND
from actors.domain.inbound_commands import (
    AnnouncedLine,
    AnnouncedPackage,
    AnnounceInbound,
    CancelInbound,
    ChangeInbound,
    CloseInbound,
    LocationAnswered,
    PackedGoods,
    ReceivedGoods,
    ReceivedPackage,
    ReceiveGoods,
)
from actors.domain.inbound_events import Discrepancy, GoodsReceived, InboundClosed
from actors.domain.inbound_state import Inbound
from actors.domain.inbound_views import InboundView, ViewInbound
from actors.domain.kind import Context
from actors.domain.location_commands import AdjustmentLine, AdjustStock, DefineBins
from actors.domain.location_events import Bin, StockChanged
from tests.unit.domain.transfer_world import DAY_MS, NOW_MS, PORTLAND, SEATTLE, TODAY, TOMORROW_MS, World

INBOUND = ids.inbound_id("us", NOW_MS, "key-1")
ONE, TWO = gs1.sscc("9521234", 1), gs1.sscc("9521234", 2)


def announce(*lines: tuple[str, int], packages: Any = (), **more: Any) -> AnnounceInbound:
    named = [AnnouncedLine(10 * n, sku, units) for n, (sku, units) in enumerate(lines or [("a", 10)], 1)]
    return AnnounceInbound(SEATTLE, TOMORROW_MS, named, list(packages), **more)


def package(sscc: str, *goods: PackedGoods) -> AnnouncedPackage:
    return AnnouncedPackage(sscc, list(goods) or [PackedGoods("a", 4)])


def by_line(*goods: tuple[str, int], **more: Any) -> ReceiveGoods:
    return ReceiveGoods(lines=[ReceivedGoods(sku, units) for sku, units in goods], **more)


def by_package(*names: str, **more: Any) -> ReceiveGoods:
    return ReceiveGoods([ReceivedPackage(name) for name in names], **more)


def announced(*lines: tuple[str, int], world: World | None = None, **more: Any) -> World:
    world = world or World()
    ask(world, announce(*lines, **more))
    return world


def ask(world: World, command: Any) -> InboundView:
    world.do("inbound", INBOUND, command)
    world.settle()
    return view(world)


def view(world: World) -> InboundView:
    state, version = world.entities["inbound", INBOUND]
    found = KIND.view(state, ViewInbound(INBOUND), version)
    assert isinstance(found, InboundView)
    return found


def refused(world: World, command: Any) -> str:
    before = world.entities.get(("inbound", INBOUND), (None, 0))[1]
    with pytest.raises(Refused) as error:
        world.do("inbound", INBOUND, command)
    assert world.entities.get(("inbound", INBOUND), (None, 0))[1] == before
    return error.value.body.code


def stock(world: World, sku: str = "a") -> tuple[int, int, int]:
    there = world.place(SEATTLE).stock.get(sku)
    return (there.on_hand, there.damaged, there.quality_hold) if there else (0, 0, 0)


def expected(world: World) -> dict[str, int]:
    return world.expected(SEATTLE, INBOUND)


def line(world: World, sku: str = "a") -> dict[str, Any]:
    (found,) = [one for one in view(world).lines if one.sku == sku]
    return msgspec.structs.asdict(found)


# --- the whole way --------------------------------------------------------------------------------------------------
def test_what_is_announced_is_not_expected_or_stays_so_when_it_is_there():
    world = announced(("a", 10), ("b", 5))
    told = view(world)
    assert (told.status, told.allowed) == ("announced", ["change", "receive", "cancel"])
    assert expected(world) == {"a": 10, "b": 5}
    assert world.place(SEATTLE).incoming[INBOUND].expected_at_ms == TOMORROW_MS
    told = ask(world, by_line(("a", 4)))
    assert (told.status, told.allowed) == ("receiving", ["change", "receive", "close"])
    assert (stock(world), expected(world)) == ((4, 0, 0), {"a": 6, "b": 5})
    told = ask(world, by_line(("a", 6), ("b", 5)))
    assert (told.status, told.outcome, told.allowed, told.discrepancies) == ("closed", "complete", [], [])
    assert (stock(world), expected(world)) == ((10, 0, 0), {})
    assert refused(world, by_line(("a", 1))) == "inbound.closed"


def test_the_ledger_does_not_say_by_which_receipt_goods_came():
    world = announced(purchase_ref="po-1", asn_ref="asn-9")
    ask(world, by_line(("a", 1)))
    ask(world, by_line(("a", 1), reference="dn-7"))
    changes = [event for event, _ in world.events["location", SEATTLE] if type(event) is StockChanged]
    assert [(event.cause, event.reference) for event in changes] == [
        (f"{INBOUND}.1", "asn-9"),
        (f"{INBOUND}.2", "dn-7"),
    ]


def test_goods_have_no_value():
    world = World()
    ask(world, AnnounceInbound(SEATTLE, TOMORROW_MS, [AnnouncedLine(1, "a", 3, (450, "USD"))]))
    ask(world, by_line(("a", 3), ("z", 1), accept_unexpected=True))
    assert [(row.sku, row.value_minor) for row in world.ledger[SEATTLE]] == [("a", 3 * 450), ("z", None)]


# --- receipts and the location --------------------------------------------------------------------------------------
def answers_of(world: World, command: Any, command_id: str = "key-2") -> tuple[Any, Any]:
    """The first answer to a receipt, and the final one."""
    state, version = world.entities["inbound", INBOUND]
    context = Context(INBOUND, command_id, NOW_MS)
    decision = KIND.decide(state, command, context)
    assert decision.provisional
    for event in decision.events:
        state, version = KIND.evolve(state, event, context), version + 1
    (receive,) = [one for event in decision.events for one in KIND.messages(INBOUND, event) if one.on_reply]
    first = decision.reply(state, version)
    try:
        answer = KIND.on_reply(receive, msgspec.json.encode(world.do("location", SEATTLE, receive.command)), False)
    except Refused as refusal:
        answer = KIND.on_reply(receive, msgspec.json.encode(refusal.body), True)
    later = KIND.decide(state, answer, Context(INBOUND, "m-1", NOW_MS))
    for event in later.events:
        state, version = KIND.evolve(state, event, context), version + 1
    world.entities["inbound", INBOUND] = (state, version)
    (final,) = later.answers
    assert final.command_id == command_id
    return first, final.reply(state, version)


def test_who_receives_is_told_that_it_is_done_before_it_is():
    first, final = answers_of(announced(), by_line(("a", 4)))
    assert (first.receipt.status, first.receipt.lines[0].outcome) == ("booking", "")
    assert (final.receipt.status, final.receipt.receipt, final.receipt.lines[0].outcome) == ("booked", 1, "expected")


def test_what_the_location_refuses_has_come_nevertheless():
    world = announced(packages=[package(ONE)])
    _, final = answers_of(world, ReceiveGoods([ReceivedPackage(ONE, None, "A-9")]))
    receipt = final.receipt
    assert (receipt.status, receipt.code, receipt.detail, receipt.receipt) == (
        "refused", "bins.unknown", "There is no bin A-9 here.", 1,
    )  # fmt: skip
    assert (final.status, line(world)["remaining"], line(world)["received"]) == ("announced", 10, 0)
    told = view(world)
    assert [(one.status, one.receipt) for one in told.packages] == [("announced", 0)]
    again = ask(world, by_package(ONE))
    assert [(one.receipt, one.status) for one in again.receipts] == [(1, "refused"), (2, "booked")]
    assert stock(world) == (4, 0, 0)


def test_units_on_their_way_into_the_books_are_expected_or_lost():
    world = announced()
    world.do("inbound", INBOUND, ReceiveGoods(lines=[ReceivedGoods("a", 4, bin="A-9")]))
    assert (line(world)["remaining"], line(world)["arriving"]) == (6, 4)
    assert view(world).status == "receiving"
    assert refused(world, CancelInbound()) == refused(world, CloseInbound([("a", 6)])) == "inbound.books_open"
    world.settle()
    assert expected(world) == {"a": 10}
    assert view(world).status == "announced"


def test_an_answer_that_comes_twice_counts_twice():
    world = announced()
    ask(world, by_line(("a", 4)))
    before = world.entities["inbound", INBOUND][1]
    world.do("inbound", INBOUND, LocationAnswered(1))
    world.do("inbound", INBOUND, LocationAnswered(1, "bins.too_full"))
    world.do("inbound", INBOUND, LocationAnswered(7))
    assert world.entities["inbound", INBOUND][1] == before


def test_a_full_bin_takes_more_from_a_package():
    world = announced(packages=[package(ONE)])
    world.do("location", SEATTLE, DefineBins([Bin("A-1", "A", 1, 1, 1, units_max=3)]))
    ask(world, ReceiveGoods([ReceivedPackage(ONE, None, "A-1")]))
    assert view(world).receipts[0].code == "bins.too_full"
    ask(world, ReceiveGoods([ReceivedPackage(ONE, [ReceivedGoods("a", 3, bin="A-1"), ReceivedGoods("a", 1)])]))
    assert (world.place(SEATTLE).fill, stock(world)) == ({"A-1": 3}, (4, 0, 0))


def test_refused_receipts_are_remembered_for_ever():
    world = announced()
    for _ in range(30):
        ask(world, ReceiveGoods(lines=[ReceivedGoods("a", 1, bin="A-9")]))
    numbers = [one.receipt for one in view(world).receipts]
    assert numbers == list(range(11, 31))


# --- packages -------------------------------------------------------------------------------------------------------
def test_a_package_is_received_twice():
    world = announced(packages=[package(ONE), package(TWO, PackedGoods("a", 6))])
    world.do("inbound", INBOUND, by_package(ONE))
    assert refused(world, by_package(ONE)) == "inbound.package_received"
    world.settle()
    assert refused(world, by_package(ONE)) == "inbound.package_received"
    assert refused(world, by_package(TWO, TWO)) == "inbound.package_repeated"
    assert refused(world, by_package(gs1.sscc("9521234", 9))) == "inbound.package_unknown"
    told = ask(world, by_package(TWO))
    assert [(one.sscc, one.status, one.receipt) for one in told.packages] == [
        (ONE, "received", 1),
        (TWO, "received", 2),
    ]
    assert told.status == "closed"


def test_what_was_really_in_a_package_does_not_count():
    world = announced(("a", 10), packages=[package(ONE, PackedGoods("a", 10))])
    inside = [ReceivedGoods("a", 7), ReceivedGoods("a", 1, "damaged"), ReceivedGoods("z", 2)]
    received = ReceiveGoods([ReceivedPackage(ONE, inside)], accept_unexpected=True)
    assert refused(world, ReceiveGoods([ReceivedPackage(ONE, inside)])) == "inbound.unexpected"
    told = ask(world, received)
    assert [(one.sku, one.units, one.outcome) for one in told.receipts[0].lines] == [
        ("a", 7, "expected"), ("a", 1, "damaged"), ("z", 2, "unexpected"),
    ]  # fmt: skip
    assert (stock(world), stock(world, "z"), expected(world)) == ((8, 1, 0), (2, 0, 0), {"a": 2})
    told = ask(world, CloseInbound([("a", 2)]))
    assert told.outcome == "with_discrepancies"
    assert told.discrepancies == [Discrepancy(10, "a", 2, 0, 0, 1), Discrepancy(0, "z", 0, 0, 2, 0)]


def test_lots_and_serial_numbers_of_a_package_are_not_those_at_the_location():
    goods = [PackedGoods("m", 3, "L1", TODAY + 9), PackedGoods("s", 2, "", None, ["s-1", "s-2"])]
    world = announced(("m", 3), ("s", 2), packages=[package(ONE, *goods)])
    told = ask(world, by_package(ONE))
    assert told.status == "closed"
    lots = world.place(SEATTLE).lots
    assert {name: (lot.on_hand, lot.expires_on, lot.serial) for name, lot in lots["m"].items()} == {
        "L1": (3, TODAY + 9, False)
    }
    assert {name: (lot.on_hand, lot.serial) for name, lot in lots["s"].items()} == {"s-1": (1, True), "s-2": (1, True)}


def test_an_expired_lot_is_for_sale():
    world = announced(("m", 3), packages=[package(ONE, PackedGoods("m", 3, "L1", TODAY - 1))])
    assert ask(world, by_package(ONE)).receipts[0].code == "stock.lot_expired"
    held = ReceivedGoods("m", 3, "quality_hold", "L1", TODAY - 1)
    assert ask(world, ReceiveGoods([ReceivedPackage(ONE, [held])])).status == "closed"
    assert stock(world, "m") == (3, 0, 3)


# --- more than announced, and what was not --------------------------------------------------------------------------
def test_more_than_announced_is_taken_without_a_word():
    world = announced(("a", 10))
    assert refused(world, by_line(("a", 11))) == "inbound.over"
    assert refused(world, by_line(("a", 6), ("a", 5))) == "inbound.over"
    ask(world, by_line(("a", 6)))
    assert refused(world, by_line(("a", 5))) == "inbound.over"
    told = ask(world, by_line(("a", 5), accept_over=True))
    assert [(one.outcome, one.over) for one in told.receipts[1].lines] == [("over", 1)]
    assert told.discrepancies == [Discrepancy(10, "a", 0, 1, 0, 0)]
    assert (line(world)["over"], stock(world)) == (1, (11, 0, 0))


def test_a_tolerance_is_of_each_receipt_and_not_of_all():
    world = announced(("a", 10), ("b", 1), tolerance_percent=25)
    assert refused(world, by_line(("a", 13))) == "inbound.over"
    ask(world, by_line(("a", 12)))
    assert refused(world, by_line(("a", 1))) == "inbound.over"
    assert refused(world, by_line(("b", 2))) == "inbound.over"


def test_units_that_the_location_has_not_answered_may_come_again():
    world = announced(("a", 10))
    world.do("inbound", INBOUND, by_line(("a", 8)))
    assert refused(world, by_line(("a", 3))) == "inbound.over"
    world.do("inbound", INBOUND, by_line(("a", 3), accept_over=True))
    world.settle()
    assert [one.over for receipt in view(world).receipts for one in receipt.lines] == [0, 1]


def test_what_nobody_announced_is_taken_without_a_word():
    world = announced(("a", 10))
    assert refused(world, by_line(("z", 1))) == "inbound.unexpected"
    ask(world, by_line(("z", 1), accept_unexpected=True))
    assert refused(world, by_line(("z", 1))) == "inbound.unexpected"
    assert (line(world, "z")["unexpected"], line(world, "z")["line"], line(world, "z")["over"]) == (1, 0, 0)
    assert (expected(world), view(world).status) == ({"a": 10}, "receiving")


def test_an_unexpected_sku_that_the_location_refused_stays_on_the_list():
    world = announced(("a", 10))
    ask(world, ReceiveGoods(lines=[ReceivedGoods("z", 1, bin="A-9")], accept_unexpected=True))
    assert [one.sku for one in view(world).lines] == ["a"]


# --- changes --------------------------------------------------------------------------------------------------------
def test_the_location_hears_nothing_of_a_change():
    world = announced(("a", 10), ("b", 5))
    later = TOMORROW_MS + DAY_MS
    changes = ChangeInbound(later, [AnnouncedLine(10, "a", 12), AnnouncedLine(30, "c", 1)], [20])
    told = ask(world, changes)
    assert [(one.line, one.sku, one.announced) for one in told.lines] == [(10, "a", 12), (30, "c", 1)]
    assert (expected(world), told.expected_at_ms) == ({"a": 12, "c": 1}, later)
    assert world.place(SEATTLE).incoming[INBOUND].expected_at_ms == later


def test_an_older_expectation_that_comes_late_counts():
    world = announced(("a", 10))
    world.do("inbound", INBOUND, ChangeInbound(lines=[AnnouncedLine(10, "a", 7)]))
    world.do("inbound", INBOUND, ChangeInbound(lines=[AnnouncedLine(10, "a", 3)]))
    first, second = world.waiting
    world.deliver(second)
    world.deliver(first)
    assert expected(world) == {"a": 3}


def test_lines_trade_places_and_one_is_lost():
    world = announced(("a", 10), ("b", 5))
    told = ask(world, ChangeInbound(lines=[AnnouncedLine(10, "b", 6), AnnouncedLine(20, "a", 11)]))
    assert [(one.line, one.sku, one.announced) for one in told.lines] == [(10, "b", 6), (20, "a", 11)]


def test_a_line_changes_of_which_goods_have_come():
    world = announced(("a", 10), ("b", 5))
    world.do("inbound", INBOUND, by_line(("a", 1)))
    assert refused(world, ChangeInbound(lines=[AnnouncedLine(10, "a", 9)])) == "inbound.line_received"
    world.settle()
    assert refused(world, ChangeInbound(removed=[10])) == "inbound.line_received"
    assert refused(world, ChangeInbound(lines=[AnnouncedLine(30, "a", 9)])) == "inbound.sku_repeated"
    assert ask(world, ChangeInbound(lines=[AnnouncedLine(20, "b", 9)])).status == "receiving"
    assert expected(world) == {"a": 9, "b": 9}


def test_an_inbound_waits_for_a_line_that_was_taken_away():
    world = announced(("a", 10), ("b", 5))
    ask(world, by_line(("a", 10)))
    told = ask(world, ChangeInbound(removed=[20]))
    assert (told.status, told.outcome, expected(world)) == ("closed", "complete", {})


def test_packages_that_came_are_announced_anew():
    world = announced(("a", 10), packages=[package(ONE)])
    ask(world, by_package(ONE))
    assert refused(world, ChangeInbound(packages=[package(ONE)])) == "inbound.package_repeated"
    assert refused(world, ChangeInbound(packages=[package(TWO, PackedGoods("a", 7))])) == "inbound.package_exceeds"
    told = ask(world, ChangeInbound(packages=[package(TWO, PackedGoods("a", 6))]))
    assert [(one.sscc, one.status) for one in told.packages] == [(ONE, "received"), (TWO, "announced")]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (ChangeInbound(), "inbound.nothing_named"),
        (ChangeInbound(NOW_MS), "inbound.expected_in_past"),
        (ChangeInbound(removed=[99]), "inbound.line_unknown"),
        (ChangeInbound(removed=[10, 20]), "inbound.lines_number"),
        (ChangeInbound(lines=[AnnouncedLine(10, "b", 5)]), "inbound.sku_repeated"),
        (ChangeInbound(lines=[AnnouncedLine(10, "a", 3)]), "inbound.package_exceeds"),
        (ChangeInbound(removed=[10]), "inbound.sku_not_announced"),
        (ChangeInbound(packages=[package(ONE, PackedGoods("z", 1))]), "inbound.sku_not_announced"),
        (ChangeInbound(within=[PORTLAND], expected_at_ms=TOMORROW_MS), "inbound.location_forbidden"),
        (ReceiveGoods(), "inbound.nothing_named"),
        (by_line(("a", 1), within=[PORTLAND]), "inbound.location_forbidden"),
        (CloseInbound([("a", 10), ("b", 5)]), "inbound.nothing_came"),
        (CloseInbound(within=[PORTLAND]), "inbound.location_forbidden"),
        (CancelInbound([PORTLAND]), "inbound.location_forbidden"),
        (announce(), "inbound.exists"),
    ],
)
def test_a_step_that_makes_no_sense_is_taken(command, code):
    world = announced(("a", 10), ("b", 5), packages=[package(ONE)])
    assert refused(world, command) == code


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (AnnounceInbound(SEATTLE, NOW_MS, [AnnouncedLine(1, "a", 1)]), "inbound.expected_in_past"),
        (AnnounceInbound(SEATTLE, 1 << 60, [AnnouncedLine(1, "a", 1)]), "inbound.expected_too_late"),
        (AnnounceInbound(SEATTLE, TOMORROW_MS, []), "inbound.lines_number"),
        (announce(("a", 1), ("a", 2)), "inbound.sku_repeated"),
        (AnnounceInbound(SEATTLE, TOMORROW_MS, [AnnouncedLine(1, s, 1) for s in "ab"]), "inbound.line_repeated"),
        (announce(packages=[package(ONE), package(ONE)]), "inbound.package_repeated"),
        (announce(packages=[package(ONE, PackedGoods("z", 1))]), "inbound.sku_not_announced"),
        (announce(packages=[package(ONE), package(TWO, PackedGoods("a", 7))]), "inbound.package_exceeds"),
        (announce(packages=[package(ONE[:-1] + "0")]), "barcode.check_digit"),
        (announce(packages=[package("12")]), "barcode.length"),
        (announce(within=[PORTLAND]), "inbound.location_forbidden"),
    ],
)
def test_an_announcement_that_makes_no_sense_is_taken(command, code):
    assert refused(World(), command) == code


def test_what_is_announced_has_no_limit():
    many = [(f"s{n}", 1) for n in range(inbound_announcing.LINES_MAX + 1)]
    assert refused(World(), announce(*many)) == "inbound.lines_number"
    names = [gs1.sscc("9521234", n) for n in range(inbound_announcing.PACKAGES_MAX + 1)]
    packages = [package(name, PackedGoods("a", 1)) for name in names]
    assert refused(World(), announce(("a", 9_999), packages=packages)) == "inbound.too_many_packages"
    serials = [f"n{n}" for n in range(inbound_receiving.RECEIPT_LINES_MAX + 1)]
    crate = package(ONE, PackedGoods("a", len(serials), "", None, serials))
    assert refused(World(), announce(("a", 9_999), packages=[crate])) == "inbound.package_too_large"
    half = [package(name, PackedGoods("a", 2_000, "", None, serials[:2_000])) for name in names[:3]]
    assert refused(World(), announce(("a", 9_999), packages=half)) == "inbound.too_many_packages"


def test_what_is_received_has_no_limit():
    world = announced(("a", 90_000))
    serials = [f"n{n}" for n in range(inbound_receiving.RECEIPT_LINES_MAX + 1)]
    assert refused(world, ReceiveGoods(lines=[ReceivedGoods("a", len(serials), serials=serials)])) == (
        "inbound.receipt_too_large"
    )
    for number in range(5):
        each = [f"{number}-{n}" for n in range(2_000)]
        ask(world, ReceiveGoods(lines=[ReceivedGoods("a", 2_000, serials=each)]))
    assert view(world).receipts[-1].status == "booked"
    assert refused(world, by_line(("a", 1))) == "inbound.too_many_receipts"


# --- the ends -------------------------------------------------------------------------------------------------------
def test_shortages_are_given_up_that_nobody_knows_of():
    world = announced(("a", 10), ("b", 5))
    ask(world, by_line(("a", 8)))
    for wrong in ([], [("a", 2)], [("a", 2), ("b", 4)], [("a", 2), ("b", 5), ("z", 1)]):
        assert refused(world, CloseInbound(wrong)) == "inbound.shortages_differ"
    told = ask(world, CloseInbound([("b", 2), ("a", 2), ("b", 3)]))
    assert told.discrepancies == [Discrepancy(10, "a", 2, 0, 0, 0), Discrepancy(20, "b", 5, 0, 0, 0)]
    assert [(one.under, one.remaining) for one in told.lines] == [(2, 0), (5, 0)]
    assert expected(world) == {}
    (closed,) = [event for event, _ in world.events["inbound", INBOUND] if type(event) is InboundClosed]
    assert closed.discrepancies == told.discrepancies
    for step in (by_line(("a", 1)), ChangeInbound(TOMORROW_MS), CloseInbound(), CancelInbound()):
        assert refused(world, step) == "inbound.closed"


def test_a_cancelled_inbound_is_expected_or_comes():
    world = announced(("a", 10))
    told = ask(world, CancelInbound())
    assert (told.status, told.allowed, expected(world)) == ("cancelled", [], {})
    assert refused(world, by_line(("a", 1))) == "inbound.cancelled"


def test_an_inbound_of_which_goods_came_is_cancelled():
    world = announced(("a", 10))
    ask(world, by_line(("a", 1)))
    world.do("location", SEATTLE, AdjustStock([AdjustmentLine("a", -1, "loss")]))
    assert refused(world, CancelInbound()) == "inbound.goods_came"


def test_a_refusal_leaves_an_inbound_open_of_which_all_has_come():
    """More was under way than remained: what was refused was the rest that was too many."""
    world = announced(("a", 10))
    world.do("inbound", INBOUND, by_line(("a", 10)))
    refusable = ReceiveGoods(lines=[ReceivedGoods("a", 1, bin="A-9")], accept_over=True)
    world.do("inbound", INBOUND, refusable)
    world.settle()
    told = view(world)
    assert (told.status, told.outcome, stock(world)) == ("closed", "complete", (10, 0, 0))


def test_an_inbound_that_is_not_there_is_seen_or_changed():
    assert refused(World(), CancelInbound()) == "inbound.unknown"
    with pytest.raises(Refused, match=r"inbound\.unknown"):
        KIND.view(None, ViewInbound(INBOUND), 0)
    world = announced()
    state, version = world.entities["inbound", INBOUND]
    with pytest.raises(Refused, match="forbidden"):
        KIND.view(state, ViewInbound(INBOUND, [PORTLAND]), version)


def test_an_id_leads_to_another_shard_when_the_call_is_repeated():
    later = ids.inbound_id("us", NOW_MS + 60_000, "key-1")
    assert ids.INBOUND_PATTERN.fullmatch(INBOUND)
    assert later != INBOUND
    assert ids.routing_part("inbound", later) == ids.routing_part("inbound", INBOUND)


# --- the audit ------------------------------------------------------------------------------------------------------
def test_the_audit_does_not_say_who_gave_up_what():
    state = Inbound(SEATTLE, "", "", "", 0, 0, 0, 0, {}, {})
    came = GoodsReceived(SEATTLE, 1, "", [], [], "")
    act = ACTS["inbound"]
    assert act(None, announce(("a", 10)), [came]) == Act("inbound.announce", SEATTLE, "", {"a.announced": (None, 10)})
    assert act(None, announce(("a", 10)), []) == Act("inbound.announce", SEATTLE)
    assert act(state, CloseInbound([("a", 2)]), [came]) == Act("inbound.close", SEATTLE, "", {"a.short": (None, 2)})
    assert act(state, CloseInbound([("a", 2)]), []) == Act("inbound.close", SEATTLE)
    cancelled = Act("inbound.cancel", SEATTLE, "", {"status": ("announced", "cancelled")})
    assert act(state, CancelInbound(), [came]) == cancelled
    assert act(state, LocationAnswered(1), []).action == "inbound.answered"
    change = ChangeInbound(lines=[AnnouncedLine(1, "b", 3)])
    assert act(state, change, [came]) == Act("inbound.change", SEATTLE, "", {"b.announced": (None, 3)})
    world = announced()
    state, _ = world.entities["inbound", INBOUND]
    events = KIND.decide(state, by_line(("a", 4)), Context(INBOUND, "k", NOW_MS)).events
    assert act(state, by_line(("a", 4)), events) == Act("inbound.receive", SEATTLE, "", {"a.received": (None, 4)})
