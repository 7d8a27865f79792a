"""All parts of a location together: whatever is done to it, its books add up."""

from __future__ import annotations

import copy
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain.errors import Refused
from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allocate,
    ChangeCondition,
    ConditionLine,
    Convert,
    Expect,
    LookAtLocation,
    MoveLine,
    MoveUnits,
    ReceiptLine,
    ReceiveStock,
    Release,
    Reserve,
    SetLevels,
    Ship,
    ShortPick,
    Unreserve,
)
from actors.domain.location_events import Levels
from tests.unit.domain.books import DAY_MS, TODAY, Books
from tests.unit.domain.location_rig import with_bins

SKUS = ("a", "m")
LOTS = ("", "l1", "l2")
CAUSES = ("us-o-1", "us-o-2")
sku, n = st.sampled_from(SKUS), st.integers(1, 6)
name, bin_id = st.sampled_from(LOTS), st.sampled_from(("", "A-01", "A-02", "B-01", "Z-99"))
condition = st.sampled_from(("sellable", "damaged", "quality_hold"))
lines = st.lists(st.tuples(sku, n), min_size=1, max_size=2, unique_by=lambda line: line[0])
days = st.sampled_from((None, 3, 30))
steps = st.one_of(
    st.lists(st.builds(ReceiptLine, sku, n, st.none(), name, days.map(lambda d: d and TODAY + d), condition, bin_id), min_size=1, max_size=3).map(ReceiveStock),
    st.builds(AdjustStock, st.lists(st.builds(AdjustmentLine, sku, st.integers(-5, 5), st.just("count"), st.none(), st.none(), name, condition, bin_id), min_size=1, max_size=3), as_far=st.booleans()),
    st.lists(st.builds(ConditionLine, sku, n, condition, condition, name), min_size=1, max_size=2).map(ChangeCondition),
    st.lists(st.builds(MoveLine, sku, n, bin_id, bin_id, name), min_size=1, max_size=3).map(MoveUnits),
    *(st.builds(kind, st.sampled_from(CAUSES), st.just(1), lines) for kind in (Allocate, Allocate, Release, ShortPick, Ship)),
    st.builds(Reserve, st.sampled_from(("r1", "r2")), lines, whole=st.booleans()),
    st.builds(Unreserve, st.sampled_from(("r1", "r2")), lines),
    st.builds(Convert, st.sampled_from(("r1", "r2")), st.sampled_from(CAUSES), st.just(1), lines),
    st.builds(SetLevels, st.lists(st.builds(Levels, sku, st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=1)),
    st.builds(Expect, st.just("in"), st.just("purchase"), st.integers(1, 5), st.integers(1, 9), lines),
    st.integers(0, 40).map(lambda d: d),
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(steps, max_size=40))
def test_the_books_do_not_add_up(sequence):
    books = with_bins()
    for step in sequence:
        before = copy.deepcopy((books.state, books.version))
        try:
            if isinstance(step, int):
                books.now_ms += step * DAY_MS
                books.do(LookAtLocation())
            else:
                books.do(step)
        except Refused:
            assert (books.state, books.version) == before, "a refusal changed something"
    state = books.state
    again, version = books.restored()
    # It may know better when to look: at a lot that is gone nobody has to.
    assert state.look_at_ms is not None or again.look_at_ms is None
    assert again.look_at_ms is None or state.look_at_ms <= max(again.look_at_ms, books.now_ms)
    again.look_at_ms = state.look_at_ms
    assert (again, version) == (state, books.version)
    for parts in state.lots.values():
        assert all(one.good_on(books.now_ms // DAY_MS) or not one.free or due_now(books) for one in parts.values())
    for name_, stock in state.stock.items():
        _check_ledger(books, name_)
        assert min(stock.allocated, stock.reserved, stock.damaged, stock.quality_hold, stock.free) >= 0
        lots = state.lots.get(name_, {})
        for count in ("on_hand", "allocated", "reserved", "damaged", "quality_hold"):
            assert not lots or sum(getattr(one, count) for one in lots.values()) == getattr(stock, count)
        for of in lots or [""]:
            on_hand = lots[of].on_hand if of else stock.on_hand
            assert (
                0 <= sum(units for (_, lot_), units in state.contents.get(name_, {}).items() if lot_ == of) <= on_hand
            )
    inside = Counter()
    for contents in state.contents.values():
        for (bin_, _), units in contents.items():
            inside[bin_] += units
    assert inside == Counter(state.fill), "what is in the bins is not what they hold"
    promised = Counter()
    for claims in state.claims.values():
        promised.update(claims)
    assert promised == Counter(
        {(s, of): one.allocated + one.reserved for s, lots in state.lots.items() for of, one in lots.items() if one.allocated + one.reserved}
    )  # fmt: skip


def due_now(books: Books) -> bool:
    """The timer has yet to fire."""
    return books.state.look_at_ms is not None and books.state.look_at_ms <= books.now_ms


def _check_ledger(books: Books, sku_: str) -> None:
    stock, ledger = books.stock(sku_), books.ledger(sku_)
    assert stock.on_hand == sum(row.on_hand_delta for row in ledger)
    assert stock.allocated == sum(row.allocated_delta for row in ledger)
    sums = Counter()
    for row in ledger:
        if row.aside is not None:
            sums[row.aside] += row.aside_delta
            assert row.aside_balance == sums[row.aside]
    for state in ("reserved", "damaged", "quality_hold"):
        assert getattr(stock, state) == sums[state]
    assert not ledger or (ledger[-1].on_hand, ledger[-1].allocated) == (stock.on_hand, stock.allocated)
    assert len({(row.version, row.line) for row in books.rows if row.table == "ledger"}) == len(
        [row for row in books.rows if row.table == "ledger"]
    )
