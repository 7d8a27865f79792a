"""Which locations a cell has, for who looks at its configuration before anything of it runs."""

from __future__ import annotations

from collections.abc import Sequence

from actors.storage.connections import Where, looking


def unknown_locations(owner: Where, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those of the names that are no location's, in their order, and all locations' ids. Raises StoreUnavailable."""
    with looking(owner) as connection:
        known = [name for (name,) in connection.execute("SELECT location_id FROM locations ORDER BY location_id")]
    return [name for name in names if name not in known], known
