"""Planning a wave: what of a location's queue is picked together, and in which order.

    works ──cut into parts (wave_parts.py)──▶ by group ──filled into trips (wave_fill.py)──▶ each with its way (pick_route.py)

Cut-offs come first, walking second: no trip carries something while an earlier order of the same group, which would
have fitted in its stead, waits for a later trip. A group is what may share a trip: one temperature and hazard class,
one zone where pickers stay in theirs, orders of one line apart from those that have to be sorted. Each unit of each
order is on one trip; no trip is more than its limits; an order too large for one goes on
several, and the plan says why.

5,000 lines take up to a second. A turn of an entity must not: it would hold up everything on its host. So plan outside,
and let the entity judge the trips.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actors.domain.errors import Refused
from actors.domain.pick_layout import Layout, check_layout
from actors.domain.pick_route import route
from actors.domain.wave_fill import filled
from actors.domain.wave_parts import SQUARE_DM, Group, Part, parts_of
from actors.domain.wave_terms import Limits, Method, PickTask, Share, Split, Trip, WavePlan, Work

WORKS_MAX = 10_000
LINES_MAX = 20_000
TRIP_LINES_MAX = 500
# For the way of one trip, and of all: enough for an exact one through a block or two. It can be looked for more
# thoroughly when the trip begins.
STEPS_MAX = 15_000
PLAN_STEPS_MAX = 2_500_000


def plan_wave(
    works: Sequence[Work],
    method: Method,
    limits: Limits,
    layout: Layout,
    *,
    until_ms: int | None = None,
) -> WavePlan:
    """Trips for `works`. until_ms: with the method `wave`, and only then: what is due later is not planned.

    Refuses too many works, works without lines or twice, limits under 1, a wave without a cut-off,
    layouts on which nobody can walk.
    """
    check_layout(layout)
    _check(works, method, limits, until_ms)
    queue = sorted(works, key=lambda work: (work.urgency, work.fulfilment_id))
    now = [work for work in queue if until_ms is None or work.due_ms <= until_ms]
    parts, splits, left_out = parts_of(now, method, limits, layout)
    groups: dict[Group, list[Part]] = {}
    for part in parts:
        groups.setdefault(part.group, []).append(part)
    loads: list[list[Part]] = []
    for group in sorted(groups):
        loads += filled(groups[group], _for_method(limits, method), layout.start.x_dm, _segment_dm(layout))
    # Sorting is stable: of equally urgent trips of a group, that which was filled first stays first.
    loads.sort(key=lambda load: load[0].work.urgency)
    steps_max = min(STEPS_MAX, PLAN_STEPS_MAX // max(1, len(loads)))
    return WavePlan(
        tuple(_trip(load, method, layout, steps_max) for load in loads),
        tuple(Split(fulfilment_id, tuple(reasons)) for fulfilment_id, reasons in splits.items()),
        tuple(left_out),
        tuple(work.fulfilment_id for work in queue if until_ms is not None and work.due_ms > until_ms),
    )


def _check(works: Sequence[Work], method: Method, limits: Limits, until_ms: int | None) -> None:
    lines = sum(len(work.lines) for work in works)
    if len(works) > WORKS_MAX or lines > LINES_MAX:
        raise Refused(
            "wave.too_large",
            f"A wave has at most {WORKS_MAX} orders and {LINES_MAX} lines.",
            orders=len(works),
            lines=lines,
        )
    check_limits(limits)
    if (method == "wave") != (until_ms is not None):
        raise Refused("wave.cut_off", "A wave, and nothing else, is planned until a cut-off.", method=method)
    _check_works(works)


def check_limits(limits: Limits) -> None:
    """Raises Refused `wave.limits`."""
    least = min(limits.lines, limits.units, limits.weight_g, limits.volume_ml, limits.totes)
    if least < 1 or limits.lines > TRIP_LINES_MAX:
        raise Refused("wave.limits", f"Every limit of a trip is at least 1, and lines are at most {TRIP_LINES_MAX}.")


def _check_works(works: Iterable[Work]) -> None:
    known: set[str] = set()
    for work in works:
        if work.fulfilment_id in known:
            raise Refused("wave.work_twice", "A fulfilment is there twice.", fulfilment_id=work.fulfilment_id)
        known.add(work.fulfilment_id)
        fine = all(line.units > 0 and line.unit_weight_g >= 0 and line.unit_volume_ml >= 0 for line in work.lines)
        if not work.lines or not fine:
            raise Refused(
                "wave.work_invalid",
                "A fulfilment has lines, each of at least one unit.",
                fulfilment_id=work.fulfilment_id,
            )


def _for_method(limits: Limits, method: Method) -> Limits:
    """The same with what `totes` means: how many parts a trip takes."""
    totes = {"single": 1, "cluster": limits.totes}.get(method, limits.lines)
    return Limits(limits.lines, limits.units, limits.weight_g, limits.volume_ml, totes)


def _segment_dm(layout: Layout) -> int:
    """How long a stretch of aisle is on average."""
    cross = layout.cross_y_dm
    return max(1, (cross[-1] - cross[0]) // (len(cross) - 1)) if len(cross) > 1 else SQUARE_DM


def _trip(load: Sequence[Part], method: Method, layout: Layout, steps_max: int) -> Trip:
    way = route(list({line.stop for part in load for line in part.picks}), layout, steps_max)
    place = {stop: number for number, stop in enumerate(way.stops)}
    totes: dict[str, int] = {}
    tasks: dict[tuple[int, str, str, str], list[Share]] = {}
    for part in load:
        fulfilment_id = part.work.fulfilment_id
        tote = 0
        if method in {"single", "cluster"}:
            tote = totes.setdefault(fulfilment_id, len(totes) + 1)
        for line in part.picks:
            key = (place[line.stop], line.stop.bin_id, line.sku, line.lot)
            tasks.setdefault(key, []).append(Share(fulfilment_id, line.units, tote))
    return Trip(
        method,
        min(part.work.due_ms for part in load),
        tuple(_task(line, shares) for line, shares in sorted(tasks.items(), key=lambda item: item[0])),
        way.walk_dm,
        way.exact,
    )


def _task(key: tuple[int, str, str, str], shares: Sequence[Share]) -> PickTask:
    _, bin_id, sku, lot = key
    together: dict[tuple[str, int], int] = {}
    for share in shares:
        together[share.fulfilment_id, share.tote] = together.get((share.fulfilment_id, share.tote), 0) + share.units
    merged = tuple(Share(fulfilment_id, units, tote) for (fulfilment_id, tote), units in together.items())
    return PickTask(bin_id, sku, lot, sum(share.units for share in merged), merged)
