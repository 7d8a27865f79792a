"""What is told of figures: of each step of time, and of its last minute."""

from __future__ import annotations

from datetime import datetime

import msgspec

from actors.domain.times import MINUTE_MS, moment
from actors.figures.minute import AGES, Flow, Forecast, Gap, Level, Method, Minute, Point


class StateFigures(msgspec.Struct, frozen=True):
    """Fulfilments (of `orders`: orders) of one state, their units, how many are past their due time, and how many by
    the time since they were ordered."""

    state: str
    count: int
    units: int
    overdue: int
    by_age: dict[str, int]


class Backlog(msgspec.Struct, frozen=True):
    """What is yet to be picked."""

    fulfilments: int
    units: int


class Arrived(msgspec.Struct, frozen=True):
    """Fulfilments that were allocated here, and their units."""

    fulfilments: int
    units: int


class Picked(msgspec.Struct, frozen=True):
    """lines: picks that were scanned; where no floor runs, lines that were packed. Rates are of the minutes that were
    seen; units_per_picker_hour: of what was scanned, null where nobody is known to have picked."""

    units: int
    lines: int
    units_per_hour: float
    lines_per_hour: float
    picker_minutes: int
    units_per_picker_hour: float | None


class OnTime(msgspec.Struct, frozen=True):
    """Fulfilments that were packed, or shipped, and how many of them before their due time; shares: null for none."""

    packed: int
    packed_in_time: int
    packed_share: float | None
    shipped: int
    shipped_in_time: int
    shipped_share: float | None


class BacklogForecast(msgspec.Struct, frozen=True):
    """method: weekly (what came in this hour of the week before), smoothed (what comes now), none (nothing is known
    yet). picks_per_hour, arrivals_per_hour: units; empty_at: when nothing will be left to pick, null when not within a
    week; late: of what is there, fulfilments that will be picked after their due time; units_ahead: what will be left
    at the end of each of the next hours."""

    method: Method
    picks_per_hour: float
    arrivals_per_hour: float
    empty_at: datetime | None
    late: int
    units_ahead: list[int]


class FiguresPoint(msgspec.Struct, frozen=True):
    """A step of time. minutes: how many of it were seen; what is told of a moment (states, backlog, forecast, orders)
    is of the last of them. orders: of the whole region by status, null where it is not told; left_out: fulfilments that
    are not counted, for want of room."""

    location_id: str
    at: datetime
    minutes: int
    states: list[StateFigures]
    backlog: Backlog
    arrived: Arrived
    picked: Picked
    on_time: OnTime
    cancelled: int
    short_units: int
    forecast: BacklogForecast
    orders: list[StateFigures] | None
    left_out: int


class FiguresGap(msgspec.Struct, frozen=True):
    """Nobody looked from `since` until `until`: what happened then is in no point."""

    since: datetime
    until: datetime


class Figures(msgspec.Struct, frozen=True):
    """Of a location; of the whole region, `location_id` is its name."""

    location_id: str
    step_s: int
    points: list[FiguresPoint]
    gaps: list[FiguresGap]


def point_of(point: Point) -> FiguresPoint:
    """As callers see it."""
    flow, last = point.flow, point.last
    return FiguresPoint(
        last.location_id, moment(point.at), point.minutes, [_state(level) for level in last.levels],
        Backlog(last.backlog, last.backlog_units), Arrived(flow.arrived, flow.arrived_units), _picked(flow, point.minutes),
        _on_time(flow), flow.cancelled, flow.short_units, _forecast(last.forecast),
        None if last.orders is None else [_state(level) for level in last.orders], last.left_out,
    )  # fmt: skip


def point_of_minute(minute: Minute) -> FiguresPoint:
    """One minute by itself."""
    return point_of(Point(minute.at, 1, minute.flow, minute))


def gap_of(gap: Gap) -> FiguresGap:
    """As callers see it."""
    return FiguresGap(moment(gap.since), moment(gap.until))


def _state(level: Level) -> StateFigures:
    ages = {name: count for (name, _), count in zip(AGES, level.by_age, strict=True)}
    return StateFigures(level.state, level.works, level.units, level.overdue, ages)


def _picked(flow: Flow, minutes: int) -> Picked:
    hours, picker_hours = minutes * MINUTE_MS / 3_600_000, flow.picker_minutes / 60
    return Picked(
        flow.picked_units, flow.picked_lines, round(flow.picked_units / hours, 1), round(flow.picked_lines / hours, 1),
        flow.picker_minutes, round(flow.floor_units / picker_hours, 1) if picker_hours else None,
    )  # fmt: skip


def _on_time(flow: Flow) -> OnTime:
    return OnTime(
        flow.packed, flow.packed_in_time, _share(flow.packed_in_time, flow.packed), flow.shipped, flow.shipped_in_time,
        _share(flow.shipped_in_time, flow.shipped),
    )  # fmt: skip


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _forecast(one: Forecast) -> BacklogForecast:
    empty_at = None if one.empty_at is None else moment(one.empty_at)
    return BacklogForecast(one.method, one.rate, one.arrivals, empty_at, one.late, one.ahead)
