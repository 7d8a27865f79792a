"""A journal and a store that don't belong together are noticed before anything is served from them; others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from actors.runtime.ports import Append
from actors.storage import continuity
from actors.storage.continuity import look
from actors.storage.redis_journal import RedisJournal
from cells.continued import check_continued
from cells.errors import StoreFailed
from cells.paths import CellPaths
from cells.settings import RegionConfig, StoreAddresses
from cells.state import KeeperState, write_state
from tests.integration.storage.samples import turn

pytestmark = pytest.mark.real
US = RegionConfig()
PAIR = "ocefs:{us}:pair"


@pytest.fixture
def addresses(clean_url: str, redis_url: str) -> StoreAddresses:
    return StoreAddresses(postgres_url=clean_url, owner_url=clean_url, redis_url=redis_url)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def paths(tmp_path: Path) -> CellPaths:
    made = CellPaths("us", tmp_path)
    made.run.mkdir(parents=True)
    return made


def drained(addresses: StoreAddresses, watermarks: dict[int, int], epoch: int = 3) -> None:
    with psycopg.connect(addresses.owner_url) as store:
        for shard, watermark in watermarks.items():
            store.execute(
                "INSERT INTO shards (shard, host, epoch, watermark) VALUES (%s, '', %s, %s)", [shard, epoch, watermark]
            )


def appended(addresses: StoreAddresses, shard: int, entries: int, trimmed: int = 0, epoch: int = 2) -> None:
    async def work() -> None:
        journal = RedisJournal(addresses.redis_url, "us")
        try:
            await journal.open({shard: (epoch, 0)})
            for position in range(1, entries + 1):
                assert await journal.append([Append(shard, epoch, position, [turn(position)])]) == []
            await journal.trim({shard: trimmed})
        finally:
            await journal.close()

    asyncio.run(work())


def apart(addresses: StoreAddresses) -> list[tuple[int, int, int, int]]:
    """Shard, what the store has, the journal's first and last."""
    found = look(addresses.owner_url, addresses.redis_url, "us", US.runtime.shards)
    return [(one.shard, one.watermark, one.first, one.last) for one in found.apart]


def ids(addresses: StoreAddresses) -> tuple[str, str]:
    found = look(addresses.owner_url, addresses.redis_url, "us", US.runtime.shards)
    return found.store_id, found.journal_id


def start(addresses: StoreAddresses, paths: CellPaths) -> None:
    """As a deploy does it."""
    check_continued(US, addresses.owner_url, addresses.redis_url, paths)
    paths.journal_given_up.unlink(missing_ok=True)


def test_a_restart_with_a_tail_that_is_trimmed_to_the_watermark_is_refused(addresses, paths):
    drained(addresses, {0: 4, 1: 2, 2: 0})
    appended(addresses, 0, 4, trimmed=4)
    appended(addresses, 1, 5, trimmed=2)
    # Of shard 2 nobody has opened the journal before its owner was killed.
    assert apart(addresses) == []
    start(addresses, paths)


def test_a_journal_of_which_only_streams_are_known_is_refused(addresses, redis):
    """As before what is known of all shards was kept at one place."""
    drained(addresses, {0: 4})
    appended(addresses, 0, 4, trimmed=4)
    redis.delete("ocefs:{us}:state")
    assert apart(addresses) == []


def test_a_cell_is_served_from_an_empty_journal(addresses, paths):
    drained(addresses, {0: 4, 7: 120, 8: 0})
    assert apart(addresses) == [(0, 4, 1, 0), (7, 120, 1, 0)]
    with pytest.raises(StoreFailed, match=r"of 2 shards \(of shard 0 0 entries, PostgreSQL 4\)") as refused:
        start(addresses, paths)
    assert f"touch {paths.journal_given_up}" in refused.value.next_step
    assert apart(addresses) == [(0, 4, 1, 0), (7, 120, 1, 0)]


def test_a_cell_is_served_from_an_older_copy_of_its_journal(addresses, paths):
    drained(addresses, {0: 4, 1: 4})
    appended(addresses, 0, 3)
    appended(addresses, 1, 4)
    assert apart(addresses) == [(0, 4, 1, 3)]
    with pytest.raises(StoreFailed, match="an older copy") as refused:
        start(addresses, paths)
    assert "the cell's own back: the Redis that OCEFS_US_REDIS_URL named before" in refused.value.next_step


def test_a_cell_is_served_from_an_older_copy_of_its_store(addresses, paths):
    drained(addresses, {0: 2, 1: 2})
    appended(addresses, 0, 5, trimmed=4)
    appended(addresses, 1, 5, trimmed=2)
    assert apart(addresses) == [(0, 2, 5, 5)]
    with pytest.raises(StoreFailed, match="PostgreSQL lacks what the journal has let go, of 1 shards") as refused:
        start(addresses, paths)
    assert "the cell's own back: the PostgreSQL that OCEFS_US_POSTGRES_URL named before" in refused.value.next_step
    assert f"touch {paths.journal_given_up}" in refused.value.next_step


def test_a_cell_is_served_from_a_new_store_beside_its_journal(addresses, paths):
    appended(addresses, 3, 5, trimmed=5)
    assert apart(addresses) == [(3, 0, 6, 5)]
    with pytest.raises(StoreFailed, match="PostgreSQL has 0 entries, and the journal none before 6"):
        start(addresses, paths)


def test_a_new_store_that_its_journal_still_has_whole_is_refused(addresses, paths):
    appended(addresses, 3, 5)
    start(addresses, paths)


def test_what_the_journal_has_behind_a_gap_is_done_to_entities_that_lack_what_came_before(addresses, paths):
    drained(addresses, {0: 2})
    appended(addresses, 0, 5, trimmed=4)
    appended(addresses, 3, 7, trimmed=6)
    paths.journal_given_up.touch()
    start(addresses, paths)
    assert apart(addresses) == []

    async def work() -> None:
        journal = RedisJournal(addresses.redis_url, "us")
        try:
            await journal.open({0: (9, 5), 3: (9, 7)})
            assert await journal.read(0, after=0) == [] == await journal.read(3, after=0)
            assert await journal.append([Append(0, 9, 6, [turn(6)]), Append(3, 9, 8, [turn(8)])]) == []
        finally:
            await journal.close()

    asyncio.run(work())
    assert apart(addresses) == []


def test_a_drain_between_two_looks_is_taken_for_a_gap(addresses, redis, monkeypatch):
    """The keeper may look while hosts of before still drain and trim."""
    drained(addresses, {0: 2})
    appended(addresses, 0, 5, trimmed=2)
    look = continuity._watermarks

    def drains_then(url: str) -> dict[int, tuple[int, int]]:
        found = look(url)
        with psycopg.connect(url) as store:
            store.execute("UPDATE shards SET watermark = watermark + 2")
        redis.xtrim("ocefs:{us}:turns:0", minid=f"{found[0][0] + 3}-0", approximate=False)
        return found

    monkeypatch.setattr(continuity, "_watermarks", drains_then)
    assert apart(addresses) == []


def test_what_was_given_up_is_asked_for_again_or_a_second_loss_is_given_up_with_it(addresses, redis, paths):
    drained(addresses, {0: 4})
    paths.journal_given_up.touch()
    start(addresses, paths)
    start(addresses, paths)
    redis.flushall()
    with pytest.raises(StoreFailed):
        start(addresses, paths)


def test_a_journal_of_which_somebody_later_was_the_owner_can_not_be_gone_on_with(addresses, paths):
    """Of a cell that was begun anew before its PostgreSQL was brought back."""
    drained(addresses, {0: 4}, epoch=3)
    appended(addresses, 0, 2, epoch=9)
    paths.journal_given_up.touch()
    start(addresses, paths)
    assert apart(addresses) == []


def test_another_cell_s_journal_that_fits_by_chance_is_done_to_this_cell_or_destroyed_on_our_advice(
    addresses, redis, paths
):
    drained(addresses, {0: 4, 1: 3})
    appended(addresses, 0, 4, trimmed=4)
    appended(addresses, 1, 3)
    start(addresses, paths)
    redis.flushall()
    appended(addresses, 0, 6)
    appended(addresses, 1, 3)
    appended(addresses, 2, 1)  # a shard that this cell has not used
    redis.set(PAIR, "another")
    before, paired = apart(addresses), ids(addresses)
    assert before[2] == (2, 0, 1, 1)
    for given_up in (False, True):
        if given_up:
            paths.journal_given_up.touch()
        with pytest.raises(StoreFailed, match="the journal is another cell's") as refused:
            start(addresses, paths)
        assert "the Redis that OCEFS_US_REDIS_URL named before" in refused.value.next_step
        assert "or name an empty Redis" in refused.value.next_step
        assert "touch" not in refused.value.next_step
    assert (apart(addresses), ids(addresses)) == (before, paired)
    assert [redis.xlen(f"ocefs:{{us}}:turns:{shard}") for shard in (0, 1)] == [6, 3]


def test_a_journal_that_lost_its_id_is_taken_for_another_cell_s_or_loses_its_tail_in_silence(addresses, redis, paths):
    drained(addresses, {0: 4})
    appended(addresses, 0, 6, trimmed=4)
    start(addresses, paths)
    own = ids(addresses)[0]
    redis.delete(PAIR)
    with pytest.raises(StoreFailed, match="it may be the cell's own, that lost its id") as refused:
        start(addresses, paths)
    assert f"redis-cli SET '{PAIR}' {own}" in refused.value.next_step
    assert "only to drop what it has and PostgreSQL has not, which was acknowledged" in refused.value.next_step
    redis.set(PAIR, own)
    start(addresses, paths)
    assert redis.xlen("ocefs:{us}:turns:0") == 2


def test_a_journal_without_id_is_said_to_be_the_cell_s_own_though_its_ends_do_not_meet(addresses, redis, paths):
    drained(addresses, {0: 4, 1: 4})
    appended(addresses, 0, 4, trimmed=4)
    appended(addresses, 1, 4, trimmed=4)
    start(addresses, paths)
    redis.flushall()
    appended(addresses, 0, 5)
    with pytest.raises(StoreFailed, match="it is an older copy, or another cell's") as refused:
        start(addresses, paths)
    assert "SET" not in refused.value.next_step
    assert f"what the journal has besides is dropped: touch {paths.journal_given_up}" in refused.value.next_step
    paths.journal_given_up.touch()
    start(addresses, paths)
    assert (apart(addresses), redis.xlen("ocefs:{us}:turns:0")) == ([], 0)


def test_a_journal_that_was_given_up_fits_again_when_it_comes_back(addresses, redis, paths):
    drained(addresses, {0: 4})
    appended(addresses, 0, 6, trimmed=4)
    start(addresses, paths)
    before = ids(addresses)[0]
    lost = {key: redis.dump(key) for key in redis.keys("ocefs:*")}
    redis.flushall()
    paths.journal_given_up.touch()
    start(addresses, paths)
    store_id, journal_id = ids(addresses)
    assert store_id == journal_id != before
    with psycopg.connect(addresses.owner_url) as store:
        store.execute("UPDATE shards SET watermark = 5")  # another fifth entry than the lost one
    redis.flushall()
    for key, body in lost.items():
        redis.restore(key, 0, body)
    with pytest.raises(StoreFailed, match="between them something was given up") as refused:
        start(addresses, paths)
    assert f"what the journal has besides is dropped: touch {paths.journal_given_up}" in refused.value.next_step
    paths.journal_given_up.touch()
    start(addresses, paths)
    assert (apart(addresses), redis.xlen("ocefs:{us}:turns:0")) == ([], 0)


def test_a_giving_up_of_which_the_store_s_part_was_not_kept_can_not_be_repeated(addresses, redis, paths):
    drained(addresses, {0: 4})
    appended(addresses, 0, 4, trimmed=4)
    start(addresses, paths)
    redis.flushall()
    paths.journal_given_up.touch()
    with psycopg.connect(addresses.owner_url) as changing:
        check_continued(US, changing, addresses.redis_url, paths)
        changing.rollback()
    assert len(set(ids(addresses))) == 2
    start(addresses, paths)
    assert (apart(addresses), len(set(ids(addresses)))) == ([], 1)


def test_a_host_of_before_a_copy_goes_on_where_it_was_given_up(addresses, paths):
    """Its epoch is the copy's, and lower than the store's."""
    drained(addresses, {0: 4}, epoch=3)
    appended(addresses, 0, 2, epoch=2)
    paths.journal_given_up.touch()
    start(addresses, paths)

    async def superseded() -> list[int]:
        journal = RedisJournal(addresses.redis_url, "us")
        try:
            return await journal.superseded({0: 2})
        finally:
            await journal.close()

    assert asyncio.run(superseded()) == [0]


def test_a_store_that_comes_back_is_another_cell_s_as_a_new_one_was_tried_beside_its_journal(addresses, paths):
    start(addresses, paths)
    own = ids(addresses)
    with psycopg.connect(addresses.owner_url) as store:
        store.execute("DELETE FROM journal_pair")
    start(addresses, paths)
    assert ids(addresses) == own


def test_an_emptied_journal_is_called_another_cell_s(addresses, redis, paths):
    drained(addresses, {0: 4})
    appended(addresses, 0, 4, trimmed=4)
    start(addresses, paths)
    redis.flushall()
    with pytest.raises(StoreFailed, match="the journal knows less than PostgreSQL has"):
        start(addresses, paths)


def test_a_full_redis_is_not_drained_since_it_takes_no_id(addresses, redis, paths):
    """At the first start of a release that pairs."""
    drained(addresses, {0: 4})
    appended(addresses, 0, 6, trimmed=4)
    before = redis.config_get("maxmemory")["maxmemory"]
    redis.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(OutOfMemoryError):
            redis.set("x", "y")
        start(addresses, paths)
        assert len(set(ids(addresses))) == 1
    finally:
        redis.config_set("maxmemory", before)


def test_a_redis_that_refuses_to_tell_ends_a_start_with_a_traceback(addresses, redis, paths):
    redis.acl_setuser(
        "limited", enabled=True, passwords=["+pw"], keys=["*"], categories=["+@all"], commands=["-hget", "-hmget"]
    )
    try:
        with pytest.raises(StoreFailed, match=r"it is not known whether .*: Redis: "):
            check_continued(
                US, addresses.owner_url, addresses.redis_url.replace("unix://", "unix://limited:pw@"), paths
            )
    finally:
        redis.acl_deluser("limited")


def test_a_look_carries_whole_entries(addresses, redis):
    """Each may have megabytes, and there are two of each shard."""
    redis.xadd("ocefs:{us}:turns:0", {"turns": b"x" * 4_000_000}, id="5-0")
    redis.hset("ocefs:{us}:state", "0", "1 5")
    before = redis.info("stats")["total_net_output_bytes"]
    assert apart(addresses) == [(0, 0, 5, 5)]
    assert redis.info("stats")["total_net_output_bytes"] - before < 1_000_000


def test_a_new_cell_or_one_from_before_is_refused_for_want_of_an_id(addresses, paths):
    start(addresses, paths)
    start(addresses, paths)
    with psycopg.connect(addresses.owner_url) as store:
        store.execute("DELETE FROM journal_pair")  # the commit failed, and the journal was written before it
    start(addresses, paths)
    found = look(addresses.owner_url, addresses.redis_url, "us", US.runtime.shards)
    assert found.store_id == found.journal_id != ""


def test_a_redis_that_was_emptied_before_anything_was_written_is_another_cell_s(addresses, redis, paths):
    start(addresses, paths)
    redis.flushall()
    start(addresses, paths)
    start(addresses, paths)


def test_a_cell_whose_ray_comes_back_is_served_from_a_journal_that_was_lost_meanwhile_or_never_again(addresses, paths):
    drained(addresses, {0: 4})
    write_state(paths.state_file, KeeperState(region="us", phase="recovering"))
    with pytest.raises(StoreFailed, match="the journal knows less than PostgreSQL has"):
        start(addresses, paths)
    paths.journal_given_up.touch()
    start(addresses, paths)


@pytest.mark.parametrize("away", ["owner", "redis_url"])
def test_a_store_that_is_away_ends_a_start_with_a_traceback(addresses, paths, away, short_tmp):
    drained(addresses, {0: 4})
    asked = {"owner": addresses.owner_url, "redis_url": addresses.redis_url}
    asked[away] = {"owner": f"postgresql://ocefs@/x?host={short_tmp}/none", "redis_url": f"unix://{short_tmp}/none"}[
        away
    ]
    with pytest.raises(StoreFailed, match="it is not known whether"):
        check_continued(US, paths=paths, **asked)


def test_what_is_refused_is_looked_for_beside_the_schema_that_is_being_changed(addresses, paths):
    with psycopg.connect(addresses.owner_url) as changing:
        changing.execute("INSERT INTO shards (shard, host, epoch, watermark) VALUES (0, '', 3, 4)")
        with pytest.raises(StoreFailed, match="PostgreSQL 4"):
            check_continued(US, changing, addresses.redis_url, paths)
