"""Erasure (GDPR Art. 17, Cal. Civ. Code §1798.105, LGPD Art. 18 VI): the person's keys are destroyed, and with them
whatever they sealed, in the journal, the history, the read model and every backup. What pointed to the
person is taken out besides.

    orders under way? ─▶ refused     someone else's under the same keys? ─▶ refused
    keys ─DestroyKey─▶ notices ─WithdrawNotice─▶ orders ─ForgetPerson─▶ other accounts' orders with the address ─RectifyOrder without it─▶ shipments without an order ─ForgetRecipient─▶ account ─EraseCustomer─▶ carts ─ForgetOwner─▶ consents ─WithdrawConsents

The labels of an order's parcels are sealed under the order's key: with it they are gone, wherever they lie.

What another account has placed with the person's address stays that account's, under its key: the address is taken out
of it (`correcting.py`). In its history the address stays sealed, as after every correction: for the privacy officer,
and for that account's own exports, until that account is erased.

Carts come after the account, which makes no more of them then; one that still keeps units gives them back.

What stays: what was bought, when, for how much and in which country, without a person (GDPR Art. 17(3)(b): books and
invoices); and the request itself as proof. Keys go first: whatever stops it in the middle, nothing can be read any
more, and the orders are still found by their digests, so that to do it again brings it to its end. Each part
done twice changes nothing.

At the end it is looked once more what there is of the person. A replica may have been making a key when they were
looked for first, because the store did not answer it (`keys/data_keys.py`; the same with a restriction); and an order
that was sealed before its key was destroyed may have come after the orders were looked for. So the look waits until no
replica can seal under a destroyed key any more, and what was sealed by then has arrived or was given up (`settled_s`).
A key that the look itself destroys, of whoever placed something meanwhile, may have sealed what is still on its way:
then it is looked again. What comes after a look that found none comes under a key of its own, of a person who came
back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from actors.domain.consent import ConsentsView, WithdrawConsents
from actors.domain.customer_commands import EraseCustomer
from actors.domain.data_key import DestroyKey, Restrict
from actors.domain.ids import consent_id
from actors.domain.notice import WithdrawNotice
from actors.domain.order_commands import ForgetPerson
from actors.domain.order_state import is_under_way
from actors.domain.order_views import OrderView, ViewOrder
from actors.domain.privacy_state import About, RequestView
from actors.domain.reservation_commands import ForgetOwner
from actors.domain.shipment_commands import ForgetRecipient
from actors.domain.shipment_views import ShipmentView, ViewShipment
from actors.runtime.read_model import OrderSummary
from serve.context import REQUEST_ID, Scope
from serve.freshness import from_store
from serve.gateway import Gateway
from serve.privacy.asking import Asking, each
from serve.privacy.correcting import Correcting
from serve.privacy.persons import FRESH_S, NOTICES_MAX, Persons, of_others, own_of
from serve.problems import Problem
from serve.replies import body_of
from serve.services import Services

# Of a person with thousands, an answer names so many.
TOLD_MAX = 100
_UNDER_WAY = "order.under_way"
# So long a replica may go on with a key that was destroyed (`keys/data_keys.py`).
HEARD_S = 2.0
# Four times it is waited until what there is can be found: before it begins, when it has begun, for carts, and at the
# end.
_FINDING_S = 4 * FRESH_S
# In the ids of the commands of the second time.
AGAIN = ":again"
_decode_order = msgspec.json.Decoder(OrderView).decode
_decode_shipment = msgspec.json.Decoder(ShipmentView).decode
_decode_consents = msgspec.json.Decoder(ConsentsView).decode


def lasts_s(tried_s: float) -> float:
    """For so many seconds an erasure may take, but for the work on very many orders. tried_s: see `ApiSettings`. A
    replica that is replaced lets it come to its end (`ApiSettings.drain_s`): one that is cut short has forgotten by
    whose keys and references it would have looked once more."""
    return HEARD_S + tried_s + _FINDING_S


class Extent(NamedTuple):
    """What there is of a person: ids. of_others: orders of other accounts with the person's address, which are not the
    person's. persons: keyed digests of whom the keys are kept for. found: the orders as they were found."""

    orders: list[str]
    keys: list[str]
    notices: list[str]
    shipments: list[str]
    of_others: list[str]
    persons: list[str]
    found: list[OrderSummary]


class Erasure:
    """Of one replica."""

    def __init__(self, services: Services, persons: Persons, correcting: Correcting) -> None:
        self._services = services
        self._persons = persons
        self._correcting = correcting

    async def extent(self, about: About, scope: Scope) -> Extent:
        """Everything that has to be reached. Raises Problem 409 when others would be concerned, 503."""
        await self._persons.all_written()
        found = await self._persons.orders(about)
        orders = own_of(about, found)
        await self._are_the_persons(about, orders)
        keys, persons = await self._persons.keys(about, orders, scope)
        shipments = await self._persons.shipments(about.subjects)
        others = await self._persons.shipments([person for person in persons if person not in about.subjects])
        if others:
            detail = (
                "Shipments without an order are kept under the same key, for an account, reference or address that the request does not name: they would be concerned as well. "
                "Name it in a new request if it is the same person."
            )
            raise Problem("privacy.person_ambiguous", detail, extra={"shipment_ids": others[:TOLD_MAX]})
        order_ids = [order.order_id for order in orders]
        left = [order.order_id for order in of_others(about, found)]
        # What waits to be sent of another's order goes to the person's address, too.
        whom = [*order_ids, *left, *about.customer_ids]
        notices = await from_store(self._services.read_model.pending_notices(whom, NOTICES_MAX))
        return Extent(order_ids, keys, notices, shipments, left, persons, orders)

    async def _are_the_persons(self, about: About, orders: list[OrderSummary]) -> None:
        """Raises Problem 409 when others' would be concerned by what is done with these orders, 503."""
        others = await self._persons.others(about, orders)
        if others:
            detail = (
                "The person's address stands in orders of a reference that has other orders: these would be concerned as well. "
                "Look whose they are, and name the reference in a new request if it is the same person."
            )
            raise Problem("privacy.person_ambiguous", detail, extra={"order_ids": others[:TOLD_MAX]})

    async def restrict(self, request: RequestView, asking: Asking) -> dict[str, int]:
        """Withholds what the person's keys seal (GDPR Art. 18). Gives counts. Raises Problem 409, 503."""
        command = Restrict(True, request.request_id)
        # Twice: one that was made at the same moment.
        for time in (asking, asking.again(AGAIN)):
            extent = await self.extent(request.about, time.scope)
            await _each_key(command, extent.keys, time)
        return {"keys": len(extent.keys), "of_others": len(extent.of_others)}

    async def lift(self, request: RequestView, asking: Asking, *, named: bool) -> dict[str, int]:
        """Withholds it no more, as far as this request goes. named: what stands there without a name is not its own,
        since it was lifted before. Gives counts. Raises Problem 503."""
        # Twice: one that was made, or took over what restricts another, at the same moment.
        for time, by_name in ((asking, named), (asking.again(AGAIN), True)):
            keys = await self._to_lift(request.about, time.scope)
            await _each_key(Restrict(False, request.request_id, by_name), keys, time)
        return {"keys": len(keys)}

    async def _to_lift(self, about: About, scope: Scope) -> list[str]:
        # Whoever else has used the address since must not keep a restriction in force: only this
        # request's own is taken away.
        await self._persons.all_written()
        keys, _ = await self._persons.keys(about, await self._persons.orders(about), scope)
        return keys

    async def check(self, extent: Extent, scope: Scope) -> None:
        """Raises Problem 409 while orders are on their way: the contract needs to know to whom (GDPR
        Art. 6(1)(b), 17(3)(b))."""
        gateway, cause, now_ms = self._services.gateway, scope[REQUEST_ID], self._services.clock.now_ms()
        under_way = await each(lambda order_id: _under_way(gateway, order_id, cause, now_ms), extent.orders)
        _refuse([order_id for order_id, yes in zip(extent.orders, under_way, strict=True) if yes])
        going = await each(lambda shipment_id: _going(gateway, shipment_id, cause), extent.shipments)
        left = [shipment_id for shipment_id, yes in zip(extent.shipments, going, strict=True) if yes]
        if left:
            detail = "Shipments without an order are on their way out: hand them over, or cancel them, first."
            raise Problem("privacy.shipments_under_way", detail, extra={"shipment_ids": left[:TOLD_MAX]})

    async def erase(self, about: About, extent: Extent, asking: Asking) -> dict[str, int]:
        """What was found of the person; gives counts. Raises Problem 409 when an order was placed at this very
        moment, 503: do it again then."""
        return await self._erase(about, extent, asking)

    @property
    def settled_s(self) -> float:
        """So long after a key was destroyed nothing comes any more that it has sealed."""
        return HEARD_S + self._services.settings.tried_s

    async def erase_late(self, about: About, extent: Extent, asking: Asking) -> dict[str, int]:
        """What has come since it was found; gives counts, none where nothing has. To be asked for when what was erased
        is noted: it waits, within the call, for only that knows as of when what was found (`before`) has to be looked
        for, and whoever gives up and sends it again finds it done. Raises Problem 409, 503: do it again then."""
        await self._services.clock.sleep(self.settled_s)
        late = await self._late(about, extent, asking.scope)
        come = (late.keys, late.orders, late.shipments, late.of_others, late.notices)
        if not any(come) and not await self._has_carts(about):
            return {}
        return await self._erase(about, late, asking.again(AGAIN))

    async def _late(self, about: About, before: Extent, scope: Scope) -> Extent:
        """What has come since. Raises Problem 409 as long as that is on its way, 503."""
        found = await self.extent(about, scope)
        # What is forgotten by now tells of no reference any more.
        await self._are_the_persons(about, before.found)
        await self.check(found, scope)
        # Orders that were named are found after they are forgotten, too, and another's without an address that can be
        # taken out; shipments and notices are not.
        return found._replace(
            orders=[order_id for order_id in found.orders if order_id not in before.orders],
            of_others=[order_id for order_id in found.of_others if order_id not in before.of_others],
            keys=sorted({*found.keys, *await self._persons.keys_of(before.persons)}),
        )

    async def _has_carts(self, about: About) -> bool:
        async for _ in self._persons.reservations(about):
            return True
        return False

    async def _erase(self, about: About, extent: Extent, asking: Asking) -> dict[str, int]:
        await each(lambda key_id: asking.ask("data_key", key_id, DestroyKey()), extent.keys)
        # They are found by their orders, which are not found any more once these have forgotten the person.
        await each(lambda notice_id: asking.ask("notice", notice_id, WithdrawNotice()), extent.notices)
        left = await each(lambda order_id: _forgotten(order_id, asking), extent.orders)
        removed = await each(
            lambda order_id: self._correcting.without_address(order_id, about.email_digest, asking), extent.of_others
        )
        await each(lambda shipment_id: asking.ask("shipment", shipment_id, ForgetRecipient()), extent.shipments)
        accounts = await each(lambda customer_id: _erased(customer_id, asking), about.customer_ids)
        carts = await self._carts_forgotten(about, asking)
        withdrawn = await each(lambda person: self._withdrawn(person, asking), about.subjects)
        _refuse([order_id for order_id in left if order_id])
        return {
            "keys": len(extent.keys), "orders": len(extent.orders), "shipments": len(extent.shipments), "accounts": sum(accounts),
            "reservations": carts, "notices": len(extent.notices), "consents": sum(withdrawn),
            "of_others": sum(removed),
        }  # fmt: skip

    async def _carts_forgotten(self, about: About, asking: Asking) -> int:
        # One that was made just before the account was erased.
        await self._persons.all_written()
        carts = 0
        async for page in self._persons.reservations(about):
            await each(lambda reservation_id: asking.ask("reservation", reservation_id, ForgetOwner()), page)
            carts += len(page)
        return carts

    async def _withdrawn(self, person: str, asking: Asking) -> int:
        identity = consent_id(self._services.settings.region, person)
        found = _decode_consents(await asking.ask("consent", identity, WithdrawConsents("erasure")))
        return sum(entry.source == "erasure" for entry in found.present)


def since(about: About, extent: Extent, counts: Mapping[str, int]) -> dict[str, int]:
    """Of what was erased, what a time before that came to its end had not found: orders that were named, the account
    and consents are found by each."""
    again = {"orders": len(set(extent.orders) - set(about.order_ids)), "accounts": 0, "consents": 0}
    return {**counts, **again}


async def _each_key(command: Restrict, key_ids: list[str], asking: Asking) -> None:
    await each(lambda key_id: asking.ask("data_key", key_id, command), key_ids)


async def _under_way(gateway: Gateway, order_id: str, cause: str, now_ms: int) -> bool:
    view = _decode_order(body_of(await gateway.view("order", order_id, ViewOrder(order_id), cause=cause)))
    return is_under_way(view.status, round(view.updated_at.timestamp() * 1000), now_ms)


async def _going(gateway: Gateway, shipment_id: str, cause: str) -> bool:
    reply = await gateway.view("shipment", shipment_id, ViewShipment(shipment_id), cause=cause)
    return not _decode_shipment(body_of(reply)).over


async def _forgotten(order_id: str, asking: Asking) -> str:
    """The order's id when it went on its way meanwhile, "" when the person is forgotten."""
    try:
        await asking.ask("order", order_id, ForgetPerson())
    except Problem as problem:
        if problem.code == _UNDER_WAY:
            return order_id
        raise
    return ""


async def _erased(customer_id: str, asking: Asking) -> bool:
    """Was there an account?"""
    try:
        await asking.ask("customer", customer_id, EraseCustomer())
    except Problem as problem:
        if problem.code == "customer.unknown":
            return False
        raise
    return True


def _refuse(order_ids: list[str]) -> None:
    if order_ids:
        detail = "Orders are on their way: who gets them has to be known until they are delivered or cancelled."
        raise Problem("privacy.orders_under_way", detail, extra={"order_ids": order_ids[:TOLD_MAX]})
