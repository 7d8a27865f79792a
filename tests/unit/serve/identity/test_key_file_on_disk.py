"""The key file on its disk: a cell that loses it loses its accounts, so it takes its place whole, and
once it is on disk."""

import os
import stat
from pathlib import Path

import pytest

from serve.identity.key_file import KeyringError
from serve.identity.keyring import create, load, rotate

NOW_MS = 1_790_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "identity" / "keys.json"
    assert create(file, NOW_MS)
    return file


def test_new_keys_take_their_place_before_they_are_on_disk_or_their_name_never_is(path, monkeypatch):
    sync, replace, steps = os.fsync, Path.replace, []

    def synced(number: int) -> None:
        found = os.fstat(number)
        steps.append(("folder", 0) if stat.S_ISDIR(found.st_mode) else ("file", found.st_size))
        sync(number)

    def replaced(fresh: Path, target: Path) -> Path:
        steps.append(("replaced", fresh.stat().st_size))
        return replace(fresh, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    rotate(path, NOW_MS)
    size = path.stat().st_size
    assert steps == [("file", size), ("replaced", size), ("folder", 0)]


def test_who_reads_while_keys_are_replaced_reads_half_of_them(path):
    before = path.read_bytes()
    with open(path, "rb") as reading:
        start = reading.read(10)
        rotate(path, NOW_MS)
        assert start + reading.read() == before
    assert path.read_bytes() != before


def test_rotating_keys_of_a_cell_that_is_not_there_is_a_fault_of_ours(tmp_path):
    with pytest.raises(KeyringError) as caught:
        rotate(tmp_path / "nowhere" / "keys.json", NOW_MS)
    assert caught.value.code == "missing"


@pytest.mark.timeout(60)
def test_a_cell_waits_for_ever_for_a_pipe_in_place_of_its_keys(path):
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(KeyringError) as caught:
        load(path)
    assert caught.value.code == "no_file"
