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
from actors.storage.redis_journal import pair_key
from cells.errors import StoreFailed
from cells.paths import CellPaths
from cells.settings import RegionConfig

log = logging.getLogger("ocefs.keeper")


def check_continued(config: RegionConfig, owner: Where, redis_url: str, paths: CellPaths) -> None:
    """Raises StoreFailed at the start of a cell whose journal and PostgreSQL don't belong together, unless somebody has
    said that what they lack is lost (`journal.given-up`; to be taken away when all of this start's looks are kept).
    Another cell's journal is not this one's to give up.

    Also of one whose Ray comes back after a crash: its keeper tries again until the journal is back, or given up.
    """
    try:
        found = look(owner, redis_url, config.name, config.runtime.shards)
        given_up = bool(found.apart) and found.whose != "another's" and paths.journal_given_up.exists()
        if given_up:
            go_on(owner, redis_url, config.name, found.apart)
            log.warning(
                "what journal or PostgreSQL of %s lack was given up: %s was there", config.name, paths.journal_given_up
            )
        if given_up or not found.apart:
            # What was given up must not fit again when it comes back.
            pair(owner, redis_url, config.name, found, anew=given_up)
            return
    except (StoreUnavailable, JournalUnavailable, Fenced) as away:
        _untold(config, away)
    problem, store = _wrong(config, found)
    raise StoreFailed(problem, f"{_bring_back(config, store)}; {_instead(config, found, paths)}")


class _Store(NamedTuple):
    """Which of the two is to be brought back. variable, folder: how it is named in the environment, and in the home."""

    name: str
    variable: str
    folder: str


_JOURNAL = _Store("Redis", "REDIS_URL", "redis")
_POSTGRES = _Store("PostgreSQL", "POSTGRES_URL", "postgres")


def _bring_back(config: RegionConfig, store: _Store) -> str:
    return (
        f"bring the cell's own back: the {store.name} that OCEFS_{config.name.upper()}_{store.variable} named before, "
        f"or the folder {store.folder} of the cell, as it was last"
    )


def _instead(config: RegionConfig, found: Found, paths: CellPaths) -> str:
    """What else may be done."""
    file = paths.journal_given_up
    if found.whose == "another's":
        return f"or name an empty Redis, and see what is lacked then; this one is left as it is, with or without {file}"
    if found.whose == "nameless" and found.meet:
        return (
            "if it is the cell's own and was never given up, say so in that Redis, and nothing is lost: "
            f"redis-cli SET '{pair_key(config.name)}' {found.store_id}; only to drop what it has and PostgreSQL has "
            f"not, which was acknowledged, and where no other cell uses it: touch {file}"
        )
    more = ", and what the journal has besides is dropped" if found.whose != "own" else ""
    return (
        "only to go on without, where what came last may be gone and a command that is sent again may be done again"
        f"{more}: touch {file}"
    )


def _wrong(config: RegionConfig, found: Found) -> tuple[str, _Store]:
    if found.whose != "own":
        return f"{config.name}: {_not_own(found)}", _JOURNAL
    behind = [one for one in found.apart if one.behind]
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


def _not_own(found: Found) -> str:
    ids = f"its id is {found.journal_id}, PostgreSQL has that of {found.store_id}"
    if found.whose == "another's":
        return f"the journal is another cell's ({ids}): what it has would be done to this cell's orders and stock"
    if found.whose == "given up":
        return (
            f"the journal and PostgreSQL are of different times ({ids}): between them something was given up, so one of "
            "the two is what was given up, or an older copy, and the same positions have other entries"
        )
    ends = (
        "its ends meet PostgreSQL's, so it may be the cell's own, that lost its id with its last writes or had none yet"
        if found.meet
        else "its ends don't meet PostgreSQL's, so it is an older copy, or another cell's"
    )
    return f"the journal has entries and no id, and PostgreSQL has that of {found.store_id}: {ends}"


def _untold(config: RegionConfig, away: Exception) -> NoReturn:
    raise StoreFailed(
        f"{config.name}: it is not known whether the journal is the one that belongs to this PostgreSQL: {away}",
        "are both up, and are OCEFS_<REGION>_POSTGRES_URL and …_REDIS_URL as the cell was started with? then try again",
    ) from None
