"""Whether orders came while identity was off: they lie in the clear, where no key's destruction reaches them. See `cells/open_time.py`."""

from __future__ import annotations

import psycopg

from actors.runtime.errors import StoreUnavailable
from actors.storage.connections import CONNECT_TIMEOUT_S, driver_url

_BEGIN = "INSERT INTO identity_off (one, until_id) VALUES (1, '') ON CONFLICT (one) DO UPDATE SET until_id = ''"


def begin_open_time(owner_url: str) -> None:
    """From now on whoever reaches the cell may place orders. Raises StoreUnavailable."""
    try:
        with psycopg.connect(driver_url(owner_url), connect_timeout=CONNECT_TIMEOUT_S) as connection:
            connection.execute(_BEGIN)
    except psycopg.Error as fault:
        raise StoreUnavailable(str(fault).strip()) from None


def end_open_time(owner_url: str, next_id: str) -> bool:
    """True, and nothing is ended, when there are orders of such a time. `next_id`: no order from now on has a lesser one.

    Orders that were not written behind yet are seen by the next start: the end is kept, not that there was nothing. Raises StoreUnavailable.
    """
    try:
        with psycopg.connect(driver_url(owner_url), connect_timeout=CONNECT_TIMEOUT_S) as connection:
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
    except psycopg.Error as fault:
        raise StoreUnavailable(str(fault).strip()) from None
