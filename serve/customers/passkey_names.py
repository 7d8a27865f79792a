"""How a customer calls a passkey: sealed under a key of theirs, since people write their own names there. What they
say is gone with the key."""

from __future__ import annotations

from actors.domain.passkeys import Passkey
from serve.keys.data_keys import DataKeys, Erased


async def sealed_name(keys: DataKeys, customer_id: str, passkey_id: str, name: str, cause: str) -> bytes:
    """As it is kept. Raises Problem 503."""
    person = keys.digest("person", customer_id)
    return await keys.seal(person, name.encode(), _place(customer_id, passkey_id), cause)


async def opened_name(keys: DataKeys, customer_id: str, passkey: Passkey, cause: str) -> str:
    """As the customer wrote it, "" once the key is destroyed. Raises Problem 503."""
    try:
        plain, _ = await keys.unseal(passkey.sealed_name, _place(customer_id, passkey.passkey_id), cause)
    except Erased:
        return ""
    return plain.decode()


def _place(customer_id: str, passkey_id: str) -> str:
    return f"customer:{customer_id}:passkey:{passkey_id}"
