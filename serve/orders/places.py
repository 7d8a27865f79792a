"""Where an order may be served from, as the index of availability sees it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.allocation import Need, Place, need_of
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_state import ViewOrder
from actors.domain.personal_notes import ORDER_COUNTRY, SHOWN_POSITION
from serve.availability.index import AvailabilityIndex
from serve.gateway import Gateway
from serve.orders.private import PrivateOrders
from serve.orders.schemas import Destination
from serve.replies import body_of


class _ShipTo(msgspec.Struct):
    country: Annotated[str, ORDER_COUNTRY]
    lat: Annotated[float | None, SHOWN_POSITION] = None
    lon: Annotated[float | None, SHOWN_POSITION] = None


class _Units(msgspec.Struct):
    sku: str
    quantity: int


class _Backorder(msgspec.Struct):
    """What of an order's view is needed here."""

    ship_to: _ShipTo
    backordered: list[_Units]


_backorder_decoder = msgspec.json.Decoder(_Backorder)


class PlacesOfOrders:
    """Proposes locations."""

    def __init__(self, index: AvailabilityIndex, gateway: Gateway, private: PrivateOrders) -> None:
        self._index = index
        self._gateway = gateway
        self._private = private

    def near(self, need: Need, to: Destination | _ShipTo) -> list[Place]:
        """Candidates, nearest first."""
        places = self._index.places
        if to.lat is not None and to.lon is not None:
            return self._index.candidates(need, places.seen_from(to.lat, to.lon))
        return self._index.candidates(need, places.seen_from_country(to.country))

    async def added_to(self, order_id: str, command: UpdateOrder, cause: str) -> UpdateOrder:
        """`allocate` with the places that may serve what is backordered now. Raises Problem."""
        reply = await self._gateway.view("order", order_id, ViewOrder(order_id), cause=cause)
        # Where it goes decides from where it is served, restricted or not.
        order = _backorder_decoder.decode(await self._private.shown(body_of(reply), cause, restricted_too=True))
        need = need_of((line.sku, line.quantity) for line in order.backordered)
        return msgspec.structs.replace(command, places=self.near(need, order.ship_to) if need else [])
