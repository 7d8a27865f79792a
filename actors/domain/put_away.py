"""Where goods that came in should be put away: suggestions, each with its reason.

    same_lot      a bin that has this SKU and lot already, and room; the nearest to the dock first
    by_demand     an empty bin of a fitting zone: what is picked often near the dock, what is seldom picked farther off
    no_zone       nowhere may goods of this temperature or hazard class lie
    no_room       all bins where they may lie are full, or have other goods in them

How near is told by ranks: a SKU that is picked more often than nine tenths of the location's SKUs belongs into the nearest tenth of the bins where it may
lie, full ones counted (class-based storage, W. H. Hausman, L. B. Schwarz and S. C. Graves 1976, with a class for each SKU). When the bins from there on are
taken, the nearest free one before them is suggested.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from actors.domain.pick_layout import Layout, Stop, between_dm, door_of, spot_of

Reason = Literal["same_lot", "by_demand", "no_zone", "no_room"]


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """Units that wait at the dock. unit_volume_ml: of one, 0 when it is not known."""

    sku: str
    lot: str
    units: int
    unit_volume_ml: int = 0
    temperature: str = "ambient"
    hazard: str = ""


class BinRoom(msgspec.Struct, frozen=True, gc=False):
    """A bin and what is in it. units_max, volume_max_ml: 0 for any; units, volume_ml: all that is in it now, or on its way there; holds: (SKU, lot) of it."""

    stop: Stop
    units_max: int = 0
    volume_max_ml: int = 0
    temperature: str = "ambient"
    hazard: str = ""
    units: int = 0
    volume_ml: int = 0
    holds: tuple[tuple[str, str], ...] = ()


class Suggestion(msgspec.Struct, frozen=True, gc=False):
    """Where units of an arrival should go. bin_id: "" when there is no place, and the reason says why."""

    sku: str
    lot: str
    units: int
    bin_id: str
    reason: Reason


def suggest(
    arrivals: Iterable[Arrival], bins: Iterable[BinRoom], layout: Layout, picks: Mapping[str, int]
) -> list[Suggestion]:
    """Suggestions for all units, beginning with what is picked most often. What is suggested for one is not there for the next.

    Args:
        arrivals: what has to be put away.
        bins: all of the location where goods may be put.
        layout: its start is the dock.
        picks: how often each SKU of the location was picked of late; a SKU that is not in it never was.
    """
    dock = door_of(layout, layout.start)
    near = sorted(bins, key=lambda room: (between_dm(layout, dock, spot_of(layout, room.stop)), room.stop.bin_id))
    rooms = {room.stop.bin_id: room for room in near}
    often = sorted(picks.values())
    found: list[Suggestion] = []
    for arrival in sorted(arrivals, key=lambda arrival: (-picks.get(arrival.sku, 0), arrival.sku, arrival.lot)):
        place = len(often) - bisect_right(often, picks.get(arrival.sku, 0))
        found += _placed(arrival, rooms, place, max(1, len(often)))
    return found


def _placed(arrival: Arrival, rooms: dict[str, BinRoom], place: int, of: int) -> list[Suggestion]:
    """place, of: so many of how many SKUs are picked more often. `rooms` come nearest first, and are filled by what is suggested."""
    fitting = [room for room in rooms.values() if _may_lie(arrival, room)]
    goods = (arrival.sku, arrival.lot)
    first = min(len(fitting) * place // of, len(fitting))
    same: list[tuple[BinRoom, Reason]] = [(room, "same_lot") for room in fitting if goods in room.holds]
    empty: list[tuple[BinRoom, Reason]] = [
        (room, "by_demand")
        for room in [*fitting[first:], *reversed(fitting[:first])]
        if not room.units and not room.holds
    ]
    rest, found = arrival.units, []
    for room, reason in (*same, *empty):
        units = min(rest, _units_that_fit(arrival, room))
        if units > 0:
            found.append(Suggestion(*goods, units, room.stop.bin_id, reason))
            rooms[room.stop.bin_id] = _with(room, arrival, units)
            rest -= units
    if rest:
        found.append(Suggestion(*goods, rest, "", "no_room" if fitting else "no_zone"))
    return found


def _may_lie(arrival: Arrival, room: BinRoom) -> bool:
    return room.temperature == arrival.temperature and room.hazard == arrival.hazard


def _units_that_fit(arrival: Arrival, room: BinRoom) -> int:
    fits = arrival.units
    if room.units_max:
        fits = min(fits, room.units_max - room.units)
    if room.volume_max_ml and arrival.unit_volume_ml:
        fits = min(fits, (room.volume_max_ml - room.volume_ml) // arrival.unit_volume_ml)
    return max(0, fits)


def _with(room: BinRoom, arrival: Arrival, units: int) -> BinRoom:
    goods = (arrival.sku, arrival.lot)
    return msgspec.structs.replace(
        room,
        units=room.units + units,
        volume_ml=room.volume_ml + units * arrival.unit_volume_ml,
        holds=room.holds if goods in room.holds else (*room.holds, goods),
    )
