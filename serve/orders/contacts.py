"""How the person who orders can be reached: sealed and digested here, before anything keeps it."""

from __future__ import annotations

import hmac

from actors.domain.order_state import Contact
from serve.identity.emails import checked
from serve.identity.keyring import Keyring
from serve.identity.sealing import email_digest, seal, unseal
from serve.problems import Problem, field_problem
from serve.services import Services


def context_of(order_id: str) -> str:
    """What an order's address is sealed for."""
    return f"email:{order_id}"


def address_in(keys: Keyring, order_id: str, contact: Contact) -> str:
    """The address, for whoever writes to it. Raises Unsealable."""
    return unseal(keys, contact.sealed_email, context_of(order_id)).decode()


class Contacts:
    """Of a cell with identity. Any other refuses addresses: without keys they would lie there in the clear, and nobody could use them."""

    def __init__(self, services: Services) -> None:
        self._watch = services.keys if services.settings.identity == "required" else None
        self._clock = services.clock

    def contact(self, order_id: str, email: str, pointer: str) -> Contact:
        """What the order keeps. Raises Problem 422."""
        if self._watch is None:
            detail = "This cell keeps no e-mail addresses: place the order without one."
            raise field_problem("email.not_kept", detail, pointer)
        found, keys = checked(email, pointer), self._keys()
        sealed = seal(keys, found.address.encode(), context_of(order_id))
        return Contact(email_digest(keys, found.comparable), sealed)

    def keyed_digest(self, body: bytes) -> int:
        """63 bits of a body with an address: without the cell's key nobody can try addresses by them."""
        digest = hmac.digest(self._keys().lookup_key, b"body\0order\0" + body, "sha256")
        return int.from_bytes(digest[:8], "big") >> 1

    def _keys(self) -> Keyring:
        keys = None if self._watch is None else self._watch.current(self._clock.monotonic())
        if keys is None:
            raise Problem("auth.unavailable", "The cell has no keys to keep an address with.")
        return keys
