"""A time with identity off, in which nothing is sealed: what orders told of people then lies in the clear for good.

a start with identity off                    notes in the database that such a time has begun
the same, and orders from a time with it     is refused: afterwards nobody could tell which of them are sealed
one that requires it, and no orders          ends that time
one that requires it, and orders             is refused: an erasure would be told as done, and leave them as they are
"""

from __future__ import annotations

import logging
import os
import shlex

from actors.clock import SystemClock
from actors.domain.ids import first_order_id
from actors.runtime.errors import StoreUnavailable
from actors.storage.connections import Where
from actors.storage.identity_off import begin_open_time, end_open_time
from cells.errors import CellError
from cells.paths import CellPaths
from cells.settings import RegionConfig
from cells.state import is_recovering

log = logging.getLogger("ocefs.keeper")


def check_open_time(config: RegionConfig, owner: Where, paths: CellPaths) -> None:
    """Raises CellError when identity is required and the database has orders from a time without, the other way round,
    or when that can't be seen.

    Orders are written behind: what came just before an end is there at a later look. A cell that ran meanwhile, and
    whose Ray comes back after a crash, must not stay away for them: they are logged then, and
    its next start is refused.
    """
    try:
        if config.identity.mode == "off":
            if not begin_open_time(owner):
                raise _sealed(config.name, paths)
            return
        in_clear = end_open_time(owner, first_order_id(config.name, SystemClock().now_ms()))
    except StoreUnavailable as away:
        raise CellError(
            f"{config.name}: PostgreSQL does not tell whether orders came while identity was off: {away}",
            "is it up, and are OCEFS_<REGION>_POSTGRES_URL and its owner's right? then try again",
        ) from None
    if not in_clear:
        return
    problem = (
        f"{config.name} took orders while identity was off, or before orders were sealed: what they tell of people lies in the clear, "
        "and no erasure would reach it"
    )
    if is_recovering(paths):
        log.warning("%s", problem)
        return
    raise CellError(
        problem, f"go on with them, on this machine only: make up IDENTITY=off; or {_fresh(config.name, paths)}"
    )


def _sealed(region: str, paths: CellPaths) -> CellError:
    elsewhere = (
        _other_stores(region)
        or f"try it in a home of its own: make down, then OCEFS_HOME={shlex.quote(f'{paths.home}-open')} make up IDENTITY=off"
    )
    return CellError(
        f"{region} has orders from a time with identity: what came now would lie in the clear among them, and what is changed of them too",
        f"go on with identity: make up IDENTITY=required; to be without, {elsewhere}",
    )


def _fresh(region: str, paths: CellPaths) -> str:
    """How to come to a cell without these orders."""
    return _other_stores(region) or (
        f"begin with a fresh cell, without all that was tried: make down REGIONS={region} && rm -r {shlex.quote(str(paths.folder))} && make up"
    )


def _other_stores(region: str) -> str:
    """How to come to other ones, where the cell's are not its home's; else ""."""
    stores = [f"OCEFS_{region.upper()}_{store}_URL" for store in ("POSTGRES", "REDIS")]
    if any(name in os.environ for name in stores):
        return f"give it stores of its own: another database in {stores[0]}, another Redis in {stores[1]}"
    return ""
