"""Where at a location goods of a kind may be put: what `put_away.py` chooses from. The rules are in `location.py`."""

from __future__ import annotations

import msgspec

from actors.domain.location_events import Bin
from actors.domain.location_state import Location

# Enough for a choice; more would hold up the location and whoever asks.
ROOMS_MAX = 5_000
_TAKES_GOODS = frozenset({"pick", "reserve"})


class ViewRoom(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The bins where goods of a SKU may lie. temperature, hazard: as bins say it."""

    location_id: str
    sku: str
    temperature: str
    hazard: str


class Inside(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units in a bin."""

    sku: str
    lot: str
    units: int


class Room(msgspec.Struct, frozen=True, gc=False):
    """A bin where the goods may lie. units: all in it; inside: what that is, told where the SKU lies there already."""

    bin: Bin
    units: int
    inside: list[Inside]


class RoomView(msgspec.Struct, frozen=True, gc=False):
    """dock: where goods come in, None where no bin is one. rooms: by id; of more than `ROOMS_MAX` those in which the SKU lies, then empty ones."""

    location_id: str
    version: int
    dock: Bin | None
    rooms: list[Room]


def rooms_of(state: Location, query: ViewRoom, version: int) -> RoomView:
    """One look at every bin."""
    fitting = [
        bin_
        for bin_ in state.bins.values()
        if bin_.use in _TAKES_GOODS and bin_.temperature == query.temperature and bin_.hazard == query.hazard
    ]
    mine = {bin_id for bin_id, _ in state.contents.get(query.sku, {})}
    if len(fitting) > ROOMS_MAX:
        fitting = [bin_ for bin_ in fitting if bin_.bin_id in mine or not state.fill.get(bin_.bin_id, 0)]
    fitting.sort(key=lambda bin_: (bin_.bin_id not in mine, bin_.bin_id))
    chosen = sorted(fitting[:ROOMS_MAX], key=lambda bin_: bin_.bin_id)
    inside = _inside(state, mine) if mine else {}
    rooms = [Room(bin_, state.fill.get(bin_.bin_id, 0), inside.get(bin_.bin_id, [])) for bin_ in chosen]
    docks = (bin_ for bin_ in state.bins.values() if bin_.use == "dock")
    dock = min(docks, key=lambda bin_: bin_.bin_id, default=None)
    return RoomView(query.location_id, version, dock, rooms)


def _inside(state: Location, bin_ids: set[str]) -> dict[str, list[Inside]]:
    found: dict[str, list[Inside]] = {}
    for sku in sorted(state.contents):
        for (bin_id, lot), units in sorted(state.contents[sku].items()):
            if bin_id in bin_ids:
                found.setdefault(bin_id, []).append(Inside(sku, lot, units))
    return found
