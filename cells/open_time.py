"""A time with identity off, in which nothing is sealed: what orders told of people then lies in the clear for good.

a start with identity off             notes in the database that such a time has begun
one that requires it, and no orders   ends that time
one that requires it, and orders      is refused: an erasure would be told as done, and leave them as they are
"""

from __future__ import annotations

import os
import shlex

from actors.clock import SystemClock
from actors.domain.ids import first_order_id
from actors.runtime.errors import StoreUnavailable
from actors.storage.identity_off import begin_open_time, end_open_time
from cells.errors import CellError
from cells.paths import CellPaths
from cells.settings import RegionConfig


def check_open_time(config: RegionConfig, owner_url: str, paths: CellPaths) -> None:
    """Raises CellError when identity is required and the database has orders from a time without, or that can't be seen."""
    try:
        if config.identity.mode == "off":
            begin_open_time(owner_url)
            return
        in_clear = end_open_time(owner_url, first_order_id(config.name, SystemClock().now_ms()))
    except StoreUnavailable as away:
        raise CellError(
            f"{config.name}: PostgreSQL does not tell whether orders came while identity was off: {away}",
            "is it up, and are OCEFS_<REGION>_POSTGRES_URL and its owner's right? then try again",
        ) from None
    if in_clear:
        raise CellError(
            f"{config.name} took orders while identity was off: what they tell of people lies in the clear, and no erasure would reach it",
            f"{_fresh(config.name, paths)}; or go on with them, on this machine only: make up IDENTITY=off",
        )


def _fresh(region: str, paths: CellPaths) -> str:
    """How to come to a cell without these orders."""
    stores = [f"OCEFS_{region.upper()}_{store}_URL" for store in ("POSTGRES", "REDIS")]
    if any(name in os.environ for name in stores):
        return f"give it stores of its own: another database in {stores[0]}, another Redis in {stores[1]}"
    return f"begin with a fresh cell, without all that was tried: make down REGIONS={region} && rm -r {shlex.quote(str(paths.folder))} && make up"
