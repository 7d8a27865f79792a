"""Where a customer waits for a collection ("silver car, bay 3"): sealed before anything keeps it, opened for the store.

    said ──under the key of whose the order is──▶ SayHere(sealed_spot) ──▶ journal, history, row
    shown ◀──────────────opened────────────────── CollectionView, as long as it is not over

In a cell without identity there are no keys: there it is kept as it is, on this machine, as the city of an address is.
"""

from __future__ import annotations

import msgspec

from actors.domain.collection_state import CollectionView
from actors.domain.order_views import OrderContact, ViewContact
from serve.keys.data_keys import Erased
from serve.orders.private import PrivateOrders
from serve.replies import body_of
from serve.requests import Write
from serve.services import Services

_contact_decoder = msgspec.json.Decoder(OrderContact)


def place_of(collection_id: str) -> str:
    """What a spot is sealed for."""
    return f"collection:{collection_id}:spot"


class Spots:
    """Of one replica."""

    def __init__(self, services: Services, private: PrivateOrders) -> None:
        self._services = services
        self._private = private

    async def kept(self, order_id: str, collection_id: str, spot: str, cause: str) -> tuple[str, bytes, str]:
        """(the spot as it is, the spot sealed, its keyed digest): the first or the others, as it may be kept. Raises Problem 503."""
        keys = self._services.data_keys
        if keys is None or not spot:
            return spot, b"", ""
        reply = await self._services.gateway.view("order", order_id, ViewContact(order_id), cause=cause)
        contact = _contact_decoder.decode(body_of(reply))
        place = place_of(collection_id)
        digest = keys.digest("spot", f"{place}\0{spot}")
        if contact.sealed:
            try:
                return "", await keys.seal_beside(contact.sealed, spot.encode(), place, cause), digest
            except Erased:
                return "", b"", ""
        person = keys.digest("person", contact.owner or order_id)
        return "", await keys.seal(person, spot.encode(), place, cause), digest

    def digest(self, collection_id: str, write: Write) -> int:
        """63 bits of the call's body. Without the cell's key nobody can try out what stood in it."""
        return self._private.digest(f"{collection_id}\n".encode() + write.body, write.digest)

    async def shown(self, view: CollectionView, cause: str, *, restricted_too: bool = False) -> str:
        """As who may see it is told; "" for none, and when it is erased, or restricted. Raises Problem 503."""
        keys = self._services.data_keys
        if keys is None or not view.sealed_spot:
            return view.here_spot
        try:
            plain, restricted = await keys.unseal(view.sealed_spot, place_of(view.collection_id), cause)
        except Erased:
            return ""
        return "" if restricted and not restricted_too else plain.decode()
