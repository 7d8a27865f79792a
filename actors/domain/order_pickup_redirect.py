"""The customer's address is corrected while something waits at the store. The rules are in `order_pickup.py`, the
code's in `collection_code.py`.

    RectifyOrder with another address ──PickupRedirected──▶ each collection that is not over: the code that went to the old address is dead, what waits to be sent there is withdrawn
                                             └── of one that is ready: another code is told at the new address, in the same moment (`Retold`)

The replica that corrects makes the notices and codes, since only it has keys. What became ready meanwhile, it has not
seen: then it has to look again, so nobody is left without a code. Each correction counts up (`Pickup.contact_turn`),
and a collection that was made ready for an earlier address is not: the store repeats the step.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.domain.collection_commands import RedirectCollection
from actors.domain.errors import Refused
from actors.domain.kind import Message
from actors.domain.order_commands import RectifyOrder
from actors.domain.order_pickup_commands import MovePickup
from actors.domain.order_pickup_events import PickupRedirected
from actors.domain.order_state import Order

_OPEN = ("locating", "ready")


def redirected(order: Order, command: RectifyOrder) -> list[PickupRedirected]:
    """What follows from a correction. Raises Refused `order.changed_meanwhile`."""
    pickup = order.pickup
    if pickup is None or command.email_digest == order.email_digest:
        return []
    going = [name for name, one in pickup.collections.items() if one.status in _OPEN]
    retold = {one.collection_id: one for one in command.pickups}
    unseen = [name for name in going if pickup.collections[name].status == "ready" and name not in retold]
    if unseen and command.email_digest:
        detail = (
            "Something of it has just been made ready, and its customer is to be told at the new address: try again."
        )
        raise Refused("order.changed_meanwhile", detail, collections=unseen)
    return [PickupRedirected(pickup.contact_turn + 1, going, [retold[name] for name in going if name in retold])]


def check(order: Order, command: MovePickup) -> None:
    """Raises Refused `order.pickup_differs` for one that would be ready with a code for an earlier address."""
    if command.step == "ready" and order.pickup is not None and command.contact < order.pickup.contact_turn:
        detail = "The customer's address has just been corrected: repeat the step."
        raise Refused("order.pickup_differs", detail)


def messages(event: PickupRedirected) -> Iterable[Message]:
    """The collections are told."""
    retold = {one.collection_id: one for one in event.sealed}
    for name in event.collections:
        one = retold.get(name)
        told = (
            RedirectCollection(event.turn) if one is None else RedirectCollection(event.turn, one.digest, one.notices)
        )
        yield Message("collection", name, told)
