"""Bins of a location by example: what lies in them, what is moved, and what leaves them."""

from __future__ import annotations

import pytest

from actors.domain import location
from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allocate,
    DefineBins,
    MoveLine,
    MoveUnits,
    RemoveBins,
    Ship,
)
from actors.domain.location_events import Bin
from actors.domain.location_views import ViewBins, ViewSku
from tests.unit.domain.location_rig import BINS, refused, with_bins


def test_putting_away_changes_what_may_be_promised():
    books = with_bins(a=9)
    books.do(MoveUnits([MoveLine("a", 4, "", "A-02"), MoveLine("a", 3, "", "B-01"), MoveLine("a", 1, "B-01", "A-02")]))
    assert books.state.contents == {"a": {("A-02", ""): 5, ("B-01", ""): 2}}
    assert (books.state.fill["A-02"], books.stock("a").available) == (5, 9)
    view = location.view(books.state, ViewSku("us-wh-1", "a"), books.version)
    assert [(spot.bin_id, spot.units) for spot in view.bins] == [("A-02", 5), ("B-01", 2), ("", 2)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (MoveLine("a", 1, "", "Z-99"), "bins.unknown"),
        (MoveLine("a", 1, "Z-99", ""), "bins.unknown"),
        (MoveLine("a", 6, "", "A-02"), "bins.too_full"),
        (MoveLine("a", 10, "", "B-01"), "stock.not_in_bin"),
        (MoveLine("a", 1, "B-01", "A-01"), "stock.not_in_bin"),
        (MoveLine("a", 1, "A-01", "A-01"), "bins.same"),
        (MoveLine("a", 1, "", "A-01", "lot"), "stock.lot_unknown"),
    ],
)
def test_a_move_is_taken_that_can_not_be(line, code):
    assert refused(with_bins(a=9), MoveUnits([MoveLine("a", 1, "", "A-01"), line])) == code


def test_a_shipment_leaves_bins_with_more_than_is_on_hand():
    books = with_bins(a=9)
    books.do(MoveUnits([MoveLine("a", 5, "", "A-02"), MoveLine("a", 3, "", "B-01")]))
    books.do(Allocate("us-o", 1, [("a", 6)]))
    books.do(Ship("us-o", 1, [("a", 6)]))
    # One that lay loose, three of the emptier bin, two of the other.
    assert books.state.contents == {"a": {("A-02", ""): 3}}
    assert books.stock("a").on_hand == 3


def test_a_bin_with_goods_is_taken_away():
    books = with_bins(a=9)
    books.do(MoveUnits([MoveLine("a", 5, "", "A-02")]))
    assert refused(books, RemoveBins(["B-01", "A-02"])) == "bins.not_empty"
    assert refused(books, RemoveBins(["Z-99"])) == "bins.unknown"
    assert refused(books, DefineBins([Bin("A-02", "A", 1, 2, 0, units_max=4)])) == "bins.too_full"
    assert refused(books, DefineBins([BINS[0], BINS[0]])) == "bins.twice"
    books.do(MoveUnits([MoveLine("a", 5, "A-02", "")]))
    books.do(RemoveBins(["B-01", "A-02"]))
    assert list(books.state.bins) == ["A-01"]


def test_a_correction_of_a_bin_takes_from_another():
    books = with_bins(a=9)
    books.do(MoveUnits([MoveLine("a", 5, "", "A-02")]))
    books.do(AdjustStock([AdjustmentLine("a", -2, "count", bin="A-02"), AdjustmentLine("a", 1, "found", bin="A-01")]))
    assert books.state.contents == {"a": {("A-02", ""): 3, ("A-01", ""): 1}}
    assert refused(books, AdjustStock([AdjustmentLine("a", -2, "count", bin="A-01")])) == "stock.not_in_bin"
    assert refused(books, AdjustStock([AdjustmentLine("a", 3, "found", bin="A-02")])) == "bins.too_full"


def test_a_page_of_bins_loses_one():
    books = with_bins(a=9)
    books.do(MoveUnits([MoveLine("a", 5, "", "A-02")]))
    first = location.view(books.state, ViewBins("us-wh-1", "", 2), books.version)
    assert ([one.bin.bin_id for one in first.bins], first.next_after) == (["A-01", "A-02"], "A-02")
    assert [(one.sku, one.units) for one in first.bins[1].contents] == [("a", 5)]
    assert location.view(books.state, ViewBins("us-wh-1", "A-02", 2), books.version).next_after == ""
