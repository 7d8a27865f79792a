"""The audit as a stream, the monitor's memory, and alerts as lists, on a real PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from actors.domain.alert import ALERT, Alert, Finding, rows
from actors.domain.audit import Act, Audited, Who
from actors.domain.ids import alert_id
from actors.domain.kind import Context
from actors.runtime.alerts import Kept, Position
from actors.runtime.errors import StoreUnavailable
from actors.runtime.ports import DrainBatch, DrainedTurn
from actors.runtime.wire import OK, Turn
from actors.storage.alert_list import PostgresAlerts
from actors.storage.audit_stream import PostgresAuditStream
from actors.storage.postgres_store import PostgresStore
from actors.storage.schema.audit import WATCHED

pytestmark = pytest.mark.real
NOON_MS = int(datetime(2026, 3, 14, 12, tzinfo=UTC).timestamp() * 1000)
MONTH_MS = 31 * 86_400_000
WHO = Who("us-acct-mia", "manager", "s-1", "a-77", "dev-1", "c-5")


def turn(version: int, at_ms: int, lines: int = 1) -> Turn:
    line = Audited(WHO, Act("location.adjust", "us-st-austin", "damage", {"A.on_hand": (3, 1), "B.on_hand": (None, 2)}))
    return Turn(
        "order", "us-1", version, at_ms, f"c{version}", version, 0, "r-1", b"[]", OK, b"{}", audited=[line] * lines
    )  # fmt: skip


@pytest.fixture
async def store(clean_url: str):
    made = PostgresStore(clean_url)
    await made.lease("h0", [1, 2], 7)
    yield made
    await made.close()


@pytest.fixture
async def stream(clean_url: str):
    made = PostgresAuditStream(clean_url, "us-monitor")
    yield made
    await made.close()


@pytest.fixture
async def listed(clean_url: str):
    made = PostgresAlerts(clean_url)
    yield made
    await made.close()


async def drained(store: PostgresStore, shard: int, position: int, *turns: Turn, **more: Any) -> None:
    found = [DrainedTurn(shard, position, line, one) for line, one in enumerate(turns)]
    await store.drain(DrainBatch("h0", {shard: (7, position)}, found, more.get("rows", {})))


async def test_a_line_comes_otherwise_than_it_was_written_or_twice_or_not_at_all(store, stream):
    await drained(store, 1, 1, turn(1, NOON_MS, 3))
    await drained(store, 2, 1, turn(1, NOON_MS - 5))
    first, cursor, more = await stream.since({}, 100)
    assert not more
    assert [record.reference for record in first] == [(2, 1), (1, 1), (1, 2), (1, 3)]
    record = first[-1]
    assert (record.subject, record.role, record.session_id, record.address) == ("us-acct-mia", "manager", "s-1", "a-77")
    assert (record.device, record.behalf, record.request_id, record.at_ms) == ("dev-1", "c-5", "r-1", NOON_MS)
    assert (record.action, record.why, record.location_id) == ("location.adjust", "damage", "us-st-austin")
    assert (record.kind, record.entity_id, record.version, record.outcome) == ("order", "us-1", 1, "")
    assert record.changes == {"A.on_hand": (3, 1), "B.on_hand": (None, 2)}
    assert cursor == {1: Position(3, NOON_MS), 2: Position(1, NOON_MS - 5)}
    assert await stream.since(cursor, 100) == ([], {}, False)
    # The same moment, and another month.
    await drained(store, 1, 2, turn(2, NOON_MS), turn(3, NOON_MS + MONTH_MS))
    later, _, _ = await stream.since(cursor, 100)
    assert [record.reference for record in later] == [(1, 4), (1, 5)]


async def test_a_long_way_behind_is_read_at_once_or_with_gaps(store, stream):
    await drained(store, 1, 1, *(turn(number, NOON_MS + number, 5) for number in range(10)))
    cursor, found, more = {}, [], True
    while more:
        records, ends, more = await stream.since(cursor, 7)
        assert len(records) <= 7
        found += records
        cursor |= ends
    assert [record.number for record in found] == list(range(1, 51))
    assert cursor == {1: Position(50, NOON_MS + 9)}


async def test_a_short_shard_is_read_to_its_end_while_a_long_one_is_hours_behind(store, stream):
    await drained(store, 1, 1, *(turn(number, NOON_MS + 100 * number) for number in range(1, 31)))
    await drained(store, 2, 1, *(turn(number, NOON_MS + 1_000 * number) for number in range(1, 5)))
    cursor, found, more = {}, [], True
    while more:
        records, ends, more = await stream.since(cursor, 7)
        found += records
        cursor |= ends
    assert [record.at_ms for record in found] == sorted(record.at_ms for record in found)
    assert sorted(record.reference for record in found) == [
        *((1, n) for n in range(1, 31)),
        *((2, n) for n in range(1, 5)),
    ]


async def test_lines_of_a_shard_that_are_written_late_are_passed_over(store, stream):
    await drained(store, 1, 1, *(turn(number, NOON_MS + 100 * number) for number in range(1, 11)))
    await drained(store, 2, 1, turn(1, NOON_MS + 100))
    records, cursor, more = await stream.since({}, 4)
    found = [record.reference for record in records]
    await drained(store, 2, 2, turn(2, NOON_MS + 300), turn(3, NOON_MS + 400))
    while more:
        records, ends, more = await stream.since(cursor, 4)
        found += [record.reference for record in records]
        cursor |= ends
    assert sorted(found) == [*((1, number) for number in range(1, 11)), (2, 1), (2, 2), (2, 3)]


async def test_the_monitor_reads_all_lines_to_find_the_next_of_a_shard(store, clean_url):
    await drained(store, 1, 1, turn(1, NOON_MS))
    query = f"EXPLAIN SELECT number FROM audit WHERE shard = 1 AND number > 0 AND {WATCHED} ORDER BY number LIMIT 10"
    with psycopg.connect(clean_url) as connection:
        # Of one line it would read the table.
        connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        shown = "".join(line for (line,) in connection.execute(query))
    # By shard and number there is that index alone.
    assert "shard_number_idx" in shown


def step(number: int, **changed: Any) -> Turn:
    """A machine moves an order, unless it is said otherwise."""
    said: dict[str, Any] = {"role": "", "action": "order.ship", "outcome": "", "changes": {}} | changed
    who = Who("us-client-erp", said["role"], "s-1", "a-77")
    line = Audited(who, Act(said["action"], "us-st-austin", "", said["changes"]), said["outcome"])
    return Turn(
        "order", "us-1", number, NOON_MS + number, f"c{number}", number, 0, "r", b"[]", OK, b"{}", audited=[line]
    )


@pytest.mark.parametrize(
    "looked_at",
    [
        {"role": "associate"},
        {"outcome": "order.unknown"},
        {"changes": {"status": ("a", "b")}},
        {"action": "order.read"},
    ],
)
async def test_machines_routine_keeps_the_monitor_busy_or_what_matters_is_passed_over(store, stream, looked_at):
    routine = [step(number) for number in range(1, 101)]
    await drained(store, 1, 1, *routine, step(101, **looked_at))
    records, cursor, more = await stream.since({}, 500)
    assert [record.number for record in records] == [16, 32, 48, 64, 80, 96, 101]
    assert cursor == {1: Position(101, NOON_MS + 101)}
    assert not more
    assert (await stream.since(cursor, 500)).records == []


async def test_what_was_learned_is_lost_or_mixed_with_another_s(stream, clean_url):
    assert await stream.load() is None
    await stream.save(Kept({}, b"old"), NOON_MS)
    kept = Kept({0: Position(5, NOON_MS), 63: Position(2**40, 7)}, b"\x00\xff" * 100_000)
    await stream.save(kept, NOON_MS + 1)
    assert await stream.load() == kept
    other = PostgresAuditStream(clean_url, "eu-monitor")
    assert await other.load() is None
    await other.close()


def alert(number: int, **more: Any) -> tuple[str, Alert]:
    found = Finding(
        "us-acct-tom",
        "support",
        "s1",
        NOON_MS,
        NOON_MS + number,
        ["lookups", "voids"],
        0.75,
        ["much"],
        [(1, 2)],
        ["r"],
        "step_up",
    )
    return alert_id("us", NOON_MS + number, "x"), Alert(found, version=1, **more)


async def test_alerts_are_listed_wrong_or_come_back_otherwise(store, listed):
    made = [alert(1), alert(2, status="assigned", assignee="us-acct-a"), alert(3, told=True)]
    written = [rows(state, 1, [], Context(identity, "c", NOON_MS))[0] for identity, state in made]
    await drained(store, 1, 1, turn(1, NOON_MS), rows={"alerts": written})
    ids = [identity for identity, _ in made]
    found = await listed.alerts(status=None, before=None, limit=10)
    assert [one.alert_id for one in found] == ids[::-1]
    assert (found[0].rules, found[0].score, found[0].last_at, found[0].action) == (
        "lookups,voids",
        0.75,
        NOON_MS + 3,
        "step_up",
    )
    assert [one.alert_id for one in await listed.alerts(status=None, before=ids[2], limit=1)] == [ids[1]]
    assert [one.assignee for one in await listed.alerts(status="assigned", before=None, limit=10)] == ["us-acct-a"]
    assert await listed.alerts(status="o\x00pen", before=None, limit=10) == []
    assert await listed.untold(NOON_MS + 2, 10) == [ids[1]]
    assert await listed.untold(NOON_MS, 10) == ids[:2]
    loaded = await store.load(ALERT, ids)
    for identity, state in made:
        assert ALERT.restore(identity, loaded[identity].rows) == (state, 1)


async def test_a_store_that_is_away_is_something_else(stream, listed):
    away = PostgresAuditStream("postgresql://nobody@/none?host=/nonexistent", "us-monitor", timeout_s=0.5)
    with pytest.raises(StoreUnavailable):
        await away.since({}, 10)
    with pytest.raises(StoreUnavailable):
        await away.load()
    await away.close()
