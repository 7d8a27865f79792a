"""Counters: they count what lies loose while everybody else moves it, hand in late, twice and wrong, and
close counts too early."""

from __future__ import annotations

from collections import Counter as Sum
from collections.abc import Iterator

from actors.domain import ids
from actors.domain.count_commands import BeginSpots, CloseCount, Command, OpenCount, SubmitSpot
from actors.domain.count_state import Count, SpotState
from actors.domain.location_events import PromisesAtRisk
from actors.runtime import wire
from actors.runtime.gateway import Ask
from tests.simulation.clients import LOCATIONS, REGION, Client, digest
from tests.simulation.history import CODECS, History

COUNTED = ("hot", "scarce", "other")


class Counter(Client):
    """Most of what they do is counting. `counts`: ids of all of them."""

    def __init__(self, world, name: str, seed: str, actions: int, counts: list[str]) -> None:
        super().__init__(world, name, seed, actions)
        self.account = ids.account_id(REGION, name.encode().ljust(16))
        # They don't always sign in on it.
        self.scanner = ids.device_id(REGION, 0, name)
        self.counts = counts

    async def act(self) -> None:
        """One thing, drawn."""
        draw = self.rng.random()
        if draw < 0.05 or (draw < 0.8 and not self.counts):
            await self.open()
        elif draw < 0.8:
            command = self._step()
            # The newest: what is counted once has to be counted again by somebody else.
            ask = Ask("count", self.rng.choice(self.counts[-2:]), command, self._key(), digest(command))
            await self.ask(ask, wait_ms=self.rng.choice((0, 300)))
            if self.rng.random() < 0.2:
                await self.ask(ask, remember=False)
        else:
            await super().act()

    async def open(self) -> None:
        """A new count of some SKUs that lie in no bin."""
        rng, key = self.rng, self._key()
        spots = [("", sku) for sku in rng.sample(COUNTED, rng.randint(1, 3))]
        command = OpenCount(
            rng.choice(LOCATIONS), spots, "request", tolerance_units=rng.choice((0, 2)), approval_units=rng.choice((0, 6)),
            approval_good_for_ms=3_600_000, by=self.account,
        )  # fmt: skip
        identity = ids.count_id(REGION, self.world.now_ms(), key)
        told = await self.ask(Ask("count", identity, command, key, digest(command), creates=True))
        if told is not None and told.status == wire.OK:
            self.counts.append(told.fields()["count_id"])

    def _step(self) -> Command:
        rng, spot = self.rng, ("", self.rng.choice(COUNTED))
        draw = rng.random()
        if draw < 0.2:
            return BeginSpots([("", sku) for sku in COUNTED], self.account)
        if draw < 0.98:
            # What they find is anybody's guess: it is judged by whether the books follow, once.
            found = [(spot[1], "", rng.choice((5, 24, 25, 26)))] if rng.random() < 0.9 else []
            moment = self.world.now_ms() - rng.choice((0, 0, 50, 400))
            by = self.scanner if rng.random() < 0.35 else self.account
            return SubmitSpot(spot, found, moment, by)
        return CloseCount(self.account)


def _is_agreed(count: Count, one: SpotState) -> bool:
    """Was what is more than tolerated found by two people?"""
    tolerated = all(abs(units) <= count.tolerance_units for units in one.attempts[-1].variance.values())
    people = {attempt.by for attempt in one.attempts if ids.ACCOUNT_PATTERN.match(attempt.by)}
    return len(people) > 1 or tolerated


def counts(history: History) -> Iterator[str]:
    """The ledger has each variance that was accepted, once: what could not be taken off because it is
    promised was told as a risk."""
    booked: Sum[str] = Sum()
    for row in history.rows.get("ledger", {}).values():
        booked[row.cause] += row.on_hand_delta
    for (kind, _), entity in history.entities.items():
        if kind != "location":
            continue
        for turn in entity.turns:
            if b'"PromisesAtRisk"' in turn.events:
                events = CODECS["location"].events(turn.events)
                # What was not taken off counts as if it had been.
                booked[turn.command_id.partition("/")[0]] -= sum(
                    event.units for event in events if isinstance(event, PromisesAtRisk)
                )
    open_counts, waiting = set(), set()
    for (kind, identity), entity in history.entities.items():
        if kind != "count" or entity.state is None:
            continue
        count: Count = entity.state
        corrected = sum(
            sum(spot.attempts[-1].variance.values()) for spot in count.spots.values() if spot.status == "corrected"
        )
        if booked[identity] != corrected:
            yield f"{identity}: {corrected} units were corrected, the ledgers have {booked[identity]}"
        if any(spot.status in ("beginning", "comparing", "correcting") for spot in count.spots.values()):
            yield f"{identity} still waits for its location: {count.spots}"
        if count.status == "open":
            open_counts.add(identity)
        for spot, one in count.spots.items():
            if one.status in ("corrected", "asked") and not _is_agreed(count, one):
                yield f"{identity}: nobody else has seen what {spot} lacks: {one.attempts}"
            asked = history.entities.get(("approval", one.approval_id)) if one.status == "asked" else None
            if asked is not None and asked.state is not None and asked.state.status == "pending":
                waiting.add((identity, spot))
    for (kind, location_id), entity in history.entities.items():
        for spot, kept in entity.state.counting.items() if kind == "location" and entity.state else ():
            if kept.count_id not in open_counts and (kept.count_id, spot) not in waiting:
                yield f"{location_id} still keeps {spot} for {kept.count_id}, which is over"
