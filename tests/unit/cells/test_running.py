"""A cell that runs passes for one that does not, since its record is gone, damaged or another keeper's."""

import io
import os
import time
from types import SimpleNamespace

import msgspec
import pytest
from rich.console import Console

from cells import down, keeper_lock, modes, running, scale, show, up
from cells.__main__ import main
from cells.config import load_all, load_region
from cells.errors import CellError
from cells.keeper import Keeper
from cells.parser import parser
from cells.paths import CellPaths
from cells.processes import ProcessMark, mark_of
from cells.settings import Tls
from cells.state import KeeperState, write_state
from router.state import RouterFolder, State

DAMAGED = [b"", b'{"region": "us", "phase"', b'{"region": "\xff"}', b'{"region": 3}']
GONE = ProcessMark(os.getpid(), "long ago")


@pytest.fixture
def paths(monkeypatch, tmp_path) -> CellPaths:
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    monkeypatch.delenv("OCEFS_CONFIG", raising=False)
    monkeypatch.setattr(running, "_RECORD_S", 0.0)
    monkeypatch.setattr(scale, "connect", lambda config: pytest.fail("it was waited for"))
    made = CellPaths("us")
    made.run.mkdir(parents=True)
    return made


def _scale() -> int:
    return scale.run(parser().parse_args(["scale", "us", "--hosts", "2"]), Console(quiet=True))


COMMANDS = [
    lambda paths: modes.check_modes([load_region("us")]),
    lambda paths: modes.check_left_out({"us": ("127.0.0.1", 8101)}, (), paths.home),
    lambda paths: up._running(load_region("us"), Console(quiet=True)),
    lambda paths: _scale(),
]


@pytest.mark.parametrize("record", [None, *DAMAGED])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_keeper_whose_record_is_lost_is_taken_for_none(paths, command, record):
    if record is not None:
        paths.state_file.write_bytes(record)
    with keeper_lock.take(paths.lock_file), pytest.raises(CellError, match="a keeper of us runs") as raised:
        command(paths)
    assert raised.value.next_step.startswith(f"end it with: kill {os.getpid()}")


@pytest.mark.parametrize("record", DAMAGED)
@pytest.mark.parametrize("command", [*COMMANDS, lambda paths: Keeper(load_region("us"), paths).run()])
def test_a_cell_begins_anew_or_passes_since_its_record_is_damaged(monkeypatch, paths, command, record):
    monkeypatch.setattr(running, "can_listen", lambda host, port: False)
    paths.state_file.write_bytes(record)
    with pytest.raises(CellError, match=r"state\.json can't be read") as raised:
        command(paths)
    assert "OCEFS_US_POSTGRES_URL" in raised.value.next_step
    assert paths.state_file.read_bytes() == record


def test_one_cell_s_damaged_record_stands_in_the_way_of_others_though_nobody_listens_there(monkeypatch, paths):
    paths.state_file.write_bytes(b"")
    asked = []
    monkeypatch.setattr(running, "can_listen", lambda *at: bool(asked.append(at)) or True)
    us = load_region("us")
    modes.check_modes([us])
    modes.check_left_out({"us": ("10.0.0.7", 4711)}, (), paths.home)
    assert asked == [(us.api.host, us.api.port), ("10.0.0.7", 4711)]


def test_a_cell_behind_one_with_a_damaged_record_is_not_looked_at(monkeypatch, paths):
    paths.state_file.write_bytes(b"")
    monkeypatch.setattr(running, "can_listen", lambda *_: True)
    CellPaths("eu").run.mkdir(parents=True)
    runs = KeeperState(region="eu", phase="running", keeper=mark_of(os.getpid()), tls="required")
    write_state(CellPaths("eu").state_file, runs)
    us, eu = load_region("us"), load_region("eu")
    with pytest.raises(CellError, match="eu runs with tls required"):
        modes.check_modes([us, msgspec.structs.replace(eu, tls=Tls(mode="off"))])
    served = {region.name: (region.api.host, region.api.port) for region in (us, eu)}
    with pytest.raises(CellError, match="eu runs, and its callers would find it no more"):
        modes.check_left_out(served, ["latam"], paths.home)
    modes.check_left_out(served, ["eu"], paths.home)


@pytest.mark.parametrize("held", [True, False])
def test_status_says_never_started_or_hides_the_others(paths, held):
    paths.state_file.write_bytes(b"")
    out = io.StringIO()
    lock = keeper_lock.take(paths.lock_file)
    if not held:
        lock.close()
    assert show.status(load_all(["us"]), Console(quiet=True)) == 1
    assert show.status(load_all(["us", "eu"]), Console(file=out, width=300)) == 1
    lock.close()
    row = next(line for line in out.getvalue().splitlines() if "us" in line)
    assert "no record" in row
    assert ("a keeper of us runs" if held else "us/run/state.json can't be read") in out.getvalue()
    assert out.getvalue().count("never started") == 1  # eu


@pytest.mark.parametrize(
    ("router", "told"),
    [
        (None, False),
        (State(haproxy=GONE, control=GONE), False),
        (State(haproxy=mark_of(os.getpid())), True),
        (State(haproxy=GONE, control=mark_of(os.getpid())), True),
        (b"\xff", True),
    ],
)
def test_down_forgets_what_a_crashed_keeper_left_with_its_damaged_record_or_tells_of_a_router_that_does_not_run(
    monkeypatch, paths, capsys, router, told
):
    folder = RouterFolder(paths.home)
    if router is not None:
        folder.create()
        folder.save(router) if isinstance(router, State) else (folder.folder / "state.json").write_bytes(router)
    monkeypatch.setattr(down, "_stop_router", lambda console: pytest.fail("the router was stopped"))
    paths.state_file.write_bytes(b"")
    assert main(["down"]) == 1
    said = capsys.readouterr().out
    assert "state.json can't be read" in said
    assert ("router: left as it is, for us may run on" in said) is told
    assert paths.state_file.read_bytes() == b""


def test_a_keeper_that_has_just_begun_is_taken_for_none(monkeypatch, paths):
    begun = KeeperState(region="us", keeper=mark_of(os.getpid()))
    monkeypatch.setattr(running, "_RECORD_S", 60.0)
    wait = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: write_state(paths.state_file, begun))
    monkeypatch.setattr(running, "time", wait)
    write_state(paths.state_file, KeeperState(region="us", phase="stopped", keeper=GONE))
    assert running.if_running(paths) is None
    with keeper_lock.take(paths.lock_file):
        assert running.if_running(paths) == begun


def test_what_is_being_ended_is_taken_for_a_lost_record(paths):
    left = KeeperState(region="us", phase="running", keeper=GONE, processes={"Ray": mark_of(os.getpid())})
    write_state(paths.state_file, left)
    with keeper_lock.take(paths.lock_file):  # by `down`
        assert running.if_running(paths) == left


def test_who_ends_what_no_record_tells_of_is_taken_for_a_keeper_and_to_be_killed(paths):
    """It is processes of a keeper that was killed in the middle of its start; it takes a while, and the
    record has nothing of them."""
    write_state(paths.state_file, KeeperState(region="us", phase="starting", keeper=GONE))
    out = io.StringIO()
    with keeper_lock.take(paths.lock_file, ends=True):
        assert running.if_running(paths) is None  # so others may start
        for command in (*COMMANDS[2:], running.record_of):
            with pytest.raises(running.BeingEnded, match=rf"us is being ended \(process {os.getpid()}\)") as raised:
                command(paths)
            assert raised.value.next_step == "wait for it, then once more"
        assert show.status(load_all(["us"]), Console(file=out, width=300)) == 1
    assert "being ended" in out.getvalue()
    assert "kill" not in out.getvalue()


@pytest.mark.parametrize("mark", [b"", b"1 long-ago down"])
def test_a_down_that_could_not_write_its_mark_is_told_as_a_keeper_and_killed(paths, mark):
    write_state(paths.state_file, KeeperState(region="us", phase="starting", keeper=GONE))
    with keeper_lock.take(paths.lock_file, ends=True):
        paths.lock_file.write_bytes(mark)  # the disk is full
        with pytest.raises(CellError, match=r"a keeper or a `down` of us runs \(process unknown\)") as raised:
            running.record_of(paths)
    assert raised.value.next_step.startswith("wait for a `down`; ")
    assert "python -m cells keep us" in raised.value.next_step
