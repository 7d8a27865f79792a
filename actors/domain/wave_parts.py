"""Orders cut into parts that one trip can carry each.

Goods of another temperature or hazard class never share a trip, those of another zone not where pickers stay in theirs.
What is still too much for a trip is cut where it is full; lines stay whole as long as a trip can carry them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from actors.domain.pick_layout import Layout, Stop
from actors.domain.wave_terms import LeftOut, Limits, Method, SplitReason, Work, WorkLine

ZONED: tuple[Method, ...] = ("zone", "wave")
# What lies in no aisle is grouped by squares of this size.
SQUARE_DM = 100
# What shares a trip agrees in this: temperature, hazard, zone, and whether it is an order of one line.
Group = tuple[str, str, str, bool]


class Part(msgspec.Struct, gc=False):
    """What goes on one trip together. rank: its place in the queue of all parts; segments: bits, where it makes one
    walk (see `Segments`); low_dm, high_dm: the least and the greatest x of its stops."""

    rank: int
    work: Work
    picks: tuple[WorkLine, ...]
    group: Group
    lines: int
    units: int
    weight_g: int
    volume_ml: int
    segments: int
    low_dm: int
    high_dm: int


class Segments:
    """Stretches of aisle from cross aisle to cross aisle, and squares of the floor elsewhere, each as a bit."""

    def __init__(self, layout: Layout) -> None:
        self._aisles = layout.aisle_x_dm
        self._inner = layout.cross_y_dm[1:-1]
        self._bits: dict[tuple[bool, int, int], int] = {}

    def of(self, stop: Stop) -> int:
        """The bit of the segment in which it is."""
        key = (False, stop.x_dm // SQUARE_DM, stop.y_dm // SQUARE_DM)
        if stop.aisle in self._aisles:
            key = (True, stop.aisle, bisect_right(self._inner, stop.y_dm))
        return self._bits.setdefault(key, 1 << len(self._bits))


def parts_of(
    works: Sequence[Work], method: Method, limits: Limits, layout: Layout
) -> tuple[list[Part], dict[str, list[SplitReason]], list[LeftOut]]:
    """The parts of `works` in their order, why some have several, and who is left out."""
    parts: list[Part] = []
    splits: dict[str, list[SplitReason]] = {}
    left_out: list[LeftOut] = []
    segments = Segments(layout)
    for work in works:
        refused = _too_much(work, limits)
        if refused is not None:
            left_out.append(refused)
            continue
        reasons: list[SplitReason] = []
        for group, lines in _groups(work, method, reasons):
            parts += [
                _part(len(parts) + i, work, group, cut, segments) for i, cut in enumerate(_cut(lines, limits, reasons))
            ]
        if reasons:
            splits[work.fulfilment_id] = list(dict.fromkeys(reasons))
    return parts, splits, left_out


def _too_much(work: Work, limits: Limits) -> LeftOut | None:
    for line in work.lines:
        if line.unit_weight_g > limits.weight_g:
            return LeftOut(work.fulfilment_id, line.sku, "weight")
        if line.unit_volume_ml > limits.volume_ml:
            return LeftOut(work.fulfilment_id, line.sku, "volume")
    return None


def _groups(work: Work, method: Method, reasons: list[SplitReason]) -> list[tuple[Group, list[WorkLine]]]:
    # Orders of one line need no sorting when they are batched among themselves.
    alone = len(work.lines) == 1 and method != "cluster"
    groups: dict[Group, list[WorkLine]] = {}
    for line in work.lines:
        group = (line.temperature, line.hazard, line.zone if method in ZONED else "", alone)
        groups.setdefault(group, []).append(line)
    if len({group[:2] for group in groups}) > 1:
        reasons.append("handling")
    if len({group[2] for group in groups}) > 1:
        reasons.append("zone")
    return sorted(groups.items())


def _cut(lines: Iterable[WorkLine], limits: Limits, reasons: list[SplitReason]) -> Iterator[list[WorkLine]]:
    cut: list[WorkLine] = []
    room = limits
    for line in sorted(lines, key=_along_aisles):
        most = _units_at_most(line, limits)
        rest = line.units
        while rest:
            piece = line if rest == line.units <= most else msgspec.structs.replace(line, units=min(rest, most))
            short = _short(piece, room)
            if short is not None:
                reasons.append(short)
                yield cut
                cut, room = [], limits
            cut.append(piece)
            room = _less(room, piece)
            rest -= piece.units
    yield cut


def _along_aisles(line: WorkLine) -> tuple[int, int, int, str, str, str]:
    stop = line.stop
    return stop.aisle, stop.y_dm, stop.x_dm, stop.bin_id, line.sku, line.lot


def _units_at_most(line: WorkLine, limits: Limits) -> int:
    """How many units of it an empty trip carries; at least 1."""
    most = limits.units
    if line.unit_weight_g:
        most = min(most, limits.weight_g // line.unit_weight_g)
    if line.unit_volume_ml:
        most = min(most, limits.volume_ml // line.unit_volume_ml)
    return most


def _short(line: WorkLine, room: Limits) -> SplitReason | None:
    """Of what there is too little room for it, if of anything."""
    if room.lines < 1:
        return "lines"
    if room.units < line.units:
        return "units"
    if room.weight_g < line.units * line.unit_weight_g:
        return "weight"
    return "volume" if room.volume_ml < line.units * line.unit_volume_ml else None


def _less(room: Limits, line: WorkLine) -> Limits:
    weight_g, volume_ml = line.units * line.unit_weight_g, line.units * line.unit_volume_ml
    return Limits(
        room.lines - 1, room.units - line.units, room.weight_g - weight_g, room.volume_ml - volume_ml, room.totes
    )


def _part(rank: int, work: Work, group: Group, picks: Sequence[WorkLine], segments: Segments) -> Part:
    bits = 0
    for line in picks:
        bits |= segments.of(line.stop)
    return Part(
        rank=rank,
        work=work,
        picks=tuple(picks),
        group=group,
        lines=len(picks),
        units=sum(line.units for line in picks),
        weight_g=sum(line.units * line.unit_weight_g for line in picks),
        volume_ml=sum(line.units * line.unit_volume_ml for line in picks),
        segments=bits,
        low_dm=min(line.stop.x_dm for line in picks),
        high_dm=max(line.stop.x_dm for line in picks),
    )
