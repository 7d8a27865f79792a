"""`make up` must not believe a setting that the running cell was not started with."""

import os
import shutil
import socket
import subprocess
from types import SimpleNamespace

import msgspec
import pytest
from rich.console import Console

from cells import modes, up
from cells.calls import Answer
from cells.certs import ca_file
from cells.config import PROJECT, load_region, with_tls
from cells.config_copy import copy_config
from cells.errors import PortTaken, StepFailed
from cells.keeper import Keeper
from cells.modes import check_mode
from cells.paths import CellPaths
from cells.processes import mark_of
from cells.settings import Identity, RegionConfig
from cells.state import KeeperState, Run, as_it_runs, read_state, write_state
from router.__main__ import main as router_command


@pytest.mark.parametrize(
    ("wanted", "answer", "fits"),
    [
        ("required", Answer(401, {}), True),
        ("required", Answer(200, {}), False),
        ("off", Answer(200, {}), True),
        ("off", Answer(401, {}), False),
        ("required", Answer(0, ""), True),  # it does not answer now: nothing is known
        ("off", Answer(503, {}), True),
    ],
)
def test_a_cell_that_runs_open_is_taken_for_a_guarded_one(monkeypatch, wanted, answer, fits):
    monkeypatch.setattr(modes, "call", lambda method, url, trust: answer)
    config = msgspec.structs.replace(RegionConfig(), identity=Identity(mode=wanted))
    if fits:
        check_mode(config, CellPaths(config.name))
        return
    with pytest.raises(StepFailed) as raised:
        check_mode(config, CellPaths(config.name))
    assert "make down REGIONS=us" in raised.value.next_step


@pytest.mark.parametrize(("runs", "wanted"), [("off", "required"), ("required", "off")])
def test_a_cell_in_plain_text_is_taken_for_an_encrypted_one(monkeypatch, tmp_path, runs, wanted):
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    monkeypatch.setattr(modes, "call", lambda method, url, trust: Answer(401, {}))
    paths = CellPaths("us")
    paths.run.mkdir(parents=True)
    write_state(paths.state_file, KeeperState(region="us", phase="running", keeper=mark_of(os.getpid()), tls=runs))
    config = with_tls(RegionConfig(), wanted)
    with pytest.raises(StepFailed, match=f"runs with tls {runs}, and {wanted} is wanted") as raised:
        check_mode(config, CellPaths(config.name))
    assert "make down REGIONS=us" in raised.value.next_step
    check_mode(with_tls(config, runs), CellPaths(config.name))


def test_a_tool_speaks_plain_text_to_an_encrypted_cell_because_its_shell_was_not_told(tmp_path):
    paths = CellPaths("us", tmp_path)
    paths.run.mkdir(parents=True)
    write_state(paths.state_file, KeeperState(region="us", keeper=mark_of(os.getpid()), tls="required"))
    assert as_it_runs(RegionConfig(), paths).address == "https://127.0.0.1:8101"
    gone = msgspec.structs.replace(mark_of(os.getpid()), started="long ago")
    write_state(paths.state_file, KeeperState(region="us", keeper=gone, tls="required"))
    assert as_it_runs(RegionConfig(), paths).address == "http://127.0.0.1:8101"


@pytest.mark.parametrize(("what", "runs"), [("tls", "required"), ("identity", "off")])
def test_a_keeper_that_died_before_it_ended_what_was_left_vouches_for_it(monkeypatch, tmp_path, what, runs):
    monkeypatch.setattr(modes, "call", lambda method, url, trust: pytest.fail("the record says it"))
    paths, left = CellPaths("us", tmp_path), {"Ray": mark_of(os.getpid())}
    paths.run.mkdir(parents=True)
    gone = msgspec.structs.replace(mark_of(os.getpid()), started="long ago")
    before = Run("a", left, **{"tls": "off", "identity": "required", what: runs})
    write_state(paths.state_file, KeeperState(region="us", keeper=gone, run="b", identity="required", earlier=[before]))
    config = msgspec.structs.replace(RegionConfig(), identity=Identity(mode="required"))
    with pytest.raises(StepFailed, match=f"us runs with {what} {runs}"):
        check_mode(config, paths)


def test_a_keeper_does_not_write_down_how_it_was_started(monkeypatch, tmp_path):
    def refuse(config):
        raise StepFailed("no further")

    monkeypatch.setattr("cells.keeper.missing_in_production", refuse)
    paths = CellPaths("us", tmp_path)
    config = msgspec.structs.replace(with_tls(RegionConfig(), "required"), identity=Identity(mode="required"))
    assert Keeper(config, paths).run() == 1
    record = read_state(paths.state_file)
    assert (record.tls, record.identity) == ("required", "required")


@pytest.fixture
def us_runs(monkeypatch, tmp_path):
    """`us` runs in plain text and open; nothing may be started."""

    def refuse(*_, **__):
        raise AssertionError("something was started")

    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    for name in ("OCEFS_TLS", "OCEFS_IDENTITY", "OCEFS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    for name in ("_check_before", "_spawn", "_start_router"):
        monkeypatch.setattr(up, name, refuse)
    monkeypatch.setattr(modes, "call", lambda method, url, trust: Answer(200, {}))
    paths = CellPaths("us")
    paths.run.mkdir(parents=True)
    return lambda state: write_state(paths.state_file, state)


@pytest.mark.parametrize(
    ("setting", "told"), [("TLS", "tls off, and required is wanted"), ("IDENTITY", "identity off, and required")]
)
def test_the_router_is_told_something_else_of_a_cell_that_was_not_named(monkeypatch, us_runs, setting, told):
    us_runs(KeeperState(region="us", phase="running", keeper=mark_of(os.getpid())))
    monkeypatch.setenv(f"OCEFS_{setting}", "required")
    with pytest.raises(StepFailed, match=f"us runs with {told}") as raised:
        up.up(["eu"], Console(quiet=True))
    as_it_runs, _, otherwise = raised.value.next_step.partition("; or")
    assert as_it_runs.startswith(f"make up {setting}=off")
    assert otherwise.endswith(": make down REGIONS=us, then make up again")
    # With them it would be refused, and the old cell be ended for nothing.
    assert ("if it has no orders yet" in otherwise) == (setting == "IDENTITY")


def test_a_cell_whose_keeper_crashed_is_cut_off(monkeypatch, us_runs):
    gone = msgspec.structs.replace(mark_of(os.getpid()), started="long ago")
    us_runs(KeeperState(region="us", phase="running", keeper=gone, processes={"Ray": mark_of(os.getpid())}))
    monkeypatch.setenv("OCEFS_TLS", "1")
    with pytest.raises(StepFailed, match="us runs with tls off"):
        up.up(["eu"], Console(quiet=True))


def test_a_cell_that_ended_stands_in_the_way_of_others(monkeypatch, us_runs):
    gone = msgspec.structs.replace(mark_of(os.getpid()), started="long ago")
    us_runs(KeeperState(region="us", phase="stopped", keeper=gone))
    monkeypatch.setenv("OCEFS_TLS", "1")
    with pytest.raises(AssertionError, match="something was started"):
        up.up(["eu"], Console(quiet=True))


@pytest.fixture
def us_edited(monkeypatch, us_runs, tmp_path):
    """`us` runs; gives what its file says from now on."""
    regions = tmp_path / "regions"
    regions.mkdir()
    (regions / "us.toml").write_text('[region]\ndefault = true\n[identity]\nmode = "off"\n')
    monkeypatch.setenv("OCEFS_CONFIG", str(regions))
    us_runs(KeeperState(region="us", phase="running", keeper=mark_of(os.getpid())))
    copy_config(CellPaths("us").config)
    return lambda text: (regions / "us.toml").write_text(f'[region]\ndefault = true\n[identity]\nmode = "off"\n{text}')


def test_an_edit_is_silently_without_effect_while_the_cell_runs(us_edited):
    console = Console(record=True, width=200)
    assert up._running(load_region("us"), console)
    assert "edited" not in console.export_text()
    us_edited("[runtime]\ninbox_max = 10\n")
    assert up._running(load_region("us"), console)
    assert "config/regions/us.toml was edited since" in console.export_text()


def test_a_cell_is_looked_for_where_its_file_says_since_an_edit(us_edited):
    us_edited("[api]\nport = 8199\n[ray]\ndashboard_port = 8198\n")
    config = as_it_runs(load_region("us"), CellPaths("us"))
    assert (config.address, config.ray.dashboard_port) == ("http://127.0.0.1:8101", 8121)
    with pytest.raises(
        StepFailed, match=r"runs at http://127\.0\.0\.1:8101, and http://127\.0\.0\.1:8199 is wanted"
    ) as raised:
        up.up(["us"], Console(quiet=True))
    assert "make down REGIONS=us" in raised.value.next_step


def test_a_crashed_keepers_cell_is_looked_for_where_its_file_says_since_an_edit(us_edited, us_runs):
    us_edited("[api]\nport = 8199\n")
    gone = msgspec.structs.replace(mark_of(os.getpid()), started="long ago")
    us_runs(KeeperState(region="us", phase="running", keeper=gone, processes={"Ray": mark_of(os.getpid())}))
    assert as_it_runs(load_region("us"), CellPaths("us")).address == "http://127.0.0.1:8101"


def test_a_copy_of_another_version_keeps_every_command_from_the_cell(us_edited):
    (CellPaths("us").config / "regions" / "us.toml").write_text("[gone]\n")
    assert as_it_runs(load_region("us"), CellPaths("us")) == load_region("us")


@pytest.fixture
def filled(monkeypatch, us_runs):
    """`us` runs without any data, and asks nobody who he is; gives the names of the cells that are filled."""
    monkeypatch.setenv("OCEFS_IDENTITY", "off")
    us_runs(KeeperState(region="us", phase="running", keeper=mark_of(os.getpid())))
    names: list[str] = []

    def fill(config, address, trust):
        names.append(config.name)
        CellPaths(config.name).demo_data.write_text("filled")
        return "much"

    monkeypatch.setattr(up, "_start_router", lambda: "http://router")
    monkeypatch.setattr(up, "seed", fill)
    return names


def test_a_cell_that_ran_while_the_router_did_not_is_never_filled(monkeypatch, filled):
    def taken():
        raise PortTaken("port 8080 is taken")

    with monkeypatch.context() as before:
        before.setattr(up, "_start_router", taken)
        with pytest.raises(PortTaken):
            up.up(["us"], Console(quiet=True))
    assert filled == []
    assert up.up(["us"], Console(quiet=True)) == 0
    assert up.up(["us"], Console(quiet=True)) == 0
    assert filled == ["us"]


@pytest.fixture
def started_anew(monkeypatch, filled):
    """The same with a start: `us` comes up each time that it is asked to."""
    monkeypatch.setattr(up, "_running", lambda config, console: False)
    monkeypatch.setattr(up, "_check_before", lambda configs: None)
    monkeypatch.setattr(up, "_spawn", lambda config: None)
    return filled


def test_stock_comes_back_with_each_start(started_anew):
    assert up.up(["us"], Console(quiet=True)) == 0
    assert up.up(["us"], Console(quiet=True)) == 0
    assert started_anew == ["us"]


def test_a_cell_that_is_wanted_empty_is_filled_by_the_next_start(started_anew):
    assert up.up(["us"], Console(quiet=True), demo=False) == 0
    assert up.up(["us"], Console(quiet=True)) == 0
    assert started_anew == []


def test_a_production_cell_is_filled(monkeypatch, started_anew, tmp_path):
    folder = tmp_path / "regions"
    folder.mkdir()
    (folder / "us.toml").write_text(
        '[region]\ndefault = true\nprofile = "production"\n[identity]\nmode = "required"\ndemo_accounts = false\n'
    )
    monkeypatch.setenv("OCEFS_CONFIG", str(folder))
    monkeypatch.delenv("OCEFS_IDENTITY")
    monkeypatch.setattr(modes, "call", lambda method, url, trust: Answer(401, {}))
    assert up.up(["us"], Console(quiet=True)) == 0
    assert started_anew == []


def test_a_router_that_is_started_later_believes_a_shell_that_was_told_less(monkeypatch, us_runs, tmp_path, capsys):
    us_runs(KeeperState(region="us", phase="running", keeper=mark_of(os.getpid()), tls="required"))
    monkeypatch.setattr("router.process.launch", lambda *_: pytest.fail("it was started"))
    for command in ("start", "serve"):
        assert router_command([command, "--home", str(tmp_path), "--regions", "us"]) == 1
        said = capsys.readouterr().err
        assert "us runs with tls required, and off is wanted" in said
        assert "OCEFS_TLS=required" in said


def test_a_port_of_the_router_is_found_taken_only_once_all_cells_run(monkeypatch, tmp_path, free_port):
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    monkeypatch.setenv("OCEFS_ROUTER_CONFIG", str(tmp_path / "router.toml"))
    monkeypatch.setattr(up.checks, "check_memory", lambda *_: None)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (tmp_path / "router.toml").write_text(f"[router]\nport = {port}\nstats_port = {free_port}\n")
        with pytest.raises(PortTaken, match=rf"127\.0\.0\.1:{port}: Address already in use by process {os.getpid()} "):
            up._check_before([load_region("us")])


def test_a_cell_that_does_not_answer_passes_for_what_a_shell_says(monkeypatch, us_runs, tmp_path, capsys):
    us_runs(KeeperState(region="us", phase="recovering", keeper=mark_of(os.getpid()), identity="off"))
    monkeypatch.setattr(modes, "call", lambda method, url, trust: Answer(0, ""))
    monkeypatch.setattr("router.process.launch", lambda *_: pytest.fail("it was started"))
    monkeypatch.setenv("OCEFS_IDENTITY", "required")
    assert router_command(["start", "--home", str(tmp_path), "--regions", "us"]) == 1
    assert "us runs with identity off, and required is wanted" in capsys.readouterr().err


def test_a_cell_of_an_older_release_is_asked_with_the_certificates_of_another_home(monkeypatch, us_runs, tmp_path):
    us_runs(KeeperState(region="us", phase="running", keeper=mark_of(os.getpid()), tls="required"))
    asked = []
    monkeypatch.setattr(modes, "call", lambda method, url, trust: asked.append(trust.ca) or Answer(401, {}))
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path / "another"))
    check_mode(with_tls(load_region("us"), "required"), CellPaths("us", tmp_path))
    assert asked == [str(ca_file(tmp_path))]


@pytest.mark.parametrize("setting", ["TLS", "IDENTITY"])
def test_what_is_typed_after_make_counts_less_than_what_the_shell_was_told(setting):
    make = shutil.which("make")
    assert make is not None
    for typed, shell, wanted in (("off", "required", '="off"'), ("", "required", f'="${{OCEFS_{setting}:-}}"')):
        shown = subprocess.run(
            [make, "-n", "up", f"{setting}={typed}"], cwd=PROJECT, env={**os.environ, f"OCEFS_{setting}": shell},
            capture_output=True, text=True, timeout=300, check=True,
        ).stdout  # fmt: skip
        assert f"OCEFS_{setting}{wanted}" in shown


def test_brackets_in_a_log_end_up_in_a_traceback(tmp_path):
    CellPaths("us").logs.mkdir(parents=True)
    CellPaths("us").keeper_log.write_text("a store said [/no] and [approvals]\n")
    console = Console(record=True, width=200)
    watcher = up.StepWatcher(load_region("us"), SimpleNamespace(exit_code=1), console)
    watcher.look()
    assert watcher.done
    up.print_step(console, "us", "MISSING", 0.1, note="[identity] is off")
    assert "a store said [/no] and [approvals]" in (said := console.export_text())
    assert "[identity] is off" in said
