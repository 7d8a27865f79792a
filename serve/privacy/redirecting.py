"""Another address of an order: what waits to be sent follows there, and of what waits at a store its customer is told
another code there.

    RectifyOrder ──pickups: a code for each collection that is ready──▶ the order, which tells its collections (`actors/domain/order_pickup_redirect.py`)
                 ──waiting: notices of the order that wait to be sent──▶ the order, which gives them what is sealed of it now (`actors/domain/notice.py`)

The order does both with the event by which it is corrected: a replica that ends in the middle leaves neither undone,
and a call that is repeated, perhaps long after another correction, does neither again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from actors.domain.collection_commands import Retold
from actors.domain.collection_state import CollectionView, ViewCollection
from actors.domain.order_commands import RectifyOrder
from actors.domain.order_views import OrderContact, OrderView, ViewOrder
from serve.collections.telling import Lines, Tellers
from serve.freshness import from_store
from serve.orders.private import PrivateOrders
from serve.privacy.asking import Asking
from serve.privacy.persons import NOTICES_MAX
from serve.replies import body_of
from serve.services import Services

_decode_order = msgspec.json.Decoder(OrderView).decode
_decode_collection = msgspec.json.Decoder(CollectionView).decode


class Redirection(NamedTuple):
    """`command`: the correction, with what the customer is told, and what is told elsewhere; `lines`: for a demo's log,
    once it is done."""

    command: RectifyOrder
    lines: Lines = ()


class Redirecting:
    """Of one replica."""

    def __init__(self, services: Services, private: PrivateOrders) -> None:
        self._services = services
        self._tellers = Tellers(services, private)

    async def of(self, order_id: str, before: OrderContact, command: RectifyOrder, asking: Asking) -> Redirection:
        """Raises Erased, Problem 503."""
        # Also for another name alone: a notice's address is what is sealed of its order, and has to be known
        # for that when the next correction comes.
        waiting = await from_store(self._services.read_model.pending_notices([order_id], NOTICES_MAX))
        command = msgspec.structs.replace(command, waiting=waiting)
        if command.email_digest == before.email_digest:
            return Redirection(command)
        gateway, cause = self._services.gateway, asking.cause
        order = _decode_order(body_of(await gateway.view("order", order_id, ViewOrder(order_id), cause=cause)))
        if not order.pickup:
            return Redirection(command)
        to = OrderContact(order_id, command.email_digest, command.sealed, contact_turn=before.contact_turn + 1)
        pickups, lines = list[Retold](), list[Mapping[str, str]]()
        for one in order.pickup.collections:
            if one.status == "ready":
                query = ViewCollection(one.collection_id)
                reply = await gateway.view("collection", one.collection_id, query, cause=cause)
                view = _decode_collection(body_of(reply))
                if view.collect_by_ms is not None:
                    retold, told = await self._tellers.redirected(view, asking.key, to, cause)
                    pickups.append(retold)
                    lines += told
        return Redirection(msgspec.structs.replace(command, pickups=pickups), lines)
