"""Stockkeepers: they receive lots that end soon, put goods away, move them, find them damaged, set levels; and order
some of that themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import ClassVar

from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    ChangeCondition,
    Command,
    ConditionLine,
    DefineBins,
    MoveLine,
    MoveUnits,
    ReceiptLine,
    ReceiveStock,
    RemoveBins,
    SetLevels,
)
from actors.domain.location_events import Bin, Levels, LevelsSet
from actors.domain.location_state import Location
from actors.domain.outlook import DemandRate
from actors.runtime.gateway import Ask
from tests.simulation.cell import BEGAN_MS
from tests.simulation.clients import LOCATIONS, SKUS, Client, digest
from tests.simulation.history import Folded, History

MILK = "milk"
BINS = [Bin("A-01", "A", 1, 1, 0), Bin("A-02", "A", 1, 2, 0, units_max=30), Bin("B-01", "B", 2, 1, 0)]
# Lot → its last good day: of the first, that on which the world begins.
_FIRST_DAY = BEGAN_MS // 86_400_000
LOTS = {"l1": _FIRST_DAY, "l2": _FIRST_DAY + 3, "l3": None}
COUNTS = ("on_hand", "allocated", "reserved", "damaged", "quality_hold")


class Stockkeeper(Client):
    """Half of what they do is done to stock. Worlds begin a few seconds before midnight UTC for them:
    lots end while they work."""

    wants: ClassVar[Mapping[str, int]] = {"hot": 1, "plenty": 1, MILK: 4}

    async def run(self) -> None:
        """Has bins and lots before anything else."""
        for place in self.places:
            await self._do(place, DefineBins(BINS))
            lots = [ReceiptLine(MILK, 8, None, lot, ends_on) for lot, ends_on in LOTS.items()]
            await self._do(place, ReceiveStock(lots))
        await super().run()

    async def act(self) -> None:
        """One thing, drawn."""
        if self.rng.random() < 0.5:
            await self._do(self.rng.choice(self.places), self._command())
        else:
            await super().act()

    @property
    def places(self) -> list[str]:
        """Where they work: few places, so that much happens there."""
        return LOCATIONS[1:3]

    async def _do(self, place: str, command: Command) -> None:
        await self.ask(Ask("location", place, command, self._key(), digest(command)))

    def _command(self) -> Command:
        rng = self.rng
        sku = rng.choice((MILK, MILK, "hot", "other"))
        lot = rng.choice(("l1", "l2", "l3")) if sku == MILK else ""
        n = rng.randint(1, 6)
        one, other = rng.sample(("", "A-01", "A-02", "B-01"), 2)
        condition, becomes = rng.sample(("sellable", "damaged", "quality_hold"), 2)
        ends_on = LOTS.get(lot)
        draw = rng.random()
        if draw < 0.4:
            return ReceiveStock([ReceiptLine(sku, n, None, lot, ends_on, rng.choice(("sellable", condition)), one)])
        if draw < 0.45:
            return DefineBins(BINS)
        if draw < 0.65:
            return MoveUnits([MoveLine(sku, n, one, other, lot)])
        if draw < 0.73:
            return ChangeCondition([ConditionLine(sku, n, condition, becomes, lot)])  # type: ignore[arg-type]
        if draw < 0.8:
            line = AdjustmentLine(sku, rng.choice((-n, n)), "loss", lot=lot, bin=one)
            return AdjustStock([line], as_far=rng.random() < 0.3)
        if draw < 0.96:
            # Now and then nothing is said of demand, or that nothing is known of it any more.
            rate = None if becomes == "sellable" else DemandRate((n - 1) * 700, 1, 2, "measured")
            sku, safety, point = rng.choice([MILK, MILK, *SKUS]), rng.randint(0, 2), rng.randint(0, 9)
            alone = becomes == "damaged"
            return SetLevels([Levels(sku, rate=rate) if alone else Levels(sku, safety, point, {"online": 1}, rate)])
        return RemoveBins([rng.choice(("A-01", "B-01"))])


def parts(history: History) -> Iterator[str]:
    """Lots add up to their SKU's stock, claims to what their lots have promised, days on which units end to the lots
    that end then, and no bin holds what is not on hand. What is known of demand is what was said last."""
    for (kind, location_id), entity in history.entities.items():
        if kind == "location" and entity.state is not None:
            yield from _outlooks(location_id, entity)
            yield from _lots(location_id, entity.state)
            yield from _bins(location_id, entity.state)


def _lots(location_id: str, state: Location) -> Iterator[str]:
    claimed: Counter[tuple[str, str]] = Counter()
    for claims in state.claims.values():
        claimed.update(claims)
    for sku, lots in state.lots.items():
        for name in COUNTS:
            of_lots = sum(getattr(lot, name) for lot in lots.values())
            if of_lots != getattr(state.stock[sku], name):
                yield f"{location_id} {sku}: its lots have {of_lots} {name}, its stock {state.stock[sku]}"
        for name, lot in lots.items():
            if claimed.pop((sku, name), 0) != lot.allocated + lot.reserved:
                yield f"{location_id} {sku} {name}: {lot} is promised otherwise than by {state.claims}"
    if +claimed:
        yield f"{location_id}: claims to lots that are not there: {claimed}"


def _outlooks(location_id: str, entity: Folded) -> Iterator[str]:
    ends: dict[str, Counter[int]] = {}
    for sku, lots in entity.state.lots.items():
        for lot in lots.values():
            if lot.expires_on is not None and lot.free:
                ends.setdefault(sku, Counter())[lot.expires_on] += lot.free
    if ends != entity.state.ends:
        yield f"{location_id}: units end {ends}, and are told to end {entity.state.ends}"
    rates: dict[str, DemandRate] = {}
    for _, event in entity.events:
        if type(event) is LevelsSet:
            rates.update((one.sku, one.rate) for one in event.levels if one.rate is not None)
    for sku, stock in entity.state.stock.items():
        said = rates.get(sku)
        if stock.rate != (said if said is not None and said.milli_a_day else None):
            yield f"{location_id} {sku}: demand is {stock.rate}, and {said} was said last"


def _bins(location_id: str, state: Location) -> Iterator[str]:
    inside: Counter[str] = Counter()
    for sku, contents in state.contents.items():
        by_lot: Counter[str] = Counter()
        for (bin_id, lot), units in contents.items():
            inside[bin_id] += units
            by_lot[lot] += units
        for lot, units in by_lot.items():
            on_hand = state.lots[sku][lot].on_hand if lot else state.stock[sku].on_hand
            if units > on_hand:
                yield f"{location_id} {sku} {lot}: {units} in bins, {on_hand} on hand"
    if inside != Counter(state.fill) or not inside.keys() <= state.bins.keys():
        yield f"{location_id}: bins hold {inside}, and are told to hold {state.fill}"
