"""What callers get about levels that demand suggests."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from actors.domain.replenishment import Method


class LevelSuggestion(msgspec.Struct, frozen=True):
    """Levels for one SKU from its demand. `days`: with stock, so many were looked at between `demand_from` and
    `demand_until`, both days in it; `demand_per_day`, `demand_deviation`: of one day, in base units; `method`: how the
    mean was estimated, `none` when nothing was shipped; `safety_stock`, `reorder_point`: what is suggested, beside what
    is set now; `days_of_supply`: how long what is available lasts, null without demand; `next_arrival_at`: null when
    nothing is on its way, and the lead time counts instead; `stock_out_risk`: the probability that
    nothing is left before that."""

    sku: str
    days: int
    demand_per_day: float
    demand_deviation: float
    method: Method
    safety_stock: int
    reorder_point: int
    safety_stock_now: int
    reorder_point_now: int
    available: int
    days_of_supply: float | None
    next_arrival_at: datetime | None
    stock_out_risk: float
    demand_from: date
    demand_until: date


class LevelSuggestions(msgspec.Struct, frozen=True):
    """In the order of the SKUs asked for. `as_of`: how fresh demand is, null while not every host has told."""

    location_id: str
    service_level: float
    lead_time_days: float
    suggestions: list[LevelSuggestion]
    as_of: datetime | None
