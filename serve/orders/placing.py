"""`POST /v1/orders`: a new order, with the places where stock was seen; the locations themselves decide."""

from __future__ import annotations

import msgspec

from actors.domain.allocation import SPLIT_MAX
from actors.domain.ids import ACCOUNT_PATTERN, new_order_id
from actors.domain.order_commands import PlaceOrder
from actors.domain.order_state import (
    Line,
    ShipTo,
    parts_of,
    wanted_of,
)
from actors.domain.order_views import ViewOrder
from actors.runtime.wire import Reply
from serve.callers import subject_of
from serve.catalogue.known import KnownSkuCheck
from serve.context import ENTITY_ID, REQUEST_ID, WHO, Receive, Scope
from serve.identity.limits import ORDERS_BY_CUSTOMER, hold_to
from serve.judging import judged
from serve.orders.backordered import with_backorder
from serve.orders.own import check_ref, owner_of, reveals, told_alike
from serve.orders.pickup import Pickups, check_plain, check_whole
from serve.orders.places import PlacesOfOrders
from serve.orders.private import PrivateOrders
from serve.orders.schemas import NOWHERE, Destination, NewOrder
from serve.orders.sourcing import sourced
from serve.orders.terms import asked_of, terms_of
from serve.orders.waiting import release_asked, releases
from serve.problems import Answer, Problem, field_problem
from serve.regions import Territory
from serve.replies import body_of
from serve.requests import Write, decode
from serve.reservations.carts import check_reservation, unclaimable
from serve.services import Services


class _Placed(msgspec.Struct):
    """What of the answer is needed here: a repeated call is answered with the first one's id, and only
    the whole order has lines."""

    order_id: str
    lines: msgspec.Raw = msgspec.Raw()


# The order can't be shown just now.
_PASSES = frozenset({429, 503})
_order_decoder = msgspec.json.Decoder(NewOrder)
_placed_decoder = msgspec.json.Decoder(_Placed)


class OrderPlacing:
    """The handler of placements."""

    def __init__(
        self, services: Services, territory: Territory, places: PlacesOfOrders, known: KnownSkuCheck, private: PrivateOrders
    ) -> None:  # fmt: skip
        self._gateway = services.gateway
        self._clock = services.clock
        self._settings = services.settings
        self._bodies = services.bodies
        self._private = private
        self._territory = territory
        self._places = places
        self._known = known
        self._index = services.index
        self._limits = services.limits
        self._pickups = Pickups(services.index, services.settings)

    async def place(self, scope: Scope, receive: Receive) -> Answer:
        """201 with the order, allocated if the locations answered in time, else `placed`."""
        write = await self._bodies.read(scope, receive)
        order = decode(_order_decoder, write.body)
        if order.reservation_id and owner_of(scope):
            return await told_alike(self._placed(order, write, scope), "reservation")
        return await self._placed(order, write, scope)

    async def _placed(self, order: NewOrder, write: Write, scope: Scope) -> Answer:
        settings, owner, cause = self._settings, owner_of(scope), scope[REQUEST_ID]
        order_id = new_order_id(settings.region, self._clock.now_ms(), write.key)
        command, refused = await judged(self._whole_command(order_id, order, owner, scope, write.key))
        reply = await self._gateway.ask(
            "order", order_id, command,
            command_id=write.key, digest=self._private.digest(write.body, write.digest), creates=True,
            wait_ms=settings.placement_wait_ms, cause=cause, who=scope.get(WHO), refused=refused,
        )  # fmt: skip
        return await self._told(reply, scope)

    async def _whole_command(self, order_id: str, order: NewOrder, owner: str, scope: Scope, key: str) -> PlaceOrder:
        """Raises Problem."""
        cause = scope[REQUEST_ID]
        if order.pickup is not None or order.ship_to is NOWHERE:
            order = self._collected(order)
        self._check(order)
        check_ref(scope, order.customer.customer_ref)
        if owner:
            # Who takes goods from others by many orders, which cost him nothing here, is slowed down.
            await hold_to(self._limits, ORDERS_BY_CUSTOMER, "orders", owner, self._clock.now_ms(), once=key)
        await self._known.require([line.sku for line in order.lines], "/lines/{}/sku", cause)
        for position, line in enumerate(order.lines):
            if line.substitutes:
                await self._known.require(line.substitutes, f"/lines/{position}/substitutes/{{}}", cause)
        scope[ENTITY_ID] = order_id
        command = self._command(order, owner, scope)
        if order.reservation_id:
            command = await self._with_cart(command, order.reservation_id, cause)
        if order.pickup is not None:
            parts = parts_of(command.lines, command.kits) if command.kits else command.lines
            command = self._pickups.of(command, order.pickup.location_id, parts, self._clock.now_ms())
            command = msgspec.structs.replace(command, placed_by=_of_staff(scope))
        return await self._private.sealed(order_id, order, command, cause)

    async def _told(self, reply: Reply, scope: Scope) -> Answer:
        """201 with the whole order. Raises Problem: `order.not_shown` of one that is placed and durable; the
        same call again gives it."""
        body, cause = body_of(reply), scope[REQUEST_ID]
        placed = _placed_decoder.decode(body)
        location = (b"location", f"/v1/orders/{placed.order_id}".encode())
        try:
            if not placed.lines:
                # Its places have not all answered in time, or nobody waits for them: as far as it is by now.
                query = ViewOrder(placed.order_id, owner_of(scope))
                body = body_of(await self._gateway.view("order", placed.order_id, query, cause=cause))
            # Wherever it goes from: who places it has sent all of that.
            body = await self._private.opened_view(body, cause, restricted_too=reveals(scope))
        except Problem as problem:
            if problem.status not in _PASSES:
                raise
            detail = "The order is placed, and can't be shown at the moment. The same call with the same Idempotency-Key gives it."
            headers = (*problem.headers, location)
            raise Problem("order.not_shown", detail, extra={"order_id": placed.order_id}, headers=headers) from problem
        return 201, body, (location,)

    async def _with_cart(self, command: PlaceOrder, reservation_id: str, cause: str) -> PlaceOrder:
        """The command that claims the reservation. Raises Problem 404, 421, 503."""
        check_reservation(self._territory, reservation_id)
        code = await unclaimable(self._gateway, reservation_id, command.owner, cause)
        return msgspec.structs.replace(command, reservation_id=reservation_id, unclaimable=code)

    def _collected(self, order: NewOrder) -> NewOrder:
        """An order that is collected goes to the store's country, where nobody said more.
        Raises Problem 404, 421, 422."""
        check_whole(order.ship_to is not NOWHERE, order.pickup is not None)
        assert order.pickup is not None
        self._territory.check_location(order.pickup.location_id)
        store = self._pickups.store(order.pickup.location_id)
        return (
            order
            if order.ship_to is not NOWHERE
            else msgspec.structs.replace(order, ship_to=Destination(store.country))
        )

    def _check(self, order: NewOrder) -> None:
        to = order.ship_to
        self._territory.check_country(to.country, "/ship_to/country")
        if (to.lat is None) != (to.lon is None):
            missing = "lat" if to.lat is None else "lon"
            raise field_problem(
                "order.coordinates_incomplete", "Give both lat and lon, or neither.", f"/ship_to/{missing}"
            )
        currency = order.lines[0].unit_price.currency
        if not self._territory.accepts(currency):
            raise field_problem(
                "order.currency_not_accepted",
                f"{currency} is not accepted here.",
                "/lines/0/unit_price/currency",
                accepted=self._territory.currencies,
            )
        for position, line in enumerate(order.lines):
            if line.unit_price.currency != currency:
                detail = f"The order is in {currency}."
                raise field_problem("order.mixed_currencies", detail, f"/lines/{position}/unit_price/currency")

    def _command(self, order: NewOrder, owner: str, scope: Scope) -> PlaceOrder:
        to = order.ship_to
        currency = order.lines[0].unit_price.currency
        lines = [Line(line.sku, line.quantity, line.unit_price.amount) for line in order.lines]
        kits = self._index.kits(line.sku for line in lines)
        need, now_ms = wanted_of(lines, kits), self._clock.now_ms()
        # What a cart has kept stays the order's, however much of it that is.
        goes_whole = not order.reservation_id and self._places.goes_whole(order.channel)
        terms = terms_of(order, kits, scope, now_ms)
        if terms is not None and goes_whole:
            # With terms an order is asked for in rounds of its own, which have to know it as well.
            terms = msgspec.structs.replace(terms, ship_complete=True)
        asked = asked_of(order, terms, lines, kits, now_ms)
        release = releases(self._index, lines, kits, release_asked(order, now_ms), now_ms)
        collected = order.pickup is not None
        if collected:
            check_plain(terms, release)
        parts = parts_of(lines, kits) if kits else lines
        if not release:
            out_now = parts
        elif goes_whole or (asked is not None and asked.shape.together):
            out_now = []
        else:
            out_now = [part for part in parts if part.sku not in release]
        is_sourced = out_now and not collected
        proposal = self._places.proposal(out_now, to, order.channel, currency, asked) if is_sourced else None
        seen = need if asked is None else asked.seen(need)
        if collected:
            known = []
        elif proposal is None:
            known = self._places.near(seen, to, order.channel)
        else:
            known = proposal.known
        placed = PlaceOrder(
            order.order_ref,
            order.channel,
            order.customer.customer_ref,
            order.customer.country or to.country,
            ShipTo(to.country, to.postcode, to.city, to.lat, to.lon),
            currency,
            lines,
            known,
            owner,
            buffered=self._places.buffered(seen, order.channel),
            splits=SPLIT_MAX if asked is None or asked.splits is None else min(SPLIT_MAX, asked.splits),
            kits=kits,
            life_days=self._index.life_days(seen),
            terms=terms,
        )
        if proposal is not None:
            placed = sourced(placed, proposal)
        if release or proposal is not None:
            return with_backorder(placed, self._places, seen, release, to, proposal, goes_whole=goes_whole)
        return placed


def _of_staff(scope: Scope) -> str:
    """The caller's account when he is of the staff, else ""."""
    subject = subject_of(scope)
    return subject if ACCOUNT_PATTERN.match(subject) else ""
