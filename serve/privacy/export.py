"""All that the cell keeps about one person, gathered for that person (GDPR Art. 15 and 20; Cal. Civ. Code
§1798.110, .130; LGPD Art. 19).

Orders come from their actors, fresh, with what is sealed of them opened, and what only their history tells beside them
(`order_past.py`); restricted data too, since it is told to nobody else. The staff who worked on an order, and what
protects the cell, are not the person's data.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from actors.domain.consent import ConsentsView, ViewConsents
from actors.domain.ids import consent_id
from actors.domain.order_views import OrderView, ViewOrder
from actors.domain.personal import BASES, KEEPS, PURPOSES, Keep, Purpose
from actors.domain.privacy_state import About
from actors.domain.reservation_state import ReservationView, ViewReservation
from actors.domain.times import moment
from actors.runtime.read_model import PrivacyRequestSummary
from serve.collections.spots import Spots
from serve.context import REQUEST_ID, Scope
from serve.freshness import from_store
from serve.keys.data_keys import Erased
from serve.orders.private import PrivateOrders
from serve.privacy.asking import each
from serve.privacy.consents import entry_of
from serve.privacy.order_past import OrdersPast
from serve.privacy.parcels import PersonParcels
from serve.privacy.persons import NOTICES_MAX, Persons
from serve.privacy.schemas import AccountData, ConsentEntry, OrderData, PersonData, PersonRequest, ProcessingNote
from serve.problems import Problem
from serve.replies import body_of
from serve.services import Services

REQUESTS_MAX = 1_000
RESERVATIONS_MAX = 10_000
_decode_order = msgspec.json.Decoder(OrderView).decode
_decode_reservation = msgspec.json.Decoder(ReservationView).decode
_decode_consents = msgspec.json.Decoder(ConsentsView).decode
# For how long what a purpose takes is kept. The register of processing (docs/privacy/processing.md) says it field by
# field.
KEPT: Mapping[Purpose, tuple[Keep, ...]] = {
    "orders": ("erasure", "order", "papers", "visit"),
    "customer_access": ("account", "session", "code"),
    "notices": ("sent",),
    "audit": ("audit",),
    "misuse": ("alert",),
    "privacy": ("privacy_request",),
    "breaches": ("five_years",),
}
PROCESSING = tuple(
    ProcessingNote(said.title, BASES[said.basis], said.recipients, "; ".join(KEEPS[keep] for keep in KEPT[purpose]))
    for purpose, said in PURPOSES.items()
    if "customers" in said.persons
)


class Export:
    """Of one replica."""

    def __init__(self, services: Services, persons: Persons, private: PrivateOrders) -> None:
        self._services = services
        self._persons = persons
        self._private = private
        self._parcels = PersonParcels(services, persons, persons.data_keys, Spots(services, private))

    async def gather(self, about: About, scope: Scope) -> PersonData:
        """Raises Problem 409 for a person with too many orders, shipments or carts, or too much of their past, 503."""
        services = self._services
        await self._persons.all_written()
        orders = await self._persons.own_orders(about)
        order_ids = [order.order_id for order in orders]
        pending = await from_store(
            services.read_model.pending_notices([*order_ids, *about.customer_ids], NOTICES_MAX)
        )  # fmt: skip
        accounts = await each(lambda customer_id: self._account(customer_id, scope), about.customer_ids)
        consents = await each(lambda person: self._consents(person, scope), about.subjects)
        past = OrdersPast(services, self._private, scope)
        told = await each(lambda order_id: self._order(order_id, past, scope), order_ids)
        views = [one.order for one in told]
        return PersonData(
            region=services.settings.region,
            made_at=moment(services.clock.now_ms()),
            accounts=[account for account in accounts if account is not None],
            orders=told,
            reservations=await self._reservations(about, scope),
            consents=[entry for entries in consents for entry in entries],
            requests=[person_request(one) for one in await self._requests(about)],
            pending_notices=len(pending),
            processing=list(PROCESSING),
            shipments=await self._parcels.shipments(about, views, scope),
            pickups=await self._parcels.pickups(views, scope),
        )

    async def _account(self, customer_id: str, scope: Scope) -> AccountData | None:
        found = await self._persons.account(customer_id, scope)
        if found is None:
            return None
        email = await self._persons.address(customer_id, scope)
        passkeys = await self._persons.passkeys(customer_id, found, scope)
        return AccountData(customer_id, email, found.proved, found.sessions, passkeys)

    async def _order(self, order_id: str, past: OrdersPast, scope: Scope) -> OrderData:
        cause = scope[REQUEST_ID]
        body = body_of(await self._services.gateway.view("order", order_id, ViewOrder(order_id), cause=cause))
        sealed, email = _decode_order(body).sealed, ""
        if isinstance(sealed, bytes):
            try:
                email = (await self._private.private(order_id, sealed, cause))[0].email
            except Erased:
                pass  # `withheld` in what is shown says so
        shown = _decode_order(await self._private.opened_view(body, cause, restricted_too=True))
        return OrderData(shown, email, *await past.of(shown))

    async def _reservations(self, about: About, scope: Scope) -> list[ReservationView]:
        found: list[str] = []
        async for page in self._persons.reservations(about):
            found += page
            if len(found) > RESERVATIONS_MAX:
                detail = f"This person has more than {RESERVATIONS_MAX} reservations."
                raise Problem("privacy.too_many_reservations", detail, extra={"limit": RESERVATIONS_MAX})
        return await each(lambda reservation_id: self._reservation(reservation_id, scope), found)

    async def _reservation(self, reservation_id: str, scope: Scope) -> ReservationView:
        query = ViewReservation(reservation_id)
        reply = await self._services.gateway.view("reservation", reservation_id, query, cause=scope[REQUEST_ID])
        return _decode_reservation(body_of(reply))

    async def _consents(self, person: str, scope: Scope) -> list[ConsentEntry]:
        identity = consent_id(self._services.settings.region, person)
        reply = await self._services.gateway.view("consent", identity, ViewConsents(), cause=scope[REQUEST_ID])
        return [entry_of(entry) for entry in _decode_consents(body_of(reply)).history]

    async def _requests(self, about: About) -> list[PrivacyRequestSummary]:
        """By deadline. Each is kept for the first of its names alone, so it is found where that is one of these."""
        model = self._services.read_model
        pages = await each(
            lambda person: from_store(
                model.privacy_requests(statuses=None, person=person, after=None, limit=REQUESTS_MAX)
            ),
            about.subjects,
        )
        found = {one.request_id: one for page in pages for one in page}
        return sorted(found.values(), key=lambda one: (one.deadline_at, one.request_id))


def person_request(request: PrivacyRequestSummary) -> PersonRequest:
    """A request of a list, as the person sees it."""
    return PersonRequest(
        request.request_id, request.law, request.asked_right, request.status,  # type: ignore[arg-type]
        moment(request.received_at), moment(request.deadline_at),
    )  # fmt: skip
