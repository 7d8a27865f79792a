"""Which locations a cell has, for who looks at its configuration before anything of it runs."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from actors.runtime.errors import StoreUnavailable
from actors.storage.connections import CONNECT_TIMEOUT_S, driver_url


def unknown_locations(owner_url: str, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those of the names that are no location's, in their order, and all locations' ids. Raises StoreUnavailable."""
    try:
        with psycopg.connect(driver_url(owner_url), connect_timeout=CONNECT_TIMEOUT_S) as connection:
            known = [name for (name,) in connection.execute("SELECT location_id FROM locations ORDER BY location_id")]
    except psycopg.Error as fault:
        raise StoreUnavailable(str(fault).strip()) from None
    return [name for name in names if name not in known], known
