"""Into how many shards a cell was cut when it was made. Entities are found by that number, so
no other one finds them."""

from __future__ import annotations

import psycopg

from actors.storage.connections import driver_url


def shards_made_with(owner_url: str, wanted: int) -> int:
    """The number that the cell was made with; at its first start that becomes `wanted`. Raises
    psycopg.OperationalError."""
    with psycopg.connect(driver_url(owner_url)) as connection:
        connection.execute("INSERT INTO sharding (one, shards) VALUES (1, %s) ON CONFLICT DO NOTHING", [wanted])
        found = connection.execute("SELECT shards FROM sharding").fetchone()
    assert found is not None
    return int(found[0])
