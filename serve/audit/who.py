"""Who asks, as the audit keeps it: ids, and of the address only keyed digests."""

from __future__ import annotations

import hmac
from typing import Any

import msgspec

from actors.domain.audit import Who
from actors.domain.audit_address import joined
from serve.context import PRINCIPAL, WHO, Scope
from serve.identity.keyring import Keyring
from serve.identity.limits import around, network_of, same_for_all

# Addresses whose digest is kept ready; all are made anew when there are more.
KNOWN_MAX = 20_000
DIGEST_CHARS = 20


def address_digest(keys: Keyring, address: str) -> str:
    """An address as the audit knows it (`audit_address.py`), in whatever spelling it comes."""
    network, wide = network_of(address), around(address)
    told = pseudonym(keys, "address", network)
    if not wide:
        return told
    return joined(told, pseudonym(keys, "address", same_for_all(address)), pseudonym(keys, "address", wide))


def pseudonym(keys: Keyring, kind: str, text: str) -> str:
    """`text` as the audit knows it: nobody without the cell's lookup key can try out what it was. 80 bits."""
    digest = hmac.digest(keys.lookup_key, f"audit\0{kind}\0{text}".encode("utf-8", "surrogatepass"), "sha256")
    return f"{kind[:1]}-{digest.hex()[:DIGEST_CHARS]}"


class WhoAsks:
    """Of one replica."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._by: Keyring | None = None

    def from_address(self, keys: Keyring, address: str, principal: Any = None) -> Who:
        """Who asks from there; without a principal, somebody."""
        digest = self._digest(keys, address)
        if principal is None:
            return Who(address=digest)
        return Who(principal.subject, principal.role, principal.session_id, digest, principal.device)

    def _digest(self, keys: Keyring, address: str) -> str:
        if keys is not self._by:
            self._addresses, self._by = {}, keys
        found = self._addresses.get(address)
        if found is None:
            if len(self._addresses) >= KNOWN_MAX:
                self._addresses.clear()
            found = self._addresses[address] = address_digest(keys, address)
        return found


def named(scope: Scope, subject: str) -> Who | None:
    """The scope's `Who` as this subject, for whoever only just says who he is; None without identity."""
    found = scope.get(WHO)
    if found is None or scope.get(PRINCIPAL) is not None:
        return found
    return Who(subject, "", "", found.address, found.device)


def proved(scope: Scope, subject: str, session_id: str) -> None:
    """Says of the scope's `Who` which machine he has just proved to be, and of which session his token will be."""
    found = named(scope, subject)
    if found is not None:
        scope[WHO] = msgspec.structs.replace(found, session_id=session_id)


def on_device(scope: Scope, device_id: str) -> None:
    """Says of the scope's `Who` on which enrolled device he is, before he is known himself; "" for none."""
    found = scope.get(WHO)
    if found is not None and device_id:
        scope[WHO] = msgspec.structs.replace(found, device=device_id)
