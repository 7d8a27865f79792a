"""What callers send and get about SKUs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from actors.domain.article import CLASSES_MAX, PARTS_MAX, SUBSTITUTES_MAX, UNITS_MAX, Temperature, Tracking
from actors.domain.money import Money
from actors.domain.sourcing_policy import GoodsClass
from serve.limits import END, ITEMS_MAX, TEXT, Quantity, Sku, Text
from serve.moments import Moment

Size = Annotated[int, Meta(ge=2, le=1_000_000, description="base units in one")]
# How a unit may be called, the domain says: a wrong key would be told without its place.
Units = Annotated[
    dict[Annotated[str, Meta(max_length=64, pattern=TEXT)], Size],
    Meta(max_length=UNITS_MAX, description="other units of measure than `each`, with the base units in one of each"),
]
Grams = Annotated[int, Meta(ge=0, le=100_000_000, description="of one base unit; 0: unknown")]
Millimetres = Annotated[int, Meta(ge=0, le=100_000, description="of one base unit; 0: unknown")]
LifeDays = Annotated[int, Meta(ge=0, le=3_650, description="days left before it expires when it is promised")]
HazardClass = Annotated[
    str,
    Meta(
        pattern=r"^([3789]|1(\.[1-6])?|2(\.[1-3])?|4(\.[1-3])?|5(\.[12])?|6(\.[12])?)?" + END,
        description="UN class or division of dangerous goods, empty for none",
        examples=["2.1"],
    ),
]
OriginCountry = Annotated[str, Meta(pattern="^([A-Z]{2})?" + END, description="ISO 3166-1 alpha-2", examples=["PT"])]
HsCode = Annotated[str, Meta(pattern="^([0-9]{6,10})?" + END, description="Harmonized System", examples=["940550"])]


class KitPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base units of a SKU in one kit."""

    sku: Sku
    quantity: Quantity


Kit = Annotated[list[KitPart], Meta(max_length=PARTS_MAX, description="its parts; empty: no kit")]
Substitutes = Annotated[list[Sku], Meta(max_length=SUBSTITUTES_MAX, description="may stand in, best first")]

GoodsClasses = Annotated[
    list[GoodsClass],
    Meta(
        max_length=CLASSES_MAX,
        description="what law may restrict, as bans of sourcing policies name it",
        examples=[["alcohol"]],
    ),
]


class SkuDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One SKU. A description that is left out is empty; everything else that is left out stays as it is, and is at
    first as `GET /v1/skus/{sku}` tells it of a new one."""

    sku: Sku
    description: Text = ""
    units: Units | UnsetType = UNSET
    weight_g: Grams | UnsetType = UNSET
    length_mm: Millimetres | UnsetType = UNSET
    width_mm: Millimetres | UnsetType = UNSET
    height_mm: Millimetres | UnsetType = UNSET
    tracking: Tracking | UnsetType = UNSET
    expires: bool | UnsetType = UNSET
    min_life_days: LifeDays | UnsetType = UNSET
    hazard_class: HazardClass | UnsetType = UNSET
    temperature: Temperature | UnsetType = UNSET
    kit: Kit | UnsetType = UNSET
    substitutes: Substitutes | UnsetType = UNSET
    released_at: Moment | UnsetType | None = UNSET
    origin_country: OriginCountry | UnsetType = UNSET
    hs_code: HsCode | UnsetType = UNSET
    unit_cost: Money | UnsetType | None = UNSET
    goods_classes: GoodsClasses | UnsetType = UNSET


class SkuDefinitions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/skus`."""

    skus: Annotated[list[SkuDefinition], Meta(min_length=1, max_length=ITEMS_MAX)]


class SkuView(msgspec.Struct, frozen=True):
    """One SKU as lists tell it."""

    sku: str
    description: str


class SkuPage(msgspec.Struct, frozen=True):
    """In code point order; `next_cursor`: null at the end."""

    skus: list[SkuView]
    next_cursor: str | None


class SkuDetail(msgspec.Struct, frozen=True):
    """One SKU with all that is known of it. Weight and lengths are of one base unit; 0 and "" stand for
    unknown, `unit_cost` null too.
    `released_at`: before that it can only be ordered ahead; null: it is out."""

    sku: str
    description: str
    units: dict[str, int]
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int
    tracking: Tracking
    expires: bool
    min_life_days: int
    hazard_class: str
    temperature: Temperature
    kit: list[KitPart]
    substitutes: list[str]
    released_at: datetime | None
    origin_country: str
    hs_code: str
    unit_cost: Money | None
    goods_classes: list[str]
