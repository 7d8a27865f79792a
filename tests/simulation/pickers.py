"""Pickers: in two buildings that are run by their floors they plan trips from what they saw a moment ago, claim, pick,
miss and abandon, at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actors.domain import ids
from actors.domain.floor_commands import (
    AbandonTrip,
    ClaimTrip,
    Command,
    ConfirmPick,
    NewTask,
    NewTrip,
    PlanTrips,
    Prioritise,
    PutBack,
    RetryWork,
    Share,
    TellLost,
    TellShort,
)
from actors.domain.floor_events import WorkPrioritised
from actors.domain.floor_service import SPACING_MS, WorkMarked, next_mark_ms
from actors.domain.floor_state import Floor
from actors.domain.floor_terms import FloorTerms
from actors.domain.floor_views import ViewPlannable, ViewQueue
from actors.domain.location_commands import RunFloor
from actors.domain.order_state import fulfilment_id
from actors.runtime import wire
from actors.runtime.gateway import Ask
from tests.simulation.clients import LOCATIONS, REGION, Client, digest
from tests.simulation.history import History
from tests.simulation.told import Told

RUN = LOCATIONS[:2]


class Picker(Client):
    """Most of what they do is picking, at their `places`; the orders are everybody's."""

    places: Sequence[str] = RUN

    def __init__(self, world, name: str, seed: str, actions: int) -> None:
        super().__init__(world, name, seed, actions)
        self.account = ids.account_id(REGION, name.encode().ljust(16))
        self.trip: dict | None = None

    async def run(self) -> None:
        """First of all the floors run their buildings."""
        for place in self.places:
            command = RunFloor(FloorTerms())
            await self.ask(Ask("location", place, command, self._key(), digest(command)))
        await super().run()

    async def act(self) -> None:
        """One thing, drawn."""
        draw, place = self.rng.random(), self.rng.choice(self.places)
        if draw < 0.3:
            await super().act()
        elif draw < 0.5:
            await self.plan(place)
        elif draw < 0.55:
            await self.tidy(place)
        elif draw < 0.65:
            await self.hurry(place)
        elif draw < 0.7:
            await self.lose(place)
        elif self.trip is None:
            told = await self._do(place, ClaimTrip(self.account))
            self.trip = told.fields() if told is not None and told.status == wire.OK else None
        else:
            await self.walk(self.trip)

    async def plan(self, place: str) -> None:
        """Trips of what waits; somebody else may have planned it meanwhile."""
        seen = await self.world.gateway(self.rng).view(self, "floor", place, ViewPlannable(place, 6, 50))
        if seen is None or seen.status != wire.OK or not seen.fields()["works"]:
            return
        trips = [
            NewTrip("single", due_ms, 0, True, tuple(
                NewTask("", sku, "", None, (Share(name, units),)) for sku, units in lines
            ))
            for name, _, due_ms, lines, *_ in seen.fields()["works"]
        ]  # fmt: skip
        await self._do(place, PlanTrips(trips))

    async def walk(self, trip: dict) -> None:
        """Picks the next of it, in two halves or twice, misses some, or gives up."""
        rng, place, number = self.rng, trip["location_id"], trip["trip"]
        open_ = [task for task in trip["tasks"] if task["left"]]
        draw = rng.random()
        if not open_ or draw < 0.06:
            self.trip = None
            await self._do(place, AbandonTrip(number, self.account))
            return
        task = rng.choice(open_)
        units = rng.randint(1, task["left"])
        if draw < 0.85:
            command: Command = ConfirmPick(
                number, task["task"], task["bin_id"], task["sku"], units, task["lot"], by=self.account
            )
        else:
            command = TellShort(number, task["task"], units, [], self.account)
        told = await self._do(place, command)
        if told is None or told.status != wire.OK:
            self.trip = None
            return
        task["left"] = told.fields()["left"]
        if told.fields()["over"]:
            self.trip = None

    async def hurry(self, place: str) -> None:
        """Something has to be picked within seconds."""
        seen = await self.world.gateway(self.rng).view(self, "floor", place, ViewQueue(place, limit=50))
        works = seen.fields()["works"] if seen is not None and seen.status == wire.OK else ()
        if works:
            due_ms = self.world.now_ms() + self.rng.randint(-2, 30) * 1_000
            await self._do(place, Prioritise(self.rng.choice(works)["fulfilment_id"], self.rng.randint(0, 9), due_ms))

    async def lose(self, place: str) -> None:
        """Something that was picked falls off the cart."""
        seen = await self.world.gateway(self.rng).view(self, "floor", place, ViewQueue(place, limit=50))
        works = seen.fields()["works"] if seen is not None and seen.status == wire.OK else ()
        full = [(work["fulfilment_id"], line) for work in works for line in work["lines"] if line["picked"]]
        if full:
            name, line = self.rng.choice(full)
            await self._do(place, TellLost(name, [(line["sku"], 1)]))

    async def tidy(self, place: str) -> None:
        """Blocked work goes on, and what was picked for a cancelled order goes back."""
        seen = await self.world.gateway(self.rng).view(self, "floor", place, ViewQueue(place, limit=50))
        for work in seen.fields()["works"] if seen is not None and seen.status == wire.OK else ():
            if work["status"] == "blocked":
                await self._do(place, RetryWork(work["fulfilment_id"]))
            for goods in work["put_back"]:
                await self._do(
                    place, PutBack(work["fulfilment_id"], goods["sku"], goods["lot"], goods["units"], "")
                )  # fmt: skip

    async def _do(self, place: str, command: Command) -> Told | None:
        ask = Ask("floor", place, command, self._key(), digest(command))
        told = await self.ask(ask)
        if self.rng.random() < 0.15:
            await self.ask(ask, remember=False)
        return told


def marks(history: History, ended_ms: int) -> Iterator[str]:
    """No work has passed a mark untold while it was to be picked, and of a due time each mark
    is told once, and rising."""
    for (kind, place), entity in history.entities.items():
        if kind != "floor" or entity.state is None:
            continue
        told: dict[tuple[str, int], int] = {}
        dues: dict[str, int] = {}
        for _, event in entity.events:
            if type(event) is WorkPrioritised and dues.get(event.fulfilment_id) != event.due_ms:
                # Another promise.
                dues[event.fulfilment_id] = event.due_ms
                told = {key: mark for key, mark in told.items() if key[0] != event.fulfilment_id}
            for one in event.works if type(event) is WorkMarked else ():
                key = (one.fulfilment_id, one.due_ms)
                if told.get(key, 0) >= one.mark:
                    yield f"{place} {one.fulfilment_id}: mark {one.mark} of the same due time is told again"
                told[key] = one.mark
        floor: Floor = entity.state
        for name, work in floor.works.items():
            at_ms = next_mark_ms(work, floor.marks)
            # Floors tell what has come up once a second.
            if at_ms is not None and at_ms <= ended_ms - SPACING_MS:
                yield f"{place} {name}: came to a mark {ended_ms - at_ms} ms ago, and nobody was told"


def floors(history: History) -> Iterator[str]:
    """Each line of a fulfilment is in exactly one place, nobody has two trips, and floors and orders agree
    about what is to be picked."""
    known: set[str] = set()
    for (kind, place), entity in history.entities.items():
        if kind != "floor" or entity.state is None:
            continue
        floor: Floor = entity.state
        shares: dict[tuple[str, str], int] = {}
        pickers: set[str] = set()
        for number, trip in floor.trips.items():
            if trip.picker and trip.picker in pickers:
                yield f"{place}: {trip.picker} has two trips"
            pickers.add(trip.picker)
            for task in trip.tasks:
                for share in task.shares:
                    key = (share.fulfilment_id, task.sku)
                    shares[key] = shares.get(key, 0) + share.units
                    if share.fulfilment_id not in floor.works:
                        yield f"{place} trip {number}: {share} is of nobody's"
        for name, work in floor.works.items():
            for sku, line in work.lines.items():
                if line.waiting < 0 or line.planned != shares.get((name, sku), 0):
                    yield f"{place} {name} {sku}: {line}, on trips {shares.get((name, sku), 0)}"
            if not work.ended:
                known.add(name)
    for (kind, order_id), entity in history.entities.items():
        for number in entity.state.at_floors if kind == "order" and entity.state is not None else ():
            if fulfilment_id(order_id, number) not in known:
                yield f"{fulfilment_id(order_id, number)} is to be picked, and no floor knows of it"
            known.discard(fulfilment_id(order_id, number))
    if known:
        yield f"floors pick for orders that don't want it: {sorted(known)[:3]}"
