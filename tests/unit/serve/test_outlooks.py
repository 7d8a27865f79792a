"""What a replica makes of a place's rows against what the place's lots say themselves, counted one by one."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain import outlook
from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allocate,
    LookAtLocation,
    ReceiptLine,
    ReceiveStock,
    SetLevels,
)
from actors.domain.location_events import Levels
from actors.domain.outlook import FOR_EVER_DAYS, DemandRate, Outlook, good_for
from actors.domain.rows import SkuRow, StockRow
from actors.domain.sourcing_demand import Candidate
from serve.availability.index import AvailabilityIndex
from serve.availability.outlooks import TERMS_MAX, Outlooks
from tests.unit.domain.books import DAY_MS, TODAY, Books

PLACE = "us-wh-1"
lots = st.lists(st.tuples(st.integers(1, 20), st.none() | st.sampled_from((0, 1, 2, 4, 9, 30))), min_size=1, max_size=9)


def seen(index: AvailabilityIndex, books: Books, life: int) -> Candidate:
    here = {sku: at[PLACE] for sku, at in index.stocks(["m"], "").items() if PLACE in at}
    prospects = index.steering.outlooks.of(["m"], {"m": life} if life else None, books.now_ms)
    place = Candidate(PLACE, available=here)
    return place if prospects is None else prospects.added(place)


def left_over(units: dict[int, int], a_day: float, today: int) -> float:
    """Day by day and unit by unit: what ends soonest is sold first."""
    # What has ended already is sold no more.
    left, waste = {end: n for end, n in units.items() if end >= today}, 0.0
    for day in range(today, max(units, default=today) + 1):
        if day > today:
            wanted = a_day
            for end in sorted(left):
                sold = min(wanted, left[end])
                left[end] -= sold
                wanted -= sold
        waste += left.pop(day, 0.0)
    return waste + sum(n for end, n in units.items() if end < today)


@settings(max_examples=40)
@given(lots, st.integers(0, 4_000), st.integers(0, 12), st.integers(0, 6), st.integers(0, 30), st.integers(0, 12))
def test_a_replica_takes_a_place_for_another_than_it_is(drawn, milli, safety, taken, days, life):
    books, index = Books(), AvailabilityIndex("us", 0.0, 0.0)
    books.do(
        ReceiveStock(
            [
                ReceiptLine("m", n, None, f"l{at}", None if end is None else TODAY + end)
                for at, (n, end) in enumerate(drawn)
            ]
        )
    )
    books.do(SetLevels([Levels("m", safety, rate=DemandRate(milli, 0, 1))]))
    if taken:
        books.do(Allocate("us-o", 1, [("m", taken)]))
    books.now_ms += days * DAY_MS
    if days % 2:
        # Else the place has not woken yet: nothing was written since, and days have passed.
        books.do(LookAtLocation())
    index.rows([row for row in books.rows if isinstance(row, StockRow)])
    place, stock, today = seen(index, books, life), books.stock("m"), TODAY + days
    free = {name: lot for name, lot in books.state.lots["m"].items() if lot.free}
    if not stock.available:
        assert (place.available, place.supply_weeks, place.markdown_risk) == ({}, {}, {})
        return
    # The place itself would give so many.
    good = min(stock.available, sum(lot.free for lot in free.values() if lot.good_on(today + life)))
    assert place.available == {"m": good if life and good else stock.available}
    if life:
        left = [FOR_EVER_DAYS if lot.expires_on is None else lot.expires_on - today for lot in free.values()]
        least = min((n for n in left if n >= life), default=max(0, *left, 0))
        assert place.life_days == {"m": least}
        assert (good > 0) == (least >= life)
    if not milli:
        assert (place.supply_weeks, place.markdown_risk) == ({}, {})
        return
    assert math.isclose(place.supply_weeks["m"], stock.available / (milli / 1000 * 7))
    ends: dict[int, int] = {}
    for lot in free.values():
        if lot.expires_on is not None:
            ends[lot.expires_on] = ends.get(lot.expires_on, 0) + lot.free
    share = left_over(ends, milli / 1000, today) / stock.free
    assert math.isclose(place.markdown_risk.get("m", 0.0), share, abs_tol=1e-9)


ends = st.lists(st.tuples(st.integers(98, 108), st.integers(1, 9)), max_size=3, unique_by=lambda end: end[0])
# What a place tells, and the day on which somebody asks then.
told = st.tuples(
    st.integers(0, 2), st.integers(0, 20), st.none() | ends.map(sorted).map(tuple), st.sampled_from((99, 100))
)


def looked_at_anew(rows: dict[str, StockRow], units: dict[str, int], day: int, days: int) -> dict[str, int]:
    good = {
        name: good_for(outlook.decoded(row.outlook), row.free, day, days)[0]
        for name, row in rows.items()
        if row.outlook
    }
    least = {name: min(n, good.get(name, n)) for name, n in units.items()}
    return {name: n for name, n in least.items() if n}


@given(st.lists(told, min_size=1, max_size=12))
def test_units_are_taken_for_good_that_are_not_after_rows_days_and_terms_have_changed(steps):
    outlooks, rows = Outlooks(), dict[str, StockRow]()
    for place, on_hand, known, day in steps:
        row = StockRow(
            f"p{place}", "m", on_hand, 0, place, outlook=b"" if known is None else outlook.encoded(Outlook(None, known))
        )
        rows[row.location_id] = row
        outlooks.put(row)
        units = {name: row.available for name, row in rows.items() if row.available}
        for days in (1, 3, 6):
            prospects = outlooks.of(["m"], {"m": days}, day * DAY_MS)
            assert prospects.good({"m": units})["m"] == looked_at_anew(rows, units, day, days)


def test_terms_are_remembered_without_end():
    outlooks = Outlooks()
    known = outlook.encoded(Outlook(None, ((110, 4), (120, 4))))
    outlooks.put(StockRow("p", "m", 8, 0, 0, outlook=known))
    good = [
        outlooks.of(["m"], {"m": days}, 100 * DAY_MS).good({"m": {"p": 8}})["m"].get("p", 0)
        for days in (*range(40), *range(40))
    ]
    assert good == ([8] * 11 + [4] * 10 + [0] * 19) * 2
    assert len(outlooks._of["m"]._few) <= TERMS_MAX


def test_what_nobody_knows_of_is_kept_or_looked_at():
    index = AvailabilityIndex("us", 0.0, 0.0)
    books = Books().with_units(a=5)
    index.rows([SkuRow("c", "a", "", 1), *(row for row in books.rows if isinstance(row, StockRow))])
    assert not index.steering.outlooks
    assert index.prospects(["a"], books.now_ms) is None
    books.do(SetLevels([Levels("a", rate=DemandRate(1, 0, 1))]))
    index.rows([books.rows[-1]])
    assert index.prospects(["a"], books.now_ms) is not None
    assert index.prospects(["b"], books.now_ms) is None
    # What was known is forgotten with the row that knows it no more.
    books.do(SetLevels([Levels("a", rate=DemandRate(0, 0, 1))]))
    index.rows([books.rows[-1]])
    assert not index.steering.outlooks


def test_the_risk_is_yesterdays():
    index, books = AvailabilityIndex("us", 0.0, 0.0), Books()
    books.do(ReceiveStock([ReceiptLine("m", 10, None, "l", TODAY + 8)]))
    books.do(SetLevels([Levels("m", rate=DemandRate(1_000, 0, 1))]))
    index.rows([row for row in books.rows if isinstance(row, StockRow)])
    place = Candidate(PLACE, available={"m": 10})
    risks = [index.prospects(["m"], books.now_ms + days * DAY_MS).added(place).markdown_risk["m"] for days in (0, 3, 8)]
    assert risks == [0.2, 0.5, 1.0]


def test_a_place_is_judged_by_the_units_of_another():
    index = AvailabilityIndex("us", 0.0, 0.0)
    books = Books().with_units(a=5)
    books.do(SetLevels([Levels("a", rate=DemandRate(1_000, 0, 1))]))
    index.rows([row for row in books.rows if isinstance(row, StockRow)])
    prospects = index.prospects(["a"], books.now_ms)
    other = Candidate("us-wh-2", available={"a": 5})
    assert prospects.added(other) == other
    books.do(AdjustStock([AdjustmentLine("a", 9, "found")]))
    index.rows([row for row in books.rows if isinstance(row, StockRow)])
    place = Candidate(PLACE, available={"a": 14})
    assert index.prospects(["a"], books.now_ms).added(place).supply_weeks == {"a": 2.0}
