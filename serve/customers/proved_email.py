"""The address that a customer has proved: sealed under a key of theirs, and gone with the key."""

from __future__ import annotations

from serve.keys.data_keys import DataKeys, Erased


async def sealed_email(keys: DataKeys, customer_id: str, email: str, cause: str) -> bytes:
    """As it is kept. Raises Problem 503."""
    return await keys.seal(keys.digest("person", customer_id), email.encode(), _place(customer_id), cause)


async def opened_email(keys: DataKeys, customer_id: str, sealed: bytes, cause: str) -> str:
    """As it was proved; "" when none is kept, or its key is destroyed. Raises Problem 503."""
    if not sealed:
        return ""
    try:
        plain, _ = await keys.unseal(sealed, _place(customer_id), cause)
    except Erased:
        return ""
    return plain.decode()


def _place(customer_id: str) -> str:
    return f"customer:{customer_id}:email"
