"""A cell whose record is gone or damaged runs on, and nobody is told."""

import errno
import fcntl
import io
import os
import time
from types import SimpleNamespace

import pytest
from rich.console import Console

from cells import down, keeper_lock, running, scale, show
from cells.config import load_all, load_region
from cells.errors import AlreadyRunning, CellError, CertificateRefused
from cells.keeper import Keeper
from cells.parser import parser
from cells.paths import CellPaths
from cells.processes import ProcessMark, mark_of
from cells.settings import RegionConfig
from cells.state import KeeperState, write_state


@pytest.fixture
def paths(monkeypatch, tmp_path) -> CellPaths:
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    made = CellPaths("us")
    made.run.mkdir(parents=True)
    monkeypatch.setattr(running, "_RECORD_S", 0.0)
    return made


def test_two_keepers_have_the_lock_or_it_outlives_its_holder(paths):
    assert keeper_lock.holder(paths.lock_file) is None
    held = keeper_lock.take(paths.lock_file)
    assert held is not None
    assert keeper_lock.take(paths.lock_file) is None
    assert keeper_lock.holder(paths.lock_file) == (os.getpid(), False)
    held.close()
    assert keeper_lock.holder(paths.lock_file) is None


def test_the_number_of_the_holder_before_stays_in_the_lock(paths):
    paths.lock_file.write_text("4" * 60)
    with keeper_lock.take(paths.lock_file):
        assert keeper_lock.holder(paths.lock_file) == (os.getpid(), False)


@pytest.mark.parametrize("written", [b"", b"1", b"1 long-ago", b"\xff\xfe", b"%d" % os.getpid(), b"1 long-ago down"])
def test_a_number_that_nobody_checked_is_told_or_its_holder_overlooked(paths, written):
    with keeper_lock.take(paths.lock_file):
        paths.lock_file.write_bytes(written)
        assert keeper_lock.holder(paths.lock_file) == (0, False)


def test_whoever_looks_at_the_same_time_is_taken_for_a_holder(paths):
    paths.lock_file.touch()
    with paths.lock_file.open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert keeper_lock.holder(paths.lock_file) is None


def test_whoever_looks_keeps_a_keeper_from_starting(monkeypatch, paths):
    paths.lock_file.touch()
    with paths.lock_file.open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        looked = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: other.close())
        monkeypatch.setattr(keeper_lock, "time", looked)
        monkeypatch.setattr(keeper_lock, "_TAKE_S", 60.0)
        with keeper_lock.take(paths.lock_file) as held:
            assert held is not None


def test_a_full_disk_keeps_the_lock_from_being_taken(monkeypatch, paths):
    def no_room(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "write", no_room)
        held = keeper_lock.take(paths.lock_file)
    with held:
        assert keeper_lock.holder(paths.lock_file) == (0, False)


def test_who_starts_twice_is_told_the_number_of_another_process(monkeypatch, paths):
    write_state(paths.state_file, KeeperState(region="us", keeper=ProcessMark(1, "long ago")))
    with keeper_lock.take(paths.lock_file), pytest.raises(AlreadyRunning, match=rf"process {os.getpid()}\)"):
        Keeper(RegionConfig(), paths).run()


def test_who_starts_as_another_ends_is_told_by_a_traceback(monkeypatch, paths):
    """It held the lock, and has given it back before it was looked who does."""
    monkeypatch.setattr(keeper_lock, "take", lambda file: None)
    with pytest.raises(AlreadyRunning, match=r"process unknown\)"):
        Keeper(RegionConfig(), paths).run()


@pytest.mark.parametrize("record", [None, b"{"])
@pytest.mark.parametrize("names", [["us"], None, ["eu"]])
def test_down_says_that_nothing_runs_and_takes_the_router(monkeypatch, paths, record, names):
    monkeypatch.setattr(down, "_stop_router", lambda console: pytest.fail("the router was stopped"))
    if record is not None:
        paths.state_file.write_bytes(record)
    out = io.StringIO()
    with keeper_lock.take(paths.lock_file):
        code = down.down(names, Console(file=out, width=300))
    assert code == (0 if names == ["eu"] else 1)
    assert (f"kill {os.getpid()}" in out.getvalue()) == (names != ["eu"])


def test_who_scales_a_cell_that_does_not_run_waits_for_minutes(monkeypatch, paths):
    monkeypatch.setattr(scale, "connect", lambda config: pytest.fail("it was waited for"))
    options = parser().parse_args(["scale", "us", "--hosts", "2"])
    with pytest.raises(CellError, match="us does not run") as raised:
        scale.run(options, Console(quiet=True))
    assert raised.value.next_step == "start it: python -m cells up us"
    gone = mark_of(os.getpid())
    write_state(paths.state_file, KeeperState(region="us", phase="running", processes={"Ray": gone}))
    with pytest.raises(pytest.fail.Exception):
        scale.run(options, Console(quiet=True))  # its keeper crashed, and Ray goes on
    for keeper, told in ((None, "start it"), (gone, "it starts, or comes back")):
        write_state(
            paths.state_file,
            KeeperState(region="us", phase="recovering", keeper=keeper, processes={"PostgreSQL": gone}),
        )
        with pytest.raises(CellError, match="Ray of us does not run") as raised:
            scale.run(options, Console(quiet=True))
        assert told in raised.value.next_step


def test_a_crashed_keepers_cell_is_scaled_in_plain_text(monkeypatch, paths):
    seen = []
    monkeypatch.setattr(scale, "connect", lambda config: seen.append(config.tls.mode))
    monkeypatch.setattr(scale, "_scale", lambda *_: None)
    left = {"Ray": mark_of(os.getpid())}
    write_state(paths.state_file, KeeperState(region="us", phase="running", processes=left, tls="required"))
    assert scale.run(parser().parse_args(["scale", "us", "--hosts", "2"]), Console(quiet=True)) == 0
    assert seen == ["required"]


def test_ray_is_asked_for_a_number_of_hosts_that_a_cell_can_not_have_or_not_for_one_that_it_can(monkeypatch, paths):
    asked = []
    monkeypatch.setattr(scale, "connect", lambda config: None)
    monkeypatch.setattr(scale, "_scale", lambda region, hosts, console: asked.append(hosts))
    write_state(paths.state_file, KeeperState(region="us", phase="running", processes={"Ray": mark_of(os.getpid())}))
    shards = load_region("us").runtime.shards
    for hosts in (0, 1, shards, shards + 1):
        options = parser().parse_args(["scale", "us", f"--hosts={hosts}"])
        if 0 < hosts <= shards:
            assert scale.run(options, Console(quiet=True)) == 0
        else:
            with pytest.raises(CellError, match=f"us can't have {hosts} hosts"):
                scale.run(options, Console(quiet=True))
    assert asked == [1, shards]


def test_one_cell_s_lost_certificates_hide_all_others(monkeypatch, paths):
    def asked(config):
        raise CertificateRefused("the certificates to trust can't be used", "give a PEM file")

    monkeypatch.setattr(show, "_asked", asked)
    write_state(paths.state_file, KeeperState(region="us", phase="running", keeper=mark_of(os.getpid())))
    (CellPaths("eu").run).mkdir(parents=True)
    write_state(CellPaths("eu").state_file, KeeperState(region="eu", phase="running"))
    router = CellPaths("router").folder
    router.mkdir()
    (router / "state.json").write_text("{")
    out = io.StringIO()
    assert show.status(load_all(), Console(file=out, width=300)) == 1
    said = out.getvalue()
    assert "us: the certificates to trust can't be used" in said
    assert "never started" in said  # latam
    assert "eu: its keeper is gone" in said
    assert "router: unknown" in said


def test_brackets_in_what_a_router_says_end_status_in_a_traceback(monkeypatch, paths):
    def damaged(home):
        raise CellError("its file [/home] is damaged")

    monkeypatch.setattr("router.process.status", damaged)
    assert show._router() == (r"router: [red]unknown[/]: its file \[/home] is damaged", True)


@pytest.mark.parametrize(
    ("control", "died", "told"),
    [
        (7, False, "control 7): us up"),
        (None, False, "control [red]away: make up starts it again[/]): us up"),
        (7, True, "died; its control part starts it again[/]"),
        (None, True, "died; make up starts it again[/]"),
    ],
)
def test_a_router_without_its_control_part_is_said_to_mend_itself_or_is_left_without_a_next_step(
    monkeypatch, control, died, told
):
    how = SimpleNamespace(
        died=died, running=not died, address="http://127.0.0.1:8080", pid=5, control_pid=control, cells={"us": "up"}
    )
    monkeypatch.setattr("router.process.status", lambda home: how)
    said, is_dead = show._router()
    assert said.endswith(told)
    assert is_dead == (died or control is None)


@pytest.mark.parametrize(
    ("body", "told"), [({"replicas": 2}, "2 of 2"), ({"replicas": 1}, "[yellow]1 of 2[/]"), ({}, "")]
)
def test_a_replica_that_died_is_seen_by_nobody(body, told):
    assert show._replicas(load_region("us"), body) == told
