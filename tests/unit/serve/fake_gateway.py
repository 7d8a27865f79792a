"""A gateway in one process that runs the real, pure domain: decide, evolve, messages and their answers, the memory of commands.

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
from actors.domain.errors import RefusalBody, Refused
from actors.domain.kind import Context, Message
from actors.domain.kinds import KINDS
from actors.domain.notice import status_of
from actors.domain.rows import (
    DataKeyRow,
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
from actors.domain.rows_of_packing import ManifestRow, ShipmentPaperRow, ShipmentRow
from actors.domain.rows_of_promises import PromiseRow
from actors.domain.rows_of_sourcing import LocationProfileRow, SourcingPolicyRow
from actors.domain.rows_of_stock import IncomingRow, LotRow
from actors.domain.trail import NotedReply
from actors.domain.what_if_terms import PastMove, PastStock
from actors.runtime.errors import StoreUnavailable
from actors.runtime.read_model import (
    ApprovalSummary,
    BreachSummary,
    CollectionSummary,
    CountSummary,
    DemandDay,
    DeviceSummary,
    InboundSummary,
    LotSum,
    ManifestSummary,
    OrderSummary,
    PlacedDecision,
    PlacedOrder,
    PrivacyRequestSummary,
    PromiseFound,
    ShipmentPaper,
    ShipmentSummary,
    SkuMovement,
    TransferSummary,
)
from actors.runtime.sharding import mask_of
from actors.runtime.wire import CODE_KEY_REUSED, KEY_REUSED, OK, PENDING, REFUSED, HostStats, LiveEvent, Reply
from serve.gateway import Ask, FeedListener
from tests.fakes import (
    collection_lists,
    count_lists,
    inbound_lists,
    packing_lists,
    stock_lists,
    transfer_lists,
    what_if_lists,
)
from tests.fakes.read_model import is_held

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
        self.host = HostStats("us/host-0", 4711, mask_of(range(64)), 3, 12.5, 250, 0, 7, 0, 0, 101.5, "ok", "ok")
        self.hosts = [self.host]

    # --- the port
    async def ask(
        self, kind: str, entity_id: str, command: msgspec.Struct, *,
        command_id: str, digest: int, creates: bool = False, wait_ms: int = 0, cause: str = "", who: Who | None = None,
    ) -> Reply:  # fmt: skip
        self._trouble()
        if self.fault is not None:
            return self.fault
        if kind == "trail":
            self.audited.extend(command.lines)
            return Reply(OK, encode(NotedReply(len(command.lines))))
        self.calls.append((kind, entity_id))
        scope = (kind, "" if creates else entity_id, command_id)
        if scope in self.remembered:
            known_digest, reply = self.remembered[scope]
            if known_digest != digest:
                return Reply(KEY_REUSED, refusal(CODE_KEY_REUSED, "The key was used for another request."))
            return reply if wait_ms else _at_once(reply)
        reply = self._turn(kind, entity_id, command, command_id, cause, who)
        self.remembered[scope] = (digest, reply)
        if self.deliver:
            self.run_outbox()
        return self.remembered[scope][1] if wait_ms else _at_once(reply)

    async def ask_many(self, asks: Sequence[Ask], *, cause: str = "", who: Who | None = None) -> list[Reply]:
        return [
            await self.ask(
                a.kind,
                a.entity_id,
                a.command,
                command_id=a.command_id,
                digest=a.digest,
                creates=a.creates,
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

    def stats(self) -> list[HostStats]:
        return self.hosts

    def fresh_ms(self) -> int | None:
        lags = [host.lag_ms for host in self.hosts]
        return self.clock.now_ms() - max(lags) if lags else None

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
            if version:
                self.audited += audited_of(kind, who, state, command, [], refused.body.code)
            return Reply(REFUSED, encode(refused.body))
        self.audited += audited_of(kind, who, state, command, decision.events)
        for event in decision.events:
            state = kind.evolve(state, event, context)
            version += 1
            self._written_down(key, version, event, cause)
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

    def _written_down(self, key: tuple[str, str], version: int, event: Any, cause: str) -> None:
        if KINDS[key[0]].unwritten:
            return
        at = datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC).isoformat().replace("+00:00", "Z")
        written = KINDS[key[0]].written
        kept = event if written is None else written(event)
        entry = {"sequence": version, "at": at, "cause": cause, **msgspec.json.decode(encode(kept))}
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


class FakeReadModel:
    """Lists from what the gateway's entities would have written behind."""

    def __init__(self, gateway: FakeGateway) -> None:
        self.gateway = gateway
        self.away = False

    async def orders(
        self, *, customer_ref: str | None, status: str | None, before: str | None, limit: int, owner: str | None = None,
        email_digest: str | None = None, order_ref: str | None = None, held: str | None = None, placed_before_ms: int | None = None,
    ) -> list[OrderSummary]:  # fmt: skip
        if self.away:
            raise StoreUnavailable
        names = OrderSummary.__struct_fields__
        rows = sorted(self.gateway.orders.values(), key=lambda row: row.order_id, reverse=True)
        found = [
            row
            for row in rows
            if (customer_ref is None or row.customer_ref == customer_ref != "")
            and (owner is None or (row.owner == owner != ""))
            and (email_digest is None or (row.email_digest == email_digest != ""))
            and (order_ref is None or (row.order_ref == order_ref != ""))
            and (status is None or row.status == status)
            and (placed_before_ms is None or row.placed_at < placed_before_ms)
            and (held is None or is_held(self.gateway.held.get(row.order_id), held))
            and (before is None or row.order_id < before)
        ]
        return [OrderSummary(**{name: getattr(row, name) for name in names}) for row in found[:limit]]

    async def data_keys(self, person: str) -> list[DataKeyRow]:
        if self.away:
            raise StoreUnavailable
        return sorted((row for row in self._keys() if row.person == person), key=lambda row: row.key_id)

    async def wrapped_otherwise(self, wrapping: str, after: str, limit: int) -> list[str]:
        in_use = [row for row in self._keys() if row.status == "in_use" and row.wrapping != wrapping]
        return sorted(row.key_id for row in in_use if row.key_id > after)[:limit]

    def _keys(self) -> list[DataKeyRow]:
        rows = []
        for (kind, key_id), (state, version) in self.gateway.entities.items():
            if kind == "data_key":
                rows.extend(KINDS[kind].rows(state, version, [], Context(key_id, "", 0)))
        return rows

    async def devices(self, location_id: str, *, before: str | None, limit: int) -> list[DeviceSummary]:
        if self.away:
            raise StoreUnavailable
        rows = [
            KINDS["device"].rows(state, version, [], Context(device_id, "", 0))[0]
            for (kind, device_id), (state, version) in self.gateway.entities.items()
            if kind == "device"
        ]
        found = [
            row
            for row in sorted(rows, key=lambda row: row.device_id, reverse=True)
            if row.location_id == location_id and (before is None or row.device_id < before)
        ]
        names = DeviceSummary.__struct_fields__
        return [DeviceSummary(*(getattr(row, name) for name in names)) for row in found[:limit]]

    async def approvals(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[ApprovalSummary]:
        if self.away:
            raise StoreUnavailable
        rows = [
            KINDS["approval"].rows(state, version, [], Context(approval_id, "", 0))[0]
            for (kind, approval_id), (state, version) in self.gateway.entities.items()
            if kind == "approval"
        ]
        found = [
            row
            for row in sorted(rows, key=lambda row: row.approval_id, reverse=True)
            if (status is None or row.status == status)
            and (locations is None or row.location_id in locations)
            and (before is None or row.approval_id < before)
        ]
        names = ApprovalSummary.__struct_fields__
        return [ApprovalSummary(*(getattr(row, name) for name in names)) for row in found[:limit]]

    async def breaches(self, *, status: str | None, before: str | None, limit: int) -> list[BreachSummary]:
        if self.away:
            raise StoreUnavailable
        rows = [
            KINDS["breach"].rows(state, version, [], Context(breach_id, "", 0))[0]
            for (kind, breach_id), (state, version) in self.gateway.entities.items()
            if kind == "breach"
        ]
        found = [
            row
            for row in sorted(rows, key=lambda row: row.breach_id, reverse=True)
            if (status is None or row.status == status) and (before is None or row.breach_id < before)
        ]
        names = BreachSummary.__struct_fields__
        return [BreachSummary(*(getattr(row, name) for name in names)) for row in found[:limit]]

    async def privacy_requests(
        self, *, statuses: Sequence[str] | None, person: str | None, after: tuple[int, str] | None, limit: int
    ) -> list[PrivacyRequestSummary]:
        if self.away:
            raise StoreUnavailable
        rows = [
            KINDS["privacy_request"].rows(state, version, [], Context(request_id, "", 0))[0]
            for (kind, request_id), (state, version) in self.gateway.entities.items()
            if kind == "privacy_request"
        ]
        found = [
            row
            for row in sorted(rows, key=lambda row: (row.deadline_at, row.request_id))
            if (statuses is None or row.status in statuses)
            and (person is None or row.person == person)
            and (after is None or (row.deadline_at, row.request_id) > after)
        ]
        names = PrivacyRequestSummary.__struct_fields__
        return [PrivacyRequestSummary(*(getattr(row, name) for name in names)) for row in found[:limit]]

    async def count_orders(self, first: str, end: str, channel: str, most: int) -> int:
        self._reach()
        return min(most, len(what_if_lists.orders_of(self.gateway.orders.values(), first, end, channel)))

    async def placed_orders(
        self, first: str, end: str, channel: str, *, below: str, after: str, limit: int
    ) -> list[PlacedOrder]:
        self._reach()
        return what_if_lists.placed(self.gateway.orders.values(), first, end, channel, below, after, limit)

    async def placed_decisions(self, order_ids: Sequence[str], from_ms: int, until_ms: int) -> list[PlacedDecision]:
        self._reach()
        return what_if_lists.decisions(self._first_events(), order_ids, from_ms, until_ms)

    async def past_stock(self, skus: Sequence[str], at_ms: int, limit: int) -> list[PastStock]:
        self._reach()
        return what_if_lists.past_stock(self._of_locations(StockRow), self.gateway.ledger, skus, at_ms, limit)

    async def past_moves(
        self, skus: Sequence[str], locations: Sequence[str], from_ms: int, until_ms: int, *, offset: Any, limit: int
    ) -> list[tuple[Any, PastMove]]:
        self._reach()
        return what_if_lists.past_moves(self.gateway.ledger, skus, locations, from_ms, until_ms, offset, limit)

    async def promises(
        self, from_ms: int, until_ms: int, *, channel: str, locations: Sequence[str] | None, after: Any, limit: int
    ) -> list[PromiseFound]:
        self._reach()
        return what_if_lists.promises(
            self._of_locations(PromiseRow), from_ms, until_ms, channel, locations, after, limit
        )

    def _reach(self) -> None:
        if self.away:
            raise StoreUnavailable

    def _first_events(self) -> dict[str, tuple[int, dict[str, Any]]]:
        found = {}
        for (kind, order_id), events in self.gateway.events.items():
            if kind == "order":
                at = datetime.fromisoformat(events[0]["at"])
                found[order_id] = (round(at.timestamp() * 1000), events[0])
        return found

    async def pending_notices(self, about: Sequence[str], limit: int) -> list[str]:
        if self.away:
            raise StoreUnavailable
        found = [
            notice_id
            for (kind, notice_id), (state, _) in self.gateway.entities.items()
            if kind == "notice" and status_of(state) == "pending" and state.about in about
        ]
        return sorted(found)[:limit]

    async def reservations_of(self, owner: str, *, after: str, limit: int) -> list[str]:
        if self.away:
            raise StoreUnavailable
        found = [
            reservation_id
            for (kind, reservation_id), (state, _) in self.gateway.entities.items()
            if kind == "reservation" and state.owner == owner != "" and reservation_id > after
        ]
        return sorted(found)[:limit]

    async def stock_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[StockRow]:
        return stock_lists.stock_of(self._of_locations(StockRow), sku, locations, limit)

    async def lots_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[LotSum]:
        return stock_lists.lots_of(self._of_locations(LotRow), sku, locations, limit)

    async def incoming_of(self, sku: str, *, locations: Sequence[str] | None, limit: int) -> list[IncomingRow]:
        return stock_lists.incoming_of(self._of_locations(IncomingRow), sku, locations, limit)

    async def demand(self, location_id: str, skus: Sequence[str], since_ms: int) -> list[DemandDay]:
        if self.away:
            raise StoreUnavailable
        return stock_lists.demand(self.gateway.ledger, location_id, skus, since_ms)

    async def recent_shipments(self, location_id: str) -> dict[str, int]:
        if self.away:
            raise StoreUnavailable
        return stock_lists.recent_shipments(self.gateway.ledger, location_id)

    async def shipments(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[ShipmentSummary]:
        return packing_lists.shipments(self._shipments(), status, locations, before, limit)

    async def shipments_of(self, person: str, *, after: str, limit: int) -> list[str]:
        return packing_lists.shipments_of(self._shipments(), person, after, limit)

    async def shipment_paper(self, shipment_id: str, parcel: int) -> ShipmentPaper | None:
        return packing_lists.paper(self._of_locations(ShipmentPaperRow), shipment_id, parcel)

    def _shipments(self) -> list[ShipmentRow]:
        self._reach()
        rows: list[Any] = [
            KINDS["shipment"].rows(state, version, [], Context(shipment_id, "", 0))[0]
            for (kind, shipment_id), (state, version) in self.gateway.entities.items()
            if kind == "shipment"
        ]
        return rows

    async def manifests(self, dock_id: str, *, before: int | None, limit: int) -> list[ManifestSummary]:
        return packing_lists.manifests(self._of_locations(ManifestRow), dock_id, before, limit)

    async def manifest(self, dock_id: str, number: int) -> bytes | None:
        return packing_lists.manifest(self._of_locations(ManifestRow), dock_id, number)

    async def transfers(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[TransferSummary]:
        if self.away:
            raise StoreUnavailable
        rows = [
            KINDS["transfer"].rows(state, version, [], Context(transfer_id, "", 0))[0]
            for (kind, transfer_id), (state, version) in self.gateway.entities.items()
            if kind == "transfer"
        ]
        return transfer_lists.transfers(rows, status, locations, before, limit)  # type: ignore[arg-type]

    async def collections(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[CollectionSummary]:
        if self.away:
            raise StoreUnavailable
        rows = [
            KINDS["collection"].rows(state, version, [], Context(collection_id, "", 0))[0]
            for (kind, collection_id), (state, version) in self.gateway.entities.items()
            if kind == "collection"
        ]
        return collection_lists.collections(rows, status, locations, before, limit)  # type: ignore[arg-type]

    async def counts(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[CountSummary]:
        if self.away:
            raise StoreUnavailable
        rows = [
            KINDS["count"].rows(state, version, [], Context(count_id, "", 0))[0]
            for (kind, count_id), (state, version) in self.gateway.entities.items()
            if kind == "count"
        ]
        return count_lists.counts(rows, status, locations, before, limit)  # type: ignore[arg-type]

    async def inbounds(
        self, *, status: str | None, locations: Sequence[str] | None, before: str | None, limit: int
    ) -> list[InboundSummary]:
        if self.away:
            raise StoreUnavailable
        rows = [
            KINDS["inbound"].rows(state, version, [], Context(inbound_id, "", 0))[0]
            for (kind, inbound_id), (state, version) in self.gateway.entities.items()
            if kind == "inbound"
        ]
        return inbound_lists.inbounds(rows, status, locations, before, limit)  # type: ignore[arg-type]

    async def movements(self, location_id: str, since_ms: int, limit: int) -> list[SkuMovement]:
        stock, counted = self._of_locations(StockRow), self._of_locations(LastCountedRow)
        return count_lists.movements(stock, self.gateway.ledger, counted, location_id, since_ms, limit)

    def _of_locations(self, row_type: Any) -> list[Any]:
        if self.away:
            raise StoreUnavailable
        kept = self.gateway.stock_rows
        return [row for row in kept.values() if type(row) is row_type and not getattr(row, "gone", False)]

    async def ledger(
        self, location_id: str, *, sku: str | None, before: tuple[int, int] | None, limit: int
    ) -> list[LedgerRow]:
        if self.away:
            raise StoreUnavailable
        rows = sorted(self.gateway.ledger, key=lambda row: (row.version, row.line), reverse=True)
        found = [
            row
            for row in rows
            if row.location_id == location_id
            and (sku is None or row.sku == sku)
            and (before is None or (row.version, row.line) < before)
        ]
        return found[:limit]
