"""What callers send and get about demand for SKUs at a location."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from actors.domain.outlook import MILLI, DemandRate, Outlook, RateSource, day_of_ms, unsold_share, weeks_of_supply
from serve.days import date_of, day_of
from serve.limits import ITEMS_MAX, UNITS_MAX, Sku
from serve.locations.demand_measured import SKUS_MAX

UnitsPerDay = Annotated[
    float, Meta(ge=0, le=UNITS_MAX, description="base units, to the thousandth; 0: unknown", examples=[1.25])
]


class NewDemand(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """How much of a SKU is wanted at a location, and of which time that is, both days in it. At most ten years."""

    units_per_day: UnitsPerDay
    from_: date
    until: date


class NewRate(NewDemand, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"from_": "from"}):
    """The same of one SKU."""

    sku: Sku


class RateChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `PUT /v1/locations/{location_id}/demand-rates`."""

    rates: Annotated[list[NewRate], Meta(min_length=1, max_length=ITEMS_MAX)]


class RateMeasurement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/locations/{location_id}/demand-rates/measurements`."""

    skus: Annotated[list[Sku], Meta(min_length=1, max_length=SKUS_MAX)]


class KnownDemand(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """Demand that is known. `source`: `measured` from the ledger, or `given`."""

    units_per_day: float
    from_: date
    until: date
    source: RateSource


class Lasting(msgspec.Struct, frozen=True):
    """How long stock will last, as sourcing sees it. `demand`: null while unknown, and so is what follows from it;
    `weeks_of_supply`: what is available by demand; `markdown_risk`: the share of what is free that won't
    be sold before it ends."""

    demand: KnownDemand | None
    weeks_of_supply: float | None
    markdown_risk: float | None


def rate_of(demand: NewDemand) -> DemandRate:
    """As the domain has it. What is more than nothing stays so."""
    milli = round(demand.units_per_day * MILLI)
    if demand.units_per_day > 0:
        milli = max(1, milli)
    return DemandRate(milli, day_of(demand.from_), day_of(demand.until))


def lasting(outlook: Outlook, free: int, available: int, now_ms: int) -> Lasting:
    """As told at that moment (UTC ms)."""
    rate = outlook.rate
    if rate is None:
        return Lasting(None, None, None)
    demand = KnownDemand(rate.milli_a_day / MILLI, date_of(rate.from_day), date_of(rate.until_day), rate.source)
    risk = unsold_share(outlook, free, day_of_ms(now_ms))
    return Lasting(demand, round(weeks_of_supply(available, rate), 1), round(risk, 3))
