"""Do this journal and this PostgreSQL belong together? Another journal than the cell's, or an older copy, lacks what
was acknowledged and is not in PostgreSQL yet; an older copy of PostgreSQL lacks what the journal has let go since.

Hosts go on after what PostgreSQL has, whatever the journal knows: a Redis that was emptied must not keep a shard from
being served for ever. So who gives a cell another Redis by mistake would see nothing of it, and orders would be gone.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NoReturn

from actors.runtime.errors import Fenced, JournalUnavailable, StoreUnavailable
from actors.storage.connections import Where
from actors.storage.continuity import Apart, Found, go_on, look, pair
from cells.errors import StoreFailed
from cells.paths import CellPaths
from cells.settings import RegionConfig
from cells.state import is_recovering

log = logging.getLogger("ocefs.keeper")


def check_continued(config: RegionConfig, owner: Where, redis_url: str, paths: CellPaths) -> None:
    """Raises StoreFailed at the start of a cell whose journal and PostgreSQL don't belong together, unless somebody has
    said that what they lack is lost (`journal.given-up`; to be taken away when all of this start's looks are kept).

    One whose Ray comes back after a crash has the stores that it had: it is logged then.
    """
    try:
        found = look(owner, redis_url, config.name, config.runtime.shards)
        apart = found.apart
        if apart and paths.journal_given_up.exists():
            go_on(owner, redis_url, config.name, apart)
            log.warning(
                "what journal or PostgreSQL of %s lack was given up: %s was there", config.name, paths.journal_given_up
            )
            found, apart = found._replace(journal_id=""), []
        if not apart:
            pair(owner, redis_url, config.name, found)
            return
    except (StoreUnavailable, JournalUnavailable, Fenced) as away:
        _untold(config, away)
    if found.others:
        problem, own = _others(config, found)
    else:
        problem, own = _behind(config, apart) if any(one.behind for one in apart) else _ahead(config, apart)
    if is_recovering(paths):
        log.warning("%s", problem)
        return
    raise StoreFailed(
        problem,
        f"bring the cell's own back: {own} as it was last; only to go on without, where what came last may be gone and a "
        f"command that is sent again may be done again: touch {paths.journal_given_up}",
    )


def _others(config: RegionConfig, found: Found) -> tuple[str, str]:
    problem = (
        f"{config.name}: the journal is another cell's (its id is {found.journal_id or 'none'}, PostgreSQL has that of "
        f"{found.store_id}): what it has would be done to this cell's orders and stock"
    )
    return (
        problem,
        f"the Redis that OCEFS_{config.name.upper()}_REDIS_URL named before, or the folder redis of the cell",
    )


def _behind(config: RegionConfig, apart: Sequence[Apart]) -> tuple[str, str]:
    """What is wrong, and whose own is to be brought back."""
    behind = [one for one in apart if one.behind]
    first = behind[0]
    problem = (
        f"{config.name}: the journal knows less than PostgreSQL has, of {len(behind)} shards (of shard {first.shard} "
        f"{first.last} entries, PostgreSQL {first.watermark}): it is another one than the cell had last, or an older copy, "
        "and lacks what was acknowledged and not written behind yet"
    )
    return (
        problem,
        f"the Redis that OCEFS_{config.name.upper()}_REDIS_URL named before, or the folder redis of the cell",
    )


def _ahead(config: RegionConfig, apart: Sequence[Apart]) -> tuple[str, str]:
    first = apart[0]
    problem = (
        f"{config.name}: PostgreSQL lacks what the journal has let go, of {len(apart)} shards (of shard {first.shard} "
        f"PostgreSQL has {first.watermark} entries, and the journal none before {first.first}): it is another one than the "
        "cell had last, or an older copy"
    )
    return (
        problem,
        f"the PostgreSQL that OCEFS_{config.name.upper()}_POSTGRES_URL named before, or the folder postgres of the cell",
    )


def _untold(config: RegionConfig, away: Exception) -> NoReturn:
    raise StoreFailed(
        f"{config.name}: it is not known whether the journal is the one that belongs to this PostgreSQL: {away}",
        "are both up, and are OCEFS_<REGION>_POSTGRES_URL and …_REDIS_URL as the cell was started with? then try again",
    ) from None
