"""An inbound by example: what is received of what was announced, with the location that it tells."""

from __future__ import annotations

from typing import Any

import msgspec

from actors.domain import gs1
from actors.domain.errors import Refused
from actors.domain.inbound import INBOUND as KIND
from actors.domain.inbound_commands import (
    AnnouncedLine,
    AnnounceInbound,
    CancelInbound,
    CloseInbound,
    LocationAnswered,
    PackedGoods,
    ReceivedGoods,
    ReceivedPackage,
    ReceiveGoods,
)
from actors.domain.inbound_events import Discrepancy
from actors.domain.kind import Context
from actors.domain.location_commands import DefineBins
from actors.domain.location_events import Bin, StockChanged
from tests.unit.domain.inbound_steps import (
    INBOUND,
    ONE,
    TWO,
    announced,
    ask,
    by_line,
    by_package,
    expected,
    line,
    package,
    refused,
    stock,
    view,
)
from tests.unit.domain.transfer_world import NOW_MS, SEATTLE, TODAY, TOMORROW_MS, World


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
