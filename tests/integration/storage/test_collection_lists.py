"""What the read model tells of collections, of the fake and of PostgreSQL: both must tell the same."""

from __future__ import annotations

import importlib
from typing import Any

import msgspec
import psycopg
import pytest

from actors.domain.collection import COLLECTION
from actors.domain.collection_state import OVER
from actors.domain.rows_of_collections import CollectionRow
from actors.runtime.ports import Store
from actors.runtime.read_model import ReadModel
from actors.storage.postgres_store import PostgresStore
from tests.integration.storage.samples import NOW_MS, batch, drained, due_of, turn

STATUSES = ("locating", "located", "ready", "collected", "cancelled", "unopened")


def collection_row(number: int) -> CollectionRow:
    status = STATUSES[number % 6]
    ready = NOW_MS + 5 if status in ("ready", "collected") else None
    return CollectionRow(
        f"us-collection-{number:03d}", 3, status, f"us-{number}", f"us-st-{number % 4}", 2, 5, "s1", NOW_MS, None, ready,
        None if ready is None else ready + 9, status in OVER, ready if status == "ready" else None, b"\x00\xff state",
        NOW_MS + 7 if number % 3 else None,
    )  # fmt: skip


async def test_collections_are_listed_newest_first_by_status_and_store(store: Store, read_model: ReadModel):
    rows = [collection_row(number) for number in range(40)]
    await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"collections": rows}))
    known = [row for row in rows[::-1] if row.status != "unopened"]

    async def listed(**asked: Any) -> list[str]:
        asked = {"status": None, "locations": None, "before": None, "limit": 1_000} | asked
        return [summary.collection_id for summary in await read_model.collections(**asked)]

    ids = [row.collection_id for row in known]
    assert await listed() == ids
    assert await listed(limit=4, before=ids[3]) == ids[4:8]
    for status in (*STATUSES, "non\x00sense"):
        assert await listed(status=status) == [row.collection_id for row in known if row.status == status]
    assert await listed(locations=["us-st-1"]) == [row.collection_id for row in known if row.location_id == "us-st-1"]
    assert await listed(locations=["us-\x00"]) == await listed(locations=[]) == []
    late = {one.collection_id: one.late_at for one in await read_model.collections(status=None, locations=None, before=None, limit=99)}  # fmt: skip
    assert late == {row.collection_id: row.late_at for row in known}
    waiting = await due_of(store, range(64))
    assert waiting == [(row.due_at, "collection", row.collection_id) for row in rows if row.due_at is not None]
    loaded = await store.load(COLLECTION, [rows[2].collection_id])
    assert loaded[rows[2].collection_id].rows == {"collections": [rows[2]]}


@pytest.mark.real
async def test_a_shelf_of_before_there_was_a_time_to_forget_it_stays_for_ever(clean_url: str):
    store = PostgresStore(clean_url)
    rows = [collection_row(number) for number in range(12)]
    rows[4] = msgspec.structs.replace(rows[4], shelf="")
    await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"collections": rows}))
    step = importlib.import_module("actors.storage.migrations.versions.0044_shelves_are_forgotten")
    with psycopg.connect(clean_url) as connection:
        connection.execute(step._DUE)
    due = {identity: due_ms for due_ms, _, identity in await due_of(store, range(64))}
    await store.close()
    assert due == {
        row.collection_id: due.get(row.collection_id) if row.closed and row.shelf else row.due_at
        for row in rows
        if row.due_at is not None or (row.closed and row.shelf)
    }
    # No moment at which all are looked at.
    assert len({due[row.collection_id] for row in rows if row.closed and row.shelf}) > 2
