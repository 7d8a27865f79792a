"""Where at a location goods of a kind may be put: what `put_away.py` chooses from. The rules are in `location.py`.

It is answered in the location's own turn, while others wait for it, so it looks at no more of a building than is
needed: bins that have the same goods, and from the place on that the goods' demand gives them one empty bin after the
other until all units have one. What may lie where, and how near it is, changes only with the bins (`Shelves`).
"""

from __future__ import annotations

from itertools import chain

import msgspec

from actors.domain.location_events import Bin
from actors.domain.location_shelves import TAKES_GOODS, distance
from actors.domain.location_state import Location

# Of those that have the same goods already, the nearest.
SAME_MAX = 200
# Empty ones: who has more to put away asks again for the rest.
EMPTY_MAX = 2_000


class ViewRoom(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Bins for units of a SKU and lot. temperature, hazard: as bins say it; unit_volume_ml: of one, 0 when it is not
    known; at, of: so many of how many SKUs are picked more often."""

    location_id: str
    sku: str
    temperature: str
    hazard: str
    lot: str = ""
    units: int = 1
    unit_volume_ml: int = 0
    at: int = 0
    of: int = 1


class Inside(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units in a bin."""

    sku: str
    lot: str
    units: int


class Room(msgspec.Struct, frozen=True, gc=False):
    """A bin where the goods may lie. units: all in it; inside: what that is, told where its volume has an end."""

    bin: Bin
    units: int
    inside: list[Inside] = []


class RoomView(msgspec.Struct, frozen=True, gc=False):
    """same: bins with the same goods and room for more, the nearest first; empty: in the order in which they should be
    filled; fitting: of so many; more: there are other empty ones."""

    location_id: str
    version: int
    same: list[Room]
    empty: list[Room]
    fitting: int
    more: bool


def rooms_of(state: Location, query: ViewRoom, version: int) -> RoomView:
    """See the module's docstring."""
    fitting = state.shelves.nearest(state.bins, query.temperature, query.hazard)
    same = _same(state, query)
    empty, more = _empty(state, query, fitting)
    return RoomView(query.location_id, version, same, empty, len(fitting), more)


def _same(state: Location, query: ViewRoom) -> list[Room]:
    dock = state.shelves.dock
    found = [
        bin_
        for (bin_id, lot), units in state.contents.get(query.sku, {}).items()
        if lot == query.lot and units and (bin_ := state.bins[bin_id]).use in TAKES_GOODS
        and (bin_.temperature, bin_.hazard) == (query.temperature, query.hazard)
        and (not bin_.units_max or state.fill.get(bin_id, 0) < bin_.units_max)
    ]  # fmt: skip
    found.sort(key=lambda bin_: distance(bin_, dock))
    chosen = found[:SAME_MAX]
    inside = _inside(state, {bin_.bin_id for bin_ in chosen if bin_.volume_max_ml})
    return [Room(bin_, state.fill.get(bin_.bin_id, 0), inside.get(bin_.bin_id, [])) for bin_ in chosen]


def _empty(state: Location, query: ViewRoom, fitting: list[Bin]) -> tuple[list[Room], bool]:
    first = min(len(fitting) * query.at // max(1, query.of), len(fitting))
    found: list[Room] = []
    left = query.units
    for at in chain(range(first, len(fitting)), range(first - 1, -1, -1)):
        bin_ = fitting[at]
        if state.fill.get(bin_.bin_id, 0):
            continue
        if len(found) == EMPTY_MAX:
            return found, True
        room = left
        if bin_.units_max:
            room = min(room, bin_.units_max)
        if bin_.volume_max_ml and query.unit_volume_ml:
            room = min(room, bin_.volume_max_ml // query.unit_volume_ml)
        if room:
            found.append(Room(bin_, 0))
            left -= room
        if left <= 0:
            break
    return found, False


def _inside(state: Location, bin_ids: set[str]) -> dict[str, list[Inside]]:
    """Only of bins whose volume has an end: that looks at all that lies anywhere."""
    found: dict[str, list[Inside]] = {}
    for sku, contents in state.contents.items() if bin_ids else ():
        for (bin_id, lot), units in contents.items():
            if bin_id in bin_ids:
                found.setdefault(bin_id, []).append(Inside(sku, lot, units))
    return {bin_id: sorted(inside, key=lambda one: (one.sku, one.lot)) for bin_id, inside in found.items()}
