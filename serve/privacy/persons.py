"""Whose data it is: a person is named by an account, an e-mail address or a reference of the retailer, and found by
keyed digests of these; who has none of them, by orders (`named_orders.py`).

    names ──▶ About (digests) ──▶ orders: of the account, with the address, with the reference, those that are named
                              └──▶ data keys: of each of these identities, and those that the orders are sealed under

One identity has one key (`serve/orders/private.py`): the account, else the reference, else the address. So an order
that was found by its address may be sealed under the key of a reference that nobody named. `others` finds what else
that key seals: it might be another person's, whose parcel went to this address. What another account has placed with
the address is that account's, sealed under its key (`of_others`): whoever has an account may write there whatever
address he likes, and must not keep a person from anything by it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence

import msgspec

from actors.domain.customer_views import KeptOfCustomer, ViewCustomer
from actors.domain.data_key import ViewKey, WrappedKey
from actors.domain.privacy_state import About
from actors.runtime.read_model import OrderSummary
from serve.context import REQUEST_ID, Scope
from serve.customers.passkey_names import opened_name
from serve.customers.proved_email import opened_email
from serve.customers.unproved import unproved
from serve.freshness import fresh_enough, from_store
from serve.identity.emails import Email, checked
from serve.keys import envelope
from serve.keys.data_keys import DataKeys
from serve.orders.private import PrivateOrders
from serve.problems import Problem
from serve.replies import body_of
from serve.services import Services

ORDERS_MAX = 10_000
SHIPMENTS_MAX = 10_000
NOTICES_MAX = 1_000
_PAGE = 500
# As long as the write-behind and the hosts' word of it usually take.
FRESH_S = 2.0
_decode_key = msgspec.json.Decoder(WrappedKey).decode
_decode_customer = msgspec.json.Decoder(KeptOfCustomer).decode


class Persons:
    """Of one replica."""

    def __init__(self, services: Services, keys: DataKeys, private: PrivateOrders) -> None:
        self._services = services
        self._keys = self.data_keys = keys
        self._private = private

    # --- who it is
    def person(self, identity: str) -> str:
        """The keyed digest of the person of an account, or of an order that names nobody (its id)."""
        return self._keys.digest("person", identity)

    async def about(
        self, customer_id: str, email: Email | None, customer_ref: str, scope: Scope, order_ids: Sequence[str] = ()
    ) -> About:
        """By what was named, "" and None for nothing, and the address that the account has. order_ids: see
        `NamedOrders`. Raises Problem 503."""
        if email is None and customer_id:
            address = await self.address(customer_id, scope)
            email = checked(address, "") if address else None
        customer_ids = [customer_id] if customer_id else []
        if email is not None:
            customer_ids.append(self._private.customer_of(email))
        customer_ids = list(dict.fromkeys(customer_ids))
        subjects = [self.person(identity) for identity in customer_ids]
        if customer_ref:
            subjects.append(self._keys.digest("person", f"ref:{customer_ref}"))
        subjects += [self.person(order_id) for order_id in order_ids]
        return About(
            subjects[0], subjects, customer_ids, "" if email is None else self._private.email_digest(email),
            self._private.stored("customer_ref", customer_ref), list(order_ids),
        )  # fmt: skip

    async def account(self, customer_id: str, scope: Scope) -> KeptOfCustomer | None:
        """What is kept of an account, None when there is none. Raises Problem 503."""
        reply = await self._services.gateway.view("customer", customer_id, ViewCustomer(), cause=scope[REQUEST_ID])
        try:
            return _decode_customer(body_of(reply))
        except Problem as problem:
            if problem.code == "customer.unknown":
                return None
            raise

    async def address(self, customer_id: str, scope: Scope) -> str:
        """The address of an account, "" when none is kept. Raises Problem 503."""
        found = await self.account(customer_id, scope)
        if found is None:
            return ""
        return await opened_email(self._keys, customer_id, found.sealed_email, scope[REQUEST_ID])

    async def passkeys(self, customer_id: str, account: KeptOfCustomer, scope: Scope) -> list[str]:
        """How the customer calls them, oldest first. Raises Problem 503."""
        return [await opened_name(self._keys, customer_id, one, scope[REQUEST_ID]) for one in account.passkeys]

    # --- what there is of them
    async def all_written(self) -> None:
        """Comes before all that follows here: whatever was acknowledged until now can be found by it then. Raises
        Problem 503 while it can't: nobody is to hear that all is told or erased while something is still
        on its way to the store."""
        if not await fresh_enough(self._services, self._services.clock.now_ms(), FRESH_S):
            detail = "Some of what the person did last may not be found yet, so this is not done to its end: try again."
            raise Problem("privacy.not_fresh", detail)

    async def orders(self, about: About) -> list[OrderSummary]:
        """All orders, newest first, of what is `of_others` the newest ORDERS_MAX. Raises Problem 409 for more than
        ORDERS_MAX of the person, 503."""
        found: dict[str, OrderSummary] = {}
        for customer_id in about.customer_ids:
            await self._collect(about, found, owner=customer_id)
        if about.email_digest:
            await self._collect(about, found, email_digest=about.email_digest)
        if about.customer_ref:
            await self._collect(about, found, customer_ref=about.customer_ref)
        for order_id in about.order_ids:
            named = await self.order(order_id)
            if named is not None:
                found[order_id] = named
        return [found[order_id] for order_id in sorted(found, reverse=True)]

    async def order(self, order_id: str) -> OrderSummary | None:
        """One order by its id, None when there is none. Raises Problem 503."""
        # The newest of those before whatever comes next after it.
        page = await from_store(
            self._services.read_model.orders(customer_ref=None, status=None, before=f"{order_id}~", limit=1)
        )
        return page[0] if page and page[0].order_id == order_id else None

    async def is_alone(self, order: OrderSummary, scope: Scope) -> bool:
        """Is what is known of an order's person, if anything, kept under a key of its own? Raises Problem 503."""
        person = self.person(order.order_id)
        if order.sealed:
            return (await self._key(envelope.key_of(order.sealed), scope)).person == person
        # The staff may have written about somebody of whom nothing else is known (`hold_notes.py`).
        return not order.owner and bool(await from_store(self._services.read_model.data_keys(person)))

    async def _key(self, key_id: str, scope: Scope) -> WrappedKey:
        reply = await self._services.gateway.view("data_key", key_id, ViewKey(), cause=scope[REQUEST_ID])
        return _decode_key(body_of(reply))

    async def own_orders(self, about: About) -> list[OrderSummary]:
        """Those of the person, newest first, without what is `of_others`, which would tell who that is and where he
        lives (GDPR Art. 15(4)). Raises Problem 409 for more than ORDERS_MAX, 503."""
        return own_of(about, await self.orders(about))

    async def _collect(
        self, about: About, found: dict[str, OrderSummary], *, owner: str | None = None, email_digest: str | None = None,
        customer_ref: str | None = None,
    ) -> None:  # fmt: skip
        before = None
        while True:
            page = await from_store(
                self._services.read_model.orders(
                    customer_ref=customer_ref, status=None, before=before, limit=_PAGE, owner=owner,
                    email_digest=email_digest,
                )
            )  # fmt: skip
            # Of others' as many again: who places more with somebody's address must not bring her to the limit.
            room = max(ORDERS_MAX - len(of_others(about, found.values())), 0)
            some = [*own_of(about, page), *of_others(about, page)[:room]]
            found.update((order.order_id, order) for order in some)
            if len(own_of(about, found.values())) > ORDERS_MAX:
                detail = f"This person has more than {ORDERS_MAX} orders."
                raise Problem("privacy.too_many_orders", detail, extra={"limit": ORDERS_MAX})
            if len(page) < _PAGE:
                return
            before = page[-1].order_id

    async def reservations(self, about: About) -> AsyncIterator[list[str]]:
        """Ids of all carts of the person's accounts, page by page. Raises Problem 503."""
        for customer_id in about.customer_ids:
            after, page = "", [""]
            while page:
                page = await from_store(
                    self._services.read_model.reservations_of(customer_id, after=after, limit=_PAGE)
                )  # fmt: skip
                if page:
                    yield page
                    after = page[-1]

    async def shipments(self, subjects: Sequence[str]) -> list[str]:
        """Ids of all manual shipments for these persons (keyed digests). Raises Problem 409 for more
        than SHIPMENTS_MAX, 503."""
        found: list[str] = []
        for person in dict.fromkeys(subjects):
            after, page = "", [""]
            while page:
                page = await from_store(self._services.read_model.shipments_of(person, after=after, limit=_PAGE))
                found += page
                after = page[-1] if page else ""
                if len(found) > SHIPMENTS_MAX:
                    detail = f"This person has more than {SHIPMENTS_MAX} shipments without an order."
                    raise Problem("privacy.too_many_shipments", detail, extra={"limit": SHIPMENTS_MAX})
        return found

    async def keys(self, about: About, orders: Sequence[OrderSummary], scope: Scope) -> tuple[list[str], list[str]]:
        """(ids of all keys in use that something of the person is sealed under, the keyed digests of whom these are
        kept for). Raises Problem 503."""
        found, persons = set[str](), list(about.subjects)
        persons += [self.person(unproved(customer_id)) for customer_id in about.customer_ids]
        sealed = {envelope.key_of(order.sealed) for order in orders if order.sealed}
        for customer_id in about.customer_ids:
            account = await self.account(customer_id, scope)
            if account is not None and account.sealed_email:
                sealed.add(envelope.key_of(account.sealed_email))
            if account is not None:
                sealed.update(envelope.key_of(passkey.sealed_name) for passkey in account.passkeys)
        for key_id in sorted(sealed):
            key = await self._key(key_id, scope)
            persons.append(key.person)
            if key.status == "in_use":
                found.add(key_id)
        persons = list(dict.fromkeys(persons))
        found.update(await self.keys_of(persons))
        return sorted(found), persons

    async def keys_of(self, persons: Sequence[str]) -> list[str]:
        """Ids of all keys in use of these persons (keyed digests). Raises Problem 503."""
        found = [await from_store(self._services.read_model.data_keys(person)) for person in persons]
        return [row.key_id for rows in found for row in rows if row.status == "in_use"]

    async def others(self, about: About, orders: Sequence[OrderSummary]) -> list[str]:
        """Ids of orders that may be another person's, and would be concerned by what is done with these own ones: they
        were not found, and are sealed under the same keys. Raises Problem 409, 503."""
        known = {order.order_id for order in orders}
        more: dict[str, OrderSummary] = {}
        references = {order.customer_ref for order in orders if not order.owner}
        for customer_ref in sorted(references - {"", about.customer_ref}):
            await self._collect(about, more, customer_ref=customer_ref)
        return sorted(more.keys() - known)


def of_others(about: About, orders: Iterable[OrderSummary]) -> list[OrderSummary]:
    """What another account has placed with the person's address to write to."""
    return [one for one in orders if one.owner and one.owner not in about.customer_ids]


def own_of(about: About, orders: Iterable[OrderSummary]) -> list[OrderSummary]:
    """All but that."""
    return [one for one in orders if not one.owner or one.owner in about.customer_ids]
