"""Into how many shards a cell was cut when it was made. Entities are found by that number, so
no other one finds them."""

from __future__ import annotations

from actors.storage.connections import Where, looking


def shards_made_with(owner: Where, wanted: int) -> int:
    """The number that the cell was made with; at its first start that becomes `wanted`. Raises
    StoreUnavailable."""
    with looking(owner) as connection:
        connection.execute("INSERT INTO sharding (one, shards) VALUES (1, %s) ON CONFLICT DO NOTHING", [wanted])
        found = connection.execute("SELECT shards FROM sharding").fetchone()
    assert found is not None
    return int(found[0])
