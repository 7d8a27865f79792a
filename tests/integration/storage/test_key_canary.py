"""What only the cell's keys open is kept once in PostgreSQL, and is the owner's alone."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from actors.runtime.errors import StoreUnavailable
from actors.storage.connections import Where
from actors.storage.grants import grant
from actors.storage.key_canary import Canary, WrappedDataKey, keep_canary, kept_canary, some_data_keys
from actors.storage.migrate import migrate
from actors.storage.postgres_store import PostgresStore
from cells.canary import check_canary, renew_canary
from cells.errors import CellError
from cells.keys import drop_old_wrapping, make_keyring, new_wrapping
from cells.paths import CellPaths
from cells.settings import Identity, RegionConfig
from tests.integration.storage.test_data_keys import kept, key_row

pytestmark = pytest.mark.real
ONE = Canary(b"\1sealed\0", "d" * 32, "file:1", b"\0wrapped\xff")
ROLE = "cell_role_of_a_canary_test"
GUARDED = RegionConfig(identity=Identity(mode="required"))


def test_a_second_one_replaces_the_first_unasked(clean_url: str):
    assert kept_canary(clean_url) is None
    keep_canary(clean_url, ONE)
    other = ONE._replace(sealed=b"other", wrapping="file:2")
    keep_canary(clean_url, other)
    assert kept_canary(clean_url) == ONE
    keep_canary(clean_url, other, instead=True)
    assert kept_canary(clean_url) == other


async def test_a_destroyed_data_key_is_to_prove_something(clean_url: str):
    store = PostgresStore(clean_url)
    try:
        rows = [key_row(number) for number in (3, 1, 2)]
        await kept(store, 1, data_keys=[*rows, key_row(0, status="destroyed", wrapped=b"")])
    finally:
        await store.close()
    assert some_data_keys(clean_url, 2) == [
        WrappedDataKey(f"us-key-{number}", "file:1", b"\0wrapped\xff") for number in (1, 2)
    ]


def test_the_cells_role_may_change_it(clean_url: str):
    grant(clean_url, ROLE, make=True)
    try:
        keep_canary(clean_url, ONE)
        role_url = clean_url.replace("//ocefs@", f"//{ROLE}@")
        assert kept_canary(role_url) == ONE
        with pytest.raises(StoreUnavailable, match="permission denied"):
            keep_canary(role_url, ONE, instead=True)
    finally:
        with psycopg.connect(clean_url) as connection:
            connection.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


def test_a_database_that_is_away_is_one_without_a_canary(tmp_path: Path):
    with pytest.raises(StoreUnavailable):
        kept_canary(f"postgresql://ocefs@/ocefs?host={tmp_path}")


def test_a_start_with_a_new_key_file_or_one_from_before_a_rotation_is_taken(clean_url: str, tmp_path: Path):
    ours, new = CellPaths("us", tmp_path / "ours"), CellPaths("us", tmp_path / "new")
    make_keyring(ours)
    make_keyring(new)
    check_canary(GUARDED, clean_url, ours)
    with pytest.raises(CellError, match="is not the key file"):
        check_canary(GUARDED, clean_url, new)
    before = ours.keyring.read_bytes()
    newest = new_wrapping(ours)
    renew_canary(GUARDED, clean_url, ours)
    drop_old_wrapping(ours, newest)
    check_canary(GUARDED, clean_url, ours)
    ours.keyring.write_bytes(before)
    with pytest.raises(CellError, match="does not open file:2"):
        check_canary(GUARDED, clean_url, ours)


def test_what_a_first_start_keeps_while_it_makes_the_schema_is_lost_or_stays_though_it_is_refused(
    clean_url: str, tmp_path: Path
):
    ours = CellPaths("us", tmp_path)
    make_keyring(ours)

    def refused(where: Where) -> None:
        check_canary(GUARDED, where, ours)
        raise CellError("the next look")

    with pytest.raises(CellError, match="the next look"):
        migrate(clean_url, refused)
    assert kept_canary(clean_url) is None
    migrate(clean_url, lambda where: check_canary(GUARDED, where, ours))
    assert kept_canary(clean_url) is not None
