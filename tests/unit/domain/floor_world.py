"""A building with its floor, and orders that it serves; with the messages between them: each applied once, however
often and in whatever order it comes."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import msgspec
import pytest

from actors.domain import ids
from actors.domain.allocation import Place
from actors.domain.errors import Refused
from actors.domain.floor_commands import ClaimTrip, ConfirmPick, NewTask, NewTrip, PlanTrips, Share
from actors.domain.floor_plan import Handling, propose
from actors.domain.floor_state import Floor, Work
from actors.domain.floor_terms import FloorTerms
from actors.domain.floor_views import ViewPlannable
from actors.domain.kind import Context, Message
from actors.domain.kinds import KINDS
from actors.domain.location_commands import DefineBins, OpenLocation, ReceiptLine, ReceiveStock, RunFloor
from actors.domain.location_events import Bin
from actors.domain.location_floor import ViewContents
from actors.domain.location_state import Location
from actors.domain.order_commands import PlaceOrder, UpdateOrder
from actors.domain.order_state import Line, Order, ShipTo

NOW_MS = 1_767_225_600_000
DAY_MS = 86_400_000
TODAY = NOW_MS // DAY_MS
PLACE, OTHER = "us-wh-seattle", "us-wh-newark"
BINS = ("A-01", "A-02", "B-01")


class Sent(NamedTuple):
    """A message with its id, and who sent it."""

    name: str
    sender: tuple[str, str]
    message: Message


class World:
    """`entities`: (kind, id) → (state, version). `waiting`: names of messages that were not handed over yet; `stored`:
    rows by entity, as write-behind leaves them; `parked`: messages that were refused and whose
    sender does not want to know."""

    def __init__(self, *, floor: bool = True) -> None:
        self.now_ms = NOW_MS
        self.entities: dict[tuple[str, str], tuple[Any, int]] = {}
        self.stored: dict[tuple[str, str], dict[Any, Any]] = {}
        self.sent: dict[str, Sent] = {}
        self.waiting: list[str] = []
        self.parked: list[str] = []
        self._answers: dict[str, tuple[bytes, bool]] = {}
        self._told: set[str] = set()
        self._made = 0
        for name in (PLACE, OTHER):
            self.do("location", name, OpenLocation("warehouse", name, "", "US", 0.0, 0.0))
        bins = [Bin(name, name[0], at, 1, 0, 10 * at, 5) for at, name in enumerate(BINS)]
        self.do("location", PLACE, DefineBins(bins))
        if floor:
            self.do("location", PLACE, RunFloor(FloorTerms()))

    # --- one turn
    def do(self, kind_name: str, entity_id: str, command: Any) -> Any:
        """Gives the reply. Raises Refused, and then nothing has changed."""
        kind, key = KINDS[kind_name], (kind_name, entity_id)
        command = msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=kind.commands)
        state, version = self.entities.get(key, (None, 0))
        before, context = copy.deepcopy(state), Context(entity_id, f"c{len(self.sent)}", self.now_ms)
        try:
            decision = kind.decide(state, command, context)
        finally:
            assert state == before, "decide changed the state"
        events = msgspec.json.decode(msgspec.json.encode(decision.events), type=list[kind.events])
        for event in events:
            state = kind.evolve(state, event, context)
            version += 1
            self.happened(event)
            for message in kind.messages(entity_id, event):
                name = f"{entity_id}/{version}/{len(self.sent)}"
                self.sent[name] = Sent(name, key, message)
                self.waiting.append(name)
        if events:
            self.entities[key] = (state, version)
            self._store(key, kind.rows(state, version, events, context))
        return decision.reply(state, version)

    def happened(self, event: Any) -> None:
        """For who wants to see it."""

    def _store(self, key: tuple[str, str], rows: list[Any]) -> None:
        table = self.stored.setdefault(key, {})
        for row in rows:
            name = (row.table, *(getattr(row, part) for part in row.key))
            if getattr(row, "gone", False):
                table.pop(name, None)
            elif not row.append_only and not row.change:
                table[name] = msgspec.structs.replace(row)

    def restart(self, kind_name: str, entity_id: str) -> None:
        """It is dropped from memory and comes back from its rows."""
        stored: dict[str, list[Any]] = {}
        for (table, *_), row in sorted(self.stored[kind_name, entity_id].items(), key=lambda item: str(item[0])):
            stored.setdefault(table, []).append(row)
        back = KINDS[kind_name].restore(entity_id, stored)
        assert back == self.entities[kind_name, entity_id], "something is lost when it is passivated"
        self.entities[kind_name, entity_id] = back

    # --- messages
    def apply(self, name: str) -> None:
        """The receiver gets it, perhaps again."""
        message = self.sent[name].message
        if name in self._answers:
            return
        try:
            reply = self.do(message.kind, message.entity_id, message.command)
            self._answers[name] = (msgspec.json.encode(reply), False)
        except Refused as refused:
            self._answers[name] = (msgspec.json.encode(refused.body), True)
            if not message.on_reply:
                self.parked.append(f"{message.command}: {refused}")

    def deliver(self, name: str) -> None:
        """The receiver gets it, and its sender the answer."""
        self.apply(name)
        if name in self.waiting:
            self.waiting.remove(name)
        sent = self.sent[name]
        if sent.message.on_reply and name not in self._told:
            self._told.add(name)
            command = KINDS[sent.sender[0]].on_reply(sent.message, *self._answers[name])
            if command is not None:
                self.do(*sent.sender, command)

    def settle(self) -> None:
        """All messages arrive."""
        while self.waiting:
            self.deliver(self.waiting[0])

    # --- what people do
    def receive(self, *lines: ReceiptLine, place: str = PLACE) -> None:
        """Goods come in."""
        self.do("location", place, ReceiveStock(list(lines)))

    def order(self, *lines: tuple[str, int], places: tuple[str, ...] = (PLACE,)) -> str:
        """An order; the id of its first fulfilment."""
        self._made += 1
        order_id = ids.new_order_id("us", self.now_ms, f"order-{self._made}")
        seen = [Place(place, dict(lines)) for place in places]
        priced = [Line(sku, units, 100) for sku, units in lines]
        self.do("order", order_id, PlaceOrder("", "online", "", "US", ShipTo("US"), "USD", priced, seen))
        return f"{order_id}.1"

    def update(self, name: str, update: str, **more: Any) -> None:
        """A step of a fulfilment's order, by hand."""
        order_id, _, number = name.rpartition(".")
        self.do("order", order_id, UpdateOrder(update, int(number), **more))

    def plan(self, method: str = "batch", **more: Any) -> Any:
        """A wave of all that waits."""
        seen = KINDS["floor"].view(
            self.entities.get(("floor", PLACE), (None, 0))[0], ViewPlannable(PLACE, 500, 5_000), 0
        )
        skus = [sku for work in seen.works for sku, _ in work.lines]
        causes = [work.fulfilment_id for work in seen.works]
        lying = KINDS["location"].view(self.place(), ViewContents(PLACE, skus, causes), 0)
        made = propose(
            seen.works, seen.spoken_for, lying, {"heavy": Handling(10_000)}, method, now_ms=self.now_ms, **more
        )
        return self.do("floor", PLACE, PlanTrips(list(made.trips)))

    def claim(self, picker: str) -> Any:
        """The next trip of somebody."""
        return self.do("floor", PLACE, ClaimTrip(picker))

    def pick(self, picker: str, trip: int, task: int, units: int | None = None, **more: Any) -> Any:
        """As the task says, unless told otherwise."""
        at = self.floor().trips[trip].tasks[task - 1]
        tote = next((share.tote for share in at.shares), 0)
        of_tote = sum(share.units for share in at.shares if not tote or share.tote == tote)
        said = {"bin_id": at.bin_id, "sku": at.sku, "lot": at.lot, "tote": tote, "by": picker}
        return self.do("floor", PLACE, ConfirmPick(trip, task, units=units or of_tote, **(said | more)))

    def pick_all(self, picker: str) -> None:
        """Everything of everything."""
        while any(not trip.picker or trip.picker == picker for trip in self.floor().trips.values()):
            told = self.claim(picker)
            task = next(task.task for task in told.tasks if task.left)
            self.pick(picker, told.trip, task)

    # --- what is there
    def floor(self) -> Floor:
        """The state."""
        state: Floor = self.entities.get(("floor", PLACE), (Floor(), 0))[0]
        return state

    def work(self, name: str) -> Work:
        """Of a fulfilment."""
        return self.floor().works[name]

    def place(self, name: str = PLACE) -> Location:
        """The state."""
        state: Location = self.entities["location", name][0]
        return state

    def in_bins(self, sku: str) -> dict[str, int]:
        """Units by bin."""
        units: dict[str, int] = {}
        for (bin_id, _), n in self.place().contents.get(sku, {}).items():
            units[bin_id] = units.get(bin_id, 0) + n
        return units

    def bought(self, name: str) -> Order:
        """The order of a fulfilment."""
        state: Order = self.entities["order", name.rpartition(".")[0]][0]
        return state

    def status(self, name: str) -> str:
        """Of a fulfilment, as its order sees it."""
        number = int(name.rpartition(".")[2])
        return next(f.status for f in self.bought(name).fulfilments if f.number == number)


def trip_of(*tasks: NewTask) -> NewTrip:
    """A batch."""
    return NewTrip("batch", NOW_MS, 0, True, tasks)


def task_of(sku: str, *shares: tuple[str, int], bin_id: str = "A-01", lot: str = "") -> NewTask:
    """Without totes."""
    return NewTask(bin_id, sku, lot, None, tuple(Share(name, units) for name, units in shares))


def stocked() -> World:
    """With two bins of `a` and one of `b`."""
    made = World()
    made.receive(ReceiptLine("a", 10, bin="A-01"), ReceiptLine("a", 4, bin="A-02"), ReceiptLine("b", 3, bin="B-01"))
    return made


def refused(code, run, **facts):
    with pytest.raises(Refused) as caught:
        run()
    assert caught.value.body.code == code
    assert {name: caught.value.body.extra.get(name) for name in facts} == facts


def placed(world, *lines):
    name = world.order(*lines)
    world.settle()
    return name


def started(world, *lines, picker="mia"):
    """A fulfilment on a trip that somebody has."""
    name = placed(world, *lines)
    world.plan()
    told = world.claim(picker)
    world.settle()
    return name, told.trip


def say(world, command):
    told = world.do("floor", PLACE, command)
    world.settle()
    return told


def pick_of(trip, task):
    return ConfirmPick(trip, task, "A-01", "a", 1)
