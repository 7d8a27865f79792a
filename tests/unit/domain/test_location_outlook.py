"""What a location tells of how long its stock will last, against what its lots say."""

import copy

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain.acts_of_stock import of_location
from actors.domain.errors import Refused
from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allocate,
    ChangeCondition,
    ConditionLine,
    LookAtLocation,
    ReceiptLine,
    ReceiveStock,
    Release,
    Reserve,
    SetLevels,
    Ship,
    ShortPick,
    Unreserve,
)
from actors.domain.location_events import Event, Levels, LevelsSet
from actors.domain.location_rows import feed
from actors.domain.outlook import DemandRate, Outlook, decoded
from actors.domain.rows import StockRow
from tests.unit.domain.books import DAY_MS, TODAY, Books

RATE = DemandRate(2_500, TODAY - 90, TODAY - 1, "measured")


def rated(books: Books, sku: str, rate: DemandRate) -> None:
    books.do(SetLevels([Levels(sku, rate=rate)]))


def told(books: Books, sku: str) -> Outlook:
    return decoded(books.stored["stock"]["us-wh-1", sku].outlook)


def test_demand_is_forgotten_or_levels_with_it():
    books = Books().with_units(a=10)
    books.do(SetLevels([Levels("a", 2, 5, {"online": 1}, RATE)]))
    assert books.events[-1] == LevelsSet([Levels("a", 2, 5, {"online": 1}, RATE)], [0])
    assert told(books, "a") == Outlook(RATE)
    books.do(SetLevels([Levels("a", 3)]))
    assert (books.stock("a").rate, books.stock("a").safety_stock, books.stock("a").reorder_point) == (RATE, 3, 5)
    assert books.restored() == (books.state, books.version)


def test_the_same_rate_is_told_again_or_none_stays_one():
    books = Books().with_units(a=10)
    rated(books, "a", RATE)
    version = books.version
    rated(books, "a", RATE)
    assert books.version == version
    rated(books, "a", msgspec.structs.replace(RATE, milli_a_day=0))
    assert (books.stock("a").rate, books.stored["stock"]["us-wh-1", "a"].outlook) == (None, b"")
    version = books.version
    rated(books, "a", DemandRate(0, 1, 2))
    assert books.version == version


def test_a_rate_is_set_and_the_audit_does_not_say_what_it_was():
    books = Books().with_units(a=10)
    rated(books, "a", RATE)
    command = SetLevels([Levels("a", rate=DemandRate(100, 1, 2))])
    assert of_location(books.state, command, []).changes == {"a.demand_milli_a_day": (2_500, 100)}


def test_levels_of_before_there_were_rates_are_not_read():
    old = b'{"type":"LevelsSet","levels":[["a",1,2,null]]}'
    assert msgspec.json.decode(old, type=Event) == LevelsSet([Levels("a", 1, 2)])
    row = msgspec.msgpack.encode(["us-wh-1", "a", 5, 1, 0, 0, 0, 0, 3, "online:2"])
    assert msgspec.msgpack.decode(row, type=StockRow).outlook == b""


def test_a_lot_that_is_promised_held_or_gone_still_counts():
    books = Books()
    books.do(ReceiveStock([ReceiptLine("m", 5, None, "l1", TODAY + 3), ReceiptLine("m", 4, None, "l2")]))
    assert told(books, "m").ends == ((TODAY + 3, 5),)
    books.do(Allocate("us-o", 1, [("m", 2)]))
    books.do(ChangeCondition([ConditionLine("m", 1, "sellable", "damaged", "l1")]))
    assert told(books, "m").ends == ((TODAY + 3, 2),)
    assert books.restored()[0].ends == books.state.ends == {"m": {TODAY + 3: 2}}
    books.now_ms += 4 * DAY_MS
    books.do(LookAtLocation())
    assert told(books, "m") == Outlook()
    assert books.state.ends == {}


def test_thousands_of_serial_numbers_make_a_row_dear():
    books = Books()
    books.do(ReceiveStock([ReceiptLine("s", 1, None, f"n{n}", None, serial=True) for n in range(300)]))
    assert (books.state.ends, told(books, "s")) == ({}, Outlook())
    books.do(ReceiveStock([ReceiptLine("t", 1, None, f"n{n}", TODAY + 9, serial=True) for n in range(300)]))
    assert (books.state.ends["t"], told(books, "t").ends) == ({TODAY + 9: 300}, ((TODAY + 9, 300),))


def test_what_is_fed_anew_is_not_what_was_fed():
    books = Books().with_units(a=10)
    rated(books, "a", RATE)
    books.do(ReceiveStock([ReceiptLine("m", 5, None, "l1", TODAY + 3)]))
    fed = {row.sku: row for row in feed("us-wh-1", books.state, books.version) if isinstance(row, StockRow)}
    assert fed == {sku: books.stored["stock"]["us-wh-1", sku] for sku in ("a", "m")}


# --- all of it together ---------------------------------------------------------------------------------------------
CAUSES = ("us-o-1", "us-o-2")
sku, n = st.sampled_from(("a", "m")), st.integers(1, 6)
lot = st.sampled_from(("", "l1", "l2", "l3"))
LAST_DAYS = {"": None, "l1": TODAY + 2, "l2": TODAY + 2, "l3": TODAY + 30}
condition = st.sampled_from(("sellable", "damaged", "quality_hold"))
lines = st.lists(st.tuples(sku, n), min_size=1, max_size=2, unique_by=lambda line: line[0])
steps = st.one_of(
    st.builds(lambda s, units, name, how: ReceiveStock([ReceiptLine(s, units, None, name, LAST_DAYS[name], how)]), sku, n, lot, condition),
    st.builds(lambda s, units, name, how: AdjustStock([AdjustmentLine(s, units, "count", lot=name, condition=how)], as_far=True), sku, st.integers(-5, 5), lot, condition),
    st.builds(lambda *line: ChangeCondition([ConditionLine(*line)]), sku, n, condition, condition, lot),
    *(st.builds(kind, st.sampled_from(CAUSES), st.just(1), lines) for kind in (Allocate, Allocate, Release, ShortPick, Ship)),
    st.builds(Reserve, st.just("r1"), lines),
    st.builds(Unreserve, st.just("r1"), lines),
    st.builds(lambda s, milli: SetLevels([Levels(s, rate=DemandRate(milli, 1, 2))]), sku, st.integers(0, 3)),
    st.integers(0, 4),
)  # fmt: skip


def plain(books: Books, of: str) -> Outlook:
    """From the lots, one by one."""
    units: dict[int, int] = {}
    for one in books.state.lots.get(of, {}).values():
        if one.expires_on is not None and one.free:
            units[one.expires_on] = units.get(one.expires_on, 0) + one.free
    return Outlook(books.stock(of).rate, tuple(sorted(units.items())))


@settings(max_examples=40)
@given(st.lists(steps, max_size=30))
def test_what_is_told_of_lots_is_not_what_they_are(sequence):
    books = Books().with_units(a=6)
    books.do(ReceiveStock([ReceiptLine("m", 6, None, name, LAST_DAYS[name]) for name in ("l1", "l3")]))
    rates: dict[str, DemandRate] = {}
    for step in sequence:
        before = copy.deepcopy(books.state.ends)
        try:
            if isinstance(step, int):
                books.now_ms += step * DAY_MS
                books.do(LookAtLocation())
                continue
            books.do(step)
        except Refused:
            assert books.state.ends == before, "a refusal changed something"
            continue
        if isinstance(step, SetLevels):
            rates |= {one.sku: one.rate for one in step.levels}
    for of, stock in books.state.stock.items():
        assert told(books, of) == plain(books, of)
        set_last = rates.get(of)
        assert stock.rate == (set_last if set_last is not None and set_last.milli_a_day else None)
    again, _ = books.restored()
    assert (again.ends, {s: one.rate for s, one in again.stock.items()}) == (
        books.state.ends, {s: one.rate for s, one in books.state.stock.items()}
    )  # fmt: skip
