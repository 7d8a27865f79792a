"""Carts, orders and locations in one process, with messages that come late, twice, in any order,
or whose replies are lost.

Each command, event and row goes the way that it would go over the wire and the disk. A message is applied once, by its
id, as the runtime lets it; it stays in the `post` until its sender has taken the reply.
"""

from __future__ import annotations

import copy

import msgspec

from actors.domain import ids, order, reservation
from actors.domain.allocation import Place
from actors.domain.errors import Refused
from actors.domain.kind import Context, Message
from actors.domain.kinds import KINDS
from actors.domain.location_commands import (
    Allocate,
    Convert,
    OpenLocation,
    ReceiptLine,
    ReceiveStock,
    Release,
    Reserve,
    Ship,
    ShortPick,
    Unreserve,
    WaitInLine,
)
from actors.domain.location_promises import Taken
from actors.domain.order_backorder import UnitsOffered
from actors.domain.order_commands import PlaceOrder
from actors.domain.order_promises import rows_of_promises
from actors.domain.order_state import Line, ShipTo
from actors.domain.order_views import ViewOrder
from actors.domain.reservation_commands import Claimed, ClaimReservation, MakeReservation
from actors.domain.reservation_state import LIVE, parts_of
from actors.domain.rows_of_promises import PromiseRow
from actors.domain.shipment_commands import NoteCancelled

NOW_MS = 1_767_225_600_000
DAY_MS = 86_400_000
MIA = ids.customer_id("us", b"m" * 16)
TOM = ids.customer_id("us", b"t" * 16)
# SKUs that are kept by lot, one of which ends soon.
LOTTED = "milk"


class Posted(msgspec.Struct):
    """A message on its way. `reply`: what the receiver answered once it was applied, with
    whether that was a refusal."""

    id: str
    sender: tuple[str, str]
    message: Message
    reply: tuple[bytes, bool] | None = None
    told: bool = False


class Shop:
    """Everything that there is."""

    def __init__(self, **stock: dict[str, int]) -> None:
        self.now_ms = NOW_MS
        self.entities: dict[tuple[str, str], tuple] = {}
        self.post: list[Posted] = []
        self.answers: dict[str, msgspec.Struct] = {}
        # What was written down of promises, by order.
        self.promises: dict[str, list[PromiseRow]] = {}
        self.made = 0
        for name, units in stock.items():
            self.do("location", name, OpenLocation("store", name, "", "US", 0.0, 0.0))
            for sku, n in units.items():
                self.receive(name, sku, n)

    # --- one turn
    def do(self, kind: str, entity_id: str, command, command_id: str = "c"):
        noun, key = KINDS[kind], (kind, entity_id)
        command = msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=noun.commands)
        state, version = self.entities.get(key, (None, 0))
        before, context = copy.deepcopy(state), Context(entity_id, command_id, self.now_ms)
        decision = noun.decide(state, command, context)
        assert state == before, "decide changed the state"
        events = msgspec.json.decode(msgspec.json.encode(decision.events), type=list[noun.events])
        for event in events:
            state = noun.evolve(state, event, context)
            version += 1
            for n, message in enumerate(noun.messages(entity_id, event)):
                self.post.append(Posted(f"{entity_id}/{version}.{n}", key, message))
        self.entities[key] = (state, version)
        for row in rows_of_promises(state, events, context) if kind == "order" else ():
            self.promises.setdefault(entity_id, []).append(row)
        for answer in decision.answers:
            self.answers[answer.command_id] = answer.reply(state, version)
        return decision.reply(state, version)

    def restart(self, kind: str, entity_id: str) -> None:
        """It is dropped from memory and comes back from its row."""
        noun, (state, version) = KINDS[kind], self.entities[kind, entity_id]
        rows = noun.rows(state, version, [], Context(entity_id, "c", self.now_ms))
        if kind == "order":
            rows = [order.order_row(entity_id, state, version)]
        stored = {row.table: [row] for row in rows}
        assert noun.restore(entity_id, stored) == (state, version)
        self.entities[kind, entity_id] = noun.restore(entity_id, stored)

    # --- what callers do
    def receive(self, name: str, sku: str, units: int) -> None:
        lines = [ReceiptLine(sku, units)]
        if sku == LOTTED:
            day = self.now_ms // DAY_MS
            # What the first lot leaves is in the second: it ends tomorrow, the other does not.
            lines = [ReceiptLine(sku, units - units // 2, None, f"late-{self.made}")]
            if units // 2:
                lines.append(ReceiptLine(sku, units // 2, None, f"soon-{self.made}", day + 1))
            self.made += 1
        if units:
            self.do("location", name, ReceiveStock(lines))

    def seen(self) -> list[Place]:
        """What a replica would tell of all places, a little too much of each."""
        return [
            Place(name, {sku: stock.available + 1 for sku, stock in state.stock.items()})
            for (kind, name), (state, _) in self.entities.items()
            if kind == "location"
        ]

    def cart(self, lines, *, owner: str = "", ttl_s: int = 600, places=None, **more) -> str:
        self.made += 1
        key = f"cart-{self.made}"
        cart = ids.reservation_id("us", self.now_ms, key)
        wanted = MakeReservation(lines, self.seen() if places is None else places, "online", ttl_s * 1000, owner=owner)
        self.do("reservation", cart, msgspec.structs.replace(wanted, **more), key)
        return cart

    def place(self, lines, cart: str = "", *, owner: str = "", unclaimable: str = "", places=None) -> str:
        self.made += 1
        key = f"order-{self.made}"
        order_id = ids.new_order_id("us", self.now_ms, key)
        priced = [Line(sku, units, 100) for sku, units in lines]
        known = self.seen() if places is None else places
        self.do("order", order_id, PlaceOrder(
            "", "online", "", "US", ShipTo("US"), "USD", priced, known, owner, reservation_id=cart, unclaimable=unclaimable,
        ), key)  # fmt: skip
        return order_id

    # --- what the runtime does
    def apply(self, posted: Posted) -> None:
        """At the receiver: once, however often it comes."""
        if posted.reply is not None:
            return
        message = posted.message
        try:
            told = self.do(message.kind, message.entity_id, message.command, posted.id)
            posted.reply = msgspec.json.encode(told), False
        except Refused as refused:
            # Of what is cancelled nobody has to have packed anything.
            if type(message.command) not in (ClaimReservation, NoteCancelled):
                raise AssertionError(f"{message.command}: it would be parked, or units lost") from refused
            posted.reply = msgspec.json.encode(refused.body), True

    def tell(self, posted: Posted) -> None:
        """The reply reaches the sender, and the message is done with."""
        assert posted.reply is not None
        if posted.message.on_reply:
            kind, entity_id = posted.sender
            command = KINDS[kind].on_reply(posted.message, *posted.reply)
            if command is not None:
                self.do(kind, entity_id, command, f"{posted.id}:reply")
        posted.told = True
        self.post.remove(posted)

    def deliver(self, which: int = 0, *, reply_is_lost: bool = False) -> None:
        posted = self.post[which]
        self.apply(posted)
        if not reply_is_lost:
            self.tell(posted)

    def deliver_all(self) -> Shop:
        while self.post:
            self.deliver()
        return self

    def fire_timers(self) -> None:
        for (kind, entity_id), (state, _) in list(self.entities.items()):
            due = KINDS[kind].due(state)
            if due is not None and due <= self.now_ms:
                self.do(kind, entity_id, KINDS[kind].wake())

    # --- where units are
    def stock(self, name: str, sku: str = "a"):
        return self.entities["location", name][0].stock[sku]

    def cart_view(self, cart: str):
        state, version = self.entities["reservation", cart]
        return reservation.reservation_view(cart, state, version)

    def order_view(self, order_id: str):
        state, version = self.entities["order", order_id]
        return order.view(state, ViewOrder(order_id), version)

    def check(self) -> None:
        """Every unit that a location has promised has exactly one who will use it or give it back."""
        reserved, allocated = dict[tuple[str, str], int](), dict[tuple[str, str], int]()
        for (kind, _), (state, _) in self.entities.items():
            if kind == "reservation" and state.stage in LIVE:
                for part in parts_of(state):
                    _add(reserved, part.location_id, part.lines)
            elif kind == "order":
                for one in state.fulfilments:
                    if one.status in ("allocated", "picking", "packed"):
                        _add(allocated, one.location_id, one.lines)
        for posted in self.post:
            _on_its_way(posted, reserved, allocated)
        for (kind, name), (state, _) in self.entities.items():
            if kind == "location":
                for sku, stock in state.stock.items():
                    promised = reserved.pop((name, sku), 0), allocated.pop((name, sku), 0)
                    assert (stock.reserved, stock.allocated) == promised, (name, sku)
                    assert stock.free >= 0
                _check_claims(state)
        assert not any(reserved.values())
        assert not any(allocated.values())


def _on_its_way(posted: Posted, reserved: dict, allocated: dict) -> None:
    command, applied = posted.message.command, posted.reply is not None
    place, taken = posted.message.entity_id, []
    if type(command) is UnitsOffered and not applied:
        _add(allocated, command.location_id, command.lines)
    if applied and posted.message.on_reply and not posted.reply[1] and type(command) is not WaitInLine:
        if type(command) is ClaimReservation:
            for part in msgspec.json.decode(posted.reply[0], type=Claimed).parts:
                _add(reserved, part.location_id, part.lines)
            return
        taken = msgspec.json.decode(posted.reply[0], type=Taken).lines
    if type(command) is Reserve:
        _add(reserved, place, taken)
    elif type(command) is Allocate:
        _add(allocated, place, taken)
    elif type(command) is Convert:
        _add(allocated if applied else reserved, place, command.lines)
    elif type(command) is Unreserve and not applied:
        _add(reserved, place, command.lines)
    elif isinstance(command, Release | Ship | ShortPick) and not applied:
        _add(allocated, place, command.lines)


def _add(counts: dict, place: str, lines) -> None:
    for sku, units in lines:
        counts[place, sku] = counts.get((place, sku), 0) + units


def _check_claims(state) -> None:
    """What is promised of lots is somebody's."""
    claimed = dict[str, int]()
    for claims in state.claims.values():
        for (sku, _), units in claims.items():
            claimed[sku] = claimed.get(sku, 0) + units
    for sku in state.lots:
        stock = state.stock[sku]
        assert claimed.get(sku, 0) == stock.reserved + stock.allocated
