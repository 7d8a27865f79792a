"""A router that is started, or brought to a configuration with fewer regions, cuts off a cell that runs."""

import os
import shutil

import pytest
from rich.console import Console

from cells import modes, up
from cells.calls import Answer
from cells.config import CONFIG_FOLDER
from cells.config_copy import copy_config
from cells.errors import CellError, StepFailed
from cells.paths import CellPaths, known_regions
from cells.processes import ProcessMark, mark_of
from cells.state import KeeperState, write_state
from router.__main__ import main as router_command
from router.config import RouterConfig
from router.process import RouterStatus
from router.regions import load_regions, served
from router.state import Plan, RouterFolder, State

LIVES, GONE = mark_of(os.getpid()), ProcessMark(os.getpid(), "long ago")
RUNS = KeeperState(region="us", phase="running", keeper=LIVES, identity="required")
KEEPER_CRASHED = KeeperState(region="us", phase="running", keeper=GONE, processes={"Ray": LIVES}, identity="required")
STOPPED = KeeperState(region="us", phase="stopped", keeper=GONE, identity="required")


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A router serves all regions, and nothing may be started; the folder of all state."""
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    for name in ("OCEFS_TLS", "OCEFS_IDENTITY", "OCEFS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    RouterFolder(tmp_path).create()
    RouterFolder(tmp_path).save(Plan(RouterConfig(), tuple(load_regions(None, home=tmp_path))))
    RouterFolder(tmp_path).save(State(haproxy=LIVES))
    monkeypatch.setattr("router.process.start", lambda *_: pytest.fail("it was started"))
    CellPaths("us").run.mkdir(parents=True)
    return tmp_path


@pytest.fixture
def started(monkeypatch, home):
    made = []
    monkeypatch.setattr("router.process.start", lambda *_: made.append(1) or RouterStatus(running=True))
    return made


@pytest.mark.parametrize("state", [RUNS, KEEPER_CRASHED])
def test_a_router_that_is_started_with_fewer_regions_cuts_off_a_cell_that_runs(home, capsys, state):
    write_state(CellPaths("us").state_file, state)
    assert router_command(["start", "--home", str(home), "--regions", "eu"]) == 1
    said = capsys.readouterr().err
    assert "us runs, and its callers would find it no more" in said
    assert "name it, too; or end it first" in said


def test_a_cell_that_ended_stands_in_the_way_of_a_router(home, started):
    write_state(CellPaths("us").state_file, STOPPED)
    assert router_command(["start", "--home", str(home), "--regions", "eu"]) == 0
    assert started


def test_what_a_router_served_before_it_was_ended_stands_in_its_way(home, started):
    RouterFolder(home).save(State(haproxy=GONE))
    write_state(CellPaths("us").state_file, RUNS)
    assert router_command(["start", "--home", str(home), "--regions", "eu"]) == 0
    assert started


def test_a_router_that_its_control_part_starts_again_cuts_off_a_cell_that_runs(home, capsys):
    RouterFolder(home).save(State(haproxy=GONE, control=LIVES))
    write_state(CellPaths("us").state_file, RUNS)
    assert router_command(["start", "--home", str(home), "--regions", "eu"]) == 1
    assert "us runs, and its callers would find it no more" in capsys.readouterr().err


def test_settings_that_are_wrong_about_a_cell_are_believed_about_others(monkeypatch, home, capsys):
    RouterFolder(home).save(State(haproxy=GONE))
    monkeypatch.setenv("OCEFS_IDENTITY", "off")
    write_state(CellPaths("us").state_file, RUNS)
    assert router_command(["start", "--home", str(home), "--regions", "eu"]) == 1
    assert "us runs with identity required, and off is wanted" in capsys.readouterr().err


@pytest.mark.parametrize("lives", [True, False])
def test_a_router_s_damaged_plan_keeps_cells_from_starting_though_none_runs(home, lives):
    (home / "router" / "plan.json").write_text("{")
    RouterFolder(home).save(State(haproxy=LIVES if lives else GONE))
    if lives:
        with pytest.raises(CellError, match=r"plan\.json is damaged"):
            served(home)
    else:
        assert served(home) == {}


@pytest.mark.parametrize("copied", [True, False])
def test_up_cuts_off_a_cell_whose_file_was_taken_away(monkeypatch, home, copied):
    if copied:
        copy_config(CellPaths("latam").config)
    regions = shutil.copytree(CONFIG_FOLDER, home / "regions")
    (regions / "latam.toml").unlink()
    monkeypatch.setenv("OCEFS_CONFIG", str(regions))
    monkeypatch.setattr(modes, "call", lambda method, url, trust: Answer(0, ""))
    for name in ("_check_before", "_spawn", "_start_router"):
        monkeypatch.setattr(up, name, lambda *_: pytest.fail("something was started"))
    CellPaths("latam").run.mkdir(parents=True, exist_ok=True)
    write_state(CellPaths("latam").state_file, KeeperState(region="latam", phase="running", keeper=LIVES))
    with pytest.raises(StepFailed, match="latam runs, and its callers would find it no more") as raised:
        up.up(["eu"], Console(quiet=True))
    copy = f" (a copy: {CellPaths('latam').config}/regions/latam.toml)" if copied else ""
    assert raised.value.next_step == (
        f"put {regions}/latam.toml back{copy}; or end it first: python -m cells down latam"
    )
    assert known_regions(["latam"])  # `down` takes the name
