from __future__ import annotations

import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import location
from actors.domain.errors import Refused
from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allocate,
    Pick,
    ReceiptLine,
    ReceiveStock,
    Release,
    SetLevels,
    Ship,
    ShortPick,
)
from actors.domain.location_events import Entry, Event, Levels, SafetyStockSet, StockChanged
from actors.domain.location_promises import Taken
from actors.domain.location_views import ViewStock
from actors.domain.rows import LedgerRow
from tests.unit.domain.books import AT, OPENED, Books

SKUS = ("a", "b")
units = st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 9)), min_size=1, max_size=3)
commands = st.one_of(
    units.map(lambda lines: ReceiveStock([ReceiptLine(sku, n, (100, "USD")) for sku, n in lines])),
    st.lists(
        st.tuples(st.sampled_from(SKUS), st.integers(-6, 6), st.sampled_from((None, 0, 2))), min_size=1, max_size=3
    ).map(lambda lines: AdjustStock([AdjustmentLine(sku, n, "count", None, safety) for sku, n, safety in lines])),
    st.tuples(st.sampled_from(SKUS), st.sampled_from((None, 0, 3)), st.integers(0, 2)).map(
        lambda one: SetLevels([Levels(*one)], "r-2")
    ),
    *(
        units.map(lambda lines, kind=kind: kind("us-o", 1, list(dict(lines).items())))
        for kind in (Allocate, Release, Pick, ShortPick, Ship)
    ),
)


@pytest.mark.parametrize("below", ["allocated", "reserved", "damaged", "quality_hold"])
def test_books_that_say_less_than_nothing_are_gone_on_with(below):
    books = Books().with_units(a=5)
    aside = None if below == "allocated" else (below, -1)
    entry = Entry("a", 1, 0, -1 if aside is None else 0, "count", aside=aside)
    with pytest.raises(AssertionError):
        location.evolve(books.state, StockChanged([entry], "c-1"), AT)


def test_a_reservation_takes_more_than_is_available():
    books = Books().with_units(a=5)
    books.do(AdjustStock([AdjustmentLine("a", 0, "count", None, 2)]))
    assert books.do(Allocate("us-o", 1, [("a", 9), ("b", 1)])) == Taken([("a", 3)])
    assert books.do(Allocate("us-o", 2, [("a", 1)])) == Taken([])
    assert (books.stock("a").on_hand, books.stock("a").allocated, books.stock("a").available) == (5, 3, 0)


def test_a_correction_of_one_sku_in_two_lines_crashes_on_the_way():
    books = Books().with_units(a=1)
    books.do(Allocate("us-o", 1, [("a", 1)]))
    books.do(AdjustStock([AdjustmentLine("a", -1, "count"), AdjustmentLine("a", 1, "found")]))
    assert (books.stock("a").on_hand, books.stock("a").allocated) == (1, 1)
    assert all(row.allocated <= row.on_hand for row in books.rows if isinstance(row, LedgerRow))


def test_what_is_reserved_is_written_off():
    books = Books().with_units(a=5)
    books.do(Allocate("us-o", 1, [("a", 4)]))
    with pytest.raises(Refused) as refused:
        books.do(AdjustStock([AdjustmentLine("a", -1, "damage"), AdjustmentLine("a", -1, "loss")]))
    assert refused.value.body.code == "stock.insufficient"
    books.do(AdjustStock([AdjustmentLine("a", -1, "damage")]))
    assert books.stock("a").on_hand == 4


@pytest.mark.parametrize("command", [Release, Ship, ShortPick])
def test_units_are_settled_that_nobody_reserved(command):
    books = Books().with_units(a=5)
    with pytest.raises(Refused) as refused:
        books.do(command("us-o", 1, [("a", 1)]))
    assert refused.value.body.code == "stock.not_allocated"


def test_a_pick_whose_message_comes_after_the_shipment_is_refused():
    books = Books().with_units(a=5)
    books.do(Allocate("us-o", 1, [("a", 2)]))
    books.do(Ship("us-o", 1, [("a", 2)]))
    books.do(Pick("us-o", 1, [("a", 2)]))
    assert (books.stock("a").on_hand, books.stock("a").allocated) == (3, 0)


def test_an_unknown_location_takes_stock():
    with pytest.raises(Refused) as refused:
        location.decide(None, ReceiveStock([ReceiptLine("a", 1)]), AT)
    assert refused.value.body.code == "location.unknown"


def test_opening_it_again_without_a_change_is_an_event():
    books = Books()
    books.do(OPENED)
    assert books.version == 1
    books.with_units(a=1).do(msgspec.structs.replace(OPENED, name="Seattle South"))
    assert (books.version, books.stock("a").on_hand) == (3, 1)


def test_a_safety_stock_that_is_corrected_changes_without_a_word_in_the_ledger():
    books = Books().with_units(a=5)
    lines = [AdjustmentLine("a", -1, "loss", None, 2), AdjustmentLine("a", 0, "other", None, 3)]
    books.do(AdjustStock(lines, "season", "r-1"))
    [loss, first, second] = books.ledger("a")[1:]
    assert (loss.reason, loss.on_hand_delta, loss.version) == ("loss", -1, first.version - 1)
    levels = [(row.reason, row.aside, row.aside_delta, row.aside_balance) for row in (first, second)]
    assert levels == [("loss", "safety_stock", 2, 2), ("other", "safety_stock", 1, 3)]
    for row in (first, second):
        assert (row.quantity, row.on_hand_delta, row.allocated_delta, row.on_hand, row.allocated) == (0, 0, 0, 4, 0)
        assert (row.cause, row.reference) == ("r-1", "season")


def test_a_safety_stock_of_before_the_ledger_told_of_it_is_not_read():
    old = msgspec.json.decode(b'{"type":"SafetyStockSet","levels":[["a",3]]}', type=Event)
    assert old == SafetyStockSet([("a", 3)])
    books = Books().with_units(a=5)
    state = location.evolve(books.state, old, AT)
    assert state.stock["a"].safety_stock == 3
    rows = location.rows(state, books.version + 1, [old], AT)
    assert [row.table for row in rows] == ["locations", "stock"], "of what has no reason the ledger tells one"


def test_a_safety_stock_that_is_set_changes_without_a_word_in_the_ledger():
    books = Books().with_units(a=5, b=1)
    books.do(SetLevels([Levels("a", 2, 9), Levels("b", None, 3), Levels("c", 0, 1)], "r-1"))
    books.do(SetLevels([Levels("a", 1)], "r-2"))
    levels = [row for row in books.rows if isinstance(row, LedgerRow) and row.aside == "safety_stock"]
    told = [(row.sku, row.reason, row.aside_delta, row.aside_balance, row.cause) for row in levels]
    assert told == [("a", "levels", 2, 2, "r-1"), ("a", "levels", -1, 1, "r-2")], "and of what stays nothing is told"
    assert [(row.quantity, row.on_hand_delta, row.on_hand) for row in levels] == [(0, 0, 5)] * 2


def test_a_safety_stock_that_was_set_before_the_ledger_told_of_it_is_not_read():
    old = msgspec.json.decode(b'{"type":"LevelsSet","levels":[["a",3,null,null]]}', type=Event)
    books = Books().with_units(a=5)
    state = location.evolve(books.state, old, AT)
    assert state.stock["a"].safety_stock == 3
    rows = location.rows(state, books.version + 1, [old], AT)
    assert [row.table for row in rows] == ["locations", "stock"]


def test_a_page_of_stock_loses_the_sku_at_its_end():
    books = Books().with_units(a=1, b=2)
    first = location.view(books.state, ViewStock("us-wh-1", "", 1), books.version)
    assert ([row.sku for row in first.stock], first.next_after) == (["a"], "a")
    second = location.view(books.state, ViewStock("us-wh-1", "a", 1), books.version)
    assert ([row.sku for row in second.stock], second.next_after) == (["b"], "")


@given(st.lists(commands, max_size=25))
def test_stock_differs_from_its_ledger(steps):
    books = Books()
    for step in steps:
        before, version = copy.deepcopy(books.state), books.version
        try:
            books.do(step)
        except Refused:
            assert (books.state, books.version) == (before, version), "a refusal changed something"
    ledger = [row for row in books.rows if isinstance(row, LedgerRow)]
    for sku, stock in books.state.stock.items():
        mine = [row for row in ledger if row.sku == sku]
        assert stock.on_hand == sum(row.on_hand_delta for row in mine)
        assert stock.allocated == sum(row.allocated_delta for row in mine)
        assert 0 <= stock.allocated <= stock.on_hand
        assert not mine or (mine[-1].on_hand, mine[-1].allocated) == (stock.on_hand, stock.allocated)
        levels = [row for row in mine if row.aside == "safety_stock"]
        assert stock.safety_stock == sum(row.aside_delta for row in levels)
        assert not levels or levels[-1].aside_balance == stock.safety_stock
    assert len({(row.version, row.line) for row in ledger}) == len(ledger)


@given(st.lists(commands, max_size=15))
def test_a_location_is_another_after_it_was_stored(steps):
    books = Books()
    for step in steps:
        try:
            books.do(step)
        except Refused:
            continue
    stored = {"locations": [], "stock": []}
    for row in location.feed("us-wh-1", books.state, books.version):
        stored[row.table].append(row)
    assert location.restore("us-wh-1", stored) == (books.state, books.version)
