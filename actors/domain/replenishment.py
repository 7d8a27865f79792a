"""Levels from demand: how much safety stock a SKU needs at a place, and when to order more.

    safety stock  = z · sqrt(L · σd² + d² · σL²)        reorder point = d · L + safety stock

d, σd: mean and deviation of a day's demand; L, σL: of the lead time in days; z: the standard normal's quantile of the
service level, which is the share of replenishment cycles without a stock-out. Textbook formula for a continuously
reviewed stock with independent demand and lead time (E. A. Silver, D. F. Pyke and D. J. Thomas, Inventory and
Production Management in Supply Chains, 4th ed. 2017, ch. 6; P. L. King, Crack the Code, APICS 2011).

Demand is what was shipped a day. A day on which there was nothing to sell says nothing about demand and is left out
(`demand_by_day`). Demand that mostly is none is no normal one: where more than 1.32 days lie between two days with
demand (A. A. Syntetos, J. E. Boylan and J. D. Croston 2005) the mean is estimated by Croston's method with Syntetos and
Boylan's correction (SBA 2005; smoothing 0.1), and the deviation around that mean. Of few days the variance is taken to
be at least the mean, as random arrivals have it (Poisson): a short quiet time is no proof of steadiness.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist, fmean
from typing import Literal

import msgspec

SERVICE_LEVEL_MIN = 0.5
SERVICE_LEVEL_MAX = 0.999
# Fewer days than these tell little of how demand varies.
DAYS_ENOUGH = 14
INTERVAL_INTERMITTENT_DAYS = 1.32
SMOOTHING = 0.1
# What floating point adds to a whole number must not become a unit.
_FUZZ = 1e-9
_NORMAL = NormalDist()
Method = Literal["none", "normal", "intermittent"]


class DayMoves(msgspec.Struct, frozen=True, gc=False):
    """What a day's entries of the ledger say of a SKU. Units on hand and not allocated: before the first,
    at most, after the last."""

    shipped: int
    free_before: int
    free_most: int
    free_after: int


class Demand(msgspec.Struct, frozen=True, gc=False):
    """Of one day. days: with stock, so many were looked at; method: how the mean was estimated, "none" when
    there was no demand at all."""

    days: int
    mean: float
    variance: float
    method: Method


class LeadTime(msgspec.Struct, frozen=True, gc=False):
    """From an order for more until it is here. variance: days²."""

    mean_days: float
    variance: float = 0.0


class StockLevels(msgspec.Struct, frozen=True, gc=False):
    """Whole units, rounded up."""

    safety_stock: int
    reorder_point: int


def demand_by_day(moves: Mapping[int, DayMoves], since: int, until: int, free_now: int) -> list[int]:
    """Units shipped on each day, of days on which there was anything to ship.

    Args:
        moves: by day (since 1970-01-01, UTC), those that have entries.
        since: the first day that is looked at.
        until: the day after the last one.
        free_now: what is there at the end; without entries it was there all the time.
    """
    first = min(moves, default=None)
    free = free_now if first is None else moves[first].free_before
    days = []
    for day in range(since, until):
        moved = moves.get(day)
        if moved is None:
            if free > 0:
                days.append(0)
            continue
        if moved.shipped or moved.free_before > 0 or moved.free_most > 0:
            days.append(moved.shipped)
        free = moved.free_after
    return days


def demand_of(by_day: Sequence[int]) -> Demand:
    """Mean and variance of demand that came in this order, one number for each day."""
    days, total = len(by_day), sum(by_day)
    if not total:
        return Demand(days, 0.0, 0.0, "none")
    busy = sum(1 for units in by_day if units)
    intermittent = days / busy > INTERVAL_INTERMITTENT_DAYS
    mean = _croston(by_day) if intermittent else total / days
    variance = fmean((units - mean) ** 2 for units in by_day)
    if days < DAYS_ENOUGH:
        variance = max(variance, mean)
    return Demand(days, mean, variance, "intermittent" if intermittent else "normal")


def _croston(by_day: Sequence[int]) -> float:
    """Units a day: size and interval of demand are smoothed apart (J. D. Croston 1972), and what that
    overestimates is taken off (SBA)."""
    size = interval = 0.0
    waited = 0
    for units in by_day:
        waited += 1
        if units:
            # The first is all that is known.
            size = size + SMOOTHING * (units - size) if size else float(units)
            interval = interval + SMOOTHING * (waited - interval) if interval else float(waited)
            waited = 0
    return (1 - SMOOTHING / 2) * size / interval


def levels_for(demand: Demand, lead: LeadTime, service_level: float) -> StockLevels:
    """What keeps the service level (SERVICE_LEVEL_MIN to SERVICE_LEVEL_MAX)."""
    assert SERVICE_LEVEL_MIN <= service_level <= SERVICE_LEVEL_MAX
    deviation = math.sqrt(_variance_over(demand, lead))
    safety = _up(_NORMAL.inv_cdf(service_level) * deviation)
    return StockLevels(safety, _up(demand.mean * lead.mean_days) + safety)


def days_of_supply(demand: Demand, available: int) -> float | None:
    """For so long what is available lasts, on average; None without demand."""
    return available / demand.mean if demand.mean > 0 else None


def stock_out_risk(demand: Demand, available: int, until: LeadTime) -> float:
    """The probability (0 to 1) that nothing is left before the next arrival, which comes after `until`."""
    if demand.mean <= 0:
        return 0.0
    if available <= 0:
        return 1.0
    expected, variance = demand.mean * until.mean_days, _variance_over(demand, until)
    if variance <= 0:
        return 1.0 if expected > available else 0.0
    return 1.0 - NormalDist(expected, math.sqrt(variance)).cdf(available)


def _variance_over(demand: Demand, lead: LeadTime) -> float:
    return lead.mean_days * demand.variance + demand.mean**2 * lead.variance


def _up(units: float) -> int:
    return max(0, math.ceil(units - _FUZZ))
