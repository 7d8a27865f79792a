"""Nearest first: the order of a region's locations as seen from a point, remembered by a coarse grid."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from actors.domain.geography import distance_km
from actors.domain.rows import LocationRow

# A tenth of a degree is at most 11 km: near enough to order places by, coarse enough to be remembered.
GRID_PER_DEGREE = 10
VIEWPOINTS_MAX = 4_096
# Locations in all of them together, some 100 bytes each: with 500 locations the number alone would
# let a replica keep 200 MB.
ENTRIES_MAX = 500_000


class Viewpoint(msgspec.Struct, frozen=True, gc=False):
    """Locations as seen from a cell of the grid. `rank`: location → place in the order; `km`: location → distance, None
    when the point itself is unknown."""

    key: tuple[int, int] | str
    rank: dict[str, int]
    km: dict[str, int] | None


class Places:
    """The region's locations. `version` rises when one comes, moves or changes."""

    def __init__(self, lat: float, lon: float) -> None:
        self._centre = (lat, lon)
        self._rows: dict[str, LocationRow] = {}
        self._viewpoints: OrderedDict[tuple[int, int] | str, Viewpoint] = OrderedDict()
        self.version = 0

    def __contains__(self, location_id: object) -> bool:
        return location_id in self._rows

    def put(self, row: LocationRow) -> None:
        """Adds or changes a location; an older row than the one that is here is ignored."""
        known = self._rows.get(row.location_id)
        if known is not None and known.version >= row.version:
            return
        self._rows[row.location_id] = row
        # A location's version rises with its stock too: only what is seen from outside counts as a change.
        if known is None or _seen(known) != _seen(row):
            self.version += 1
            self._viewpoints.clear()

    def get(self, location_id: str) -> LocationRow:
        """One that is here."""
        return self._rows[location_id]

    def all(self) -> list[LocationRow]:
        """All, by id."""
        return [self._rows[location_id] for location_id in sorted(self._rows)]

    def seen_from(self, lat: float, lon: float) -> Viewpoint:
        """The view from a point (degrees), to within a cell of the grid."""
        key = (round(lat * GRID_PER_DEGREE), round(lon * GRID_PER_DEGREE))
        found = self._viewpoints.get(key)
        if found is not None:
            self._viewpoints.move_to_end(key)
            return found
        at_lat, at_lon = key[0] / GRID_PER_DEGREE, key[1] / GRID_PER_DEGREE
        km = {name: round(distance_km(at_lat, at_lon, row.lat, row.lon)) for name, row in self._rows.items()}
        return self._keep(Viewpoint(key, _ranks(km, km.__getitem__), km))

    def seen_from_country(self, country: str) -> Viewpoint:
        """The view of someone whose point is unknown: the country's own locations first, each group
        from the region's centre."""
        found = self._viewpoints.get(country)
        if found is not None:
            self._viewpoints.move_to_end(country)
            return found
        lat, lon = self._centre

        def order(name: str) -> tuple[bool, float]:
            row = self._rows[name]
            return row.country != country, distance_km(lat, lon, row.lat, row.lon)

        return self._keep(Viewpoint(country, _ranks(self._rows, order), None))

    def _keep(self, viewpoint: Viewpoint) -> Viewpoint:
        self._viewpoints[viewpoint.key] = viewpoint
        if len(self._viewpoints) > min(VIEWPOINTS_MAX, max(1, ENTRIES_MAX // max(1, len(self._rows)))):
            self._viewpoints.popitem(last=False)
        return viewpoint


def _seen(row: LocationRow) -> tuple[object, ...]:
    return row.type, row.name, row.city, row.country, row.lat, row.lon, row.timezone


def _ranks(names: Iterable[str], order: Callable[[str], Any]) -> dict[str, int]:
    # Names break ties, so that the order is the same in all replicas.
    return {name: rank for rank, name in enumerate(sorted(names, key=lambda name: (order(name), name)))}
