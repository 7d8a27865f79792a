"""Who proved nothing, and notices that are too late, over a restart: of the fake and of PostgreSQL."""

from __future__ import annotations

import importlib

import psycopg
import pytest

from actors.domain import customer, notice
from actors.domain.customer_commands import KeepCode
from actors.domain.customer_state import Customer
from actors.domain.kind import Context
from actors.domain.notice import WriteNotice
from actors.domain.rows import CustomerRow
from actors.runtime.codec import to_msgpack as encode
from actors.runtime.ports import DrainBatch
from actors.runtime.sharding import shard_of
from actors.storage.postgres_store import PostgresStore
from tests.integration.storage.samples import due_of

NOW_MS = 1_767_225_600_000
PERSON, NOTICE = "us-cust-1", "us-notice-1"
KEPT = {
    PERSON: (customer.CUSTOMER, KeepCode(b"d" * 32, opens=True, code_key_id="us-key-1")),
    NOTICE: (notice.NOTICE, WriteNotice("customer.welcome", PERSON, b"address", b"content", NOW_MS + 600_000)),
}


async def kept(store, shards):
    """Writes both down; gives what they want to be woken at."""
    await store.lease("host-0", shards, 1)
    rows, due = {}, []
    for identity, (kind, command) in KEPT.items():
        state, context = None, Context(identity, "c", NOW_MS)
        for event in kind.decide(state, command, context).events:
            state = kind.evolve(state, event, context)
        (row,) = kind.rows(state, 1, [], context)
        rows[row.table] = [row]
        due.append((kind.due(state), kind.name, identity))
    await store.drain(DrainBatch("host-0", dict.fromkeys(shards, (1, 1)), [], rows))
    return sorted(due)


def shards():
    return sorted({shard_of(kind.name, identity, 64) for identity, (kind, _) in KEPT.items()})


async def test_after_a_restart_nobody_is_forgotten_and_no_notice_ends(stores):
    new_store, _ = stores
    store = new_store()
    due = await kept(store, shards())
    assert sorted(await due_of(store, shards())) == due
    for identity, (kind, _) in KEPT.items():
        loaded = await store.load(kind, [identity])
        state, _ = kind.restore(identity, loaded[identity].rows)
        assert (kind.due(state), kind.name, identity) in due


MIGRATIONS = "actors.storage.migrations.versions."


async def migrated(url):
    """The table of before there were timers, and the steps since."""
    steps = [
        importlib.import_module(MIGRATIONS + name) for name in ("0041_forgotten_in_time", "0042_due_to_the_millisecond")
    ]
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE notices DROP COLUMN due_at")
        connection.execute("ALTER TABLE customers DROP COLUMN due_at")
        connection.execute(steps[0]._COLUMNS)
        connection.execute(steps[1]._MENDS)


@pytest.mark.real
async def test_what_was_there_before_there_were_timers_stays_for_ever(clean_url):
    store = PostgresStore(clean_url)
    await kept(store, shards())
    await migrated(clean_url)
    found = {identity: due_ms for due_ms, _, identity in await due_of(store, shards())}
    await store.close()
    assert found.keys() == {PERSON, NOTICE}
    assert found[NOTICE] == NOW_MS + 600_000


@pytest.mark.real
async def test_those_who_were_there_before_there_were_timers_are_read_for_ever_or_woken_at_one_moment(clean_url):
    store = PostgresStore(clean_url)
    names = [f"us-cust-{number:03d}" for number in range(60)]
    rows = [
        CustomerRow(name, 1, 0, encode(Customer(erased=number % 3 == 0)), None) for number, name in enumerate(names)
    ]
    owned = sorted({shard_of("customer", name, 64) for name in names})
    await store.lease("host-0", owned, 1)
    await store.drain(DrainBatch("host-0", dict.fromkeys(owned, (1, 1)), [], {"customers": rows}))
    await migrated(clean_url)
    found = await due_of(store, range(64), limit=7)
    await store.close()
    # An account that was erased has nothing left to be forgotten: it would be woken after each takeover.
    assert sorted(name for _, _, name in found) == [name for number, name in enumerate(names) if number % 3]
    assert len({due_ms for due_ms, _, _ in found}) > 20
