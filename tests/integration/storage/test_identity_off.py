"""That orders came while identity was off is kept in PostgreSQL, is the owner's alone, and is known
of older databases too."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path
from typing import Any

import psycopg
import pytest

from actors.domain.ids import first_order_id, new_order_id
from actors.domain.rows import AccountRow
from actors.runtime.errors import StoreUnavailable
from actors.storage.grants import grant
from actors.storage.identity_off import begin_open_time, end_open_time
from actors.storage.key_canary import Canary, keep_canary
from actors.storage.postgres_store import PostgresStore
from tests.integration.storage.samples import batch, drained, order_row, turn
from tests.integration.storage.test_data_keys import key_row

pytestmark = pytest.mark.real
ROLE = "cell_role_of_an_identity_off_test"
NOW_MS = 1_767_225_600_000
NEXT = first_order_id("us", NOW_MS)
SHARDS = itertools.count(1)
EARLIER, LATER = (new_order_id("us", NOW_MS + off_ms, "key") for off_ms in (-1, 1))


async def added(url: str, **rows: list[Any]) -> None:
    store = PostgresStore(url)
    try:
        shard = next(SHARDS)
        await store.lease("host-0", [shard], 1)
        await store.drain(batch({shard: (1, 1)}, drained(shard, 1, turn(1)), rows))
    finally:
        await store.close()


async def placed(url: str, *order_ids: str) -> None:
    await added(url, orders=[order_row(order_id) for order_id in order_ids])


async def test_orders_in_the_clear_are_taken_for_sealed_ones_or_the_other_way_round(clean_url: str):
    await placed(clean_url, EARLIER)
    assert not end_open_time(clean_url, NEXT)
    begin_open_time(clean_url)
    begin_open_time(clean_url)
    assert end_open_time(clean_url, NEXT)
    assert end_open_time(clean_url, NEXT)


async def test_a_cell_that_never_took_an_order_may_not_ask_who_calls_or_is_refused_for_what_came_after(clean_url: str):
    begin_open_time(clean_url)
    assert not end_open_time(clean_url, NEXT)
    await placed(clean_url, LATER)
    assert not end_open_time(clean_url, first_order_id("us", NOW_MS + 1000))


async def test_orders_that_were_written_behind_late_are_never_seen(clean_url: str):
    begin_open_time(clean_url)
    assert not end_open_time(clean_url, NEXT)
    await placed(clean_url, EARLIER, LATER)
    assert end_open_time(clean_url, first_order_id("us", NOW_MS + 1000))


async def test_a_second_time_without_identity_is_not_noted(clean_url: str):
    begin_open_time(clean_url)
    assert not end_open_time(clean_url, NEXT)
    begin_open_time(clean_url)
    await placed(clean_url, LATER)
    assert end_open_time(clean_url, first_order_id("us", NOW_MS + 1000))


async def guarded_by(url: str, what: str) -> None:
    """One of the things that only a cell with identity has."""
    if what == "key_canary":
        keep_canary(url, Canary(b"sealed", "digest", "file:1", b"wrapped"))
    elif what == "accounts":
        await added(url, accounts=[AccountRow("us-acct-1", 1, "manager", 1, b"state")])
    else:
        await added(url, data_keys=[key_row(1)])


@pytest.mark.parametrize("what", ["accounts", "data_keys", "key_canary"])
async def test_one_start_without_identity_shuts_sealed_orders_out_of_it_for_good(clean_url: str, what: str):
    await guarded_by(clean_url, what)
    assert begin_open_time(clean_url), "there are no orders that it could be told of"
    assert not end_open_time(clean_url, NEXT)
    await placed(clean_url, LATER)
    assert not begin_open_time(clean_url)
    assert not end_open_time(clean_url, NEXT)


async def test_who_has_orders_in_the_clear_can_go_on_neither_with_identity_nor_without(clean_url: str):
    await placed(clean_url, EARLIER)
    await guarded_by(clean_url, "key_canary")
    assert not begin_open_time(clean_url)
    upgraded(clean_url, "0040_clear_orders", "_CLEAR")
    assert end_open_time(clean_url, NEXT)
    assert begin_open_time(clean_url)


async def test_orders_of_an_open_time_that_came_late_shut_the_way_back_to_it(clean_url: str):
    assert begin_open_time(clean_url)
    assert not end_open_time(clean_url, NEXT)
    await guarded_by(clean_url, "key_canary")
    await placed(clean_url, EARLIER)
    assert begin_open_time(clean_url)


def upgraded(url: str, revision: str, statement: str) -> None:
    upgrade = importlib.import_module(f"actors.storage.migrations.versions.{revision}")
    with psycopg.connect(url) as connection:
        connection.execute(getattr(upgrade, statement))


@pytest.mark.parametrize("guarded", [False, True])
async def test_a_database_from_before_the_note_is_taken_for_a_sealed_or_an_open_one(clean_url: str, guarded: bool):
    upgraded(clean_url, "0038_identity_off", "_FROM_BEFORE")
    assert not end_open_time(clean_url, NEXT)
    await placed(clean_url, EARLIER)
    if guarded:
        await guarded_by(clean_url, "data_keys")
    upgraded(clean_url, "0038_identity_off", "_FROM_BEFORE")
    assert end_open_time(clean_url, NEXT) is not guarded


@pytest.mark.parametrize("reference", ["order_ref", "customer_ref"])
async def test_a_database_from_before_that_got_identity_later_is_taken_for_a_sealed_one(clean_url: str, reference: str):
    bare = {"order_ref": "", "customer_ref": ""}
    sealed, forgotten = order_row(EARLIER, sealed=b"sealed"), order_row(LATER, **bare)
    await added(clean_url, orders=[sealed, forgotten], data_keys=[key_row(1)])
    upgraded(clean_url, "0040_clear_orders", "_CLEAR")
    assert not end_open_time(clean_url, NEXT)
    clear = order_row(new_order_id("us", NOW_MS - 5, "key"), **(bare | {reference: "in the clear"}))
    await added(clean_url, orders=[clear])
    upgraded(clean_url, "0040_clear_orders", "_CLEAR")
    assert end_open_time(clean_url, NEXT)


async def test_orders_in_the_clear_are_forgotten_where_an_open_time_without_any_came_later(clean_url: str):
    begin_open_time(clean_url)
    assert not end_open_time(clean_url, NEXT)
    await placed(clean_url, LATER)
    upgraded(clean_url, "0040_clear_orders", "_CLEAR")
    assert end_open_time(clean_url, first_order_id("us", NOW_MS + 1000))


def test_the_cells_role_may_take_it_back(clean_url: str):
    begin_open_time(clean_url)
    grant(clean_url, ROLE, make=True)
    try:
        with pytest.raises(StoreUnavailable, match="permission denied"):
            end_open_time(clean_url.replace("//ocefs@", f"//{ROLE}@"), NEXT)
    finally:
        with psycopg.connect(clean_url) as connection:
            connection.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


def test_a_database_that_is_away_passes_for_an_empty_one(tmp_path: Path):
    with pytest.raises(StoreUnavailable):
        end_open_time(f"postgresql://ocefs@/ocefs?host={tmp_path}", NEXT)
    with pytest.raises(StoreUnavailable):
        begin_open_time(f"postgresql://ocefs@/ocefs?host={tmp_path}")
