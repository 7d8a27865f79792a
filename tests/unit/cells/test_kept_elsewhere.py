"""A cell whose stores somebody else runs begins anew with empty ones of its own, because a shell was
not told where they are."""

import pytest

from cells.config import load_region
from cells.errors import CellError, StepFailed
from cells.keeper import Keeper
from cells.paths import CellPaths
from cells.state import KeeperState, read_state, write_state
from cells.stores import check_kept_elsewhere, store_addresses, stores

OUTSIDE = {
    "PostgreSQL": ("OCEFS_US_POSTGRES_URL", "postgresql://ocefs:secret@db.example:5432/us"),
    "Redis": ("OCEFS_US_REDIS_URL", "redis://cache.example:6379/0"),
}


@pytest.fixture
def paths(monkeypatch, tmp_path) -> CellPaths:
    for variable, _ in OUTSIDE.values():
        monkeypatch.delenv(variable, raising=False)
    made = CellPaths("us", tmp_path)
    made.create()
    return made


def check(paths: CellPaths) -> None:
    check_kept_elsewhere(paths, stores(load_region("us"), paths))


@pytest.mark.parametrize("name", OUTSIDE)
def test_orders_seem_gone(paths, monkeypatch, name):
    variable, url = OUTSIDE[name]
    write_state(
        paths.state_file, KeeperState(region="us", phase="stopped", outside={name: variable}, addresses={name: "there"})
    )
    with pytest.raises(StepFailed, match=rf"{name} that {variable} named \(there\)") as raised:
        check(paths)
    assert raised.value.next_step.startswith(f"set {variable} as before")
    monkeypatch.setenv(variable, url)
    check(paths)


def test_a_cell_with_stores_of_its_own_or_none_yet_is_refused(paths):
    check(paths)
    write_state(paths.state_file, KeeperState(region="us", phase="stopped", addresses={"Redis": "unix:///x"}))
    check(paths)


def test_a_start_that_was_refused_forgets_where_they_are(paths, monkeypatch):
    """The next one would be let in."""
    monkeypatch.setattr("cells.keeper.check_ports", lambda _: None)  # whoever else runs here
    where = {"PostgreSQL": "OCEFS_US_POSTGRES_URL"}
    write_state(paths.state_file, KeeperState(region="us", phase="stopped", outside=where))
    assert Keeper(load_region("us"), paths).run() == 1
    kept = read_state(paths.state_file)
    assert kept is not None
    assert (kept.phase, kept.outside) == ("failed", where)
    assert "is not set now" in kept.problems[-1].problem


def test_an_audit_is_looked_for_in_the_embedded_store(paths):
    write_state(
        paths.state_file, KeeperState(region="us", phase="running", outside={"PostgreSQL": "OCEFS_US_POSTGRES_URL"})
    )
    with pytest.raises(StepFailed, match="OCEFS_US_POSTGRES_URL"):
        store_addresses(load_region("us"), paths)


def test_who_begins_anew_is_told_to_leave_marks_of_what_was_there(paths):
    paths.secrets.mkdir(parents=True, exist_ok=True)
    for file in (paths.demo_data, paths.demo_people):
        file.write_text("x")
    write_state(paths.state_file, KeeperState(region="us", phase="stopped", outside={"Redis": "OCEFS_US_REDIS_URL"}))
    with pytest.raises(StepFailed) as raised:
        check(paths)
    assert all(str(file) in raised.value.next_step for file in (paths.state_file, paths.demo_data, paths.demo_people))


def test_a_blank_in_the_home_makes_two_files_of_one(paths, tmp_path):
    blank = CellPaths("us", tmp_path / "a home")
    blank.create()
    write_state(blank.state_file, KeeperState(region="us", phase="stopped", outside={"Redis": "OCEFS_US_REDIS_URL"}))
    with pytest.raises(StepFailed) as raised:
        check(blank)
    assert raised.value.next_step.endswith(f"rm '{blank.state_file}'")


def test_a_damaged_record_forgets_where_they_are(paths):
    write_state(paths.state_file, KeeperState(region="us", phase="stopped", outside={"Redis": "OCEFS_US_REDIS_URL"}))
    paths.state_file.write_bytes(paths.state_file.read_bytes()[:60])
    with pytest.raises(CellError, match="can't be read"):
        check(paths)
