"""Whether orders came while identity was off: they lie in the clear, where no key's destruction reaches them.
See `cells/open_time.py`."""

from __future__ import annotations

from actors.storage.connections import Where, looking

# What only a cell that asks who calls has. Where it is known that orders lie in the clear, more of them change nothing.
_BEGIN = """
INSERT INTO identity_off (one, until_id) SELECT 1, '' WHERE NOT (
    EXISTS (SELECT FROM orders)
    AND (EXISTS (SELECT FROM accounts) OR EXISTS (SELECT FROM data_keys) OR EXISTS (SELECT FROM key_canary))
    AND NOT EXISTS (SELECT FROM identity_off WHERE until_id = '' OR EXISTS (SELECT FROM orders WHERE order_id < until_id))
) ON CONFLICT (one) DO UPDATE SET until_id = ''
"""


def begin_open_time(owner: Where) -> bool:
    """From now on whoever reaches the cell may place orders. False, and nothing is begun, when there are sealed ones:
    what came later would pass for them, and what is changed of them would lie in the clear. Raises StoreUnavailable."""
    with looking(owner) as connection:
        return connection.execute(_BEGIN).rowcount == 1


def end_open_time(owner: Where, next_id: str) -> bool:
    """True, and nothing is ended, when there are orders of such a time. `next_id`: no order
    from now on has a lesser one.

    Orders that were not written behind yet are seen by the next start: the end is kept, not that there was
    nothing. Raises StoreUnavailable.
    """
    with looking(owner) as connection:
        known = connection.execute("SELECT until_id FROM identity_off").fetchone()
        if known is None:
            return False
        # Ids begin with their time.
        found = connection.execute(
            "SELECT EXISTS (SELECT FROM orders WHERE order_id < %s)", [known[0] or next_id]
        ).fetchone()
        assert found is not None
        if not found[0]:
            connection.execute("UPDATE identity_off SET until_id = %s WHERE until_id = ''", [next_id])
        return bool(found[0])
