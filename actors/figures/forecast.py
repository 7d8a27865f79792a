"""When the queue will be empty, and what will be late. Simple enough to be worked out on paper:

    arrivals in the hour h = what came in the same hour of the week, on average over the past weeks;
                             where these were not seen, the smoothed rate of now
    rate                   = units picked an hour, smoothed, over the minutes in which there was something to pick
    queue(t)               = queue + ∫ arrivals − rate·t, never below 0
    late                   = in the order of their due times, work k is done when the units up to it are: now + Σ units / rate

What comes later is due later, so it puts nothing of what is there back. Hours are UTC's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from actors.domain.times import DAY_MS, HOUR_MS
from actors.figures.minute import Forecast, Method, Rates

HORIZON_H = 7 * 24
AHEAD_H = 12
HALF_LIFE_MIN = 30
# Of an hour of the week so many minutes have to have been seen in the past weeks.
SEEN_MIN = 60
WEEKS = 4
_ALPHA = 1 - 0.5 ** (1 / HALF_LIFE_MIN)
# 1970-01-01 was a Thursday.
_MONDAY_MS = 4 * DAY_MS


class Seen(NamedTuple):
    """What was seen of an hour of the week: units that came, in so many minutes."""

    units: int
    minutes: int


Profile = Mapping[int, Seen]


def hour_of_week(at_ms: int) -> int:
    """0 is the first of Monday, UTC."""
    return (at_ms - _MONDAY_MS) // HOUR_MS % HORIZON_H


def smoothed(rate: float | None, units: int) -> float:
    """The rate (units an hour) after one more minute with so many units."""
    now = units * 60.0
    return now if rate is None else rate + _ALPHA * (now - rate)


def profile_of(hours: Iterable[tuple[int, int, int]]) -> dict[int, Seen]:
    """By hour of the week, from (beginning of the hour UTC ms, units, minutes seen)."""
    found: dict[int, Seen] = {}
    for at_ms, units, minutes in hours:
        before = found.get(hour_of_week(at_ms), Seen(0, 0))
        found[hour_of_week(at_ms)] = Seen(before.units + units, before.minutes + minutes)
    return found


def arrivals_in(profile: Profile, at_ms: int, rates: Rates) -> tuple[float, Method]:
    """Units an hour that come at that time, and how that is known."""
    seen = profile.get(hour_of_week(at_ms))
    if seen is not None and seen.minutes >= SEEN_MIN:
        return seen.units * 60 / seen.minutes, "weekly"
    return (rates.arrivals, "smoothed") if rates.arrivals is not None else (0.0, "none")


def forecast(now_ms: int, queue: Iterable[tuple[int, int]], profile: Profile, rates: Rates) -> Forecast:
    """`queue`: (due time UTC ms, units that are yet to be picked) of each fulfilment."""
    rate = rates.picks or 0.0
    works = sorted(queue)
    arrivals, method = arrivals_in(profile, now_ms, rates)
    left = float(sum(units for _, units in works))
    late = _late(now_ms, works, rate)
    empty_at: int | None = now_ms if not left else None
    ahead: list[int] = []
    at = now_ms
    while at < now_ms + HORIZON_H * HOUR_MS and (empty_at is None or len(ahead) < AHEAD_H):
        until = at - at % HOUR_MS + HOUR_MS
        net = rate - arrivals_in(profile, at, rates)[0]
        hours = (until - at) / HOUR_MS
        if empty_at is None and net > 0 and left <= net * hours:
            empty_at = at + round(left / net * HOUR_MS)
        left = max(0.0, left - net * hours)
        at = until
        if len(ahead) < AHEAD_H:
            ahead.append(round(left))
    return Forecast(method, round(rate, 1), round(arrivals, 1), empty_at, late, ahead)


def _late(now_ms: int, works: list[tuple[int, int]], rate: float) -> int:
    late, units = 0, 0
    for due_ms, more in works:
        units += more
        # By nobody it is picked never.
        if not rate or now_ms + units / rate * HOUR_MS > due_ms:
            late += 1
    return late
