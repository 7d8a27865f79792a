"""Where an order may be served from, as the index of availability sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from actors.domain.allocation import Need, Place, need_of
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_state import Line
from actors.domain.order_terms_plan import shape_of
from actors.domain.order_terms_state import Terms
from actors.domain.order_terms_views import LineTerms
from actors.domain.order_views import ViewOrder
from actors.domain.personal_notes import ORDER_COUNTRY, SHOWN_POSITION
from actors.runtime.ports import Clock
from serve.availability.index import AvailabilityIndex
from serve.availability.places import Viewpoint
from serve.gateway import Gateway
from serve.orders.private import PrivateOrders
from serve.orders.schemas import Destination
from serve.orders.sourcing import Proposal, Sourcing
from serve.orders.terms import Asked
from serve.orders.waiting import leads
from serve.replies import body_of
from serve.reservations.schemas import CartDestination


class _ShipTo(msgspec.Struct):
    country: Annotated[str, ORDER_COUNTRY]
    lat: Annotated[float | None, SHOWN_POSITION] = None
    lon: Annotated[float | None, SHOWN_POSITION] = None


class _Units(msgspec.Struct):
    sku: str
    quantity: int


class _Terms(msgspec.Struct):
    ship_complete: bool = False
    lines: list[LineTerms] = []


class _Backorder(msgspec.Struct):
    """What of an order's view is needed here."""

    channel: str
    ship_to: _ShipTo
    backordered: list[_Units]
    lines: list[_Units]
    terms: _Terms | None = None

    def asked(self) -> Asked | None:
        """What later plans have to keep to as well; None for a plain order. What is in a group comes from one place, so
        that all of it has to be seen."""
        if self.terms is None:
            return None
        of_line = {one.line: one for one in self.terms.lines}
        lines = [Line(line.sku, line.quantity, 0) for line in self.lines]
        told = [of_line.get(number, LineTerms(number)) for number in range(1, len(lines) + 1)]
        terms = Terms(groups=[one.group for one in told], substitutes=[one.substitutes for one in told])
        return Asked(shape_of(msgspec.structs.replace(terms, ship_complete=self.terms.ship_complete), lines, None))


_backorder_decoder = msgspec.json.Decoder(_Backorder)


class PlacesOfOrders:
    """Proposes locations."""

    def __init__(self, index: AvailabilityIndex, gateway: Gateway, private: PrivateOrders, clock: Clock) -> None:
        self._index = index
        self._sourcing = Sourcing(index)
        self._clock = clock
        self._gateway = gateway
        self._private = private

    def near(self, need: Need, to: Destination | CartDestination | _ShipTo, channel: str = "") -> list[Place]:
        """Candidates, nearest first, with what is not kept back from the channel and good for long enough."""
        return self._index.candidates(need, self._view(to), channel, self._clock.now_ms())

    def of_cart(self, need: Need, to: CartDestination | None, channel: str) -> list[Place]:
        """Who may keep units for a cart: by the policy where one is in use, as they will be where the order is served
        from; else the nearest first. Without a destination: as seen from the region's centre, since no location is in a
        country without a name."""
        seen_for = to or CartDestination("")
        if not self._index.steering.in_use:
            return self.near(need, seen_for, channel)
        return self._sourcing.cart(need, self._view(seen_for), seen_for.country, channel, self._clock.now_ms())

    def goes_whole(self, channel: str) -> bool:
        """Does a policy that is in use serve the channel's orders as a whole or not at all?"""
        return self._index.steering.in_use and self._sourcing.goes_whole(channel)

    def allowed(
        self, need: Need, places: Sequence[Place], to: Destination | _ShipTo, channel: str
    ) -> tuple[list[Place], dict[str, list[str]]]:
        """See `Sourcing.allowed`; where nothing says what is allowed, everything is."""
        if not self._index.steering.in_use:
            return list(places), {}
        return self._sourcing.allowed(need, places, self._view(to), to.country, channel, self._clock.now_ms())

    def leads(
        self, need: Need, places: Sequence[Place], to: Destination | CartDestination | _ShipTo, channel: str
    ) -> dict[str, int]:
        """How long each takes from having units until they are there; see `waiting.leads`."""
        return leads(self._index, need, places, self._view(to), channel, self._clock.now_ms())

    def _view(self, to: Destination | CartDestination | _ShipTo) -> Viewpoint:
        places = self._index.places
        if to.lat is not None and to.lon is not None:
            return places.seen_from(to.lat, to.lon)
        return places.seen_from_country(to.country)

    def proposal(
        self,
        lines: Sequence[Line],
        to: Destination | _ShipTo,
        channel: str,
        currency: str = "",
        asked: Asked | None = None,
    ) -> Proposal | None:
        """What sourcing proposes; None where nothing says how. Raises Problem 422."""
        if not self._index.steering.in_use:
            return None
        now_ms = self._clock.now_ms()
        return self._sourcing.proposal(lines, self._view(to), to.country, channel, currency, now_ms, asked)

    def buffered(self, need: Need, channel: str) -> bool:
        """Is anything of it kept back from the channel somewhere?"""
        return self._index.buffered(need, channel)

    async def added_to(self, order_id: str, command: UpdateOrder, cause: str) -> UpdateOrder:
        """`allocate` and `short_pick` with the places that may serve what is backordered now, or was
        not found. Raises Problem."""
        reply = await self._gateway.view("order", order_id, ViewOrder(order_id), cause=cause)
        # Where it goes decides from where it is served, restricted or not.
        order = _backorder_decoder.decode(await self._private.opened_view(body_of(reply), cause, restricted_too=True))
        need, asked = need_of((line.sku, line.quantity) for line in order.backordered), order.asked()
        if command.update == "short_pick":
            need = need_of(command.lines)
            if asked is not None and asked.shape.groups:
                need = need_of([*need.items(), *((line.sku, line.quantity) for line in order.lines)])
        if not need:
            return msgspec.structs.replace(command, places=[])
        return msgspec.structs.replace(command, places=self.later(need, order.ship_to, order.channel, asked))

    async def more(self, order_id: str, need: Need, cause: str) -> list[Place]:
        """Who may be asked for more of an order, or of something else in it. Raises Problem."""
        reply = await self._gateway.view("order", order_id, ViewOrder(order_id), cause=cause)
        order = _backorder_decoder.decode(await self._private.opened_view(body_of(reply), cause, restricted_too=True))
        missing = need_of([*need.items(), *((line.sku, line.quantity) for line in order.backordered)])
        return self.later(missing, order.ship_to, order.channel, order.asked())

    def later(self, need: Need, to: Destination | _ShipTo, channel: str, asked: Asked | None) -> list[Place]:
        """Who may be asked after the placement, best first."""
        # The order itself keeps to its terms: from here it has to know who has what of all that may be.
        seen = need if asked is None else asked.seen(need)
        proposal = self.proposal([Line(sku, units, 0) for sku, units in seen.items() if units], to, channel)
        return proposal.known if proposal is not None else self.near(seen, to, channel)
