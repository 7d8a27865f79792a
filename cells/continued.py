"""Do this journal and this PostgreSQL belong together? Another journal than the cell's, or an older copy, lacks what
was acknowledged and is not in PostgreSQL yet; an older copy of PostgreSQL lacks what the journal has let go since.

Who gives a cell another Redis by mistake would else see nothing of it, and orders would be gone. Of a cell that runs,
hosts look themselves whenever they open shards (`RedisJournal.open`); what is to be given up is decided here alone.
"""

from __future__ import annotations

import logging
from typing import NamedTuple, NoReturn

from actors.runtime.errors import Fenced, JournalUnavailable, StoreUnavailable
from actors.storage.connections import Where
from actors.storage.continuity import Found, go_on, look, pair
from cells.errors import StoreFailed
from cells.paths import CellPaths
from cells.settings import RegionConfig

log = logging.getLogger("ocefs.keeper")


def check_continued(config: RegionConfig, owner: Where, redis_url: str, paths: CellPaths) -> None:
    """Raises StoreFailed at the start of a cell whose journal and PostgreSQL don't belong together, unless somebody has
    said that what they lack is lost (`journal.given-up`; to be taken away when all of this start's looks are kept).

    Also of one whose Ray comes back after a crash: its keeper tries again until the journal is back, or given up.
    """
    try:
        found = look(owner, redis_url, config.name, config.runtime.shards)
        if found.apart and paths.journal_given_up.exists():
            go_on(owner, redis_url, config.name, found.apart)
            log.warning(
                "what journal or PostgreSQL of %s lack was given up: %s was there", config.name, paths.journal_given_up
            )
            found = found._replace(journal_id="", apart=[])
        if not found.apart:
            pair(owner, redis_url, config.name, found)
            return
    except (StoreUnavailable, JournalUnavailable, Fenced) as away:
        _untold(config, away)
    problem, store = _wrong(config, found)
    raise StoreFailed(
        problem,
        f"bring the cell's own back: the {store.name} that OCEFS_{config.name.upper()}_{store.variable} named before, or the "
        f"folder {store.folder} of the cell, as it was last; only to go on without, where what came last may be gone and a "
        f"command that is sent again may be done again: touch {paths.journal_given_up}",
    )


class _Store(NamedTuple):
    """Which of the two is to be brought back. variable, folder: how it is named in the environment, and in the home."""

    name: str
    variable: str
    folder: str


_JOURNAL = _Store("Redis", "REDIS_URL", "redis")
_POSTGRES = _Store("PostgreSQL", "POSTGRES_URL", "postgres")


def _wrong(config: RegionConfig, found: Found) -> tuple[str, _Store]:
    behind = [one for one in found.apart if one.behind]
    if found.others:
        return (
            f"{config.name}: the journal is another cell's (its id is {found.journal_id or 'none'}, PostgreSQL has that of "
            f"{found.store_id}): what it has would be done to this cell's orders and stock"
        ), _JOURNAL
    if behind:
        first = behind[0]
        return (
            f"{config.name}: the journal knows less than PostgreSQL has, of {len(behind)} shards (of shard {first.shard} "
            f"{first.last} entries, PostgreSQL {first.watermark}): it is another one than the cell had last, or an older "
            "copy, and lacks what was acknowledged and not written behind yet"
        ), _JOURNAL
    first = found.apart[0]
    return (
        f"{config.name}: PostgreSQL lacks what the journal has let go, of {len(found.apart)} shards (of shard {first.shard} "
        f"PostgreSQL has {first.watermark} entries, and the journal none before {first.first}): it is another one than the "
        "cell had last, or an older copy"
    ), _POSTGRES


def _untold(config: RegionConfig, away: Exception) -> NoReturn:
    raise StoreFailed(
        f"{config.name}: it is not known whether the journal is the one that belongs to this PostgreSQL: {away}",
        "are both up, and are OCEFS_<REGION>_POSTGRES_URL and …_REDIS_URL as the cell was started with? then try again",
    ) from None
