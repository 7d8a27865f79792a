"""A process id that was given to another process is never signalled."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from cells.processes import (
    RUN_TOKEN,
    Child,
    ProcessMark,
    ProcessTree,
    is_alive,
    last_lines,
    mark_of,
    send,
    stop,
    wait_until,
)

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def child(tmp_path):
    started = Child(SLEEP, log=tmp_path / "log")
    yield started
    stop(started.mark, ask=signal.SIGKILL)


def test_a_recycled_process_id_is_signalled(child):
    other = ProcessMark(child.pid, "00000000-1")
    assert not is_alive(other)
    assert not send(other, signal.SIGKILL)
    assert stop(other, grace_s=0.1)
    assert child.exit_code is None


def test_a_mark_changes_while_its_process_lives(child):
    assert mark_of(child.pid) == child.mark
    assert mark_of(os.getpid()) == mark_of(os.getpid())


def test_a_zombie_counts_as_alive(child):
    os.kill(child.pid, signal.SIGKILL)
    assert wait_until(lambda: not is_alive(child.mark), 30)
    assert child.wait(30) is not None


def test_a_process_that_ignores_sigterm_stays(tmp_path):
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    stubborn = Child([sys.executable, "-c", code], log=tmp_path / "log")
    assert wait_until(lambda: "up" in last_lines(tmp_path / "log"), 30)
    started = time.monotonic()
    assert stop(stubborn.mark, grace_s=0.2)
    assert time.monotonic() - started < 30
    assert stubborn.exit_code is not None


def test_a_child_dies_with_our_terminal(child):
    assert os.getsid(child.pid) == child.pid != os.getsid(0)


def test_a_grandchild_that_left_the_process_group_survives_the_end_of_its_tree(tmp_path):
    grandchild = "import os, time; os.setpgid(0, 0); print(os.getpid(), flush=True); time.sleep(600)"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {grandchild!r}]).wait()"
    token = os.urandom(8).hex()
    top = Child([sys.executable, "-c", code], log=tmp_path / "log", environment={**os.environ, RUN_TOKEN: token})
    assert wait_until(lambda: last_lines(tmp_path / "log").strip().isdigit(), 30)
    pid = int(last_lines(tmp_path / "log"))
    tree = ProcessTree(token)
    assert {mark.pid for mark in tree.find()} == {top.pid, pid}
    tree.stop(2)
    assert tree.find() == []
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_process_that_hides_its_environment_survives_the_end_of_its_tree(tmp_path):
    """Ray's agents overwrite their environment when they set a title; here one simply starts without it."""
    hidden = "import time; time.sleep(600)"
    code = (
        "import os, subprocess, sys, time; env = dict(os.environ); "
        f"env.pop({RUN_TOKEN!r}); p = subprocess.Popen([sys.executable, '-c', {hidden!r}], env=env); "
        "print(p.pid, flush=True); time.sleep(600)"
    )
    token = os.urandom(8).hex()
    Child([sys.executable, "-c", code], log=tmp_path / "log", environment={**os.environ, RUN_TOKEN: token})
    assert wait_until(lambda: last_lines(tmp_path / "log").strip().isdigit(), 30)
    mark = mark_of(int(last_lines(tmp_path / "log")))
    assert ProcessTree(token).stop(2) == 2
    assert wait_until(lambda: not is_alive(mark), 30)


def test_a_tree_takes_processes_of_another_run(tmp_path, child):
    token = os.urandom(8).hex()
    other = Child(SLEEP, log=tmp_path / "log", environment={**os.environ, RUN_TOKEN: token + "x"})
    try:
        assert ProcessTree(token).stop(0.1) == 0
        assert ProcessTree("").find() == []
        assert child.exit_code is None
        assert other.exit_code is None
    finally:
        stop(other.mark, ask=signal.SIGKILL)


def test_a_log_is_read_whole_to_show_its_end(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"x" * 1_000_000 + b"\nlast \xff line\n")
    assert last_lines(log, 1) == "last � line"
    assert last_lines(tmp_path / "none") == ""


def test_no_signal_reaches_a_process_of_ours_that_only_has_the_same_id_as_a_record():
    sleeper = subprocess.Popen(SLEEP)
    try:
        record = mark_of(sleeper.pid)
        assert record is not None
        boot, _, ticks = record.started.partition("-")
        assert not send(ProcessMark(sleeper.pid, f"{boot}-{int(ticks) - 1}"), signal.SIGTERM)
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()
