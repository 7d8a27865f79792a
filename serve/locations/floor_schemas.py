"""What callers send and get about levels, conditions, bins and moves of stock."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.location_draft import ON_HAND_MAX
from actors.domain.location_events import BinUse
from actors.domain.pick_layout import Coordinate
from actors.domain.put_away import Reason
from serve.catalogue.schemas import HazardClass
from serve.limits import ITEMS_MAX, TEXT, BinId, BinIdOrNone, Lot, Quantity, Reference, Sku
from serve.locations.demand_schemas import NewDemand

Level = Annotated[int, Meta(ge=0, le=ON_HAND_MAX, description="base units of the SKU")]


# --- levels ---------------------------------------------------------------------------------------------------------
class Buffers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units that are kept back from each channel, besides the safety stock."""

    online: Level = 0
    store: Level = 0
    marketplace: Level = 0


class NewLevels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a SKU's stock is steered by; what is left out or null stays as it is. `safety_stock`: units that are never
    promised; `reorder_point`: at or below it stock runs low, 0 for never; `buffers`: all of them anew; `demand`: how
    much of it is wanted here, as a level suggestion tells it."""

    sku: Sku
    safety_stock: Level | None = None
    reorder_point: Level | None = None
    buffers: Buffers | None = None
    demand: NewDemand | None = None


class LevelChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `PUT /v1/locations/{location_id}/levels`."""

    levels: Annotated[list[NewLevels], Meta(min_length=1, max_length=ITEMS_MAX)]


# --- conditions -----------------------------------------------------------------------------------------------------
class NewCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units that are not to be sold any more: found damaged, or held until somebody has looked at them."""

    sku: Sku
    quantity: Quantity
    now: Literal["damaged", "quality_hold"]
    was: Literal["sellable", "damaged", "quality_hold"] = "sellable"
    lot: Lot = ""


class ConditionChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/locations/{location_id}/conditions`: all lines or none."""

    lines: Annotated[list[NewCondition], Meta(min_length=1, max_length=ITEMS_MAX)]
    reference: Reference = ""


class CondonedUnits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units that are good again."""

    sku: Sku
    quantity: Quantity
    was: Literal["damaged", "quality_hold"]
    lot: Lot = ""


class QualityRelease(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/locations/{location_id}/quality-releases`: all lines or none."""

    lines: Annotated[list[CondonedUnits], Meta(min_length=1, max_length=ITEMS_MAX)]
    reference: Reference = ""


# --- bins -----------------------------------------------------------------------------------------------------------
Zone = Annotated[str, Meta(max_length=32, pattern=TEXT, examples=["A"])]
Number = Annotated[int, Meta(ge=0, le=10_000)]
Millilitres = Annotated[int, Meta(ge=0, le=1_000_000_000, description="0 for any")]


class NewBin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place for goods in the building. `x_dm`, `y_dm`: where one stands to reach it, in decimetres on the floor plan;
    `units_max`, `volume_max_ml`: how much fits, 0 for any; `temperature`, `hazard`: what may lie there (`hazard` empty
    for no dangerous goods)."""

    bin_id: BinId
    zone: Zone
    aisle: Number
    rack: Number
    level: Number
    x_dm: Coordinate = 0
    y_dm: Coordinate = 0
    use: BinUse = "pick"
    units_max: Level = 0
    volume_max_ml: Millilitres = 0
    temperature: Literal["ambient", "chilled", "frozen"] = "ambient"
    hazard: HazardClass = ""


class BinDefinitions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `PUT /v1/locations/{location_id}/bins`: all or none."""

    bins: Annotated[list[NewBin], Meta(min_length=1, max_length=ITEMS_MAX)]


class BinUnits(msgspec.Struct, frozen=True):
    """Units of a SKU (and lot) in a bin."""

    sku: str
    lot: str
    units: int


class ListedBin(msgspec.Struct, frozen=True):
    """A bin and what lies in it."""

    bin: NewBin
    contents: list[BinUnits]


class BinPage(msgspec.Struct, frozen=True):
    """By id, from the location's actor; `version`: the location's; `next_cursor`: null at the end."""

    location_id: str
    version: int
    bins: list[ListedBin]
    next_cursor: str | None


# --- moves ----------------------------------------------------------------------------------------------------------
class NewMove(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units go from a bin to another. Empty for what lies in no bin: just arrived, or in somebody's hands."""

    sku: Sku
    quantity: Quantity
    from_bin: BinIdOrNone = ""
    to_bin: BinIdOrNone = ""
    lot: Lot = ""


class MoveOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/locations/{location_id}/moves`: all lines or none."""

    lines: Annotated[list[NewMove], Meta(min_length=1, max_length=ITEMS_MAX)]
    reference: Reference = ""


class SuggestedPlace(msgspec.Struct, frozen=True):
    """Where units should be put. `bin`: null when there is no place; `reason`: why there, or why nowhere."""

    bin: str | None
    units: int
    reason: Reason


class PutAwaySuggestions(msgspec.Struct, frozen=True):
    """Places for units of a SKU, to be filled in this order. `considered`: among so many bins."""

    location_id: str
    sku: str
    lot: str
    suggestions: list[SuggestedPlace]
    considered: int
