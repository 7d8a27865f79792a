"""What is available of one SKU, by location. A kit has no stock of its own: it follows its parts, so that reading it
costs what any other costs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple


class _Kit(NamedTuple):
    """What makes a SKU a kit: its parts with the units of each in one kit, and what was told of stock of its own, which
    counts again when it ceases to be a kit."""

    parts: list[tuple[SkuStock, int]]
    own: dict[str, int]


class SkuStock:
    """Location → available units (> 0), their sum, and a number that changes with them. `kits`: those
    that this is a part of."""

    __slots__ = ("_kit", "_without", "at", "changes", "kits", "total")

    def __init__(self) -> None:
        self.at: dict[str, int] = {}
        self.total = 0
        self.changes = 0
        self.kits: tuple[SkuStock, ...] = ()
        self._kit: _Kit | None = None
        # Locations that have told of it, and that nothing is available. Of most SKUs there is something everywhere, and
        # an empty set for each would be 200 bytes.
        self._without: set[str] | None = None

    def put(self, location_id: str, available: int) -> None:
        """Stock of the SKU itself has changed."""
        if available <= 0:
            if self._without is None:
                self._without = set()
            self._without.add(location_id)
        elif self._without:
            self._without.discard(location_id)
        if self._kit is None:
            self._set(location_id, available)
        else:
            self._kit.own[location_id] = available

    @property
    def keepers(self) -> int:
        """How many locations keep it, whether anything is available there now or not."""
        return len(self.at) + len(self._without or ())

    def kept_at(self) -> Iterable[str]:
        """These locations."""
        return chain(self.at, self._without or ())

    def make_of(self, parts: Iterable[tuple[SkuStock, int]]) -> None:
        """From now on it is a kit of these parts; of none: it has stock of its own."""
        before, own = ([], self.at.copy()) if self._kit is None else self._kit
        for part, _ in before:
            part.kits = tuple(kit for kit in part.kits if kit is not self)
        made_of = list(parts)
        # Of other parts it may be as many as it was, and fewer or more for a channel.
        self.changes += 1
        if not made_of:
            self._kit = None
            for location_id in {*self.at, *own}:
                self._set(location_id, own.get(location_id, 0))
            return
        self._kit = _Kit(made_of, own)
        for part, _ in made_of:
            part.kits = (*part.kits, self)
        first, _ = made_of[0]
        # Where there is nothing of one part there is no kit.
        for location_id in {*self.at, *first.at}:
            self.part_changed(location_id)

    def part_changed(self, location_id: str) -> None:
        """Of a kit: there are as many as the scarcest part allows, since it is served whole from one place."""
        assert self._kit is not None
        self._set(location_id, min(part.at.get(location_id, 0) // units for part, units in self._kit.parts))

    def _set(self, location_id: str, available: int) -> None:
        before = self.at.get(location_id, 0)
        if available == before:
            return
        if available > 0:
            self.at[location_id] = available
        else:
            del self.at[location_id]
        self.total += available - before
        self.changes += 1
        for kit in self.kits:
            kit.part_changed(location_id)
