"""Where a customer waits for a collection ("silver car, bay 3"): sealed before anything keeps it, opened for the store.

    said ──under the key of whose the order is──▶ SayHere(sealed_spot) ──▶ journal, history, row
    shown ◀──────────────opened────────────────── CollectionView, as long as it is not over

In a cell without identity there are no keys: there it is kept as it is, on this machine, as the city of an address is.
"""

from __future__ import annotations

from actors.domain.collection_state import CollectionView
from serve.orders.private import PrivateOrders
from serve.orders.words import OrderWords
from serve.requests import Write
from serve.services import Services


def place_of(collection_id: str) -> str:
    """What a spot is sealed for."""
    return f"collection:{collection_id}:spot"


class Spots:
    """Of one replica."""

    def __init__(self, services: Services, private: PrivateOrders) -> None:
        self._words = OrderWords(services)
        self._private = private

    async def kept(self, order_id: str, collection_id: str, spot: str, cause: str) -> tuple[str, bytes, str]:
        """(the spot as it is, the spot sealed, its keyed digest): the first or the others, as it may be
        kept. Raises Problem 503."""
        if not self._words.seals or not spot:
            return spot, b"", ""
        sealed, digest = await self._words.sealed(order_id, spot, place_of(collection_id), "spot", cause)
        return "", sealed, digest

    def digest(self, collection_id: str, write: Write) -> int:
        """63 bits of the call's body. Without the cell's key nobody can try out what stood in it."""
        return self._private.digest(f"{collection_id}\n".encode() + write.body, write.digest)

    async def shown(self, view: CollectionView, cause: str, *, restricted_too: bool = False) -> str:
        """As who may see it is told; "" for none, and when it is erased, or restricted. Raises Problem 503."""
        if not self._words.seals or not view.sealed_spot:
            return view.here_spot
        spot, _ = await self._words.opened(
            view.sealed_spot, place_of(view.collection_id), cause, restricted_too=restricted_too
        )
        return spot
