"""What the read model knows of a SKU, put together by place."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from actors.domain.article import Details
from actors.domain.atp import Arriving, Point, Supply, good_units, of_place
from actors.domain.rows import StockRow
from actors.domain.rows_of_stock import IncomingRow
from actors.runtime.read_model import LotSum, ReadModel

PLACES_MAX = 1_000
INCOMING_MAX = 1_000
LOTS_MAX = 5_000


class Wish(NamedTuple):
    """For whom it has to be available. channel: "" for any; good_until: days since 1970-01-01, None for any."""

    channel: str
    good_until: int | None
    now_ms: int


class Known(NamedTuple):
    """One SKU. more: there is more than is here."""

    stock: Sequence[StockRow]
    lots: Sequence[LotSum]
    incoming: Sequence[IncomingRow]
    more: bool

    @property
    def places(self) -> list[str]:
        """Where it is, or is to come, by id."""
        return sorted({row.location_id for row in self.stock} | {line.location_id for line in self.incoming})


async def known_of(read_model: ReadModel, sku: str, locations: Sequence[str] | None) -> Known:
    """Raises StoreUnavailable."""
    stock, lots, incoming = await asyncio.gather(
        read_model.stock_of(sku, locations=locations, limit=PLACES_MAX + 1),
        read_model.lots_of(sku, locations=locations, limit=LOTS_MAX + 1),
        read_model.incoming_of(sku, locations=locations, limit=INCOMING_MAX + 1),
    )
    more = len(stock) > PLACES_MAX or len(lots) > LOTS_MAX or len(incoming) > INCOMING_MAX
    return Known(stock[:PLACES_MAX], lots[:LOTS_MAX], incoming[:INCOMING_MAX], more)


def promised_by_place(known: Known, details: Details, wish: Wish) -> Mapping[str, Sequence[Point]]:
    """What can be promised at each place, now and later."""
    rows = {row.location_id: row for row in known.stock}
    lots: dict[str, list[tuple[int | None, int]]] = {}
    for one in known.lots:
        lots.setdefault(one.location_id, []).append((one.expires_on, one.free))
    coming: dict[str, list[Arriving]] = {}
    for line in known.incoming:
        coming.setdefault(line.location_id, []).append(Arriving(line.expected_at, line.units))
    found = {}
    for place in known.places:
        row = rows.get(place)
        free = row.free if row is not None else 0
        kept = row.safety_stock + row.kept_back.get(wish.channel, 0) if row is not None else 0
        good = _good(lots.get(place), details, wish)
        found[place] = of_place(Supply(free, kept, good, tuple(coming.get(place, ()))), wish.now_ms)
    return found


def _good(lots: list[tuple[int | None, int]] | None, details: Details, wish: Wish) -> int | None:
    """Units that are good for long enough, None where that doesn't matter."""
    if wish.good_until is None:
        return None
    if lots is not None:
        return good_units(lots, wish.good_until)
    return 0 if details.expires else None
