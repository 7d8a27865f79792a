"""What only the keys open that the cell was made with: a start with others is noticed before they seal
anything. See `cells/canary.py`."""

from __future__ import annotations

from typing import NamedTuple

from actors.storage.connections import Where, looking

_KEEP = (
    "INSERT INTO key_canary (one, sealed, digest, wrapping, wrapped) VALUES (1, %s, %s, %s, %s) ON CONFLICT (one) DO "
)
_INSTEAD = (
    "UPDATE SET (sealed, digest, wrapping, wrapped) = (excluded.sealed, excluded.digest, excluded.wrapping, excluded.wrapped)"
)  # fmt: skip


class Canary(NamedTuple):
    """`sealed`: by a sealing key of the key file; `digest`: by its lookup key; `wrapped`: by the
    region's key of id `wrapping`."""

    sealed: bytes
    digest: str
    wrapping: str
    wrapped: bytes


class WrappedDataKey(NamedTuple):
    """One of `data_keys`."""

    key_id: str
    wrapping: str
    wrapped: bytes


def kept_canary(owner: Where) -> Canary | None:
    """None in a cell that has none yet. Raises StoreUnavailable."""
    with looking(owner) as connection:
        found = connection.execute("SELECT sealed, digest, wrapping, wrapped FROM key_canary").fetchone()
    return None if found is None else Canary(*found)


def keep_canary(owner: Where, canary: Canary, *, instead: bool = False) -> None:
    """The first that is kept stays, unless this one is to be there `instead`. Raises StoreUnavailable."""
    with looking(owner) as connection:
        connection.execute(_KEEP + (_INSTEAD if instead else "NOTHING"), canary)


def some_data_keys(owner: Where, limit: int) -> list[WrappedDataKey]:
    """Some that are in use. Raises StoreUnavailable."""
    with looking(owner) as connection:
        found = connection.execute(
            "SELECT key_id, wrapping, wrapped FROM data_keys WHERE status = 'in_use' ORDER BY key_id LIMIT %s", [limit]
        ).fetchall()
    return [WrappedDataKey(*one) for one in found]
