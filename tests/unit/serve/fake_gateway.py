"""A gateway in one process that runs the real, pure domain: decide, evolve, messages and their
answers, the memory of commands.

Faithful in what the API can see. Not here: shards, journal, mailboxes, other processes (`tests/simulation/` has those).
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from actors.domain.acts import audited_of
from actors.domain.audit import Audited, Who
from actors.domain.errors import RefusalBody, Refused, decode_refusal
from actors.domain.kind import Context, Message
from actors.domain.kinds import KINDS
from actors.domain.rows import (
    LedgerRow,
    LocationRow,
    OrderChange,
    OrderRow,
    RevocationRow,
    SkuRow,
    StockRow,
    changed,
)
from actors.domain.rows_of_counts import LastCountedRow
from actors.domain.rows_of_orders import HeldOrderRow
from actors.domain.rows_of_packing import ManifestRow, ShipmentPaperRow
from actors.domain.rows_of_promises import PromiseRow
from actors.domain.rows_of_sourcing import LocationProfileRow, SourcingPolicyRow
from actors.domain.rows_of_stock import IncomingRow, LotRow
from actors.domain.trail import NotedReply
from actors.runtime.sharding import mask_of
from actors.runtime.wire import CODE_KEY_REUSED, KEY_REUSED, OK, PENDING, REFUSED, HostStats, LiveEvent, Reply
from serve.gateway import Ask, FeedListener

encode = msgspec.json.encode
FEED = (StockRow, LocationRow, SkuRow, RevocationRow, LocationProfileRow, SourcingPolicyRow)


def refusal(code: str, detail: str = "", **extra: Any) -> bytes:
    return encode(RefusalBody(code, detail, extra))


def _at_once(reply: Reply) -> Reply:
    """To somebody who does not wait: the first turn's answer is one like others."""
    return Reply(OK, reply.body) if reply.status == PENDING else reply


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, now_ms: int = 1_767_225_600_000) -> None:
        self.now = now_ms

    def now_ms(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / 1000

    async def sleep(self, seconds: float) -> None:
        self.now += int(seconds * 1000)


class FakeGateway:
    """`deliver` False keeps messages back, so that placements stay provisional. `fault`: the reply to everything."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.entities: dict[tuple[str, str], tuple[Any, int]] = {}
        self.remembered: dict[tuple[str, str, str], tuple[int, Reply]] = {}
        self.noted: dict[tuple[str, str], tuple[int, Reply]] = {}
        self.events: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.orders: dict[str, OrderRow] = {}
        self.held: dict[str, HeldOrderRow] = {}
        self.ledger: list[LedgerRow] = []
        # Of what a location keeps besides: the last row of each key.
        self.stock_rows: dict[tuple[Any, ...], Any] = {}
        self.listeners: list[FeedListener] = []
        self.outbox: deque[tuple[str, str, Message]] = deque()
        self.live_wanted = False
        self.live_changed = asyncio.Event()
        self.deliver = True
        self.feeding = True
        self.fault: Reply | None = None
        self.crash: Exception | None = None
        self.calls: list[tuple[str, str]] = []
        # As the turns carry it.
        self.audited: list[Audited] = []
        self.turns = 0
        self.unowned = 0
        self.heard = True
        self.host = HostStats("us/host-0", 4711, mask_of(range(64)), 3, 12.5, 250, 0, 7, 0, 0, 101.5, "ok", "ok")
        self.hosts = [self.host]

    # --- the port
    async def ask(
        self, kind: str, entity_id: str, command: msgspec.Struct | None, *,
        command_id: str, digest: int, creates: bool = False, wait_ms: int = 0, cause: str = "", who: Who | None = None,
        refused: bytes = b"",
    ) -> Reply:  # fmt: skip
        self._trouble()
        if self.fault is not None:
            return self.fault
        if kind == "trail":
            return self._note(entity_id, command, command_id, digest)
        self.calls.append((kind, entity_id))
        scope = (kind, "" if creates else entity_id, command_id)
        if scope in self.remembered:
            known_digest, reply = self.remembered[scope]
            if known_digest != digest:
                return Reply(KEY_REUSED, refusal(CODE_KEY_REUSED, "The key was used for another request."))
            return reply if wait_ms else _at_once(reply)
        reply = (
            Reply(REFUSED, encode(decode_refusal(refused)))
            if refused
            else self._turn(kind, entity_id, command, command_id, cause, who)
        )
        if (kind, entity_id) not in self.entities:
            # Where nothing exists, the runtime drops the turn.
            return reply
        self.remembered[scope] = (digest, reply)
        if self.deliver:
            self.run_outbox()
        return self.remembered[scope][1] if wait_ms else _at_once(reply)

    async def wake_due(self) -> None:
        """Fires the timers whose time has come."""
        for (kind, entity_id), (state, _) in list(self.entities.items()):
            due_ms, wake = KINDS[kind].due(state), KINDS[kind].wake
            if due_ms is not None and due_ms <= self.clock.now_ms():
                assert wake is not None
                self.turns += 1
                await self.ask(kind, entity_id, wake(), command_id=f"timer-{self.turns}", digest=0)

    def _note(self, entity_id: str, command: Any, command_id: str, digest: int) -> Reply:
        """What a trail answers: each lies in one shard, which remembers."""
        known_digest, reply = self.noted.get((entity_id, command_id), (digest, None))
        if known_digest != digest:
            return Reply(KEY_REUSED, refusal(CODE_KEY_REUSED, "The key was used for another request."))
        if reply is None:
            self.audited.extend(command.lines)
            reply = Reply(OK, encode(NotedReply(len(command.lines))))
            self.noted[entity_id, command_id] = (digest, reply)
        return reply

    async def ask_many(self, asks: Sequence[Ask], *, cause: str = "", who: Who | None = None) -> list[Reply]:
        return [
            await self.ask(
                a.kind,
                a.entity_id,
                a.command,
                command_id=a.command_id,
                digest=a.digest,
                creates=a.creates,
                refused=a.refused,
                cause=cause,
                who=who,
            )
            for a in asks
        ]

    async def view(self, kind: str, entity_id: str, query: msgspec.Struct, *, cause: str = "") -> Reply:
        self._trouble()
        self.calls.append((kind, entity_id))
        if self.fault is not None:
            return self.fault
        state, version = self.entities.get((kind, entity_id), (None, 0))
        try:
            return Reply(OK, encode(KINDS[kind].view(state, query, version)))
        except Refused as refused:
            return Reply(REFUSED, encode(refused.body))

    async def history(self, kind: str, entity_id: str, after: int, limit: int) -> Reply:
        found = [e for e in self.events.get((kind, entity_id), []) if e["sequence"] > after]
        page = found[:limit]
        return Reply(OK, encode({"events": page, "next_after": page[-1]["sequence"] if len(found) > limit else None}))

    def subscribe(self, listener: FeedListener) -> None:
        self.listeners.append(listener)

    def want_live(self, wanted: bool, /) -> None:
        self.live_wanted = wanted
        self.live_changed.set()

    def is_told_live(self) -> bool:
        return self.live_wanted

    def stats(self) -> list[HostStats]:
        return self.hosts

    def fresh_ms(self) -> int | None:
        lags = [host.lag_ms for host in self.hosts]
        return self.clock.now_ms() - max(lags) if lags else None

    def heard_all(self) -> bool:
        return self.heard

    def unowned_shards(self) -> int:
        return self.unowned

    # --- what a host does
    def _trouble(self) -> None:
        if self.crash is not None:
            raise self.crash

    def _turn(
        self, kind_name: str, entity_id: str, command: Any, command_id: str, cause: str, who: Who | None = None
    ) -> Reply:
        kind, key = KINDS[kind_name], (kind_name, entity_id)
        # What crosses processes must survive the wire.
        command = msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=kind.commands)
        state, version = self.entities.get(key, (None, 0))
        self.turns += 1
        context = Context(entity_id, command_id, self.clock.now_ms())
        try:
            decision = kind.decide(state, command, context)
        except Refused as refused:
            kept = audited_of(kind, who, state, command, [], refused.body.code) if version else []
            self.audited += kept
            return Reply(REFUSED, encode(refused.body), bool(kept))
        if version or decision.events:
            self.audited += audited_of(kind, who, state, command, decision.events)
        for event in decision.events:
            state = kind.evolve(state, event, context)
            version += 1
            self._written_down(key, version, event, cause, command_id)
            self.outbox.extend((kind_name, entity_id, message) for message in kind.messages(entity_id, event))
        if decision.events:
            self.entities[key] = (state, version)
            self._changed(kind_name, entity_id, version, decision.events, state, context)
        for answer in decision.answers:
            for scope in ((kind_name, "", answer.command_id), (kind_name, entity_id, answer.command_id)):
                if scope in self.remembered:
                    digest, _ = self.remembered[scope]
                    self.remembered[scope] = (digest, Reply(OK, encode(answer.reply(state, version))))
        return Reply(PENDING if decision.provisional else OK, encode(decision.reply(state, version)))

    def run_outbox(self) -> None:
        while self.outbox:
            sender_kind, sender_id, message = self.outbox.popleft()
            number = self.turns
            reply = self._turn(message.kind, message.entity_id, message.command, f"m{number}", "")
            if message.on_reply:
                command = KINDS[sender_kind].on_reply(message, reply.body, reply.status == REFUSED)
                if command is None:
                    continue
                self._turn(sender_kind, sender_id, command, f"r{number}", "")

    def _written_down(self, key: tuple[str, str], version: int, event: Any, cause: str, command_id: str) -> None:
        if KINDS[key[0]].unwritten:
            return
        at = datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC).isoformat().replace("+00:00", "Z")
        written = KINDS[key[0]].written
        kept = event if written is None else written(event)
        what = msgspec.json.decode(encode(kept))
        entry = {"sequence": version, "at": at, "cause": cause, "command_id": command_id, **what}
        self.events.setdefault(key, []).append(entry)

    def _changed(
        self, kind: str, entity_id: str, version: int, events: list[Any], state: Any, context: Context
    ) -> None:
        rows = KINDS[kind].rows(state, version, events, context)
        self.ledger.extend(row for row in rows if isinstance(row, LedgerRow))
        for row in rows:
            if isinstance(row, OrderChange):
                self.orders[row.order_id] = changed(self.orders[row.order_id], row)
            elif isinstance(row, OrderRow):
                self.orders[row.order_id] = row
            elif isinstance(row, HeldOrderRow):
                self.held.pop(row.order_id, None)
                if not row.gone:
                    self.held[row.order_id] = row
            elif isinstance(
                row, StockRow | LotRow | IncomingRow | LastCountedRow | ManifestRow | PromiseRow | ShipmentPaperRow
            ):
                self.stock_rows[row.table, *(getattr(row, name) for name in row.key)] = row
        if self.feeding:
            self.feed([row for row in rows if isinstance(row, FEED)])
        if self.live_wanted:
            event = LiveEvent(kind, entity_id, version, context.now_ms, encode(events))
            for listener in self.listeners:
                listener.live(event)

    def feed(self, rows: list[Any]) -> None:
        for listener in self.listeners:
            listener.rows(rows)
