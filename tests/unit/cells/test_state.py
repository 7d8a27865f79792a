"""The keeper's state file: never half of one, never without its reason, never with a password."""

import errno
import os
import stat
from pathlib import Path

import msgspec
import pytest

from cells.errors import CellError, StoreFailed, SystemRefused
from cells.processes import ProcessMark, mark_of
from cells.state import PROBLEMS_MAX, Journal, KeeperState, Run, read_state, write_state
from cells.stores import without_password


@pytest.mark.parametrize("written", [b"", b'{"region": "us", "phase"', b'{"region": "\xff"}'])
def test_a_broken_record_passes_for_none_or_a_missing_one_stops_the_first_start(tmp_path, written):
    file = tmp_path / "us" / "run" / "state.json"
    assert read_state(file) is None
    file.parent.mkdir(parents=True)
    file.write_bytes(written)
    with pytest.raises(CellError, match="can't be read") as raised:
        read_state(file)
    assert raised.value.next_step.endswith(f"rm {file}")
    file.unlink()
    file.mkdir()
    with pytest.raises(SystemRefused, match="Is a directory"):
        read_state(file)


def test_a_power_loss_leaves_an_empty_record(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(os, "fsync", lambda number: done.append(os.fstat(number).st_size > 0))
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda *names: done.append("replaced") or replace(*names))
    write_state(tmp_path / "state.json", KeeperState(region="us"))
    assert done == [True, "replaced"]


def test_others_may_read_the_state_or_a_half_file_stays(tmp_path):
    file = tmp_path / "state.json"
    write_state(file, KeeperState(region="us", keeper=mark_of(os.getpid())))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
    found = read_state(file)
    assert found is not None
    assert found.keeper_lives


def test_a_state_file_of_before_is_not_understood(tmp_path):
    mark = mark_of(os.getpid())
    assert mark is not None
    old = {"region": "us", "phase": "running", "run": "ab12", "processes": {"Redis": msgspec.to_builtins(mark)}}
    (tmp_path / "state.json").write_bytes(msgspec.json.encode(old))
    found = read_state(tmp_path / "state.json")
    assert found is not None
    assert found.runs() == [Run("ab12", {"Redis": mark}, "off")]
    assert found.leftovers() == [mark]


def test_a_keeper_that_never_started_anything_vouches_for_what_an_earlier_one_left():
    lives, gone = mark_of(os.getpid()), ProcessMark(os.getpid(), "long ago")
    assert lives is not None
    first = KeeperState(region="us", keeper=gone, run="a", processes={"Ray": lives}, tls="required", identity="off")
    second = KeeperState(region="us", keeper=gone, run="b", identity="required", earlier=first.runs())
    assert [(run.run, run.tls, run.identity) for run in second.going_on()] == [("a", "required", "off")]
    second.keeper = lives  # it ends the others
    assert [run.run for run in second.going_on()] == ["b"]
    assert not KeeperState(region="us", keeper=gone, processes={"Ray": gone}).anything_runs


def test_a_full_disk_ends_the_keeper_or_makes_it_forget(tmp_path, caplog):
    file = tmp_path / "state.json"
    journal = Journal(file, KeeperState(region="us"))
    file.mkdir()
    with journal.change() as state:
        state.phase = "recovering"
    with pytest.raises(OSError, match="No space"), journal.step("Redis again"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "state.json could not be written" in caplog.text
    assert list(tmp_path.iterdir()) == [file]
    file.rmdir()
    with journal.change() as state:
        state.restarts["Redis"] = 1
    found = read_state(file)
    assert found is not None
    assert (found.phase, found.restarts) == ("recovering", {"Redis": 1})
    assert [(step.name, step.state) for step in found.steps] == [("Redis again", "failed")]
    assert [problem.next_step for problem in found.problems] == ["free disk space, then do it again"]


def test_a_cell_of_which_there_is_no_record_starts(tmp_path):
    (tmp_path / "state.json").mkdir()
    with pytest.raises(IsADirectoryError):
        Journal(tmp_path / "state.json", KeeperState(region="us")).begin()


def test_a_keeper_whose_process_id_was_recycled_counts_as_running():
    assert not KeeperState(region="us", keeper=ProcessMark(os.getpid(), "00000000-1")).keeper_lives


def test_a_failed_step_loses_its_reason(tmp_path):
    journal = Journal(tmp_path / "state.json", KeeperState(region="us"))
    with pytest.raises(StoreFailed), journal.step("Redis"):
        raise StoreFailed("it is broken", "mend it")
    found = read_state(tmp_path / "state.json")
    assert found is not None
    assert [(step.name, step.state) for step in found.steps] == [("Redis", "failed")]
    assert [(problem.problem, problem.next_step) for problem in found.problems] == [("it is broken", "mend it")]


def test_problems_pile_up_without_end(tmp_path):
    journal = Journal(tmp_path / "state.json", KeeperState(region="us"))
    for number in range(PROBLEMS_MAX + 30):
        journal.problem(StoreFailed(f"number {number // 2}"))
    assert len(journal.state.problems) <= PROBLEMS_MAX
    assert journal.state.problems[-1].problem == f"number {(PROBLEMS_MAX + 29) // 2}"


def test_a_password_is_shown():
    assert without_password("postgresql://me:secret@db:5432/o?x=1") == "postgresql://me:***@db:5432/o?x=1"
    assert without_password("redis://:secret@db/0") == "redis://:***@db/0"
    assert without_password("unix:///tmp/x.sock") == "unix:///tmp/x.sock"
    assert without_password("unix:///x.sock?db=1&password=secret") == "unix:///x.sock?db=1&password=***"
    assert without_password("postgresql:///o?password=secret&host=/run") == "postgresql:///o?password=***&host=/run"
    for unreadable in (
        "postgresql://me:se/cret@db/o",
        "postgresql://me:1/cret@db/o",
        "redis://:se#cret@db",
        "postgresql://u:se@cret@db/o",
        "postgresql://u:p@cret/word@db/o",
        "redis://u:p@cret/word@db:1",
    ):
        assert "cret" not in without_password(unreadable)


def test_what_an_older_release_left_is_taken_to_run_in_plain_text(tmp_path):
    """It wrote down the encryption of the last start alone."""
    earlier = Run("old", {"Ray": mark_of(os.getpid())})
    state = KeeperState(region="us", tls="required", identity="off", earlier=[earlier])
    assert [(run.tls, run.identity) for run in state.going_on()] == [("required", "")]
