"""Locations, transfers and their approvals, with the messages between them: each is applied once however often it is
handed over, and in any order."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import msgspec

from actors.domain import ids
from actors.domain.errors import Refused
from actors.domain.kind import Context, Message
from actors.domain.kinds import KINDS
from actors.domain.location_commands import OpenLocation, ReceiptLine, ReceiveStock
from actors.domain.location_state import Location
from actors.domain.rows import LedgerRow
from actors.domain.transfer_commands import NewPackage, RequestTransfer
from actors.domain.transfer_state import Line, Transfer, TransferView, ViewTransfer

NOW_MS = 1_767_225_600_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
TODAY = NOW_MS // DAY_MS
TOMORROW_MS = NOW_MS + DAY_MS
SEATTLE, PORTLAND, NEWARK = "us-wh-seattle", "us-st-portland", "us-wh-newark"
TRANSFER = ids.transfer_id("us", NOW_MS, "key-1")


class Sent(NamedTuple):
    """A message with its id, and who sent it."""

    name: str
    kind: str
    entity_id: str
    message: Message


class World:
    """`entities`: (kind, id) → (state, version). `sent`: all messages ever, `waiting`: names of those that
    were not handed over yet."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS
        self.entities: dict[tuple[str, str], tuple[Any, int]] = {}
        self.events: dict[tuple[str, str], list[tuple[Any, int]]] = {}
        self.rows: dict[tuple[str, str], dict[Any, Any]] = {}
        self.ledger: dict[str, list[LedgerRow]] = {}
        self.sent: dict[str, Sent] = {}
        self.waiting: list[str] = []
        self._answers: dict[str, tuple[bytes, bool]] = {}
        self._told: set[str] = set()
        for place in (SEATTLE, PORTLAND, NEWARK):
            self.do("location", place, OpenLocation("warehouse", place, "", "US", 0.0, 0.0))

    def do(self, kind_name: str, entity_id: str, command: Any) -> Any:
        """One turn; gives the reply. Raises Refused, and then nothing has changed."""
        kind, key = KINDS[kind_name], (kind_name, entity_id)
        command = msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=kind.commands)
        state, version = self.entities.get(key, (None, 0))
        before, context = copy.deepcopy(state), Context(entity_id, "c", self.now_ms)
        try:
            decision = kind.decide(state, command, context)
        finally:
            assert state == before, "decide changed the state"
        for event in decision.events:
            state = kind.evolve(state, event, context)
            version += 1
            self.events.setdefault(key, []).append((event, self.now_ms))
            for message in kind.messages(entity_id, event):
                name = f"{entity_id}/{version}/{len(self.sent)}"
                self.sent[name] = Sent(name, kind_name, entity_id, message)
                self.waiting.append(name)
        if decision.events:
            self.entities[key] = (state, version)
            self._write_down(key, kind.rows(state, version, decision.events, context))
        return decision.reply(state, version)

    def _write_down(self, key: tuple[str, str], rows: list[Any]) -> None:
        table = self.rows.setdefault(key, {})
        self.ledger.setdefault(key[1], []).extend(row for row in rows if isinstance(row, LedgerRow))
        for row in rows:
            name = (row.table, *(getattr(row, part) for part in row.key))
            if getattr(row, "gone", False):
                table.pop(name, None)
            else:
                table[name] = msgspec.structs.replace(row)

    def deliver(self, name: str) -> None:
        """Hands a message over, perhaps again; its answer goes back with it."""
        if name in self.waiting:
            self.waiting.remove(name)
        sent = self.sent[name]
        message = sent.message
        if name not in self._answers:
            try:
                reply = self.do(message.kind, message.entity_id, message.command)
                self._answers[name] = (msgspec.json.encode(reply), False)
            except Refused as refused:
                if not message.on_reply:
                    raise AssertionError("the message is parked for ever") from refused
                self._answers[name] = (msgspec.json.encode(refused.body), True)
        if message.on_reply and name not in self._told:
            self._told.add(name)
            command = KINDS[sent.kind].on_reply(message, *self._answers[name])
            if command is not None:
                self.do(sent.kind, sent.entity_id, command)

    def settle(self) -> None:
        """Hands over all messages."""
        while self.waiting:
            self.deliver(self.waiting[0])

    # --- shorthand
    def receive(self, place: str, *lines: ReceiptLine) -> None:
        """Goods come in from outside."""
        self.do("location", place, ReceiveStock(list(lines)))

    def ask(self, command: Any, transfer_id: str = TRANSFER) -> TransferView:
        """A step of a transfer, and all that follows."""
        self.do("transfer", transfer_id, command)
        self.settle()
        return self.view(transfer_id)

    def view(self, transfer_id: str = TRANSFER) -> TransferView:
        """All of a transfer."""
        state, version = self.entities["transfer", transfer_id]
        view = KINDS["transfer"].view(state, ViewTransfer(transfer_id), version)
        assert isinstance(view, TransferView)
        return view

    def line(self, sku: str, transfer_id: str = TRANSFER) -> Line:
        """The counts of a SKU of a transfer."""
        return self.transfer(transfer_id).lines[sku]

    def transfer(self, transfer_id: str = TRANSFER) -> Transfer:
        """The state."""
        state: Transfer = self.entities["transfer", transfer_id][0]
        return state

    def place(self, location_id: str) -> Location:
        """The state."""
        state: Location = self.entities["location", location_id][0]
        return state

    def expected(self, location_id: str, transfer_id: str = TRANSFER) -> dict[str, int]:
        """What a location still expects of a transfer."""
        incoming = self.place(location_id).incoming.get(transfer_id)
        return dict(incoming.lines) if incoming is not None else {}

    def restored(self, kind_name: str, entity_id: str) -> tuple[Any, int] | None:
        """As it comes back from its rows."""
        stored: dict[str, list[Any]] = {}
        for (table, *_), row in self.rows[kind_name, entity_id].items():
            stored.setdefault(table, []).append(row)
        return KINDS[kind_name].restore(entity_id, stored)

    def again(self, kind_name: str, entity_id: str) -> Any:
        """As it comes back from its events."""
        kind, state = KINDS[kind_name], None
        for event, at_ms in self.events[kind_name, entity_id]:
            heard = msgspec.json.decode(msgspec.json.encode(event), type=kind.events)
            state = kind.evolve(state, heard, Context(entity_id, "c", at_ms))
        return state


def request(*lines: tuple[str, int], **more: Any) -> RequestTransfer:
    """From Seattle to Portland, by tomorrow."""
    said: dict[str, Any] = {"source_id": SEATTLE, "destination_id": PORTLAND, "expected_at_ms": TOMORROW_MS}
    return RequestTransfer(lines=list(lines) or [("a", 10)], **(said | more))


def package(*lines: tuple[str, int], sscc: str = "") -> NewPackage:
    """A package without a label."""
    return NewPackage(sscc, list(lines))
