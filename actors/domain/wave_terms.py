"""What a wave is planned from, and what comes of it. How: `wave.py`.

Lengths in decimetres, weights in grams, volumes in millilitres, times UTC milliseconds since 1970.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.pick_layout import Stop

# single: an order a trip. batch: several, units added up by bin and sorted afterwards. cluster: several, a tote for
# each. zone: batches that stay in one zone each. wave: the same for all that is due by a cut-off.
Method = Literal["single", "batch", "cluster", "zone", "wave"]
# What made an order go on more than one trip. handling: other temperature or hazard class; the
# others: a limit of the trip.
SplitReason = Literal["handling", "zone", "lines", "units", "weight", "volume"]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Amount = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class WorkLine(msgspec.Struct, frozen=True, gc=False):
    """Units to be picked from one bin. zone: of the floor; unit_weight_g, unit_volume_ml: of one unit,
    0 when it is not known."""

    sku: str
    lot: str
    units: Count
    stop: Stop
    zone: str = ""
    temperature: str = "ambient"
    hazard: str = ""
    unit_weight_g: Amount = 0
    unit_volume_ml: Amount = 0


class Work(msgspec.Struct, frozen=True, gc=False):
    """A fulfilment that waits to be picked. due_ms: its carrier's cut-off; priority: of two with the same cut-off
    the higher comes first."""

    fulfilment_id: str
    lines: tuple[WorkLine, ...]
    due_ms: int
    priority: int = 0

    @property
    def urgency(self) -> tuple[int, int]:
        """Rises as it may wait."""
        return self.due_ms, -self.priority


class Limits(msgspec.Struct, frozen=True, gc=False):
    """What a picker can do on one trip. totes: orders at a time in a cluster. Every number is at least 1."""

    lines: int = 40
    units: int = 200
    weight_g: int = 150_000
    volume_ml: int = 400_000
    totes: int = 12


class Share(msgspec.Struct, frozen=True, gc=False):
    """For whom units are. tote: from 1; 0 when they are sorted afterwards."""

    fulfilment_id: str
    units: int
    tote: int


class PickTask(msgspec.Struct, frozen=True, gc=False):
    """What is taken from a bin. Its shares add up to its units; more urgent ones come first."""

    bin_id: str
    sku: str
    lot: str
    units: int
    shares: tuple[Share, ...]


class Trip(msgspec.Struct, frozen=True, gc=False):
    """Tasks in the order in which they are walked past. due_ms: the earliest cut-off on it; exact: no shorter way past
    these bins is possible."""

    method: Method
    due_ms: int
    tasks: tuple[PickTask, ...]
    walk_dm: int
    exact: bool


class Split(msgspec.Struct, frozen=True, gc=False):
    """An order that goes on several trips, and why."""

    fulfilment_id: str
    reasons: tuple[SplitReason, ...]


class LeftOut(msgspec.Struct, frozen=True, gc=False):
    """An order of which nothing is planned, since one unit of `sku` is more than a trip may carry. limit:
    which of its limits says so."""

    fulfilment_id: str
    sku: str
    limit: Literal["weight", "volume"]


class WavePlan(msgspec.Struct, frozen=True, gc=False):
    """trips: most urgent first; later: orders that are due after the wave's cut-off."""

    trips: tuple[Trip, ...]
    splits: tuple[Split, ...]
    left_out: tuple[LeftOut, ...]
    later: tuple[str, ...]

    @property
    def walk_dm(self) -> int:
        """Of all trips together."""
        return sum(trip.walk_dm for trip in self.trips)
