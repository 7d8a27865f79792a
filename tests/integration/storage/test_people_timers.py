"""Who proved nothing, and notices that are too late, over a restart: of the fake and of PostgreSQL."""

from __future__ import annotations

import importlib

import psycopg
import pytest

from actors.domain import customer, notice
from actors.domain.customer_commands import KeepCode
from actors.domain.kind import Context
from actors.domain.notice import WriteNotice
from actors.runtime.ports import DrainBatch
from actors.runtime.sharding import shard_of
from actors.storage.postgres_store import PostgresStore
from tests.integration.storage.samples import due_of

NOW_MS = 1_767_225_600_000
PERSON, NOTICE = "us-cust-1", "us-notice-1"
KEPT = {
    PERSON: (customer.CUSTOMER, KeepCode(b"d" * 32, opens=True, key_id="us-key-1")),
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


@pytest.mark.real
async def test_what_was_there_before_there_were_timers_stays_for_ever(clean_url):
    store = PostgresStore(clean_url)
    await kept(store, shards())
    step = importlib.import_module("actors.storage.migrations.versions.0041_forgotten_in_time")
    with psycopg.connect(clean_url) as connection:
        for table in ("notices", "customers"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN due_at")
        connection.execute(step._COLUMNS)
    found = {identity: due_ms for due_ms, _, identity in await due_of(store, shards())}
    await store.close()
    assert found.keys() == {PERSON, NOTICE}
    assert found[NOTICE] == NOW_MS + 600_000
