"""What a play of the past needs: policies, places, stock as it was, what moved, and the orders. Nothing here tells who
ordered: of where an order went there are its country and how far some places are from there.

The pieces (`Piece`) are what a player is sent, in that order: the terms, places, stock, moves, orders; then `Go`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.location_events import LocationType
from actors.domain.location_profile import Profile
from actors.domain.outlook import DemandRate
from actors.domain.personal_notes import ORDER_COUNTRY, PRIVATE_POSITION
from actors.domain.sourcing_demand import Wanted
from actors.domain.sourcing_policy import Policy

ORDERS_MAX = 5_000
ORDERS_DEFAULT = 1_000
PERIOD_DAYS_MAX = 92
# Of SKUs × places, and of what moved.
STOCK_MAX = 200_000
MOVES_MAX = 400_000


class WhatIfTerms(msgspec.Struct, frozen=True, tag=True, gc=False):
    """changed: the policy to try. held: those that held then, by version. centre: of the region
    (degrees). Times: UTC ms."""

    changed: Policy
    held: dict[int, Policy]
    from_ms: int
    until_ms: int
    centre: tuple[float, float]


class PastPlace(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A location, with its profile as it is now; None: it has none."""

    location_id: str
    kind: LocationType
    country: str
    lat: float
    lon: float
    timezone: str
    profile: Profile | None


class PastStock(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Units of a SKU that were sellable and promised to nobody when the period began; and its levels as they are now:
    safety stock, what is kept back from channels, and demand (None: unknown)."""

    location_id: str
    sku: str
    units: int
    safety_stock: int = 0
    kept_back: dict[str, int] = {}
    rate: DemandRate | None = None


class PastMove(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """So many units more or less were free then. cause: the order, transfer or cart, "" for
    none. reason: the ledger's."""

    at_ms: int
    location_id: str
    sku: str
    units: int
    reason: str
    cause: str = ""


def owner_of(cause: str) -> str:
    """The order, transfer or cart of a ledger entry's cause, which is `<id>.<part>` or an id."""
    return cause.partition(".")[0]


class PastOrder(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An order as it was placed. policy: the version that it was sourced by. km: how far places are from where it went,
    of those that its decision told. promised_ms: when all of it was to be there, None when nothing was promised.
    cancelled_ms: None when it was not."""

    order_id: str
    at_ms: int
    channel: str
    country: Annotated[str, ORDER_COUNTRY]
    lines: tuple[Wanted, ...]
    policy: int
    km: Annotated[dict[str, int], PRIVATE_POSITION]
    promised_ms: int | None = None
    cancelled_ms: int | None = None


class Places(msgspec.Struct, frozen=True, tag=True, gc=False):
    """All places of the region."""

    places: list[PastPlace]


class Stocks(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Some of the stock."""

    stocks: list[PastStock]


class Moves(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Some of what moved."""

    moves: list[PastMove]


class Orders(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Some of the orders."""

    orders: list[PastOrder]


class Go(msgspec.Struct, frozen=True, tag=True, gc=False):
    """That is all."""


Piece = WhatIfTerms | Places | Stocks | Moves | Orders | Go


class Past(msgspec.Struct, gc=False):
    """All pieces together."""

    terms: WhatIfTerms
    places: list[PastPlace] = []
    stocks: list[PastStock] = []
    moves: list[PastMove] = []
    orders: list[PastOrder] = []

    def add(self, piece: Places | Stocks | Moves | Orders) -> None:
        """One more."""
        if type(piece) is Places:
            self.places.extend(piece.places)
        elif type(piece) is Stocks:
            self.stocks.extend(piece.stocks)
        elif type(piece) is Moves:
            self.moves.extend(piece.moves)
        elif type(piece) is Orders:
            self.orders.extend(piece.orders)
