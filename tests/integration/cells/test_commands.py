"""What `up`, `down` and `status` say to a person, and that nothing is started when something stands in the way."""

import errno
import json
import os
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from cells.__main__ import main
from cells.calls import Answer
from cells.config import load_all
from cells.demo import leave_empty
from cells.demo_people import code_of, demo_person, keep_people
from cells.errors import CellError, MemoryTooLow, PortTaken
from cells.paths import CellPaths, short_folder
from cells.processes import Child, ProcessMark, is_alive, stop
from cells.settings import Identity, Region, RegionConfig
from cells.show import status, where_to_look
from cells.state import KeeperState, write_state
from cells.up import up
from perf.ports import free_ports
from router.state import RouterFolder, State


@pytest.fixture
def home(monkeypatch):
    folder = Path(tempfile.mkdtemp(prefix="ocefs-c-", dir="/tmp"))
    monkeypatch.setenv("OCEFS_HOME", str(folder))
    monkeypatch.setenv("OCEFS_CONFIG", str(folder / "regions"))
    (folder / "regions").mkdir()
    # Nor may a router of somebody else's stand in the way.
    monkeypatch.setenv("OCEFS_ROUTER_CONFIG", str(folder / "router.toml"))
    port, stats_port = free_ports(2)
    (folder / "router.toml").write_text(f"[router]\nport = {port}\nstats_port = {stats_port}\n")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(short_folder(folder), ignore_errors=True)


def _region(home: Path, port: int, ray: str = "") -> None:
    text = f"[region]\ndefault = true\n[api]\nport = {port}\n[ray]\nport_base = 30000\n{ray}\n"
    (home / "regions" / "us.toml").write_text(text)


def _text(console: Console) -> str:
    return console.export_text()


def _console() -> Console:
    return Console(record=True, width=160, quiet=False)


@contextmanager
def _kept(home: Path, region: str) -> Iterator[ProcessMark]:
    """The keeper of a region that runs."""
    paths = CellPaths(region)
    paths.create()
    kept = _sleeping(home)
    try:
        write_state(paths.state_file, KeeperState(region=region, phase="running", keeper=kept))
        yield kept
    finally:
        stop(kept)


def _sleeping(home: Path) -> ProcessMark:
    return Child([sys.executable, "-c", "import time; time.sleep(600)"], log=home / "log").mark


def test_up_starts_something_although_a_port_is_taken(home, free_port):
    _region(home, free_port)
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port))
        other.listen()
        with pytest.raises(PortTaken, match=f"port {free_port} .* is taken by process"):
            up(["us"], _console())
    assert not (home / "us").exists()


def test_up_starts_something_although_memory_is_short(home, free_port):
    _region(home, free_port, "memory_min_mb = 1000000000")
    with pytest.raises(MemoryTooLow, match=r"lower ray\.memory_min_mb"):
        up(["us"], _console())
    assert not (home / "us").exists()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["up", "uss"], "did you mean 'us'"),
        (["down", "uss"], "known regions: us"),
        (["status", "uss"], "did you mean 'us'"),
        (["keep", "uss"], "did you mean 'us'"),
    ],
)
def test_a_misspelt_region_ends_in_a_traceback(home, free_port, capsys, command, told):
    _region(home, free_port)
    assert main(command) == 1
    output = capsys.readouterr().out
    assert told in output
    assert "Traceback" not in output


def test_down_without_anything_running_fails(home, free_port, capsys):
    _region(home, free_port)
    assert main(["down"]) == 0
    assert "nothing runs" in capsys.readouterr().out


def test_down_overlooks_a_region_whose_file_is_gone(home, free_port, capsys):
    _region(home, free_port)
    with _kept(home, "mars") as kept:
        assert main(["down"]) == 0
        assert not is_alive(kept)
        assert main(["down", "mars"]) == 0  # it is known by what it left
        assert main(["down", "venus"]) != 0
    assert "there is no region 'venus'" in "".join(capsys.readouterr())


def _no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_keeps_the_router_and_the_cells_running(home, free_port, capsys, monkeypatch):
    _region(home, free_port)
    router = RouterFolder(home)
    router.create()
    haproxy = _sleeping(home)
    try:
        router.save(State(haproxy=haproxy))
        with _kept(home, "us") as kept:
            monkeypatch.setattr(RouterFolder, "write", _no_room)
            monkeypatch.setattr("cells.down.write_state", _no_room)
            assert main(["down"]) == 1
            assert not is_alive(kept)
        assert not is_alive(haproxy)
    finally:
        stop(haproxy)
    output = capsys.readouterr().out
    assert "router: the router is stopped, but that could not be recorded: No space left on device" in output
    assert "us: it is stopped, but that could not be recorded: No space left on device" in output
    assert "Next: free disk space" in output
    assert "Traceback" not in output


def test_a_router_that_cannot_be_stopped_keeps_the_cells_running(home, free_port, capsys, monkeypatch):
    _region(home, free_port)
    (home / "router" / "lock").mkdir(parents=True)
    with _kept(home, "us") as kept:
        assert main(["down"]) == 1
        assert not is_alive(kept)
    assert "router: the operating system refused something: Is a directory" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("number", "next_step"), [(errno.ENOSPC, "free disk space"), (errno.EROFS, "permissions"), (errno.EIO, "the logs")]
)
def test_what_the_system_refuses_ends_in_a_traceback(home, free_port, capsys, monkeypatch, number, next_step):
    _region(home, free_port)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "/some/file")

    monkeypatch.setattr("cells.show.status", refuse)
    assert main(["status"]) == 1
    output = capsys.readouterr().out
    assert f"{os.strerror(number)} (/some/file)" in output
    assert next_step in output


def test_status_hides_a_crashed_keeper(home, free_port):
    _region(home, free_port)
    paths = CellPaths("us")
    paths.create()
    gone = KeeperState(region="us", phase="running", keeper=ProcessMark(os.getpid(), "00000000-1"))
    write_state(paths.state_file, gone)
    console = _console()
    assert status(load_all(), console) == 1
    assert "keeper crashed" in _text(console)


def test_status_says_that_all_is_well_while_the_router_is_dead(home, free_port, monkeypatch):
    _region(home, free_port)
    monkeypatch.setattr("cells.show.call", lambda *_, **__: Answer(200, {}))
    with _kept(home, "us"):
        assert status(load_all(), _console()) == 0  # it was never started, or was stopped
        router = RouterFolder(home)
        router.create()
        router.save(State(haproxy=ProcessMark(os.getpid(), "00000000-1")))
        console = _console()
        assert status(load_all(), console) == 1
        assert "router: died" in _text(console)


def filled(region: str) -> None:
    """As `make up` leaves it."""
    file = CellPaths(region).demo_data
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("filled\n")


@pytest.mark.parametrize("region", ["us", "eu", "latam"])
@pytest.mark.parametrize("mode", ["off", "required"])
def test_a_printed_call_goes_to_the_default_region(home, region, mode):
    console = _console()
    config = RegionConfig(region=Region(name=region), identity=Identity(mode=mode))
    filled(region)
    where_to_look([config], "http://127.0.0.1:8080", console)
    calls = re.findall(r"curl .*", _text(console))
    assert sum("/v1/orders " in call for call in calls) == 1
    for call in calls:
        assert f"-H 'X-OCEFS-Region: {region}'" in call or "/v1/orders/<order_id from the answer>/" in call


@pytest.mark.parametrize("people", [False, True])
def test_somebody_is_sent_to_an_account_or_goods_that_are_not_there(home, people):
    console, paths, config = _console(), CellPaths("us"), RegionConfig(identity=Identity(mode="required"))
    if people:
        filled("us")
        keep_people(paths, [msgspec.structs.replace(demo_person("us", "manager"), secret="JBSWY3DPEHPK3PXP")])
    else:
        leave_empty(config)
    where_to_look([config], "http://127.0.0.1:8080", console)
    text = _text(console)
    assert ("python -m cells code us manager" in text) is people
    assert ("/v1/orders " in text) is people
    assert ("us is empty" in text) is not people
    if not people:
        with pytest.raises(CellError, match="no demo account for 'manager'") as raised:
            code_of(paths, "manager")
        assert "started empty" in raised.value.next_step


def test_the_printed_order_call_is_no_valid_json(home):
    filled("us")
    console = _console()
    where_to_look([RegionConfig(identity=Identity(mode="off"))], "http://127.0.0.1:8080", console)
    text = _text(console)
    for expected in ("http://127.0.0.1:8101/docs", "http://127.0.0.1:8121", "loopback", "Idempotency-Key"):
        assert expected in text
    body = re.search(r"-d '(.*)'", text)
    assert body is not None
    assert json.loads(body.group(1))["ship_to"]["country"] == "US"
