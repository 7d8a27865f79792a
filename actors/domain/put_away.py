"""Where goods that came in should be put away: suggestions, each with its reason.

    same_lot      a bin that has this SKU and lot already, and room; the nearest to the dock first
    by_demand     an empty bin of a fitting zone: what is picked often near the dock, what is seldom picked farther off
    no_zone       nowhere may goods of this temperature or hazard class lie
    ask_again     there are more empty bins than are told at a time: put these away, and ask for the rest
    no_room       all bins where they may lie are full, or have other goods in them

How near is told by ranks: a SKU that is picked more often than nine tenths of the location's SKUs belongs into the
nearest tenth of the bins where it may lie, full ones counted (class-based storage, W. H. Hausman, L. B. Schwarz and S.
C. Graves 1976, with a class for each SKU). When the bins from there on are taken, the nearest free
one before them is suggested.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from actors.domain.location_events import Bin
from actors.domain.pick_layout import Layout, Stop, between_dm, door_of, spot_of

Reason = Literal["same_lot", "by_demand", "no_zone", "no_room", "ask_again"]


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """Units that wait at the dock. unit_volume_ml: of one, 0 when it is not known."""

    sku: str
    lot: str
    units: int
    unit_volume_ml: int = 0
    temperature: str = "ambient"
    hazard: str = ""


class BinRoom(msgspec.Struct, frozen=True, gc=False):
    """A bin and what is in it. units_max, volume_max_ml: 0 for any; units, volume_ml: all that is in it now, or on its
    way there; holds: (SKU, lot) of it."""

    stop: Stop
    units_max: int = 0
    volume_max_ml: int = 0
    temperature: str = "ambient"
    hazard: str = ""
    units: int = 0
    volume_ml: int = 0
    holds: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def of(bin_: Bin, units: int, volume_ml: int = 0, holds: tuple[tuple[str, str], ...] = ()) -> BinRoom:
        """Of a location's bin, with what is in it."""
        stop = Stop(bin_.bin_id, bin_.aisle, bin_.x_dm, bin_.y_dm)
        return BinRoom(stop, bin_.units_max, bin_.volume_max_ml, bin_.temperature, bin_.hazard, units, volume_ml, holds)


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
    """Suggestions for all units, beginning with what is picked most often. What is suggested for one
    is not there for the next.

    Args:
        arrivals: what has to be put away.
        bins: all of the location where goods may be put.
        layout: its start is the dock.
        picks: how often each SKU of the location was picked of late; a SKU that is not in it never was.
    """
    dock = door_of(layout, layout.start)
    near = sorted(bins, key=lambda room: (between_dm(layout, dock, spot_of(layout, room.stop)), room.stop.bin_id))
    rooms = {room.stop.bin_id: room for room in near}
    found: list[Suggestion] = []
    for arrival in sorted(arrivals, key=lambda arrival: (-picks.get(arrival.sku, 0), arrival.sku, arrival.lot)):
        found += _placed(arrival, rooms, *rank(picks, arrival.sku))
    return found


def rank(picks: Mapping[str, int], sku: str) -> tuple[int, int]:
    """(so many SKUs are picked more often, of how many)."""
    mine = picks.get(sku, 0)
    return sum(often > mine for often in picks.values()), max(1, len(picks))


def place(
    arrival: Arrival, same: Iterable[BinRoom], empty: Iterable[BinRoom], *, fitting: int, more: bool
) -> list[Suggestion]:
    """One arrival into bins that were chosen for it (`location_room.py`): those with the same goods, then empty ones,
    each in the order in which they come. fitting: of how many; more: there are other empty ones. As
    `suggest` does it for one alone."""
    candidates: list[tuple[BinRoom, Reason]] = [(room, "same_lot") for room in same]
    candidates += [(room, "by_demand") for room in empty]
    found, _, rest = _filled(arrival, candidates)
    if rest:
        why: Reason = "ask_again" if more else "no_room" if fitting else "no_zone"
        found.append(Suggestion(arrival.sku, arrival.lot, rest, "", why))
    return found


def _filled(
    arrival: Arrival, candidates: Iterable[tuple[BinRoom, Reason]]
) -> tuple[list[Suggestion], list[BinRoom], int]:
    """What goes where, these bins afterwards, and how many units are left."""
    rest, found, filled = arrival.units, list[Suggestion](), list[BinRoom]()
    for room, reason in candidates:
        units = min(rest, _units_that_fit(arrival, room))
        if units > 0:
            found.append(Suggestion(arrival.sku, arrival.lot, units, room.stop.bin_id, reason))
            filled.append(_with(room, arrival, units))
            rest -= units
    return found, filled, rest


def _placed(arrival: Arrival, rooms: dict[str, BinRoom], place: int, of: int) -> list[Suggestion]:
    """place, of: so many of how many SKUs are picked more often. `rooms` come nearest first, and are
    filled by what is suggested."""
    fitting = [room for room in rooms.values() if _may_lie(arrival, room)]
    goods = (arrival.sku, arrival.lot)
    first = min(len(fitting) * place // of, len(fitting))
    same: list[tuple[BinRoom, Reason]] = [(room, "same_lot") for room in fitting if goods in room.holds]
    empty: list[tuple[BinRoom, Reason]] = [
        (room, "by_demand")
        for room in [*fitting[first:], *reversed(fitting[:first])]
        if not room.units and not room.holds
    ]
    found, filled, rest = _filled(arrival, [*same, *empty])
    rooms.update((room.stop.bin_id, room) for room in filled)
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
