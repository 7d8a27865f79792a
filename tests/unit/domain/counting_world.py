"""A count with its location and its approvals, whose messages go when a test says so."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from actors.domain import approval, catalogue, count, ids
from actors.domain.article import Details
from actors.domain.catalogue import Catalogue
from actors.domain.count_commands import BeginSpots, OpenCount, SubmitSpot
from actors.domain.count_state import Count
from actors.domain.errors import RefusalBody, Refused
from actors.domain.kind import Context, Message
from actors.domain.location_commands import AdjustStock, DefineBins, MoveLine, MoveUnits, ReceiptLine, ReceiveStock
from actors.domain.location_events import Bin
from tests.unit.domain.books import Books

PLACE = "us-wh-1"
# (bin, SKU): two bins, and what of `a` lies in none.
A1, A2, LOOSE = ("A-01", ""), ("A-02", ""), ("", "a")
ID, OTHER = (ids.count_id("us", 1_767_225_600_000, key) for key in ("key-1", "key-2"))
MIA, TOM, ANN, BOB = (ids.account_id("us", name * 16) for name in (b"m", b"t", b"a", b"b"))
BINS = ("A-01", "A-02", "B-01")


class World:
    """`pending`: messages and answers to them, which may go in any order."""

    def __init__(self, *, beside: World | None = None, **more: Any) -> None:
        """beside: another count of the same building."""
        self.count_id = ID if beside is None else OTHER
        self.books = Books() if beside is None else beside.books
        if beside is None:
            self.books.do(DefineBins([Bin(name, "A", 1, at, 0) for at, name in enumerate(BINS)]))
        self.state: Count | None = None
        self.version = 0
        self.events: list[Any] = []
        self.pending: list[tuple[Message, tuple[bytes, bool] | None]] = []
        self.approvals: dict[str, Any] = {}
        self.finals: dict[str, Any] = {}
        self._numbers = 0
        # What one costs: (minor units, currency).
        self.costs: dict[str, tuple[int, str]] = {}
        self.opening = OpenCount(
            **({"location_id": PLACE, "spots": [("A-01", "")], "reason": "request", "by": MIA} | more)
        )

    def opened(self) -> World:
        """The count is open."""
        self.do(self.opening)
        return self

    def do(self, command: Any) -> Any:
        """One turn of the count; its answer. Raises Refused."""
        self._numbers += 1
        before, context = copy.deepcopy(self.state), Context(self.count_id, f"c{self._numbers}", self.books.now_ms)
        command = msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=count.COUNT.commands)
        decision = count.decide(self.state, command, context)
        assert self.state == before
        for made in decision.events:
            event = msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=count.COUNT.events)
            self.state = count.evolve(self.state, event, context)
            self.events.append(event)
            self.pending += [(message, None) for message in count.messages(self.count_id, event)]
        self.version += len(decision.events)
        for answer in decision.answers:
            self.finals[answer.command_id] = answer.reply(self.state, self.version)
        if decision.provisional:
            self.finals[context.command_id] = None
        if decision.events:
            (row,) = count.rows(self.state, self.version, decision.events, context)
            assert count.restore(self.count_id, {"counts": [row]}) == (self.state, self.version)
        return decision.reply(self.state, self.version)

    def refused(self, command: Any) -> str:
        """The code of the refusal."""
        before = copy.deepcopy((self.state, self.version, self.pending))
        try:
            self.do(command)
        except Refused as refused:
            assert (self.state, self.version, self.pending) == before
            return refused.body.code
        raise AssertionError("it was not refused")

    def deliver(self, at: int = 0) -> None:
        """One of what is under way: a message to its target, or its answer back."""
        message, answered = self.pending.pop(at)
        if answered is not None:
            self.do(count.on_reply(message, *answered))
            return
        if message.kind == "catalogue":
            known = Catalogue(
                {}, {sku: Details(cost_minor=cost, currency=of) for sku, (cost, of) in self.costs.items()}
            )
            told = catalogue.decide(known, message.command, Context(message.entity_id, "c", 0)).reply(known, 1)
            self.pending.append((message, (msgspec.json.encode(told), False)))
            return
        if message.kind == "approval":
            assert message.entity_id not in self.approvals
            self.approve(message.entity_id, message.command)
            return
        if message.kind == "count":
            assert message.entity_id == self.count_id
            self.do(message.command)
            return
        try:
            told = (msgspec.json.encode(self.books.do(message.command)), False)
        except Refused as refused:
            told = (msgspec.json.encode(RefusalBody(refused.body.code, refused.body.detail)), True)
        if message.on_reply:
            if isinstance(message.command, AdjustStock) and message.command.cause in self.approvals:
                self.approve(message.command.cause, approval.on_reply(message, *told))
                return
            self.pending.append((message, told))
        else:
            assert not told[1], told

    def approve(self, approval_id: str, command: Any) -> None:
        """One turn of an approval; what it sends is under way. Raises Refused."""
        state, context = self.approvals.get(approval_id), Context(approval_id, "c", self.books.now_ms)
        for event in approval.decide(state, command, context).events:
            state = approval.evolve(state, event, context)
            self.pending += [(message, None) for message in approval.messages(approval_id, event)]
        self.approvals[approval_id] = state

    def settle(self) -> None:
        """All that is under way arrives."""
        while self.pending:
            self.deliver()

    def begin(self, *spots: tuple[str, str], by: str = MIA) -> None:
        """They are begun, and the location knows."""
        self.do(BeginSpots(list(spots), by))
        self.settle()

    def submit(self, spot: tuple[str, str], *lines: tuple[str, str, int], by: str = MIA, **more: Any) -> None:
        """It is counted, and all that follows has happened."""
        self.do(SubmitSpot(spot, list(lines), more.pop("at_ms", self.books.now_ms), by, **more))
        self.settle()

    def status(self, spot: tuple[str, str] = ("A-01", "")) -> str:
        """A spot's."""
        assert self.state is not None
        return self.state.spots[spot].status

    def corrections(self) -> dict[tuple[str, str, str], int]:
        """Units that counts added, by (SKU, lot, bin)."""
        sums: dict[tuple[str, str, str], int] = {}
        for row in self.books.rows:
            if row.table == "ledger" and row.reason == "count":
                key = (row.sku, row.lot or "", row.bin_id or "")
                sums[key] = sums.get(key, 0) + row.on_hand_delta
        return {key: units for key, units in sums.items() if units}


def world(**more) -> World:
    """Ten units of a in A-01, five outside of bins; the count is open."""
    made = World(**more)
    made.books.do(ReceiveStock([ReceiptLine("a", 10, bin="A-01"), ReceiptLine("a", 5)]))
    return made.opened()


def begun(*spots, **more) -> World:
    made = world(spots=list(spots or [A1]), **more)
    made.begin(*(spots or [A1]))
    return made


def refused_correction(**more) -> World:
    made = begun(tolerance_units=9, **more)
    made.do(SubmitSpot(A1, [("a", "", 3)], made.books.now_ms, MIA))
    # The books say that all was taken out; the seven that were missed can't have been.
    made.books.now_ms += 5
    made.books.do(MoveUnits([MoveLine("a", 10, "A-01", "")]))
    made.settle()
    return made
