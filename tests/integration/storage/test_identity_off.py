"""That orders came while identity was off is kept in PostgreSQL, is the owner's alone, and is known of older databases too."""

from __future__ import annotations

import importlib
from pathlib import Path

import psycopg
import pytest

from actors.domain.ids import first_order_id, new_order_id
from actors.runtime.errors import StoreUnavailable
from actors.storage.grants import grant
from actors.storage.identity_off import begin_open_time, end_open_time
from actors.storage.postgres_store import PostgresStore
from tests.integration.storage.samples import order_row
from tests.integration.storage.test_data_keys import kept, key_row

pytestmark = pytest.mark.real
ROLE = "cell_role_of_an_identity_off_test"
NOW_MS = 1_767_225_600_000
NEXT = first_order_id("us", NOW_MS)
EARLIER, LATER = (new_order_id("us", NOW_MS + off_ms, "key") for off_ms in (-1, 1))


async def placed(url: str, *order_ids: str) -> None:
    store = PostgresStore(url)
    try:
        await kept(store, 1, orders=[order_row(order_id) for order_id in order_ids])
    finally:
        await store.close()


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


@pytest.mark.parametrize("guarded", [False, True])
async def test_a_database_from_before_the_note_is_taken_for_a_sealed_or_an_open_one(clean_url: str, guarded: bool):
    upgrade = importlib.import_module("actors.storage.migrations.versions.0038_identity_off")
    with psycopg.connect(clean_url) as connection:
        connection.execute(upgrade._FROM_BEFORE)
    assert not end_open_time(clean_url, NEXT)
    store = PostgresStore(clean_url)
    try:
        await kept(store, 1, orders=[order_row(EARLIER)], **({"data_keys": [key_row(1)]} if guarded else {}))
    finally:
        await store.close()
    with psycopg.connect(clean_url) as connection:
        connection.execute(upgrade._FROM_BEFORE)
    assert end_open_time(clean_url, NEXT) is not guarded


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
