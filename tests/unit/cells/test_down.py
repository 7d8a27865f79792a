"""`down` and `up` at once: the record of a keeper that runs is written over, or it starts on although all was ended."""

import os
import shutil
import sys

import pytest
from rich.console import Console

from cells import down, keeper_lock, running
from cells.errors import CellError
from cells.paths import CellPaths
from cells.processes import Child, ProcessMark, is_alive, stop
from cells.state import KeeperState, read_state, write_state

GONE = ProcessMark(os.getpid(), "long ago")


@pytest.fixture
def paths(monkeypatch, tmp_path) -> CellPaths:
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    monkeypatch.setattr(running, "_RECORD_S", 0.0)
    made = CellPaths("us")
    made.run.mkdir(parents=True)
    return made


def test_a_keeper_starts_while_what_another_left_is_ended(monkeypatch, paths):
    held = []

    def end(state):
        held.append(keeper_lock.take(paths.lock_file))
        return "much"

    monkeypatch.setattr(down, "end_leftovers", end)
    monkeypatch.setattr(keeper_lock, "_TAKE_S", 0.0)
    write_state(paths.state_file, KeeperState(region="us", phase="running", keeper=GONE))
    assert down.down(["us"], Console(quiet=True)) == 0
    assert held == [None]
    again = keeper_lock.take(paths.lock_file)
    assert again is not None  # it is given back
    again.close()


def test_a_keeper_that_was_faster_is_forgotten(monkeypatch, paths, tmp_path):
    write_state(paths.state_file, KeeperState(region="us", phase="running", keeper=GONE, run="old"))
    child = Child([sys.executable, "-c", "import time; time.sleep(600)"], log=tmp_path / "log")
    take = keeper_lock.take

    def taken(file, ends):
        if not is_alive(child.mark):
            return take(file, ends=ends)
        write_state(file.with_name("state.json"), KeeperState(region="us", keeper=child.mark, run="new"))
        return None

    monkeypatch.setattr(keeper_lock, "take", taken)
    monkeypatch.setattr(down, "_patience_s", lambda paths: 10.0)  # so long it would try
    try:
        assert down._end("us", Console(quiet=True))
        assert not is_alive(child.mark)
    finally:
        stop(child.mark)
    ended = read_state(paths.state_file)
    assert (ended.run, ended.phase) == ("new", "stopped")


def test_the_router_goes_although_a_keeper_is_about_to_write_its_record(monkeypatch, paths):
    monkeypatch.setattr(down, "_stop_router", lambda console: pytest.fail("the router was stopped"))
    write_state(paths.state_file, KeeperState(region="us", phase="stopped", keeper=GONE))
    with keeper_lock.take(paths.lock_file):
        assert down.down(None, Console(quiet=True)) == 1


def test_a_lock_that_cannot_be_opened_keeps_what_is_left_running(monkeypatch, paths):
    paths.lock_file.mkdir()
    ended = []
    monkeypatch.setattr(down, "end_leftovers", lambda state: ended.append(state.region) or "much")
    write_state(paths.state_file, KeeperState(region="us", phase="running", keeper=GONE))
    assert down._end("us", Console(quiet=True))
    assert ended == ["us"]


def test_two_who_end_the_same_at_once_do_not_wait_for_each_other(monkeypatch, paths):
    write_state(paths.state_file, KeeperState(region="us", phase="starting", keeper=GONE))
    other, take = keeper_lock.take(paths.lock_file, ends=True), keeper_lock.take
    tries = []

    def taken(file, ends):
        tries.append(ends)
        if len(tries) == 2:
            other.close()
        return take(file, ends=ends)

    monkeypatch.setattr(keeper_lock, "take", taken)
    monkeypatch.setattr(keeper_lock, "_TAKE_S", 0.0)
    assert down.down(["us"], Console(quiet=True)) == 0
    assert tries == [True, True]
    assert read_state(paths.state_file).phase == "stopped"


@pytest.mark.parametrize("known", [True, False])
def test_who_ends_what_another_does_not_let_go_of_waits_for_ever_or_is_not_told_whose_it_is(monkeypatch, paths, known):
    monkeypatch.setattr(down, "_patience_s", lambda paths: 0.0)
    write_state(paths.state_file, KeeperState(region="us", phase="starting", keeper=GONE))
    with keeper_lock.take(paths.lock_file, ends=True) as held:
        if not known:
            held.close()  # just now, when it had been tried
        monkeypatch.setattr(keeper_lock, "take", lambda file, ends: None)
        with pytest.raises(CellError) as raised:
            down._end("us", Console(quiet=True))
    assert raised.value.problem == f"another command is at us (process {os.getpid() if known else 'unknown'})"
    assert raised.value.next_step == "wait for it, then once more: python -m cells down us"


def test_a_key_stays_under_tmp_when_the_keeper_was_killed(paths):
    """Nothing of it runs any more, so nothing is ended: the machine was off in between, say."""
    write_state(paths.state_file, KeeperState(region="us", phase="running", keeper=GONE, run="old"))
    try:
        paths.create()
        (paths.haproxy / "door.pem").touch()
        logs = paths.ray_temp / "session_2026-11-30_1" / "logs"
        logs.mkdir(parents=True)
        assert down.down(["us"], Console(quiet=True)) == 0
        assert not paths.haproxy.exists()
        assert logs.exists()
    finally:
        shutil.rmtree(paths.short.parent, ignore_errors=True)
