"""What may be changed of an inbound."""

from __future__ import annotations

import pytest

from actors.domain import gs1, inbound_announcing, inbound_receiving
from actors.domain.inbound_commands import (
    AnnouncedLine,
    AnnounceInbound,
    CancelInbound,
    ChangeInbound,
    CloseInbound,
    PackedGoods,
    ReceivedGoods,
    ReceiveGoods,
)
from tests.unit.domain.inbound_steps import (
    INBOUND,
    ONE,
    TWO,
    announce,
    announced,
    ask,
    by_line,
    by_package,
    expected,
    package,
    refused,
    view,
)
from tests.unit.domain.transfer_world import DAY_MS, NOW_MS, PORTLAND, SEATTLE, TOMORROW_MS, World


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
