"""Orders by which a person is named who has nothing else: no account, no address and no reference of the retailer, as
who has bought at a marketplace.

    order_ids ──┐
    order_ref ──┴─▶ kept under a key of its own? ─▶ its id, in the request
                        └── of an account, reference or address ─▶ refused: that is to be named, and proved

Such an order is the only one under its key (`PrivateOrders`), so nothing of anybody else is told or erased with it. Its
reference is the marketplace's, and whoever has an account may write the same one into an order of his own, and as often
as he likes: those are his account's, and are not looked at (`ownerless`), so that no number of them hides hers. Ids are
kept and not the reference: so it is settled which orders they are, when somebody looks at what was named.
"""

from __future__ import annotations

from collections.abc import Sequence

from actors.domain.ids import ORDER_PATTERN, is_of
from actors.runtime.read_model import OrderSummary
from serve.context import Scope
from serve.freshness import from_store
from serve.orders.private import PrivateOrders
from serve.privacy.persons import Persons
from serve.problems import Problem
from serve.services import Services

# That have one reference and no account: more are no way to name somebody.
SAME_REF_MAX = 100


class NamedOrders:
    """Of one replica."""

    def __init__(self, services: Services, persons: Persons, private: PrivateOrders) -> None:
        self._services = services
        self._persons = persons
        self._private = private

    async def resolved(self, order_ids: Sequence[str], order_ref: str, scope: Scope) -> list[str]:
        """Ids of the orders that were named, each once; `order_ref` "" for none. Raises Problem 404 for one that there
        is not, or in which there is nothing of a person, 409 for one of somebody who is to be named otherwise, and for
        a reference of several; 503."""
        if not order_ids and not order_ref:
            return []
        await self._persons.all_written()
        found = [await self._by_id(order_id, scope) for order_id in order_ids]
        if order_ref:
            found.append(await self._by_reference(order_ref, scope))
        return list(dict.fromkeys(found))

    async def _by_id(self, order_id: str, scope: Scope) -> str:
        order = None
        if is_of(order_id, ORDER_PATTERN, self._services.settings.region):
            order = await self._persons.order(order_id)
        if order is None:
            raise _none()
        if await self._persons.is_alone(order, scope):
            return order_id
        raise _of_person([order_id]) if order.owner or order.sealed else _none()

    async def _by_reference(self, order_ref: str, scope: Scope) -> str:
        stored = self._private.stored("order_ref", order_ref)
        orders = await self._with_reference(stored, ownerless=True)
        alone = [order.order_id for order in orders if await self._persons.is_alone(order, scope)]
        # Of a full page nobody knows what stands behind it.
        if len(alone) > 1 or len(orders) == SAME_REF_MAX:
            detail = "Several orders have this reference: look which of them it is, and name it by its id."
            raise Problem("privacy.person_ambiguous", detail, extra={"order_ids": alone})
        if alone:
            return alone[0]
        orders = orders or await self._with_reference(stored, ownerless=False)
        raise _of_person([order.order_id for order in orders]) if orders else _none()

    async def _with_reference(self, stored: str, *, ownerless: bool) -> list[OrderSummary]:
        return await from_store(
            self._services.read_model.orders(
                customer_ref=None, status=None, before=None, limit=SAME_REF_MAX, order_ref=stored, ownerless=ownerless
            )
        )


def _none() -> Problem:
    return Problem("privacy.order_of_another", "There is no such order, or nothing of a person in it.")


def _of_person(order_ids: list[str]) -> Problem:
    detail = "The order is kept for an account, an e-mail address or a reference: name the person by that."
    return Problem("privacy.order_of_person", detail, extra={"order_ids": order_ids})
