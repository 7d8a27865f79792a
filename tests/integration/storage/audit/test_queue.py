"""Who keeps a copy of the audit gets each line once and in order, and is told what is not there."""

from __future__ import annotations

import json
from datetime import date
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from actors.domain.times import DAY_MS, HOUR_MS, moment
from actors.runtime.alerts import Kept, Position
from actors.runtime.audit_queue import SWEPT, Missing
from actors.runtime.errors import StoreUnavailable
from actors.runtime.ports import DrainBatch, DrainedTurn
from actors.storage import audit_queue
from actors.storage.audit_keeping import drop_old, not_copied
from actors.storage.audit_queue import _LATEST, _NEXT, LAST, PUT_OFF_S, PostgresAuditQueue
from actors.storage.audit_stream import PostgresAuditStream
from actors.storage.postgres_store import PostgresStore
from tests.integration.storage.audit.lines import NOON, drained, forge, ms, plan_of, scans_of, sign, turn

pytestmark = pytest.mark.real
NOON_MS = ms(NOON)
MONTH_MS = 31 * DAY_MS
LINES = audit_queue._lines


@pytest.fixture
async def queue(clean_url):
    made = PostgresAuditQueue(clean_url)
    yield made
    await made.close()


def named(batch):
    return [(line.shard, line.number) for line in batch.lines]


def places(batch, cursor=()):
    return dict(cursor) | {line.shard: Position(line.number, line.at) for line in batch.lines} | batch.then


async def followed(queue, limit=100, cursor=()):
    """All that there is, look by look, and where that ends."""
    found, missing, cursor, more = [], [], dict(cursor), True
    while more:
        batch = await queue.after(cursor, limit)
        more = batch.more
        found += named(batch)
        missing += batch.missing
        cursor = places(batch, cursor)
    return found, missing, cursor


async def test_a_line_comes_otherwise_than_it_was_written(store, queue, owner):
    await drained(store, 1, 1, turn(4))
    (line,) = (await queue.after({}, 10)).lines
    (chain,) = owner.execute("SELECT chain FROM audit").fetchone()
    assert (line.shard, line.number, line.at, line.version, line.chain) == (1, 1, NOON_MS, 4, bytes(chain))
    assert (line.subject, line.role, line.action, line.why) == ("us-acct-mia", "manager", "order.ship", "damage")
    assert json.loads(line.changes) == {"A.on_hand": [3, None]}


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_a_line_comes_twice_in_another_order_or_not_at_all(store, queue, limit):
    await drained(store, 1, 1, *(turn(number, NOON_MS + 100 * number, 2) for number in range(1, 6)))
    await drained(store, 2, 1, *(turn(number, NOON_MS + 250 * number) for number in range(1, 4)))
    found, missing, cursor = await followed(queue, limit)
    assert sorted(found) == [(1, number) for number in range(1, 11)] + [(2, 1), (2, 2), (2, 3)]
    assert [number for shard, number in found if shard == 1] == list(range(1, 11))
    assert missing == []
    assert await followed(queue, limit, cursor) == ([], [], cursor)
    # The same moment, and another month.
    await drained(store, 1, 2, turn(6, NOON_MS + 500), turn(7, NOON_MS + MONTH_MS))
    assert (await followed(queue, limit, cursor))[:2] == ([(1, 11), (1, 12)], [])


async def test_lines_are_read_of_which_the_end_of_the_chain_is_not_known_yet(store, queue, owner):
    await drained(store, 1, 1, turn(1), turn(2))
    owner.execute("UPDATE shards SET audit_number = 1")
    assert (await followed(queue))[0] == [(1, 1)]


@pytest.mark.parametrize("earlier_ms", [1, DAY_MS, 3 * MONTH_MS])
async def test_a_shard_whose_next_line_is_older_than_another_s_last_one_is_left_behind(store, queue, earlier_ms):
    await drained(store, 1, 1, turn(1))
    _, _, cursor = await followed(queue)
    await drained(store, 2, 1, turn(1, NOON_MS - earlier_ms), turn(2, NOON_MS + 5))
    await drained(store, 1, 2, turn(2, NOON_MS + 1))
    found, missing, _ = await followed(queue, 100, cursor)
    assert sorted(found) == [(1, 2), (2, 1), (2, 2)]
    assert missing == []


async def test_a_shard_with_older_lines_is_left_behind_while_there_are_many_of_another(store, queue):
    await drained(store, 1, 1, turn(1))
    _, _, cursor = await followed(queue)
    await drained(store, 1, 2, *(turn(number, NOON_MS + number) for number in range(2, 12)))
    await drained(store, 2, 1, turn(1, NOON_MS - 5), turn(2, NOON_MS + 2))
    found, missing, _ = await followed(queue, 3, cursor)
    assert sorted(found) == [*((1, number) for number in range(2, 12)), (2, 1), (2, 2)]
    assert missing == []


async def test_a_host_that_wrote_nothing_for_an_hour_has_the_hour_read_anew(store, queue, monkeypatch):
    """Of those of all shards only what is late."""
    await drained(store, 1, 1, turn(1))
    await drained(store, 2, 1, turn(1))
    _, _, cursor = await followed(queue)
    await drained(store, 1, 2, *(turn(number, NOON_MS + number * 1000) for number in range(2, 60)))
    _, _, cursor = await followed(queue, 100, cursor)
    await drained(store, 1, 3, turn(60, NOON_MS + HOUR_MS))
    await drained(store, 2, 2, *(turn(number, NOON_MS + HOUR_MS - 10 + number) for number in range(2, 5)))
    looked: list[tuple[int, int | None, int]] = []

    async def lines(connection, query, spans, limit, *, since, before=None):
        looked.append((since, before, limit))
        return await LINES(connection, query, spans, limit, since=since, before=before)

    monkeypatch.setattr(audit_queue, "_lines", lines)
    swept = NOON_MS + 59_000
    assert (await followed(queue, 100, cursor))[:2] == ([(2, 2), (2, 3), (2, 4), (1, 60)], [])
    assert looked == [(swept, None, 100)]
    looked.clear()
    _, _, cursor = await followed(queue)
    swept = cursor[SWEPT].at_ms
    await drained(store, 1, 4, turn(61, NOON_MS + HOUR_MS + 1))
    await drained(store, 2, 3, *(turn(number, NOON_MS + HOUR_MS - 5) for number in range(5, 8)))
    looked.clear()
    assert (await followed(queue, 100, cursor))[:2] == ([(2, 5), (2, 6), (2, 7), (1, 61)], [])
    assert looked == [(swept, None, 100), (NOON_MS + HOUR_MS - 6, swept, 3)]
    _, _, cursor = await followed(queue, 100, cursor)
    looked.clear()
    assert (await followed(queue, 100, cursor))[0] == []
    assert looked == [], "without news it reads lines"


@pytest.mark.parametrize("limit", [1, 2, 5, 30])
async def test_what_comes_after_many_late_lines_comes_before_them(store, queue, limit):
    await drained(store, 1, 1, *(turn(number, NOON_MS + number * 1000) for number in range(1, 10)))
    await drained(store, 2, 1, turn(1))
    _, _, cursor = await followed(queue)
    await drained(store, 2, 2, *(turn(number, NOON_MS + number * 500) for number in range(2, 40)))
    await drained(store, 1, 2, *(turn(number, NOON_MS + number * 1000) for number in range(10, 30)))
    found, missing, after = await followed(queue, limit, cursor)
    assert [number for shard, number in found if shard == 2] == list(range(2, 40))
    assert [number for shard, number in found if shard == 1] == list(range(10, 30))
    assert missing == []
    assert await followed(queue, limit, after) == ([], [], after)


async def test_many_late_lines_of_a_shard_that_has_no_others_are_passed_over(store, queue):
    await drained(store, 1, 1, turn(1, NOON_MS + HOUR_MS))
    await drained(store, 2, 1, turn(1))
    _, _, cursor = await followed(queue)
    await drained(store, 2, 2, *(turn(number, NOON_MS + number) for number in range(2, 42)))
    await drained(store, 1, 2, turn(2, NOON_MS + HOUR_MS + 1))
    batch = await queue.after(cursor, 5)
    assert sorted(named(batch)) == [(1, 2), *((2, number) for number in range(2, 7))]
    assert (batch.missing, batch.more) == ([], True)
    assert sorted((await followed(queue, 5, cursor))[0]) == [(1, 2), *((2, number) for number in range(2, 42))]


async def test_of_two_shards_that_are_late_the_one_that_is_later_is_not_found(store, queue):
    await drained(store, 1, 1, turn(1, NOON_MS + HOUR_MS))
    await drained(store, 2, 1, turn(1))
    await store.lease("h0", [1, 2, 3], 7)
    await drained(store, 3, 1, turn(1, NOON_MS + 1_000))
    _, _, cursor = await followed(queue)
    await drained(store, 2, 2, turn(2, NOON_MS + 500))
    await drained(store, 3, 2, turn(2, NOON_MS + 2_000))
    await drained(store, 1, 2, turn(2, NOON_MS + HOUR_MS + 1))
    found, missing, _ = await followed(queue, 100, cursor)
    assert (sorted(found), missing) == ([(1, 2), (2, 2), (3, 2)], [])


async def test_lines_that_somebody_took_away_are_passed_over_in_silence(store, queue, owner):
    await drained(store, 1, 1, *(turn(number, NOON_MS + number) for number in range(1, 9)))
    await drained(store, 2, 1, turn(1), turn(2))
    forge(owner, "DELETE FROM audit WHERE shard = 1 AND number IN (1, 4, 5, 8) OR shard = 2")
    found, missing, cursor = await followed(queue)
    assert found == [(1, 2), (1, 3), (1, 6), (1, 7)]
    assert sorted(missing) == [Missing(1, 1, 1), Missing(1, 4, 5), Missing(2, 1, 2)]
    found, missing, cursor = await followed(queue, 100, cursor)
    assert (found, missing) == ([], [Missing(1, 8, 8)])
    assert cursor == {1: Position(8, NOON_MS + 8), 2: Position(2, NOON_MS), SWEPT: Position(0, NOON_MS + 7)}
    assert (await followed(queue, 100, cursor))[:2] == ([], []), "it is looked for again and again"


async def test_lines_that_are_nowhere_or_hard_to_find_keep_all_others_from_coming(store, queue, monkeypatch):
    await drained(store, 1, 1, turn(1))
    _, _, cursor = await followed(queue)
    await drained(store, 1, 2, turn(2))
    await drained(store, 2, 1, turn(1, NOON_MS - 5), turn(2, NOON_MS + 1))
    late: list[int] = []
    busy = True

    async def lines(connection, query, spans, limit, *, since, before=None):
        if before is not None:
            late.extend(spans)
            if busy:
                await connection.execute(sa.text("SET statement_timeout = 20"))
                try:
                    await connection.execute(sa.text("SELECT pg_sleep(20)"))
                finally:  # the looks after it come by the same connection
                    await connection.execute(sa.text("RESET statement_timeout"))
        return await LINES(connection, query, spans, limit, since=since, before=before)

    now = 0.0
    monkeypatch.setattr(audit_queue, "_lines", lines)
    monkeypatch.setattr(audit_queue, "time", SimpleNamespace(monotonic=lambda: now))
    batch = await queue.after(cursor, 100)
    assert (named(batch), batch.missing, batch.put_off) == ([(1, 2)], [], (2,))
    busy, cursor = False, places(batch, cursor)
    assert await queue.after(cursor, 100) == ([], [], {}, False, ())
    assert late == [2], "it is looked for again and again"
    now = PUT_OFF_S + 1
    assert (await followed(queue, 100, cursor))[:2] == ([(2, 1), (2, 2)], [])


async def test_whoever_takes_lines_of_every_shard_away_stops_the_copy(clean_url, queue, owner):
    store = PostgresStore(clean_url)
    await store.lease("h0", list(range(64)), 7)
    for shard in range(64):
        await drained(store, shard, 1, *(turn(number, NOON_MS + number) for number in range(1, 4)))
    await store.close()
    _, _, cursor = await followed(queue, 64)
    store = PostgresStore(clean_url)
    await store.lease("h0", list(range(64)), 8)
    for shard in range(64):
        batch = DrainBatch("h0", {shard: (8, 2)}, [DrainedTurn(shard, 2, line, turn(number, NOON_MS + number)) for line, number in enumerate((4, 5, 6))], {})  # fmt: skip
        await store.drain(batch)
    await store.close()
    forge(owner, "DELETE FROM audit WHERE number = 4")
    found, missing, _ = await followed(queue, 1_000, cursor)
    assert sorted(found) == [(shard, number) for shard in range(64) for number in (5, 6)]
    assert sorted(missing) == [Missing(shard, 4, 4) for shard in range(64)]


async def test_an_older_copy_of_the_database_is_taken_for_the_one_before(store, queue):
    await drained(store, 1, 1, turn(1), turn(2))
    cursor = {1: Position(7, NOON_MS + 99)}
    batch = await queue.after(cursor, 100)
    assert (batch.lines, batch.missing, batch.then) == ([], [Missing(1, 3, 7)], {1: Position(2, NOON_MS)})
    await drained(store, 1, 2, turn(3, NOON_MS + 1))
    assert (await followed(queue, 100, places(batch, cursor)))[:2] == ([(1, 3)], [])


async def test_who_begins_late_is_told_that_dropped_months_are_missing_or_who_fell_behind_is_not(store, queue, owner):
    await drained(store, 1, 1, turn(1), turn(2), turn(3, NOON_MS + 62 * DAY_MS))
    drop_old(owner, "us", date(2026, 5, 20), 31, sign)
    assert owner.execute("SELECT count(*) FROM audit").fetchone() == (1,)
    assert (await followed(queue))[:2] == ([(1, 3)], [])
    behind = {1: Position(1, NOON_MS)}
    assert (await followed(queue, 100, behind))[:2] == ([(1, 3)], [Missing(1, 2, 2)])


async def test_a_copy_looks_more_complete_than_it_is(store, queue, owner, clean_url):
    memory = PostgresAuditStream(clean_url, "us-forwarder-1")
    assert not_copied(owner, "us-forwarder-1") == (0, None)
    await drained(store, 1, 1, turn(1), turn(2), turn(3))
    assert not_copied(owner, "us-forwarder-1") == (3, None)
    cursor = places(await queue.after({}, 2))
    await memory.save(Kept(cursor, b""), NOON_MS)
    await drained(store, 2, 1, turn(1))
    assert not_copied(owner, "us-forwarder-1") == (2, NOON)
    assert not_copied(owner, "us-forwarder-2") == (4, None)
    owner.execute("SET TIME ZONE 'America/New_York'")
    assert not_copied(owner, "us-forwarder-1") == (2, NOON)
    _, _, cursor = await followed(queue, 100, cursor)
    await memory.save(Kept(cursor, b""), NOON_MS)
    assert not_copied(owner, "us-forwarder-1") == (0, NOON)
    await memory.close()


@pytest.mark.parametrize(
    ("query", "since_ms", "before", "direction"),
    [(_NEXT, 3, LAST, "Forward"), (_LATEST, 0, moment(NOON_MS + 57), "Backward")],
)
async def test_a_look_reads_more_of_the_audit_than_it_gives(store, clean_url, query, since_ms, before, direction):
    await drained(store, 1, 1, *(turn(number, NOON_MS + number, 40) for number in range(1, 60)))
    asked = {"after": [0, 100], "last": [0, 2_200], "lines": 10, "since": moment(NOON_MS + since_ms), "before": before}
    plan = plan_of(clean_url, query.element.bindparams(**asked))
    (scan,) = (scan for scan in scans_of(plan) if scan["Actual Loops"])
    assert (scan["Node Type"], scan["Scan Direction"], scan["Actual Rows"]) == ("Index Scan", direction, 10)
    assert scan["Index Name"].endswith("at_shard_number_idx")
    assert scan.get("Rows Removed by Filter", 0) <= 100, "lines of these times that were taken already, or come later"


@pytest.mark.parametrize("query", [_NEXT, _LATEST])
async def test_a_look_reads_and_sorts_a_month_of_the_audit(store, queue, query):
    """With the plan that PostgreSQL makes for any times, once a statement has come often."""
    await drained(store, 1, 1, *(turn(number, NOON_MS + number) for number in range(1, 100)))
    await queue.after({}, 10)
    types = {
        "after": "bigint[]",
        "last": "bigint[]",
        "since": "timestamptz",
        "before": "timestamptz",
        "lines": "bigint",
    }
    statement = str(query.element)
    for number, (name, of) in enumerate(types.items(), 1):
        statement = statement.replace(f":{name}", f"${number}::{of}")
    async with queue._engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        shown = await driver.execute(f"EXPLAIN (GENERIC_PLAN) {statement}")
        plan = "".join(line for (line,) in await shown.fetchall())
    assert "at_shard_number_idx" in plan
    assert "Sort" not in plan


async def test_a_store_that_is_away_looks_as_if_there_were_nothing():
    away = PostgresAuditQueue("postgresql://nobody@/none?host=/nonexistent", timeout_s=0.5)
    with pytest.raises(StoreUnavailable):
        await away.after({}, 10)
    await away.close()
