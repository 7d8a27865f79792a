"""Bins in the order in which one comes to them from the dock, for each kind of goods. Part of a
location: see `location_room.py`.

It follows from the bins, is made when it is first asked for, and thrown away when they change: two are never
different for what it says."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from actors.domain.location_events import Bin

TAKES_GOODS = frozenset({"pick", "reserve"})
# (x, y) in decimetres
Dock = tuple[int, int]


def distance(bin_: Bin, dock: Dock) -> tuple[int, str]:
    """By it bins are sorted: nobody told where aisles and walls are, so ways are |dx| + |dy|;
    equally far ones by id."""
    return abs(bin_.x_dm - dock[0]) + abs(bin_.y_dm - dock[1]), bin_.bin_id


class Shelves(msgspec.Struct, eq=False):
    """`dock`: where goods come in: the first bin that is one, else the plan's origin; good once `nearest` was asked."""

    dock: Dock = (0, 0)
    classes: dict[tuple[str, str], list[Bin]] = {}
    # How many bins there were.
    count: int = -1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shelves)

    __hash__ = None  # type: ignore[assignment]

    def clear(self) -> None:
        """The bins are others."""
        self.classes, self.count, self.dock = {}, -1, (0, 0)

    def nearest(self, bins: Mapping[str, Bin], temperature: str, hazard: str) -> list[Bin]:
        """Those where such goods may lie. Not to be changed."""
        if self.count != len(bins):
            self._fill(bins)
        return self.classes.get((temperature, hazard), [])

    def _fill(self, bins: Mapping[str, Bin]) -> None:
        self.clear()
        docks = [bin_ for bin_ in bins.values() if bin_.use == "dock"]
        if docks:
            first = min(docks, key=lambda bin_: bin_.bin_id)
            self.dock = (first.x_dm, first.y_dm)
        for bin_ in bins.values():
            if bin_.use in TAKES_GOODS:
                self.classes.setdefault((bin_.temperature, bin_.hazard), []).append(bin_)
        for found in self.classes.values():
            found.sort(key=lambda bin_: distance(bin_, self.dock))
        self.count = len(bins)
