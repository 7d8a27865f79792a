"""What surrounds the collector of figures: what it reads, and where it records. Ports: `actors/storage/figures.py`
fills them, a fake in the tests does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from actors.figures.books import FloorTurn, Open, StockMove
from actors.figures.minute import Level, Minute

# Minutes are kept so long, and hours, which forecasts are made from.
MINUTES_KEPT_DAYS = 8
HOURS_KEPT_DAYS = 35


class Ends(NamedTuple):
    """Up to which version of the location and of its floor the store has everything; 0 for nothing."""

    stock: int
    floor: int


class Opened(NamedTuple):
    """A page of open fulfilments: (location, cause, what is open). `after`: where the next begins, None at the end."""

    found: list[tuple[str, str, Open]]
    after: str | None


class FloorWork(NamedTuple):
    """A fulfilment that a floor has, and units of it that are in hands."""

    location_id: str
    fulfilment_id: str
    due_ms: int
    picked: int


class FloorTrip(NamedTuple):
    """A trip that somebody has."""

    location_id: str
    trip: int
    picker: str


class HourSeen(msgspec.Struct, frozen=True):
    """What came to a location in the minutes of an hour that were seen. `at`: UTC ms."""

    location_id: str
    at: int
    units: int
    minutes: int


class Cut(NamedTuple):
    """A stretch of one entity's versions: past `after`, up to `until`."""

    location_id: str
    after: int
    until: int


class FiguresStore(Protocol):
    """Every method raises StoreUnavailable."""

    async def ends(self) -> dict[str, Ends]:
        """Of all locations."""

    async def moves(self, cuts: Sequence[Cut], since_ms: int, limit: int) -> list[StockMove]:
        """Of each at most `limit` turns of the ledger for orders, in order; none from before `since_ms`."""

    async def turns(self, cuts: Sequence[Cut], since_ms: int, limit: int) -> list[FloorTurn]:
        """Of each at most `limit` turns of the floor, in order; none from before `since_ms`."""

    async def opened(self, after: str, limit: int) -> Opened:
        """Open fulfilments of the next so many open orders, by order id."""

    async def works(self) -> list[FloorWork]:
        """What floors have to pick."""

    async def trips(self) -> list[FloorTrip]:
        """Trips that somebody has."""

    async def floor_levels(self, now_ms: int) -> dict[str, list[Level]]:
        """Work by location and status."""

    async def order_levels(self, now_ms: int) -> list[Level]:
        """All open orders by status: adds up as many rows as there are."""

    async def hours(self, since_ms: int) -> list[HourSeen]:
        """What came, hour by hour."""

    async def last(self, since_ms: int) -> dict[str, Minute]:
        """The last minute of each location (and of the region) since then."""

    async def record(self, region: str, minutes: Sequence[Minute], hours: Mapping[str, int]) -> bool:
        """Writes a minute down, the region's (which is among `minutes`) with those of its locations; `hours`: units
        that came, by location. False, and nothing is written, when somebody has done so already."""

    async def trim(self, minutes_before_ms: int, hours_before_ms: int) -> int:
        """Forgets what is older: so many rows, of which there may be more."""


class FiguresList(Protocol):
    """Minutes that were recorded. Raises StoreUnavailable."""

    async def figures(self, location_id: str, since_ms: int, until_ms: int, limit: int) -> list[Minute]:
        """Of the location, from then until before then, in the order of time."""

    async def seen(self, location_id: str, since_ms: int, until_ms: int, limit: int) -> list[int]:
        """When these minutes began (UTC ms)."""

    async def latest(self, after_ms: int) -> list[Minute]:
        """All of the last minute that was recorded, if that is past `after_ms`."""
