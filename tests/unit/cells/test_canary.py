"""A start with other keys than those that the cell's data was sealed with is refused before they seal anything."""

from __future__ import annotations

import asyncio
import io
import shutil

import pytest
from rich.console import Console

from actors.clock import SystemClock
from actors.runtime.errors import StoreUnavailable
from actors.storage.key_canary import WrappedDataKey
from cells import canary, rotation
from cells.canary import check_canary, renew_canary
from cells.errors import CellError
from cells.keys import drop_old_wrapping, make_keyring, new_wrapping, rotate_keys
from cells.paths import CellPaths
from cells.settings import Identity, Keys, RegionConfig
from serve.identity.keyring import KeyringWatch, load
from serve.keys.file_key import FileKey
from tests.fakes.vault import FakeVault

GUARDED = RegionConfig(identity=Identity(mode="required"))


class Database:
    """What of PostgreSQL this is about."""

    def __init__(self):
        self.canary = None
        self.data_keys = []
        self.away = False

    def kept(self, url):
        if self.away:
            raise StoreUnavailable("connection refused")
        return self.canary

    def keep(self, url, made, *, instead=False):
        if self.canary is None or instead:
            self.canary = made

    def data_key(self, paths, number, wrapped=b""):
        """One that the key file at `paths` wraps, unless it is told what there is of it."""
        key, place = FileKey(KeyringWatch(paths.keyring), SystemClock()), f"data-key:us-key-{number}"
        told, wrapping = asyncio.run(key.wrap(b"k" * 32, place))
        self.data_keys.append(WrappedDataKey(f"us-key-{number}", wrapping, wrapped or told))


@pytest.fixture
def database(monkeypatch):
    made = Database()
    monkeypatch.setattr(canary, "kept_canary", made.kept)
    monkeypatch.setattr(canary, "keep_canary", made.keep)
    monkeypatch.setattr(canary, "some_data_keys", lambda url, limit: made.data_keys[:limit])
    return made


@pytest.fixture
def paths(tmp_path):
    made = CellPaths("us", tmp_path / "first")
    make_keyring(made)
    return made


@pytest.fixture
def elsewhere(tmp_path):
    """The home was lost: a start in a new one makes a new key file."""
    made = CellPaths("us", tmp_path / "second")
    make_keyring(made)
    return made


def refused(paths, config=GUARDED):
    with pytest.raises(CellError) as raised:
        check_canary(config, "", paths)
    return raised.value


def test_a_cell_does_not_start_a_second_time_or_after_its_signing_key_was_rotated(database, paths):
    check_canary(GUARDED, "", paths)
    first = database.canary
    rotate_keys(paths)
    check_canary(GUARDED, "", paths)
    assert database.canary == first
    assert b"ocefs" not in first.sealed + first.wrapped


def test_a_key_file_that_was_made_anew_seals_what_nobody_planned(database, paths, elsewhere):
    """It calls its keys as the lost one did."""
    check_canary(GUARDED, "", paths)
    before = database.canary
    error = refused(elsewhere)
    assert f"us: {elsewhere.keyring} is not the key file that the data" in error.problem
    assert "bring the cell's key file back, as it was last, from its backup" in error.next_step
    assert database.canary == before
    # Brought back, all is well.
    shutil.copyfile(paths.keyring, elsewhere.keyring)
    check_canary(GUARDED, "", elsewhere)


def test_an_older_copy_of_the_key_file_is_taken(database, paths, tmp_path):
    """While a rotation is under way as well: what the new key has wrapped it can't open."""
    check_canary(GUARDED, "", paths)
    copy = shutil.copyfile(paths.keyring, tmp_path / "copy")
    new_wrapping(paths)
    renew_canary(GUARDED, "", paths)
    check_canary(GUARDED, "", paths)
    newest = shutil.copyfile(paths.keyring, tmp_path / "newest")
    shutil.copyfile(copy, paths.keyring)
    assert "the region's key does not open file:2, and is not the one" in refused(paths).problem
    shutil.copyfile(newest, paths.keyring)
    drop_old_wrapping(paths, 2)
    check_canary(GUARDED, "", paths)


def test_a_copy_from_before_a_new_sealing_key_is_taken(database, paths, tmp_path):
    check_canary(GUARDED, "", paths)
    copy, said = shutil.copyfile(paths.keyring, tmp_path / "copy"), io.StringIO()
    assert rotation.rotate_sealing(GUARDED, paths, Console(file=said, width=200)) == 2
    assert "sealing key 2 seals from now on" in said.getvalue()
    check_canary(GUARDED, "", paths)
    shutil.copyfile(copy, paths.keyring)
    assert "is not the key file" in refused(paths).problem


def test_wrong_keys_are_rotated_and_the_canary_follows_them(database, paths, elsewhere):
    check_canary(GUARDED, "", paths)
    before = database.canary
    with pytest.raises(CellError, match="is not the key file"):
        rotation.rotate_sealing(GUARDED, elsewhere, Console(file=io.StringIO()))
    assert (database.canary, load(elsewhere.keyring).sealing_id) == (before, 1)


def test_other_lookup_keys_find_nobody_and_are_taken(database, paths):
    check_canary(GUARDED, "", paths)
    database.canary = database.canary._replace(digest="0" * 32)
    assert "is not the key file" in refused(paths).problem


def test_a_cell_from_before_makes_a_canary_of_wrong_keys_or_does_not_start(database, paths, elsewhere):
    database.data_key(paths, 1, wrapped=b"damaged" * 9)
    database.data_key(paths, 2)
    assert "opens none of 2 data keys" in refused(elsewhere).problem
    assert database.canary is None
    check_canary(GUARDED, "", paths)
    assert database.canary is not None
    assert "is not the key file" in refused(elsewhere).problem


def test_what_is_lost_for_good_is_never_given_up_or_is_for_ever(database, paths, elsewhere):
    check_canary(GUARDED, "", paths)
    database.data_key(paths, 1)
    lost = elsewhere.keys_given_up
    assert f"touch {lost}" in refused(elsewhere).next_step
    lost.touch()
    check_canary(GUARDED, "", elsewhere)
    lost.unlink()  # as who asked does when it is kept
    check_canary(GUARDED, "", elsewhere)
    assert "is not the key file" in refused(paths).problem


def test_another_key_of_the_service_is_taken(database, paths, monkeypatch, patience):
    monkeypatch.setenv("OCEFS_US_VAULT_TOKEN", "hvs.token")
    vault, other = FakeVault("hvs.token"), FakeVault("hvs.token")
    try:
        config, moved = (
            RegionConfig(
                identity=Identity(mode="required"), keys=Keys(port="vault", key="ocefs-us", address=one.address)
            )
            for one in (vault, other)
        )
        check_canary(config, "", paths)
        check_canary(config, "", paths)
        error = refused(paths, moved)
        assert "the region's key does not open vault:ocefs-us:v1" in error.problem
        assert "or the key that [keys] names" in error.next_step
    finally:
        vault.stop()
        other.stop()


def test_what_the_key_file_wrapped_is_not_opened_after_the_move_to_a_service(database, paths, monkeypatch, patience):
    check_canary(GUARDED, "", paths)
    monkeypatch.setenv("OCEFS_US_VAULT_TOKEN", "hvs.token")
    vault = FakeVault("hvs.token")
    try:
        config = RegionConfig(
            identity=Identity(mode="required"), keys=Keys(port="vault", key="ocefs-us", address=vault.address)
        )
        check_canary(config, "", paths)
        renew_canary(config, "", paths)
        assert database.canary.wrapping == "vault:ocefs-us:v1"
        check_canary(config, "", paths)
    finally:
        vault.stop()


def test_a_database_that_does_not_answer_passes_for_a_new_one(database, paths):
    database.away = True
    error = refused(paths)
    assert "PostgreSQL does not tell whether these are the cell's keys: connection refused" in error.problem
    paths.keyring.unlink()
    assert "is missing" in refused(paths).problem


def test_a_rotation_from_a_shell_that_does_not_say_that_identity_is_on_leaves_the_old_canary(database, paths):
    check_canary(RegionConfig(), "", paths)
    before = database.canary
    new_wrapping(paths)
    renew_canary(RegionConfig(), "", paths)
    assert database.canary.wrapping != before.wrapping
