"""Packers: they pack orders and samples, buy labels of a carrier whose answers come late or twice, close manifests and
hand over, at one place, at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from zlib import crc32

import msgspec

from actors.domain import gs1, ids
from actors.domain.allocation import need_of
from actors.domain.manifest_commands import (
    CloseManifest,
    CompleteHandOver,
    NoteManifest,
    NoteManifestRefused,
    ScanParcel,
)
from actors.domain.manifest_commands import Command as DockCommand
from actors.domain.manifest_state import Dock, Manifest, ViewDock, live
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_views import ViewOrder
from actors.domain.shipment_commands import (
    AskLabel,
    AskVoid,
    CancelManual,
    CloseParcel,
    Command,
    FinishPacking,
    ForgetRecipient,
    Known,
    NoteCancelled,
    NoteLabel,
    NoteLabelRefused,
    NoteLabelUnavailable,
    NoteVoided,
    OpenManual,
    OpenParcel,
    OpenShipment,
    PackUnits,
    PutBack,
    RemoveParcel,
    ReopenParcel,
    TakeOut,
    TellMissing,
    TryLabel,
)
from actors.domain.shipment_events import (
    HandedOver,
    LabelAsked,
    LabelBought,
    LabelOrphaned,
    LeftBehind,
    ParcelClosed,
    ParcelReopened,
    Shipped,
)
from actors.domain.shipment_state import Shipment, is_repacked, left_of, lines_of, packed_of, status_of
from actors.domain.shipment_views import ViewShipment
from actors.runtime import wire
from actors.runtime.gateway import Ask
from tests.simulation.clients import LOCATIONS, REGION, Client, digest
from tests.simulation.history import Folded, History
from tests.simulation.told import Told

PLACE = LOCATIONS[0]
DOCK = ids.dock_id(PLACE, "post")
SERIES = ids.sscc_series_id(REGION, "9521234", 0)
_manifest = msgspec.msgpack.Decoder(Manifest).decode
_KNOWN = Known({"hot": 100, "scarce": 200})


class Packer(Client):
    """Most of what they do is packing; the orders are everybody's. `names`: all shipments that were begun; `late`: what
    the carrier did and nobody has told yet."""

    def __init__(self, world, name: str, seed: str, actions: int, names: list[str], late: list) -> None:
        super().__init__(world, name, seed, actions)
        self.names = names
        self.late = late

    async def run(self) -> None:
        """What the carrier did late is told in the end."""
        await super().run()
        for name, command in self.late:
            await self._do(name, command)
        self.late.clear()

    async def act(self) -> None:
        """One thing, drawn."""
        draw = self.rng.random()
        if draw < 0.12:
            await super().act()
        elif draw < 0.3 or not self.names:
            await self.begin()
        elif draw < 0.36:
            await self.sample()
        elif draw < 0.76:
            await self.pack(self.rng.choice(self.names))
        elif draw < 0.82 and self.late:
            await self._do(*self.late[self.rng.randrange(len(self.late))])
        else:
            await self.hand_over()

    async def begin(self) -> None:
        """Somebody's order, mostly one that is being picked."""
        known = [order for order in self.orders if self.orders[order] != "cancelled"]
        if not known:
            await self.place()
            return
        order_id = self.rng.choice(known)
        told = await self.world.gateway(self.rng).view(self, "order", order_id, ViewOrder(order_id))
        if told is None or told.status != wire.OK:
            return
        for one in told.fields()["fulfilments"]:
            number = int(one["fulfilment_id"].rpartition(".")[2])
            if one["status"] == "allocated":
                update = UpdateOrder("start_picking", number)
                await self.ask(Ask("order", order_id, update, self._key(), digest(update)))
            if one["status"] not in ("allocated", "picking") or not one["lines"]:
                continue
            lines = [(line["sku"], line["quantity"]) for line in one["lines"] if line["quantity"]]
            name = ids.shipment_of(order_id, number)
            command = OpenShipment(one["location_id"], order_id, number, lines, _KNOWN, [], SERIES)
            told = await self._do(name, command)
            if told is not None and told.status == wire.OK and name not in self.names:
                self.names.append(name)

    async def sample(self) -> None:
        """Something leaves without an order."""
        rng, key = self.rng, self._key()
        sku = rng.choice(list(self.wants))
        name = ids.shipment_id(REGION, self.world.now_ms(), key)
        lines = [(sku, rng.choice((1, 2, 9)))]
        command = OpenManual(
            rng.choice(LOCATIONS), "sample", "", lines, _KNOWN, [], SERIES, "US", b"to", person=self.name
        )
        ask = Ask("shipment", name, command, key, digest(command), creates=True)
        told = await self.ask(ask, wait_ms=rng.choice((0, 500)))
        if told is not None and told.status == wire.OK:
            self.names.append(told.fields()["shipment_id"])

    async def pack(self, name: str) -> None:
        """Steps of a shipment, until something is refused."""
        for _ in range(self.rng.randint(2, 7)):
            told = await self.world.gateway(self.rng).view(self, "shipment", name, ViewShipment(name))
            if told is None or told.status != wire.OK:
                return
            seen = told.fields()
            command = self._step(seen)
            if command is None:
                return
            answer = await self._do(name, command)
            if answer is None or answer.status != wire.OK:
                return
            if isinstance(command, AskLabel | AskVoid):
                await self._carrier(name, answer.fields())

    def _step(self, seen: dict) -> Command | None:
        rng = self.rng
        open_ = [one for one in seen["parcels"] if not one["closed"]]
        closed = [one for one in seen["parcels"] if one["closed"]]
        more = [(sku, units) for sku, units in seen["left"] if units > 0]
        draw = rng.random()
        if seen["over"]:
            return ForgetRecipient() if draw < 0.1 else None
        if seen["status"] == "unpacking":
            held = [one for one in seen["parcels"] if one["label"] and one["label"]["status"] in ("bought", "voiding")]
            # Those that may have been sold are asked for once more.
            asked = [one for one in seen["parcels"] if one["label"] and one["label"]["status"] == "asked"]
            if asked and draw < 0.7:
                return AskLabel(asked[0]["number"], "post", "standard", "pdf", b"request", DOCK)
            return AskVoid(held[0]["number"]) if held else PutBack()
        if seen["reason"] and draw < 0.04:
            return CancelManual()
        if seen["status"] == "packing":
            if draw < 0.05 and more:
                return TellMissing([(more[0][0], 1)])
            if draw < 0.08 and closed:
                return ReopenParcel(closed[0]["number"])
            if open_ and (not more or (open_[0]["contents"] and draw < 0.3)):
                number = open_[0]["number"]
                over = [sku for sku, units in seen["left"] if units < 0]
                out = [one for one in open_[0]["contents"] if one[0] in over]
                if out:
                    return TakeOut(number, out[0][0], 1)
                return CloseParcel(number, 500, 0, 0, despite=True)
            if open_:
                sku, units = rng.choice(more)
                return PackUnits(open_[0]["number"], sku, rng.randint(1, units + rng.randint(0, 1)))
            if more:
                return OpenParcel("M", (400, 300, 200), 200, 0)
            over = [sku for sku, units in seen["left"] if units < 0]
            full = [one for one in closed if any(content[0] in over for content in one["contents"])]
            if full:
                return ReopenParcel(full[0]["number"])
            if draw < 0.5:
                return FinishPacking()
        bare = [one for one in closed if not one["label"] or one["label"]["status"] in ("asked", "refused", "voided")]
        if seen["status"] == "shipped" and (open_ or more):
            return self._packed_otherwise(open_, more)
        if bare and draw < (0.5 if seen["status"] == "shipped" else 0.1) and seen["status"] in ("packed", "shipped"):
            return ReopenParcel(bare[0]["number"])
        if bare:
            request = rng.choice((b"request", b"request", b"another"))
            return AskLabel(bare[0]["number"], "post", "standard", "pdf", request, DOCK)
        if closed and draw < 0.05 and seen["status"] == "packed":
            return AskVoid(closed[0]["number"])
        return NoteCancelled() if closed and self._knows_cancelled(seen["order_id"]) else None

    def _packed_otherwise(self, open_: list[dict], more: list) -> Command:
        """Of what other parcels have left behind: into another carton, or back."""
        rng = self.rng
        if not open_:
            return OpenParcel("M", (400, 300, 200), 200, 0)
        number, contents = open_[0]["number"], open_[0]["contents"]
        if contents and rng.random() < 0.4:
            sku, lot, _ = rng.choice(contents)
            return TakeOut(number, sku, 1, lot)
        if more and rng.random() < 0.7:
            sku, units = rng.choice(more)
            return PackUnits(number, sku, rng.randint(1, units)) if rng.random() < 0.8 else TellMissing([(sku, 1)])
        return CloseParcel(number, 500, 0, 0, despite=True) if contents else RemoveParcel(number)

    def _knows_cancelled(self, order_id: str) -> bool:
        return self.orders.get(order_id) == "cancelled"

    async def _carrier(self, name: str, ticket: dict) -> None:
        """It does what it is asked once for a key; what it says may come late, twice, or from somebody else. Now and
        then it can't be reached, which is told once."""
        rng, number, key = self.rng, ticket["parcel"], ticket["key"]
        if ticket["status"] == "asked":
            tried = await self._do(name, TryLabel(number, key))
            if tried is None or tried.status != wire.OK:
                return
            now = tried.fields()
            if (now["key"], now["status"]) != (key, "asked"):
                return
            if rng.random() < 0.25:
                await self._do(name, NoteLabelUnavailable(number, key, "carrier.unavailable"))
                return
            bought = NoteLabel(number, key, f"T{key}", b"document", 700, "USD")
            no = NoteLabelRefused(number, key, "carrier.too_heavy")
            # What it says to a key it says for ever.
            command: Command = no if crc32(key.encode()) % 10 == 0 else bought
        elif ticket["status"] == "voiding":
            command = NoteVoided(number, key, rng.choice(("", "", "carrier.handed_over")))
        else:
            return
        if rng.random() < 0.3:
            self.late.append((name, command))
        else:
            await self._do(name, command)

    async def hand_over(self) -> None:
        """Closes a manifest, scans some of it, and lets the driver go."""
        rng = self.rng
        told = await self._at_dock(CloseManifest())
        if told is not None and told.status == wire.OK and told.fields()["status"] == "closing":
            ticket = told.fields()
            refused = rng.random() < 0.15
            answer: DockCommand = (
                NoteManifestRefused(ticket["number"], "carrier.already_voided")
                if refused
                else NoteManifest(ticket["number"], "MF")
            )
            if rng.random() < 0.8:
                await self._at_dock(answer)
        seen = await self.world.gateway(rng).view(self, "manifest", DOCK, ViewDock(DOCK))
        if seen is None or seen.status != wire.OK:
            return
        for manifest in seen.fields()["manifests"]:
            if manifest["status"] != "closed":
                continue
            for parcel in manifest["parcels"]:
                if rng.random() < 0.8:
                    await self._at_dock(ScanParcel(manifest["number"], parcel["sscc"]))
            if rng.random() < 0.6:
                await self._at_dock(CompleteHandOver(manifest["number"], rng.random() < 0.7))

    async def _do(self, name: str, command: Command) -> Told | None:
        ask = Ask("shipment", name, command, self._key(), digest(command))
        told = await self.ask(ask, wait_ms=self.rng.choice((0, 0, 400)))
        if self.rng.random() < 0.12:
            await self.ask(ask, remember=False)
        return told

    async def _at_dock(self, command: DockCommand) -> Told | None:
        ask = Ask("manifest", DOCK, command, self._key(), digest(command))
        told = await self.ask(ask, wait_ms=self.rng.choice((0, 400)))
        if self.rng.random() < 0.12:
            await self.ask(ask, remember=False)
        return told


def allocated_to(shipment: Shipment) -> Iterator[tuple[str, int]]:
    """(SKU, units) that a location keeps for a manual shipment."""
    if shipment.manual and shipment.stage in ("packing", "settling", "packed", "leaving"):
        yield from lines_of(shipment)


def shipments(history: History) -> Iterator[str]:
    """Each number once, each fulfilment shipped once and never a cancelled one, and what is in closed parcels
    is what the order holds."""
    ssccs: Counter[str] = Counter()
    booked: Counter[tuple[str, str, str]] = Counter()
    for row in history.rows.get("ledger", {}).values():
        booked[row.location_id, row.cause, row.sku] += row.on_hand_delta
    for (kind, name), entity in history.entities.items():
        if kind != "shipment" or entity.state is None:
            continue
        shipment: Shipment = entity.state
        ssccs.update(parcel.sscc for parcel in shipment.parcels if parcel.sscc)
        if shipment.stage in ("settling", "leaving") or any(parcel.place == "asked" for parcel in shipment.parcels):
            yield f"{name} still waits for an answer: {status_of(shipment)}"
        if shipment.stage in ("packed", "leaving", "shipped"):
            outside = [(one.sku, one.units) for one in shipment.outside]
            behind = [(sku, n) for _, event in entity.events if type(event) is LeftBehind for sku, _, n in event.lines]
            there = need_of([*packed_of(shipment).items(), *outside, *behind])
            there = {sku: units for sku, units in there.items() if units}
            closed = all(parcel.closed for parcel in shipment.parcels) or is_repacked(shipment)
            if there != dict(lines_of(shipment)) or not closed:
                yield f"{name} is {shipment.stage}, and {there} of {lines_of(shipment)} is packed"
        if left_of(shipment) and shipment.stage == "packed":
            yield f"{name} is {shipment.stage} with {left_of(shipment)} left"
        gone = [parcel.number for parcel in shipment.parcels if parcel.place in ("cleared", "handed_over")]
        if gone and shipment.stage != "shipped":
            yield f"{name}: parcels {gone} left, and it is {shipment.stage}"
        yield from _against_the_order(name, shipment, history)
        if shipment.manual:
            for sku, units in shipment.wanted.items():
                left = -booked[shipment.location_id, f"{name}.1", sku]
                if shipment.stage == "shipped" and left < units:
                    yield f"{name}: {units} of {sku} left the building, {left} the books"
    wrong = [sscc for sscc, count in ssccs.items() if count > 1 or not gs1.checks(sscc)]
    if wrong:
        yield f"numbers that several parcels have: {wrong[:3]}"
    yield from _shipped_once(history)


def _against_the_order(name: str, shipment: Shipment, history: History) -> Iterator[str]:
    if shipment.manual or shipment.stage not in ("packed", "shipped"):
        return
    order = history.entities["order", shipment.order_id].state
    held = next((one for one in order.fulfilments if one.number == shipment.number), None)
    if held is None:
        yield f"{name} is {shipment.stage}, and its order has no such fulfilment"
    elif shipment.stage == "shipped" and (order.cancelled or held.status not in ("shipped", "delivered")):
        yield f"{name} left, and its fulfilment is {held.status}"
    elif held.status != "cancelled" and sorted(held.lines) != lines_of(shipment) and not order.cancelled:
        yield f"{name} has {lines_of(shipment)}, its fulfilment {held.lines}"


def _shipped_once(history: History) -> Iterator[str]:
    for (kind, name), entity in history.entities.items():
        if kind != "shipment":
            continue
        counts: Counter[object] = Counter()
        for _, event in entity.events:
            if type(event) is Shipped:
                counts["shipped"] += 1
            elif type(event) is HandedOver:
                counts["handed over", event.parcel] += 1
            elif type(event) is LabelBought:
                counts["bought", event.parcel, event.tracking] += 1
        yield from _paid_twice(name, entity)
        twice = [what for what, count in counts.items() if count > 1]
        if twice:
            yield f"{name}: {twice} twice"


def _paid_twice(name: str, entity: Folded) -> Iterator[str]:
    """What was sold and nobody heard of in time is heard of under its own key: no other was asked for behind it."""
    if entity.state is None:
        return
    asked: dict[int, str] = {}
    bought: set[str] = set()
    opened: set[int] = set()
    for _, event in entity.events:
        if type(event) is ParcelReopened:
            opened.add(event.parcel)
        elif type(event) is ParcelClosed:
            opened.discard(event.parcel)
        elif type(event) is LabelOrphaned and event.parcel in opened:
            bought.add(event.key)  # another try had heard no, and what was in the parcel is packed otherwise
        elif type(event) is LabelAsked:
            asked[event.parcel] = event.key
        elif type(event) is LabelBought:
            bought.add(asked[event.parcel])
    lost = [key for key, _ in entity.state.orphans if key not in bought]
    if lost:
        yield f"{name} bought {lost}, and others besides"


def docks(history: History) -> Iterator[str]:
    """A parcel waits once or is on one manifest; only what its shipment let go has left; nothing of a
    stopped shipment waits."""
    for (kind, name), entity in history.entities.items():
        if kind != "manifest" or entity.state is None:
            continue
        dock: Dock = entity.state
        places: Counter[str] = Counter(one.sscc for one in dock.waiting)
        for manifest in live(dock):
            places.update(parcel.sscc for parcel in manifest.parcels if parcel.status != "withdrawn")
        left: Counter[str] = Counter()
        for row in history.rows.get("manifests", {}).values():
            if row.dock_id == name:
                for parcel in _manifest(row.content).parcels:
                    left[parcel.sscc] += parcel.status == "handed_over"
        twice = [sscc for sscc in places | left if places[sscc] + left[sscc] > 1]
        if twice:
            yield f"{name}: {twice[:3]} are in two places"
        for manifest in dock.manifests.values():
            for parcel in manifest.parcels:
                yield from _listed(name, manifest.number, parcel, history)
        for one in dock.waiting:
            shipment = history.entities["shipment", one.shipment_id].state
            if shipment.stage in ("unpacking", "ended"):
                yield f"{name}: {one.sscc} waits, and its shipment is {status_of(shipment)}"


def _listed(name: str, number: int, parcel, history: History) -> Iterator[str]:
    shipment: Shipment = history.entities["shipment", parcel.shipment_id].state
    mine = next((one for one in shipment.parcels if one.number == parcel.parcel), None)
    if parcel.status == "clearing":
        yield f"{name} {number}: {parcel.sscc} waits for an answer for ever"
    if parcel.status in ("cleared", "handed_over") and shipment.stage != "shipped":
        yield f"{name} {number}: {parcel.sscc} is {parcel.status}, and its shipment is {status_of(shipment)}"
    if parcel.status == "handed_over" and (mine is None or mine.place != "handed_over"):
        yield f"{name} {number}: {parcel.sscc} left, and its shipment does not know"
