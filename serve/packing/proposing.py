"""Into which cartons the units should go: worked out in a thread, beside every turn, from what the
catalogue says of the goods."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from actors.domain.carton import SIDE_MM_MAX, WEIGHT_G_MAX, Item, PackedParcel, pack
from actors.domain.errors import Refused
from actors.domain.location_events import Units
from actors.domain.shipment_commands import Known, Proposed
from actors.domain.shipment_packing import known_of
from serve.availability.index import AvailabilityIndex
from serve.packing.settings import Carton

# At once, of one replica: each takes a core for up to half a second.
AT_ONCE = 2


class Proposal(NamedTuple):
    """parcels: none when nobody can say; problem: the code of why, "" when somebody can; skus: because of these."""

    parcels: tuple[PackedParcel, ...] = ()
    problem: str = ""
    skus: tuple[str, ...] = ()


class Proposing:
    """Of one replica."""

    def __init__(self, index: AvailabilityIndex, cartons: Sequence[Carton]) -> None:
        self._index = index
        self._cartons = [one.inner for one in cartons]
        self._turn = asyncio.Semaphore(AT_ONCE)

    def known(self, lines: Iterable[Units]) -> Known:
        """What the catalogue says of the goods."""
        details = {sku: self._index.details(sku) for sku, _ in lines}
        tracked = [sku for sku, one in details.items() if one.tracking != "none"]
        weights_g = {sku: min(one.weight_g, WEIGHT_G_MAX) for sku, one in details.items()}
        return known_of(weights_g, tracked, {sku: one.hazard_class for sku, one in details.items()})

    async def proposal(self, lines: Sequence[Units]) -> Proposal:
        """With places for each unit. What has no measures or goes into no carton is packed by hand."""
        items, unmeasured = list[Item](), list[str]()
        for sku, units in lines:
            item = self._item(sku, units)
            if item is None:
                unmeasured.append(sku)
            else:
                items.append(item)
        if unmeasured:
            return Proposal(problem="packing.not_measured", skus=tuple(sorted(unmeasured)))
        classes = sorted({item.hazard for item in items if item.hazard})
        if len(classes) > 1:
            # A carrier is told one class a parcel; goods of different ones don't travel together.
            items = [
                replace(item, not_with=tuple(one for one in classes if one != item.hazard)) if item.hazard else item
                for item in items
            ]
        try:
            async with self._turn:
                return Proposal(await asyncio.to_thread(pack, items, self._cartons))
        except Refused as refused:
            return Proposal(problem=refused.body.code, skus=tuple(refused.body.extra.get("skus", ())))

    def _item(self, sku: str, units: int) -> Item | None:
        details = self._index.details(sku)
        sides = (details.length_mm, details.width_mm, details.height_mm)
        if not all(0 < side <= SIDE_MM_MAX for side in sides) or not 0 < details.weight_g <= WEIGHT_G_MAX:
            return None
        return Item(sku, units, *sides, details.weight_g, hazard=details.hazard_class)


def proposed(proposal: Proposal) -> list[Proposed]:
    """As a command carries it: how many of what in which carton."""
    out = []
    for parcel in proposal.parcels:
        sums: dict[str, int] = {}
        for placement in parcel.placements:
            sums[placement.sku] = sums.get(placement.sku, 0) + 1
        out.append(Proposed(parcel.carton, sorted(sums.items()), parcel.weight_g))
    return out
