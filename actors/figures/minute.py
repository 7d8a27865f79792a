"""What is told of a location, or of the region, for one minute; and of several minutes together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import msgspec

from actors.domain.floor_state import WorkStatus
from actors.domain.times import HOUR_MS, MINUTE_MS

# A fulfilment that no floor picks waits (allocated) until it is packed; what waits for a carrier is
# packed, whoever picked it.
State = Literal["allocated", "packed"] | WorkStatus
STATES: tuple[str, ...] = (*get_args(get_args(State)[0]), *get_args(WorkStatus))
# By how long ago it was ordered: (name, from so many hours on), youngest first.
AGES: tuple[tuple[str, int], ...] = (("under_1h", 0), ("1h_to_4h", 1), ("4h_to_24h", 4), ("over_24h", 24))
Method = Literal["weekly", "smoothed", "none"]


def age_of(placed_ms: int, now_ms: int) -> int:
    """Which of AGES it is of."""
    hours = (now_ms - placed_ms) / HOUR_MS
    return max(at for at, (_, since) in enumerate(AGES) if hours >= since or not at)


class Level(msgspec.Struct, array_like=True):
    """Fulfilments (or orders) of one state at the end of the minute, their units, of them those past their due time,
    and how many of each of AGES."""

    state: str
    works: int
    units: int
    overdue: int
    by_age: list[int]


class Flow(msgspec.Struct, array_like=True):
    """What happened in the minute. arrived, cancelled, packed, shipped: fulfilments; in_time: of them before their due
    time. picked_lines: scans, or lines that were packed where no floor runs. picker_minutes:
    pickers who were seen at work."""

    arrived: int = 0
    arrived_units: int = 0
    cancelled: int = 0
    short_units: int = 0
    picked_units: int = 0
    picked_lines: int = 0
    picker_minutes: int = 0
    floor_units: int = 0
    packed: int = 0
    packed_in_time: int = 0
    shipped: int = 0
    shipped_in_time: int = 0

    def plus(self, other: Flow) -> Flow:
        """Both together."""
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Flow(*(mine + others for mine, others in pairs))


class Rates(msgspec.Struct, frozen=True, array_like=True):
    """Units an hour, exponentially smoothed: what came, and what was picked while there was something to pick. None
    until a minute was seen."""

    arrivals: float | None = None
    picks: float | None = None


class Forecast(msgspec.Struct, frozen=True, array_like=True):
    """method: where the arrivals are from; rate: units that are picked in an hour; arrivals: units that will come in
    the next; empty_at: when the queue is empty (UTC ms), None when not within `forecast.HORIZON_H`; late: fulfilments
    that will be picked after their due time; ahead: units in the queue at the end of each of the next hours."""

    method: Method = "none"
    rate: float = 0.0
    arrivals: float = 0.0
    empty_at: int | None = None
    late: int = 0
    ahead: list[int] = []


class Minute(msgspec.Struct, frozen=True, array_like=True):
    """`at`: when the minute began (UTC ms). backlog: fulfilments, backlog_units: units that are yet to be picked;
    orders: of the whole region by status, None where it is not told (of a location) or could not be read; left_out:
    fulfilments that are not counted, for want of room."""

    location_id: str
    at: int
    levels: list[Level]
    flow: Flow
    backlog: int
    backlog_units: int
    rates: Rates
    forecast: Forecast
    orders: list[Level] | None = None
    left_out: int = 0


class Point(msgspec.Struct, frozen=True):
    """A step of time: what was seen in `minutes` of its minutes. What is told of a moment is of the last of them."""

    at: int
    minutes: int
    flow: Flow
    last: Minute


class Gap(msgspec.Struct, frozen=True):
    """Nobody looked from `since` until `until` (UTC ms)."""

    since: int
    until: int


def idle(location_id: str, at: int) -> Minute:
    """A minute in which there was nothing."""
    return Minute(location_id, at, [], Flow(), 0, 0, Rates(), Forecast())


def points(minutes: Iterable[Minute], step_ms: int) -> list[Point]:
    """The minutes (in order) by steps of time that begin at multiples of `step_ms`; a step of which no
    minute was seen is not there."""
    found: dict[int, Point] = {}
    for minute in minutes:
        at = minute.at - minute.at % step_ms
        before = found.get(at)
        seen, flow = (before.minutes, before.flow) if before is not None else (0, Flow())
        found[at] = Point(at, seen + 1, flow.plus(minute.flow), minute)
    return list(found.values())


def gaps(seen: Sequence[int], since: int, until: int) -> list[Gap]:
    """The minutes from `since` to `until` (both at a minute) that are not in `seen` (in order),
    next to each other as one."""
    found = []
    at = since
    for minute in (*seen, until):
        if minute > at:
            found.append(Gap(at, min(minute, until)))
        at = max(at, minute + MINUTE_MS)
    return found


def together(region: str, at: int, minutes: Sequence[Minute], rates: Rates, forecast: Forecast) -> Minute:
    """The whole region's, of its locations' minutes."""
    levels: dict[str, Level] = {}
    flow = Flow()
    for minute in minutes:
        flow = flow.plus(minute.flow)
        for level in minute.levels:
            add(levels, level.state, level.works, level.units, level.overdue, level.by_age)
    backlog, units = sum(minute.backlog for minute in minutes), sum(minute.backlog_units for minute in minutes)
    return Minute(region, at, in_order(levels), flow, backlog, units, rates, forecast)


def add(levels: dict[str, Level], state: str, works: int, units: int, overdue: int, by_age: Sequence[int]) -> None:
    """Adds to the level of that state."""
    level = levels.setdefault(state, Level(state, 0, 0, 0, [0] * len(AGES)))
    level.works += works
    level.units += units
    level.overdue += overdue
    level.by_age = [mine + others for mine, others in zip(level.by_age, by_age, strict=True)]


def in_order(levels: dict[str, Level]) -> list[Level]:
    """As STATES has them."""
    return sorted(
        levels.values(), key=lambda level: (STATES.index(level.state) if level.state in STATES else 0, level.state)
    )
