"""Locations that get hosts of their own (`[runtime] pinned`): their shards, and whether there
are any such locations."""

from __future__ import annotations

import logging

from actors.runtime.errors import StoreUnavailable
from actors.runtime.sharding import shard_of
from actors.storage.connections import Where
from actors.storage.known_locations import unknown_locations
from cells.config_rules import closest
from cells.errors import CellError
from cells.paths import CellPaths
from cells.settings import RegionConfig
from cells.state import is_recovering

log = logging.getLogger("ocefs.keeper")


def pinned_shards(config: RegionConfig) -> tuple[int, ...]:
    """The shards of the pinned locations; of two locations it may be the same one."""
    shards = config.runtime.shards
    return tuple(sorted({shard_of("location", name, shards) for name in config.runtime.pinned}))


def check_pinned(config: RegionConfig, owner: Where, paths: CellPaths) -> None:
    """Raises CellError at the start of a cell that has locations, when one that is pinned is none of them.

    A new cell has none yet. And one whose Ray comes back after a crash must not stay away for that: it is logged then.
    """
    if not config.runtime.pinned:
        return
    try:
        unknown, known = unknown_locations(owner, config.runtime.pinned)
    except StoreUnavailable as away:
        raise CellError(
            f"{config.name}: PostgreSQL does not tell whether there are the locations that runtime.pinned names: {away}",
            "is it up, and are OCEFS_<REGION>_POSTGRES_URL and its owner's right? then try again",
        ) from None
    if not unknown or not known:
        return
    problem = f"{config.name} has no location {unknown[0]!r}, which runtime.pinned names"
    if is_recovering(paths):
        log.warning("%s", problem)
        return
    raise CellError(
        problem,
        f"{closest(unknown[0], known)}take it out of the list in config/regions/{config.name}.toml, or define it first",
    )
