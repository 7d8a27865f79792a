"""Words that somebody writes about whose an order is, a note of a hold or where a customer waits: sealed under the key
by which that person is known.

    said ──under the key of whose the order is──▶ journal, history, row     shown ◀──opened── as long as the person is not erased

In a cell without identity there are no keys: there they are kept as they are, on this machine, as
the city of an address is.
"""

from __future__ import annotations

import msgspec

from actors.domain.order_views import OrderContact, ViewContact, Withheld
from serve.keys.data_keys import Erased
from serve.replies import body_of
from serve.services import Services

_contact_decoder = msgspec.json.Decoder(OrderContact)


class OrderWords:
    """Of one replica."""

    def __init__(self, services: Services) -> None:
        self._keys = services.data_keys
        self._gateway = services.gateway

    @property
    def seals(self) -> bool:
        """Are they sealed here?"""
        return self._keys is not None

    async def contact(self, order_id: str, cause: str) -> OrderContact:
        """By whom the order is known. Raises Problem 404, 503."""
        reply = await self._gateway.view("order", order_id, ViewContact(order_id), cause=cause)
        return _contact_decoder.decode(body_of(reply))

    async def sealed(self, order_id: str, words: str, place: str, kind: str, cause: str) -> tuple[bytes, str]:
        """(the words sealed for `place`, their keyed digest); nothing of somebody who is erased. `kind`: of the digest.
        Raises Problem 404, 503."""
        keys = self._keys
        assert keys is not None
        contact = await self.contact(order_id, cause)
        if contact.forgotten:
            return b"", ""
        digest = keys.digest(kind, f"{place}\0{words}")
        if contact.sealed:
            try:
                return await keys.seal_beside(contact.sealed, words.encode(), place, cause), digest
            except Erased:
                return b"", ""
        person = keys.digest("person", contact.owner or order_id)
        return await keys.seal(person, words.encode(), place, cause), digest

    async def opened(
        self, sealed: bytes, place: str, cause: str, *, restricted_too: bool = False
    ) -> tuple[str, Withheld | None]:
        """(the words, "" when they are withheld; why they are). Raises Problem 503."""
        assert self._keys is not None
        try:
            plain, restricted = await self._keys.unseal(sealed, place, cause)
        except Erased:
            return "", "erased"
        return ("", "restricted") if restricted and not restricted_too else (plain.decode(), None)
