"""Is this the cell's own journal? Another one, or an older copy, lacks what was acknowledged and is not in PostgreSQL yet.

Hosts go on after what PostgreSQL has, whatever the journal knows: a Redis that was emptied must not keep a shard from
being served for ever. So who gives a cell another Redis by mistake would see nothing of it, and orders would be gone.
"""

from __future__ import annotations

import logging
from typing import NoReturn

from actors.runtime.errors import Fenced, JournalUnavailable, StoreUnavailable
from actors.storage.continuity import go_on_after, shards_behind
from cells.errors import StoreFailed
from cells.paths import CellPaths
from cells.settings import RegionConfig, StoreAddresses
from cells.state import is_recovering

log = logging.getLogger("ocefs.keeper")


def check_continued(config: RegionConfig, addresses: StoreAddresses, paths: CellPaths) -> None:
    """Raises StoreFailed at the start of a cell whose journal knows less than its PostgreSQL has, unless somebody has
    said that what it lacks is lost.

    One whose Ray comes back after a crash has the journal that it had: it is logged then.
    """
    given_up = paths.journal_given_up
    try:
        behind = shards_behind(addresses.owner_url, addresses.redis_url, config.name)
        if given_up.exists():
            if behind:
                go_on_after(addresses.redis_url, config.name, behind)
                log.warning("what the journal of %s lacks was given up: %s was there", config.name, given_up)
            given_up.unlink()
            return
    except (StoreUnavailable, JournalUnavailable, Fenced) as away:
        _untold(config, away)
    if not behind:
        return
    first = behind[0]
    problem = (
        f"{config.name}: the journal knows less than PostgreSQL has, of {len(behind)} shards (of shard {first.shard} "
        f"{first.last} entries, PostgreSQL {first.watermark}): it is another one than the cell had last, or an older copy, "
        "and lacks what was acknowledged and not written behind yet"
    )
    if is_recovering(paths):
        log.warning("%s", problem)
        return
    raise StoreFailed(
        problem,
        f"bring the cell's own back: the Redis that OCEFS_{config.name.upper()}_REDIS_URL named before, or {paths.redis} as it was "
        "last; only to go on without, where what came last may be gone and a command that is sent again may be done again: "
        f"touch {paths.journal_given_up}",
    )


def _untold(config: RegionConfig, away: Exception) -> NoReturn:
    raise StoreFailed(
        f"{config.name}: it is not known whether the journal is the one that belongs to this PostgreSQL: {away}",
        "are both up, and are OCEFS_<REGION>_POSTGRES_URL and …_REDIS_URL as the cell was started with? then try again",
    ) from None
