"""What only a real PostgreSQL can show."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.domain.order import ORDER
from actors.domain.rows import OrderRow
from actors.domain.times import moment
from actors.runtime.errors import Fenced, StoreUnavailable
from actors.storage import connections
from actors.storage.collection_queries import collections_query
from actors.storage.connections import engine_url
from actors.storage.count_queries import counts_query
from actors.storage.drain import Drainer, drain_session
from actors.storage.inbound_queries import inbounds_query
from actors.storage.migrate import migrate
from actors.storage.packing_queries import manifests_query, shipments_query
from actors.storage.postgres_store import PostgresStore
from actors.storage.reader import (
    approvals_query,
    breaches_query,
    devices_query,
    ledger_query,
    orders_query,
    privacy_requests_query,
)
from actors.storage.schema import PARTITIONED, metadata
from actors.storage.schema.columns import Instant
from actors.storage.transfer_queries import transfers_query
from actors.storage.what_if_queries import placed_query, promises_query
from cells.postgres import EmbeddedPostgres
from cells.processes import wait_until
from tests.integration.storage.samples import NOW_MS, batch, device_row, drained, filling, ledger_row, order_row, turn

pytestmark = pytest.mark.real


@pytest.fixture
async def store(clean_url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(clean_url)
    yield store
    await store.close()


# --- the schema -------------------------------------------------------------------------------------------------------
def test_starters_at_once_migrate_once_and_lead_to_the_schema(postgres_server: EmbeddedPostgres):
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE together")
    url = f"postgresql://ocefs@/together?host={postgres_server.socket_dir}"
    with ThreadPoolExecutor(3) as starters:
        for done in [starters.submit(migrate, url) for _ in range(3)]:
            done.result()
    engine = sa.create_engine(engine_url(url), poolclass=sa.NullPool)

    def ours(name: str | None, kind: str, parents: Any) -> bool:
        return kind != "table" or name in metadata.tables

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": ours, "compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
        partitions = connection.execute(
            sa.text("SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relkind = 'r'")
        )
        # Two months of history, ledger, audit and audit_seconds.
        assert partitions.scalar() == 8
    engine.dispose()


def test_a_partitioned_table_lacks_its_month_or_the_month_ends_at_another_midnight_than_utcs(clean_url: str):
    with psycopg.connect(clean_url, options="-c timezone=America/New_York") as connection:
        connection.execute("SELECT make_month('2032-12-01')")
        connection.execute("SET LOCAL timezone = 'UTC'")
        for table in PARTITIONED:
            bounds = connection.execute(
                "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = %s", [f"{table.name}_2032_12"]
            ).fetchone()
            assert bounds == ("FOR VALUES FROM ('2032-12-01 00:00:00+00') TO ('2033-01-01 00:00:00+00')",)
        connection.rollback()


# --- what may be in a text --------------------------------------------------------------------------------------------
_NASTY = st.text(st.sampled_from("\0\t\n\r\\N\\.\"',{}\x1b\x7f\u2028\ufeff\ud800\udfff😀é a"), max_size=12)


async def test_no_text_stops_the_drain(store: PostgresStore):
    await store.lease("host-0", [1], 1)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(_NASTY, _NASTY, st.binary(max_size=9)), max_size=5))
    def collect(found: list[tuple[str, str, bytes]]) -> None:
        examples.append(found)

    examples: list[list[tuple[str, str, bytes]]] = []
    collect()
    for position, found in enumerate(examples, 1):
        rows = list(
            {f"us-{key}": order_row(f"us-{key}", order_ref=text, state=state) for key, text, state in found}.values()
        )
        entity_id, cause = (f"us-{found[0][0]}", found[0][1]) if found else ("us-none", "")
        one = turn(position, entity_id=entity_id, fingerprint=position, cause=cause)
        await store.drain(batch({1: (1, position)}, drained(1, position, one), {"orders": rows}))
        clean = [row for row in rows if not set(row.order_id + row.order_ref) & set("\0\ud800\udfff")]
        if len(clean) == len(rows):
            loaded = await store.load(ORDER, [row.order_id for row in rows])
            assert {key: one.rows["orders"] for key, one in loaded.items()} == {row.order_id: [row] for row in rows}
        assert (await store.history("order", one.entity_id, position - 1, 1))[0].version == position


async def test_events_come_back_byte_for_byte(store: PostgresStore):
    await store.lease("host-0", [1], 1)
    events = b'[ {"b":1,"a":"\\u0000 \\ud800","b":2.50,"e":1e400} ]'
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1, events=events))))
    assert (await store.history("order", "us-order", 0, 1))[0].events == events


async def test_an_id_that_can_not_be_stored_is_not_found_rather_than_a_fault(store: PostgresStore):
    assert await store.load(ORDER, ["us-\0", "us-\ud800"]) == {}
    assert await store.history("order", "us-\0", 0, 10) == []


# --- faults -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def own_postgres(short_tmp: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that the test may kill."""
    folder = short_tmp / f"own-{time.monotonic_ns()}"
    folder.mkdir(mode=0o711)
    server = EmbeddedPostgres(folder / "postgres", folder / "pg")
    server.start()
    migrate(server.url)
    yield server
    server.stop()


async def answers(store: PostgresStore) -> bool:
    try:
        await store.ping()
    except StoreUnavailable:
        return False
    return True


async def test_a_restarted_postgres_is_used_again_and_a_frozen_one_does_not_hang(
    own_postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
):
    store = PostgresStore(own_postgres.url)
    await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1))))
    os.kill(own_postgres.mark.pid, signal.SIGKILL)
    assert wait_until(own_postgres.exited, 30)
    deadline = time.monotonic() + 30
    while await answers(store):  # its children notice within moments
        assert time.monotonic() < deadline
    with pytest.raises(StoreUnavailable):
        await store.drain(batch({1: (1, 2)}, drained(1, 2, turn(2))))
    own_postgres.start()
    await store.ping()
    assert (await store.shards())[1].watermark == 1
    await store.drain(batch({1: (1, 2)}, drained(1, 2, turn(2))))
    backend = store._drainer._connection.info.backend_pid
    os.kill(backend, signal.SIGSTOP)
    with monkeypatch.context() as hurried:
        # For this one alone: whoever writes to a busy disk may wait longer.
        hurried.setattr(store._drainer, "_timeout_s", 1.0)
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await store.drain(batch({1: (1, 3)}, drained(1, 3, turn(3))))
        assert time.monotonic() - began < 10
    os.kill(backend, signal.SIGCONT)
    await store.drain(batch({1: (1, 3)}, drained(1, 3, turn(3))))
    assert [one.version for one in await store.history("order", "us-order", 0, 9)] == [1, 2, 3]
    await store.close()


async def test_an_owner_that_is_paused_in_a_drain_holds_up_nobody(
    clean_url: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
):
    # Else who is paused would be ended before long, whatever the successor does.
    monkeypatch.setattr(connections, "IDLE_IN_TRANSACTION_S", 100.0)
    await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"orders": [order_row("us-1")]}))
    paused, go_on = asyncio.Event(), asyncio.Event()
    befores = Drainer._befores

    async def pausing(self: Drainer, connection: Any, drain: Any) -> dict[int, int]:
        found = await befores(self, connection, drain)
        if drain.rows:
            # As if it had been stopped between its updates and its commit: the worst place.
            await connection.execute("UPDATE orders SET version = 99 WHERE order_id = 'us-1'")
            await connection.execute("UPDATE shards SET watermark = 1 WHERE shard = 1")
            paused.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(Drainer, "_befores", pausing)
    old = asyncio.ensure_future(
        store.drain(batch({1: (1, 2)}, drained(1, 2, turn(2)), {"orders": [order_row("us-1", version=2)]}))
    )
    await paused.wait()
    monkeypatch.setattr(Drainer, "_befores", befores)
    successor = PostgresStore(clean_url)
    assert (await successor.lease("host-1", [1], 2))[1].epoch == 2
    after = batch({1: (2, 2)}, drained(1, 2, turn(2, cause="new")), {"orders": [order_row("us-1", version=3)]})
    await successor.drain(after)
    go_on.set()
    with pytest.raises(Fenced):
        await old
    loaded = await successor.load(ORDER, ["us-1"])
    assert loaded["us-1"].rows["orders"][0].version == 3
    assert [one.cause for one in await successor.history("order", "us-order", 1, 9)] == ["new"]
    await successor.close()


async def test_a_drain_that_lost_its_epoch_on_the_way_is_undone(
    clean_url: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
):
    await store.lease("host-0", [1, 2], 1)
    befores = Drainer._befores

    async def overtaken(self: Drainer, connection: Any, drain: Any) -> dict[int, int]:
        found = await befores(self, connection, drain)
        with psycopg.connect(clean_url, autocommit=True) as other:
            other.execute("UPDATE shards SET epoch = epoch + 1 WHERE shard = 2")
        return found

    monkeypatch.setattr(Drainer, "_befores", overtaken)
    with pytest.raises(Fenced) as fenced:
        await store.drain(
            batch(
                {1: (1, 1), 2: (1, 1)},
                drained(1, 1, turn(1)),
                {"orders": [order_row("us-1")], "ledger": [ledger_row(1)]},
            )
        )
    assert fenced.value.shards == {2}
    with psycopg.connect(clean_url) as connection:
        for table in ("history", "orders", "ledger"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert (await store.shards())[1].watermark == 0


async def test_an_earlier_drain_that_commits_meanwhile_is_noticed(
    clean_url: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
):
    await store.lease("host-0", [1], 1)
    befores = Drainer._befores

    async def overtaken(self: Drainer, connection: Any, drain: Any) -> dict[int, int]:
        found = await befores(self, connection, drain)
        with psycopg.connect(clean_url, autocommit=True) as other:
            other.execute("UPDATE shards SET watermark = 1 WHERE shard = 1")
        return found

    monkeypatch.setattr(Drainer, "_befores", overtaken)
    with pytest.raises(StoreUnavailable, match="meanwhile"):
        await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1))))
    assert await store.history("order", "us-order", 0, 9) == []


async def test_a_drain_waits_for_the_disk(store: PostgresStore):
    await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1))))
    found = await store._drainer._connection.execute(
        "SELECT current_setting('synchronous_commit'), current_setting('application_name')"
    )
    assert await found.fetchone() == ("on", drain_session("host-0"))


# --- plans ------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def filled_url(migrated_url: str) -> str:
    store = PostgresStore(migrated_url)

    async def fill() -> None:
        await store.lease("filler", [0], 1)
        rows: list[OrderRow] = [
            order_row(f"us-{n:06d}", customer_ref=f"cust-{n % 20}", status=_status(n), placed_at=NOW_MS + n,
                      due_at=None if n % 500 else NOW_MS, state=b"s" * 200)
            for n in range(20_000)
        ]  # fmt: skip
        ledger = [ledger_row(n, location_id=f"us-wh-{n % 5}", sku=f"sku-{n % 20}") for n in range(20_000)]
        devices = [device_row(f"us-device-{n:05d}", location_id=f"us-wh-{n % 100}") for n in range(20_000)]
        filled = {"orders": rows, "ledger": ledger, "devices": devices}
        await store.drain(batch({0: (1, 1)}, drained(0, 1, turn(1)), filled))
        await store.close()

    asyncio.run(fill())
    with psycopg.connect(migrated_url, autocommit=True) as connection:
        for table, values in _FILLED.items():
            connection.execute(filling(table, 20_000, values))
        connection.execute("ANALYZE")
    return migrated_url


def _status(n: int) -> str:
    """Few are open; of the closed ones hardly any was cancelled."""
    if n % 5_000 == 7:
        return "cancelled"
    return "delivered" if n % 50 else "backordered"


# What differs from row to row, as SQL of n: ids follow time, as they do in life.
_OFTEN_CLOSED = {"closed": "n % 7 > 0", "status": "CASE WHEN n % 7 > 0 THEN 'closed' ELSE 'announced' END"}
_FILLED = {
    "promise_steps": {"order_id": "id", "promised_at": "moment", "step": "'allocated'"},
    "inbounds": {"inbound_id": "id", "location_id": "place"} | _OFTEN_CLOSED,
    "transfers": {"transfer_id": "id", "source_id": "place"} | _OFTEN_CLOSED,
    "counts": {"count_id": "id", "location_id": "place", "status": "CASE WHEN n % 7 > 0 THEN 'closed' ELSE 'open' END"},
    "shipments": {"shipment_id": "id", "location_id": "place"} | _OFTEN_CLOSED,
    "manifests": {"dock_id": "place", "number": "n"},
    "collections": {"collection_id": "id", "location_id": "place"} | _OFTEN_CLOSED,
    "approvals": {"approval_id": "id", "location_id": "place", "status": "CASE WHEN n % 7 > 0 THEN 'done' ELSE 'pending' END"},
    "privacy_requests": {"request_id": "id", "deadline_at": "moment"},
    "breaches": {"breach_id": "id"},
}  # fmt: skip
_DUE_MS = NOW_MS + 10_000 * 1_000


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (orders_query(None, None, "us-010000", 50), "orders_pkey"),
        (orders_query("cust-77", None, "us-010000", 50), "orders_customer"),
        (orders_query(None, "backordered", "us-010000", 50), "orders_open"),
        (orders_query(None, "delivered", None, 50), "orders_pkey"),
        (orders_query(None, "cancelled", None, 50), "orders_closed"),
        (orders_query(None, "shipped", "us-010000", 50), "orders_closed"),
        (ledger_query("us-wh-1", None, (10_000, 0), 50), "location_id_version_line"),
        (ledger_query("us-wh-1", "sku-1", (10_000, 0), 50), "location_id_sku_version_line"),
        (devices_query("us-wh-1", "us-device-19000", 50), "devices_location"),
        (placed_query("us-01", "us-02", "", "", "us-015000", 50), "orders_pkey"),
        (promises_query(_DUE_MS, _DUE_MS + 5_000_000, "", None, None, 50), "promise_steps_promised"),
        (promises_query(_DUE_MS, _DUE_MS + 5_000_000, "", None, (_DUE_MS + 9_000, "us-010009", 0), 50), "promise_steps_promised"),
        (inbounds_query("announced", None, "us-010000", 50), "inbounds_open"),
        (inbounds_query(None, ["us-wh-1"], "us-010000", 50), "inbounds_location"),
        (transfers_query("announced", None, "us-010000", 50), "transfers_open"),
        (counts_query("open", None, "us-010000", 50), "counts_open"),
        (counts_query(None, ["us-wh-1"], "us-010000", 50), "counts_location"),
        (shipments_query(None, ["us-wh-1"], "us-010000", 50), "shipments_location"),
        (manifests_query("us-wh-1", 10_000, 50), "manifests_pkey"),
        (collections_query(None, ["us-wh-1"], "us-010000", 50), "collections_location"),
        (approvals_query("pending", None, "us-010000", 50), "approvals_pending"),
        (approvals_query(None, ["us-wh-1"], "us-010000", 50), "approvals_location"),
        (privacy_requests_query(None, None, (_DUE_MS, "us-010000"), 50), "privacy_requests_deadline"),
        (breaches_query(None, "us-010000", 50), "breaches_pkey"),
    ],
    ids=[
        "all", "customer", "open status", "closed status", "closed status of few", "closed status of none", "ledger", "ledger of a SKU",
        "devices", "past orders", "promises", "promises past a page", "open inbounds", "inbounds", "open transfers", "open counts", "counts",
        "shipments", "manifests", "collections", "pending approvals", "approvals", "privacy requests", "breaches",
    ],
)  # fmt: skip
def test_a_page_is_read_along_an_index_without_sorting(filled_url: str, query: sa.Select[Any], index: str):
    engine = sa.create_engine(engine_url(filled_url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        compiled = query.compile(connection, compile_kwargs={"render_postcompile": True})
        plan = "\n".join(connection.exec_driver_sql("EXPLAIN " + str(compiled), _bound(compiled)).scalars())
    engine.dispose()
    assert index in plan, plan
    assert "Sort" not in plan.replace("Sort Key", ""), plan
    assert "Seq Scan" not in plan, plan


def test_a_step_of_an_open_order_is_written_to_every_index(clean_url: str):
    counted = "SELECT pg_stat_get_xact_tuples_updated('orders'::regclass), pg_stat_get_xact_tuples_hot_updated('orders'::regclass)"
    with psycopg.connect(clean_url) as connection:
        connection.execute(filling("orders", 5, {"order_id": "id", "status": "'allocated'"}))
        connection.commit()
        for step in ("picking", "packed"):
            connection.execute("UPDATE orders SET status = %s, version = version + 1", [step])
        assert connection.execute(counted).fetchone() == (10, 10)
        connection.execute("UPDATE orders SET status = 'shipped'")
        assert connection.execute(counted).fetchone() == (15, 10)


def _bound(compiled: Any) -> dict[str, Any]:
    """Parameters as the driver takes them."""
    times = {name for name, bind in compiled.binds.items() if isinstance(bind.type, Instant)}
    params = compiled.construct_params()
    return {name: moment(value) if name in times else value for name, value in params.items()}
