"""Collectors: customers who have orders kept at one store, its associates, and those who bring what the store lacks;
they cancel, give up what can't be had, come too late, lose the code and leave things behind; orders are held
meanwhile, and the store is late."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from actors.domain import ids
from actors.domain.allocation import Place
from actors.domain.collection_code import RENEWALS_MAX
from actors.domain.collection_commands import (
    Command,
    EndCollection,
    ExtendCollection,
    HandOver,
    LocateUnits,
    MakeReady,
    Notices,
    RenewCode,
    SayHere,
    Told,
    VerifyCode,
    VerifyIdentity,
)
from actors.domain.collection_events import (
    ClockPaused,
    ClockResumed,
    CodeRenewed,
    CustomerVerified,
    OrderAsked,
)
from actors.domain.collection_state import OVER, Collection, due, restored, to_find
from actors.domain.order_commands import PlaceOrder, UpdateOrder
from actors.domain.order_events import AllocationAsked
from actors.domain.order_pickup_events import PickupGivenUp, StoreSupplyAsked
from actors.domain.order_pickup_late import GIVE_UPS_MAX
from actors.domain.order_pickup_state import PickupAt
from actors.domain.order_state import Line, Order, ShipTo, due_of, is_asking, missing_of
from actors.domain.order_terms_commands import ChangeOrder, HoldOrder, LineChange, ReleaseOrder
from actors.domain.transfer_commands import (
    CancelTransfer,
    CloseTransfer,
    DispatchPackages,
    NewPackage,
    ReceivedLine,
    ReceiveUnits,
    StartPicking,
)
from actors.domain.transfer_state import OVER as GONE
from actors.domain.transfer_state import Transfer, status_of
from actors.runtime.gateway import Ask
from tests.simulation.clients import LOCATIONS, REGION, Client, digest
from tests.simulation.history import History
from tests.simulation.pickers import Picker

STORE = LOCATIONS[-1]
# So late a timer is at most.
SLACK_MS = 60_000
RIGHT, FRESH, WRONG = b"right", b"fresh", b"wrong"
_restored = msgspec.msgpack.Decoder(Transfer).decode


class Collector(Client):
    """Most of what they do is about what is collected. Lists are read from the store, as staff does."""

    async def act(self) -> None:
        """One thing, drawn."""
        draw = self.rng.random()
        if draw < 0.22:
            await self.order()
        elif draw < 0.45:
            await self.bring()
        elif draw < 0.85:
            await self.serve()
        elif draw < 0.9 and self.orders and self.rng.random() < 0.5:
            order_id = self.rng.choice(list(self.orders))
            held: Any = HoldOrder(["fraud"]) if self.rng.random() < 0.4 else ReleaseOrder(["fraud"])
            self._learn_from(order_id, await self.ask(Ask("order", order_id, held, self._key(), digest(held))))
        elif draw < 0.9 and self.orders:
            order_id = self.rng.choice(list(self.orders))
            less = ChangeOrder([LineChange(self.rng.choice((1, 1, 2, 3)), self.rng.choice((0, 1, 2)))])
            command: Any = less if self.rng.random() < 0.5 else UpdateOrder("cancel")
            self._learn_from(order_id, await self.ask(Ask("order", order_id, command, self._key(), digest(command))))
        else:
            await super().act()

    async def order(self) -> None:
        """Something that the store has, or not; what is seen may be gone by now."""
        rng = self.rng
        skus = rng.sample(list(self.wants), rng.randint(1, 3))
        lines = [Line(sku, rng.choice((1, 2, 4)), 100) for sku in skus]
        seen = self.world.seen_stock()
        here = {sku: seen.get((STORE, sku), 0) for sku in sorted(skus)}
        if rng.random() < 0.5:
            here = {sku: units // 30 for sku, units in here.items()}
        sources = [Place(place, {sku: seen.get((place, sku), 0) for sku in sorted(skus)}) for place in LOCATIONS[:-1]]
        rng.shuffle(sources)
        large = rng.random() < 0.1
        at = PickupAt(STORE, sources, None, 1 if large else 0, 2_000 if large else 0)
        if rng.random() < 0.5:
            at = msgspec.structs.replace(at, late_ms=rng.choice((500, 3_000)), give_up_ms=rng.choice((4_000, 9_000)))
        places = [Place(STORE, here)] if any(here.values()) else []
        command = PlaceOrder("ref", "online", self.name, "US", ShipTo("US"), "USD", lines, places, pickup=at)
        await self._place_with(self._key(), command)

    def _rows(self, table: str) -> list[Any]:
        rows = self.world.store_disk.rows.get(table, {})
        return [rows[key] for key in sorted(rows) if not rows[key].closed]

    async def bring(self) -> None:
        """A step of a transfer to the store."""
        rng = self.rng
        rows = [row for row in self._rows("transfers") if row.destination_id == STORE]
        if not rows:
            return
        row = rng.choice(rows)
        transfer = _restored(row.state)
        command: Any = StartPicking()
        draw = rng.random()
        if transfer.stage == "picking":
            rest = [(sku, line.to_go) for sku, line in transfer.lines.items() if line.to_go]
            road = [(sku, line.in_transit) for sku, line in transfer.lines.items() if line.in_transit]
            if rest and draw < 0.8:
                part = rest if draw < 0.6 else [(rest[0][0], 1)]
                command = DispatchPackages([NewPackage("", part)], self.world.now_ms() + 3_600_000)
            elif road and draw < 0.4:
                command = ReceiveUnits(lines=[ReceivedLine(road[0][0], 1, rng.choice(("sellable", "damaged")))])
            elif road and draw > 0.9:
                command = CloseTransfer(road)
            else:
                command = ReceiveUnits([str(rng.randint(1, len(transfer.packages) or 1))])
        elif draw < 0.06:
            command = CancelTransfer()
        ask = Ask("transfer", row.transfer_id, command, self._key(), digest(command))
        await self.ask(ask)
        if rng.random() < 0.2:
            await self.ask(ask, remember=False)

    async def serve(self) -> None:
        """A step of a collection, as its row had it."""
        rows = [row for row in self._rows("collections") if row.status != "unopened"]
        if not rows:
            return
        row = self.rng.choice(rows)
        command = self._step(restored(row.state))
        ask = Ask("collection", row.collection_id, command, self._key(), digest(command))
        await self.ask(ask, wait_ms=self.rng.choice((0, 500)))
        if self.rng.random() < 0.2:
            await self.ask(ask, remember=False)

    def _step(self, one: Collection) -> Command:
        rng = self.rng
        draw = rng.random()
        if one.stage == "locating":
            left = sorted(to_find(one).items())
            if not left or draw < 0.1:
                return LocateUnits(shelf="s1")
            if draw < 0.2:
                return LocateUnits([], [(left[0][0], 1)])
            return LocateUnits(left if draw < 0.8 else [(left[0][0], 1)])
        now_ms = self.world.now_ms()
        until_ms = now_ms + rng.choice((400, 3_000, 3_600_000))
        if one.stage == "located":
            return MakeReady(
                RIGHT, until_ms, Notices(*(self._notice(name) for name in ("ready", "reminder", "expired")))
            )
        sku, units = rng.choice(sorted(one.parts[min(one.parts)].lines.items()) or [("hot", 1)])
        if one.verified_at_ms is not None and rng.random() < 0.7:
            return HandOver([(sku, min(1, units))] if draw < 0.3 and units else [])
        if draw < 0.15:
            return SayHere(rng.choice(("", "bay 1")))
        if draw < 0.4:
            return VerifyCode(rng.choice((RIGHT, RIGHT, FRESH, WRONG)))
        if draw < 0.45:
            return VerifyIdentity() if rng.random() < 0.5 else self._renewal(one)
        if draw < 0.55:
            return ExtendCollection(
                until_ms, 3_600_000, Notices(None, self._notice("reminder"), self._notice("expired"))
            )
        if draw < 0.6:
            return EndCollection(rng.choice(("left_behind", "expired")))
        return VerifyCode(RIGHT) if draw < 0.9 else HandOver()

    def _renewal(self, one: Collection) -> RenewCode:
        until_ms = 0 if one.terms is None else one.terms.collect_by_ms
        told = Notices(self._notice("code"), self._notice("reminder"), self._notice("expired"))
        return RenewCode(self.rng.choice((RIGHT, FRESH)), until_ms, told)

    def _notice(self, name: str) -> Told:
        seed = f"{self.name} {name} {self._key()}".encode().ljust(16)
        identity = ids.notice_id(REGION, hashlib.sha256(seed).digest())
        return Told(identity, f"pickup.{name}", b"sealed", b"sealed", self.world.now_ms() + 3_600_000)


class StorePicker(Picker):
    """Who picks for the store, where its floor runs."""

    places = (STORE,)

    async def act(self) -> None:
        """Parts are packed as well, as a pack station says it."""
        rows = self.world.store_disk.rows.get("collections", {})
        seen = [restored(rows[key].state) for key in sorted(rows) if rows[key].status == "locating"]
        parts = [(one.order_id, n) for one in seen for n, part in one.parts.items() if part.floor and not part.picked]
        if not parts or self.rng.random() < 0.6:
            await super().act()
            return
        order_id, number = self.rng.choice(parts)
        for command in (
            UpdateOrder("start_picking", number, by_floor=True),
            UpdateOrder("pack", number, by_floor=True),
        ):
            await self.ask(Ask("order", order_id, command, self._key(), digest(command)))


_KNOWN = {"locating": "locating", "located": "locating"}


def collections(history: History) -> Iterator[str]:
    """A collection and its order agree, nobody had it without proof, what was handed over left the books once, and
    nothing is asked for ever."""
    shipped: Counter[tuple[str, str]] = Counter()
    for row in history.rows.get("ledger", {}).values():
        if row.reason == "ship":
            shipped[row.cause, row.sku] -= row.on_hand_delta
    sent = Counter(
        entity.state.template for (kind, _), entity in history.entities.items() if kind == "notice" and entity.state
    )
    expired, now_ms = 0, max((turn.at_ms for one in history.entities.values() for turn in one.turns), default=0)
    for (kind, name), entity in history.entities.items():
        if kind == "collection" and entity.state is not None:
            one: Collection = entity.state
            order = history.entities["order", one.order_id].state if one.order_id else None
            yield from _agrees(name, one, order)
            yield from _proved(name, [event for _, event in entity.events])
            yield from _kept(name, one, order, [event for _, event in entity.events])
            yield from _let_go(name, one, now_ms)
            expired += any(type(e) is OrderAsked and e.step == "expired" for _, e in entity.events) and one.stage == "expired"  # fmt: skip
    if sent["pickup.expired"] != expired:
        yield f"{expired} collections expired, {sent['pickup.expired']} customers were told"
    for (kind, order_id), entity in history.entities.items():
        if kind == "order" and entity.state is not None and entity.state.pickup is not None:
            yield from _handed_over(order_id, entity.state, shipped)
            yield from _asked_on(order_id, entity.state, [event for _, event in entity.events])


def _agrees(name: str, one: Collection, order: Order | None) -> Iterator[str]:
    if one.stage == "cancelled" and not one.order_id:
        return  # told of the cancellation before it was opened
    if one.stage == "unopened" or order is None or order.pickup is None:
        yield f"{name} is {one.stage} and nobody's"
        return
    if one.asking is not None:
        yield f"{name} has asked for {one.asking.step} and was not answered"
    known = order.pickup.collections[name]
    expected = "cancelled" if one.stage == "cancelled" else known.status
    if _KNOWN.get(one.stage, one.stage) != expected or (one.stage == "cancelled") > order.cancelled:
        yield f"{name} is {one.stage}, for its order it is {known.status}, cancelled: {order.cancelled}"
    if one.stage not in OVER:
        if order.cancelled:
            yield f"{name} is {one.stage} and its order is cancelled"
        theirs = {f.number: dict(f.lines) for f in order.fulfilments if f.number in known.parts and f.lines}
        ours = {number: {s: n for s, n in part.lines.items() if n} for number, part in one.parts.items()}
        if {number: lines for number, lines in ours.items() if lines} != theirs:
            yield f"{name} has {ours}, its order {theirs}"


def _kept(name: str, one: Collection, order: Order | None, events: list[Any]) -> Iterator[str]:
    """Until when it is kept its order says too, and a hold stops its time and nothing else does."""
    if order is None or order.pickup is None or name not in order.pickup.collections:
        return
    known = order.pickup.collections[name]
    if one.terms is not None and one.stage not in OVER and one.terms.collect_by_ms != known.collect_by_ms:
        yield f"{name} is kept until {one.terms.collect_by_ms}, for its order until {known.collect_by_ms}"
    held = order.terms is not None and bool(order.terms.holds)
    if one.stage not in OVER and (one.paused_at_ms is not None) != held:
        yield f"{name} is {'held' if one.paused_at_ms else 'not held'}, its order is the other"
    paused = False
    renewed = 0
    for event in events:
        paused = type(event) is ClockPaused or (paused and type(event) is not ClockResumed)
        renewed += type(event) is CodeRenewed
        if paused and type(event) is OrderAsked and event.step in ("expired", "given_up") and not event.awaited:
            yield f"{name} asked for {event.step} though its order is held"
    if renewed > RENEWALS_MAX:
        yield f"the code of {name} was made anew {renewed} times"


def _let_go(name: str, one: Collection, now_ms: int) -> Iterator[str]:
    """A store that is late is let go; nothing is on its way any more that the order may have to wait for."""
    if one.refused and one.stage not in OVER and one.paused_at_ms is None:
        yield f"{name} is {one.stage}, and its order has refused its timer {one.refused} times by {one.code}"
    clock = one.clock
    if (
        clock is None
        or not clock.give_up_ms
        or one.stage not in ("locating", "located")
        or one.paused_at_ms is not None
    ):
        return
    at_ms = one.late_from_ms + clock.give_up_ms
    if now_ms > max(at_ms, one.wait_until_ms) + SLACK_MS:
        yield f"{name} is {one.stage}, and should have been given up {now_ms - at_ms} ms ago"
    elif due(one) is None:
        yield f"{name} is {one.stage} for ever: no timer looks at it"


def _asked_on(order_id: str, order: Order, events: list[Any]) -> Iterator[str]:
    """What an order lacks it goes on asking for, but not for ever of a store that lets it down."""
    pickup, given_up = order.pickup, 0
    assert pickup is not None
    for event in events:
        given_up += type(event) is PickupGivenUp
        if type(event) is AllocationAsked and not event.retry:
            given_up = 0
        if given_up >= GIVE_UPS_MAX and type(event) in (StoreSupplyAsked, AllocationAsked):
            yield f"{order_id} asked for more at a store that gave it up {given_up} times"
    waits = not order.cancelled and not is_asking(order) and bool(missing_of(order))
    if waits and (due_of(order) is None) != (given_up >= GIVE_UPS_MAX):
        yield f"{order_id} lacks {missing_of(order)}, was given up {given_up} times, and its timer is {due_of(order)}"


def _proved(name: str, events: list[Any]) -> Iterator[str]:
    proved = False
    for event in events:
        proved |= type(event) is CustomerVerified
        if type(event) is OrderAsked and event.step == "collected" and not proved:
            yield f"{name} was handed over, and nobody had proved anything"


def _handed_over(order_id: str, order: Order, shipped: Counter[tuple[str, str]]) -> Iterator[str]:
    assert order.pickup is not None
    parts = [number for one in order.pickup.collections.values() for number in one.parts]
    if len(parts) != len(set(parts)):
        yield f"{order_id} has parts in two collections: {order.pickup.collections}"
    for one in order.fulfilments:
        for sku, units in one.lines:
            gone = shipped[f"{order_id}.{one.number}", sku]
            if gone != (units if one.status == "delivered" else 0):
                yield f"{order_id}.{one.number} is {one.status} with {units} units of {sku}, {gone} left the store"
        if one.status in ("allocated", "picking", "packed") and not one.lines:
            yield f"{order_id}.{one.number} is {one.status} with nothing"
        if one.status in ("allocated", "picking", "packed") and one.number not in parts:
            coming = any(f.status == "reserving" for f in order.fulfilments)
            if not coming and not order.cancelled:
                yield f"{order_id}.{one.number} is {one.status} and waits in no collection"


def landed_for(transfer: Transfer) -> Iterator[tuple[str, str, int]]:
    """(whose, SKU, units) that the destination has allocated to an order that does not know of it yet."""
    asked = transfer.for_order
    if asked is not None:
        for sku, units in asked.landed.items():
            yield f"{asked.order_id}.{asked.number}", sku, units


def on_the_way(history: History, order: Order) -> set[int]:
    """Numbers of fulfilments that wait for a transfer that is not over."""
    coming = order.pickup.coming if order.pickup is not None else {}
    found = set()
    for number, name in coming.items():
        entity = history.entities.get(("transfer", name))
        if entity is not None and entity.state is not None and status_of(entity.state) not in GONE:
            found.add(number)
    return found
