"""Cycle counts by a machine that moves stock, counts late, and delivers messages in any order."""

from __future__ import annotations

import copy

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from actors.domain import ids
from actors.domain.approval import DecideApproval
from actors.domain.count_commands import BeginSpots, CloseCount, SubmitSpot
from actors.domain.count_state import SETTLED, STAGES
from actors.domain.count_worth import Worth
from actors.domain.errors import Refused
from actors.domain.location_commands import (
    Allocate,
    DefineBins,
    LookAtLocation,
    MoveLine,
    MoveUnits,
    ReceiptLine,
    ReceiveStock,
    Ship,
)
from actors.domain.location_events import Bin
from tests.unit.domain.books import DAY_MS, TODAY
from tests.unit.domain.counting_world import A1, A2, ANN, BOB, LOOSE, MIA, TOM, World

PEOPLE = (MIA, TOM, ANN, BOB)
# Nobody works on it.
SCANNER = ids.device_id("us", 1_767_225_600_000, "scanner")
SPOTS = (A1, A2, LOOSE)
REFUSED = frozenset(
    {
        "count.spot_busy", "count.spot_settled", "count.closed", "count.not_begun", "count.too_early", "count.same_person",
        "approval.person_required",
    }
)  # fmt: skip
bins = st.sampled_from(["", "A-01", "A-02"])


class CountMachine(RuleBasedStateMachine):
    """In each spot the building has lost some units of which the books don't know. Whoever counts finds what lies there
    at that moment; it is handed in later, and every message and answer takes its time, while stock moves on."""

    @initialize(
        lost=st.tuples(*[st.integers(-2, 3)] * 3), full=st.booleans(), lot=st.sampled_from(["", "", "L1"]), tolerance=st.sampled_from([0, 99]), limit=st.sampled_from([0, 0, 2]),
        worth=st.sampled_from([None, None, Worth("USD", 250), Worth("USD", 0, 250)]),
    )  # fmt: skip
    def open(self, lost, full, lot, tolerance, limit, worth):
        self.world = World(
            spots=list(SPOTS), tolerance_units=tolerance, approval_units=limit, approval_good_for_ms=10 * DAY_MS, worth=worth
        )  # fmt: skip
        self.lot, ends = lot, TODAY + 1 if lot else None
        self.world.costs["a"] = (100, "USD")
        if full:
            bins_full = [Bin(name, "A", 1, at, 0, units_max=8) for at, name in enumerate(("A-01", "A-02"))]
            self.world.books.do(DefineBins(bins_full))
        lines = [ReceiptLine("a", 8, None, lot, ends, bin=where) for where in ("A-01", "A-02", "")]
        self.world.books.do(ReceiveStock(lines))
        self.lost = dict(zip(SPOTS, lost, strict=True))
        self.world.opened()
        # Seen and not handed in yet: (spot, units, when, by whom).
        self.seen = []

    def lies(self, spot) -> int:
        """What really is there."""
        books = self.world.books
        contents = books.state.contents.get("a", {})
        units = contents.get((spot[0], self.lot), 0) if spot[0] else books.stock("a").on_hand - sum(contents.values())
        return units - self.lost[spot] - self.corrected(spot)

    def corrected(self, spot) -> int:
        """What counts have booked of the spot."""
        return self.world.corrections().get(("a", self.lot, spot[0]), 0)

    def possible(self, command) -> bool:
        """Nobody takes what is not there, nor promises what a count may find missing."""
        mine, self.world.books = self.world.books, copy.deepcopy(self.world.books)
        try:
            self.world.books.do(command)
            stock = self.world.books.stock("a")
            gone = sum(units for units in self.lost.values() if units > 0)
            return min(self.lies(spot) for spot in SPOTS) >= 0 and stock.free + stock.quality_hold >= gone
        except Refused:
            return False
        finally:
            self.world.books = mine

    @rule(
        command=st.one_of(
            st.builds(lambda n, where: ReceiptLine("a", n, bin=where), st.integers(1, 4), bins),
            st.builds(lambda n, one, other: MoveLine("a", n, one, other), st.integers(1, 6), bins, bins),
            st.builds(
                lambda n, kind: kind("us-o", 1, [("a", n)]), st.integers(1, 4), st.sampled_from([Allocate, Ship])
            ),
        ),
        pause_ms=st.integers(0, 2),
    )
    def stock_moves(self, command, pause_ms):
        # A change in the millisecond of a counting is taken to have been before it: so nothing moves in that.
        if self.seen and self.seen[-1][2] == self.world.books.now_ms:
            pause_ms += 1
        self.world.books.now_ms += pause_ms
        if isinstance(command, ReceiptLine):
            command = ReceiveStock([replace(command, lot=self.lot)])
        elif isinstance(command, MoveLine):
            command = MoveUnits([replace(command, lot=self.lot)])
        if self.possible(command):
            self.world.books.do(command)

    @rule()
    def the_lot_ends(self):
        books = self.world.books
        lot = books.state.lots.get("a", {}).get(self.lot)
        if lot is not None and lot.told != "ended" and not lot.allocated:
            books.now_ms += 2 * DAY_MS
            books.do(LookAtLocation())

    @rule(spot=st.sampled_from(SPOTS))
    def begin(self, spot):
        try:
            self.world.do(BeginSpots([spot], MIA))
        except Refused as refused:
            assert refused.body.code in REFUSED  # noqa: PT017

    @rule(spot=st.sampled_from(SPOTS), by=st.sampled_from((*PEOPLE, SCANNER)))
    def look(self, spot, by):
        self.seen.append((spot, self.lies(spot), self.world.books.now_ms, by))

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def hand_in(self, data):
        spot, units, at_ms, by = self.seen.pop(data.draw(st.integers(0, len(self.seen) - 1)))
        self.world.books.now_ms += 1
        try:
            self.world.do(SubmitSpot(spot, [("a", self.lot, units)], at_ms, by))
        except Refused as refused:
            assert refused.body.code in REFUSED  # noqa: PT017

    @precondition(lambda self: self.world.pending)
    @rule(data=st.data())
    def something_arrives(self, data):
        self.world.deliver(data.draw(st.integers(0, len(self.world.pending) - 1)))

    @rule()
    def close(self):
        if self.world.state.settled() > 1:
            try:
                self.world.do(CloseCount(TOM))
            except Refused as refused:
                assert refused.body.code == "count.closed"  # noqa: PT017

    @invariant()
    def two_who_are_right_agree_whatever_moved(self):
        for spot in SPOTS if hasattr(self, "world") else ():
            one = self.world.state.spots[spot]
            # A scanner's find is nobody's: who finds the same is one alone.
            by_scanner = bool(one.attempts) and one.attempts[0].by == SCANNER
            assert one.status != "failed"
            assert one.status != "decide" or by_scanner
            assert all(attempt.by != SCANNER for attempt in one.attempts[1:])
            for attempt in one.attempts:
                assert attempt.variance in ({}, {("a", self.lot): -self.lost[spot]})
            assert self.corrected(spot) in (0, -self.lost[spot])

    def is_agreed(self, one):
        """What is more than tolerated was found by two people."""
        found = one.attempts[-1].variance if one.status in ("corrected", "asked") else {}
        if found and (self.world.opening.tolerance_units == 0 or one.attempts[-1].dear):
            assert len({attempt.by for attempt in one.attempts} - {SCANNER}) >= 2
        assert one.status != "asked" or one.attempts[-1].by != SCANNER

    def teardown(self):
        if not hasattr(self, "world"):
            return
        self.world.settle()
        state = self.world.state
        if state.status == "open":
            self.world.do(CloseCount(TOM))
            self.world.settle()
        # What waits for a second person is counted by nobody until he has decided.
        assert set(self.world.books.state.counting) == {spot for spot in SPOTS if state.spots[spot].status == "asked"}
        asked = {line.bin: line.quantity for one in self.world.approvals.values() for line in one.wanted.lines}
        for spot in SPOTS:
            found = {"corrected": self.corrected(spot), "asked": asked.get(spot[0], 0)}
            status = state.spots[spot].status
            # Exactly what was lost, by one of the two ways, or nothing.
            done = -self.lost[spot] if status in found else 0
            assert sum(found.values()) == done == found.get(status, 0)
            assert status in SETTLED or status in ("open", *STAGES)
            assert status != "accepted" or not self.lost[spot]
            self.is_agreed(state.spots[spot])
        limit = self.world.opening.approval_units
        booked = sum(map(abs, self.world.corrections().values()))
        assert not limit or booked <= limit
        worth = self.world.opening.worth
        if worth is not None and worth.approval_minor:
            assert 100 * booked <= worth.approval_minor
        for name, one in list(self.world.approvals.items()):
            self.world.approve(name, DecideApproval("approve", BOB if one.asked_by != BOB else MIA))
        self.world.settle()
        assert self.world.books.state.counting == {}
        for spot in SPOTS:
            over = state.spots[spot].status in ("corrected", "asked")
            assert self.corrected(spot) == (-self.lost[spot] if over else 0)


TestCountMachine = CountMachine.TestCase
TestCountMachine.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
