"""What is known of a location. The rules are in `location.py`."""

from __future__ import annotations

import msgspec

from actors.domain.floor_terms import FloorTerms
from actors.domain.location_events import Bin, IncomingSource, LocationOpened, LotTold, Units
from actors.domain.location_line import WaitingLine
from actors.domain.location_profile import DayCount, Profile
from actors.domain.location_shelves import Shelves
from actors.domain.outlook import DemandRate
from actors.domain.times import sooner


class Counts(msgspec.Struct, gc=False):
    """Units in the base unit: on_hand = free + allocated + reserved + damaged + quality_hold."""

    on_hand: int = 0
    allocated: int = 0
    reserved: int = 0
    damaged: int = 0
    quality_hold: int = 0

    @property
    def free(self) -> int:
        """Sellable and promised to nobody; never negative."""
        return self.on_hand - self.allocated - self.reserved - self.damaged - self.quality_hold

    @property
    def sellable(self) -> int:
        """Neither damaged nor to be looked at first, be it promised or not."""
        return self.on_hand - self.damaged - self.quality_hold

    @property
    def promised(self) -> int:
        """To an order, or kept for a cart or a transfer."""
        return self.allocated + self.reserved


class Stock(Counts, gc=False):
    """Stock of one SKU here. `buffers`: units kept back from channels; `rate`: how much of it is wanted
    here, None while unknown."""

    safety_stock: int = 0
    reorder_point: int = 0
    buffers: tuple[Units, ...] = ()
    rate: DemandRate | None = None

    @property
    def available(self) -> int:
        """Units that may be promised now; never negative."""
        units = self.on_hand - self.allocated - self.reserved - self.damaged - self.quality_hold - self.safety_stock
        return max(0, units)

    def available_to(self, channel: str) -> int:
        """The same, less what is kept back from the channel."""
        if not self.buffers:
            return self.available
        kept = next((units for name, units in self.buffers if name == channel), 0)
        return max(0, self.free - self.safety_stock - kept)


class Lot(Counts, gc=False):
    """The part of a SKU's stock that is of one lot. `expires_on`: days since 1970-01-01, its last good day; `serial`:
    it is the number of one unit; `told`: that its end is near, or that it has come."""

    expires_on: int | None = None
    serial: bool = False
    told: LotTold = ""

    def good_on(self, day: int) -> bool:
        """May it be sold to be used on that day?"""
        return self.expires_on is None or self.expires_on >= day


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """What is still to come from one source. Without lines it only tells that nothing is, and is forgotten after a
    while (`changed_at_ms`)."""

    source: IncomingSource
    revision: int
    expected_at_ms: int
    lines: tuple[Units, ...]
    changed_at_ms: int


# (bin id, lot)
Spot = tuple[str, str]
# What is counted in one go: (bin id, "") all that lies in a bin, ("", SKU) what of a SKU lies in none.
CountedSpot = tuple[str, str]
# (UTC ms, SKU, lot, units more)
Passed = tuple[int, str, str, int]


class Counting(msgspec.Struct, gc=False):
    """A spot that is being counted: (SKU, lot, units) that lay there when it was begun, and what has changed since.
    `lost`: more changed than is kept, or nobody asks for it any more and the spot is only still taken."""

    count_id: str
    began_at_ms: int
    book: list[tuple[str, str, int]] = []
    changes: list[Passed] = []
    lost: bool = False


class Location(msgspec.Struct):
    """The state of a location. All maps but `stock` are empty where nobody uses them.

    stock: by SKU. lots: SKU → lot → its part of the stock; for a SKU that has lots they add up
    to its stock in every state.
    claims: cause → (SKU, lot) → units allocated or reserved of that lot. bins: by id. contents: SKU → (bin, lot) →
    units that lie there; what is on hand and in no bin is at the dock, on a shelf without number, or in somebody's
    hands. fill: bin → all units in it. incoming: by source. look_at_ms: when a lot has to be looked at, None for never.
    counting: spots that are being counted, empty nearly always. floor: how its floor picks what orders are
    promised, None where no floor runs.
    profile: what it can do for orders, None for everything. counted: what was allocated to orders on the last day with
    a limit to it. shelves: its bins by how near they are, where somebody asked. ends: SKU → last good day → free
    units, of units that have one.
    """

    particulars: LocationOpened
    stock: dict[str, Stock]
    lots: dict[str, dict[str, Lot]] = {}
    claims: dict[str, dict[Spot, int]] = {}
    bins: dict[str, Bin] = {}
    contents: dict[str, dict[Spot, int]] = {}
    fill: dict[str, int] = {}
    incoming: dict[str, Incoming] = {}
    look_at_ms: int | None = None
    counting: dict[CountedSpot, Counting] = {}
    floor: FloorTerms | None = None
    profile: Profile | None = None
    counted: DayCount | None = None
    waiting: WaitingLine | None = None
    shelves: Shelves = msgspec.field(default_factory=Shelves)
    ends: dict[str, dict[int, int]] = {}


def due_of(location: Location) -> int | None:
    """When the location wants to be woken, for its lots or its line (`LookAtLocation`): UTC ms, None for never."""
    if location.waiting is None:
        return location.look_at_ms
    return sooner(location.look_at_ms, location.waiting.due_ms)
