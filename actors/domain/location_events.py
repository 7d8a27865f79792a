"""What has happened at a location. The rules are in `location.py`."""

from __future__ import annotations

from typing import Literal

import msgspec

from actors.domain.floor_terms import FloorTerms
from actors.domain.location_line_events import Changed as LineEvent
from actors.domain.location_profile import DayCounted, ProfileSet
from actors.domain.outlook import DemandRate

Reason = Literal[
    # of orders and transfers, and of carts
    "allocate", "release", "pick", "short_pick", "ship", "reserve", "unreserve", "convert",
    # of goods that come, are corrected, change their condition or their place
    "receipt", "count", "damage", "loss", "found", "return", "write_off", "other", "condition", "expiry", "move",
    # of what is kept back
    "levels",
]  # fmt: skip
LocationType = Literal["warehouse", "store"]
# On hand and yet not to be promised: it waits in a cart, is damaged, or has to be looked at first.
AsideState = Literal["reserved", "damaged", "quality_hold"]
Condition = Literal["sellable", "damaged", "quality_hold"]
BinUse = Literal["pick", "reserve", "dock", "stage", "returns"]
IncomingSource = Literal["purchase", "transfer"]
# What was told of a lot's end.
LotTold = Literal["", "near", "ended"]
# Units of one SKU.
Units = tuple[str, int]


class LocationOpened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location's particulars are now these."""

    location_type: LocationType
    name: str
    city: str
    country: str
    lat: float
    lon: float
    timezone: str


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a stock change: what it adds to the counts. `value`: (minor units of one unit, currency); `aside`:
    which of those states changes, and by how much; `lot`: "" where the SKU has none; `bin`: whose content changes by
    `bin_delta`, "" for none."""

    sku: str
    quantity: int
    on_hand: int
    allocated: int
    reason: Reason
    value: tuple[int, str] | None = None
    aside: tuple[AsideState, int] | None = None
    lot: str = ""
    bin: str = ""
    bin_delta: int = 0


class StockChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Stock changed by `entries`. `cause`: "<order or transfer id>.<part>", the id of a reservation, an approval, a
    count or what was announced, else of the request by which it came; "" where time is it, or a floor's own step."""

    entries: list[Entry]
    cause: str = ""
    reference: str = ""


class SafetyStockSet(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units per SKU that are never promised. `was`: what each level was before; `reasons`: why it is another. `cause`,
    `reference`: as of `StockChanged`. Events of before the ledger told of levels have only these."""

    levels: list[Units]
    was: list[int] = []
    reasons: list[Reason] = []
    cause: str = ""
    reference: str = ""


class Levels(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a SKU's stock is steered by; None leaves it as it is. `reorder_point`: at or below it stock runs low, 0 for
    never; `buffers`: units kept back from a channel; `rate`: how much of it is wanted here, 0 for unknown."""

    sku: str
    safety_stock: int | None = None
    reorder_point: int | None = None
    buffers: dict[str, int] | None = None
    rate: DemandRate | None = None


class LevelsSet(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The levels of these SKUs are others. `was`: what each safety stock was before, where another one is said;
    `cause`: the id of the request. Events of before the ledger told of levels have neither."""

    levels: list[Levels]
    was: list[int] = []
    cause: str = ""


class LotOpened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Units of a lot are here, of which none were. `expires_on`: days since 1970-01-01, its last good day; `serial`: it
    is the number of one unit."""

    sku: str
    lot: str
    expires_on: int | None = None
    serial: bool = False


class ExpiryNear(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A lot will expire soon, with so many units on hand."""

    sku: str
    lot: str
    units: int
    expires_on: int


class LotEnded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A lot has expired, with so many units on hand: nothing of it is for sale any more."""

    sku: str
    lot: str
    units: int


class LotsLookedAt(msgspec.Struct, frozen=True, tag=True, gc=False):
    """When a lot has to be looked at next (UTC ms); None for never."""

    next_ms: int | None


class StockRunsLow(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What is available fell to the reorder point or below."""

    sku: str
    available: int
    reorder_point: int


class StockRanOut(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nothing is available any more of a SKU that is reordered."""

    sku: str


class PromisesAtRisk(msgspec.Struct, frozen=True, tag=True, gc=False):
    """So many promised units are not there, or not for sale: a count found fewer than the books could give up,
    or their lot has ended."""

    sku: str
    units: int


class Bin(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A place for goods in the building: zone, aisle, rack and level. `x_dm`, `y_dm`: where one stands to reach it, in
    decimetres on the floor plan; `units_max`, `volume_max_ml`: how much fits, 0 for any; `temperature` and `hazard`:
    what may lie there ("" for no hazardous goods)."""

    bin_id: str
    zone: str
    aisle: int
    rack: int
    level: int
    x_dm: int = 0
    y_dm: int = 0
    use: BinUse = "pick"
    units_max: int = 0
    volume_max_ml: int = 0
    temperature: Literal["ambient", "chilled", "frozen"] = "ambient"
    hazard: str = ""


class BinsDefined(msgspec.Struct, frozen=True, tag=True, gc=False):
    """These bins are there, or have other particulars."""

    bins: list[Bin]


class BinsRemoved(msgspec.Struct, frozen=True, tag=True, gc=False):
    """These bins, which were empty, are not there any more."""

    bin_ids: list[str]


class IncomingChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """This is what is still to come from a source; with 0 units nothing more of that SKU. `revision`: of what the
    source said; `forgotten`: sources that had nothing more to send long ago."""

    source_id: str
    source: IncomingSource
    revision: int
    expected_at_ms: int
    lines: list[Units]
    forgotten: list[str] = []


class CountingBegun(msgspec.Struct, frozen=True, tag=True, gc=False):
    """From now on it is kept what changes in these spots, for a count: (bin id, "") or ("", SKU). `books`: (SKU, lot,
    units) that lie in each."""

    count_id: str
    spots: list[tuple[str, str]]
    books: list[list[tuple[str, str, int]]]


class FloorSet(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location's floor runs its picking on these terms; None: no floor does."""

    terms: FloorTerms | None


class CountingEnded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """These spots are not being counted any more. `counted`: (SKU, UTC ms) of what was counted in them, and accepted;
    `taken`: no other count may begin them yet, since what was found is not in the books."""

    count_id: str
    spots: list[tuple[str, str]]
    counted: list[tuple[str, int]] = []
    taken: bool = False


Event = (
    LocationOpened | StockChanged | SafetyStockSet | LevelsSet | LotOpened | ExpiryNear | LotEnded | LotsLookedAt | StockRunsLow | StockRanOut | PromisesAtRisk
    | BinsDefined | BinsRemoved | IncomingChanged | CountingBegun | CountingEnded | FloorSet
    | ProfileSet | DayCounted | LineEvent
)  # fmt: skip
