"""How far the copy of a cell's audit is that somebody else keeps, for `status`."""

from __future__ import annotations

from datetime import UTC
from urllib.parse import urlsplit

from cells.errors import CellError
from cells.paths import CellPaths
from cells.settings import RegionConfig


def copy_told(config: RegionConfig, paths: CellPaths) -> list[str]:
    """One line; none for a cell whose audit is not copied."""
    url = config.audit.forward_url
    if not url or config.identity.mode == "off":
        return []
    # Late: importing the drivers takes a while, and most cells have no such copy.
    from actors.audit_forwarder import place_of
    from actors.runtime.errors import StoreUnavailable
    from actors.storage.audit_keeping import connected, not_copied
    from cells.stores import store_addresses

    to = f"the audit of {config.name} is copied to {urlsplit(url).hostname}"
    try:
        with connected(store_addresses(config, paths).postgres_url) as connection:
            lines, since = not_copied(connection, place_of(config.name, url))
    except (StoreUnavailable, CellError):
        return [f"{to}: how far can't be seen, PostgreSQL does not answer"]
    taken = f"last taken {since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if since else "nothing taken yet"
    return [f"{to}: {lines:,} lines behind, {taken}"]
