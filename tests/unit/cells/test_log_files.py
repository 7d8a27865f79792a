"""Whatever writes a log, nobody else on the machine reads it."""

import logging
import os
import re
import stat
import sys
from pathlib import Path

import pytest
import structlog

from cells import connection
from cells.__main__ import main
from cells.log_files import make_log_folder, own_file
from cells.paths import CellPaths
from cells.processes import Child
from router.state import RouterFolder
from tests.fakes.process_logs import logs_of


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def wide():
    """The usual umask, by which others read what is made."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_log_of_an_actor_or_the_folder_around_it_is_read_by_others(tmp_path):
    folder = tmp_path / "us" / "logs"
    with logs_of(str(folder), "host"):
        (folder / "host.log").chmod(0o644)
    for actor in ("host", "figures"):
        with logs_of(str(folder), actor):
            structlog.get_logger("ocefs.test").info("something was done")
    assert mode(folder) == 0o700
    assert {file.name: mode(file) for file in folder.iterdir()} == {"host.log": 0o600, "figures.log": 0o600}
    assert "something was done" in (folder / "figures.log").read_text()


def test_what_a_process_of_the_cell_or_a_store_says_is_read_by_others(tmp_path):
    log = tmp_path / "redis.log"
    child = Child([sys.executable, "-c", "print('said')"], log=log, folder=tmp_path)
    assert child.wait(30.0) == 0
    assert (log.read_text(), mode(log)) == ("said\n", 0o600)


def test_a_cells_or_the_routers_logs_lie_in_a_folder_that_others_list(tmp_path):
    cell, router = CellPaths("us", tmp_path / "home"), RouterFolder(tmp_path / "home")
    cell.logs.mkdir(parents=True)  # by an older version
    router.folder.mkdir(parents=True)
    cell.create()
    router.create()
    assert {cell.logs: mode(cell.logs), router.folder: mode(router.folder)} == {cell.logs: 0o700, router.folder: 0o700}
    assert router.log.parent == router.control_log.parent == router.folder


def test_what_is_no_file_is_closed_to_everybody_else(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o644)
    os.close(own_file(str(pipe), os.O_RDWR))
    assert mode(pipe) == 0o644


def test_what_was_given_up_goes_with_the_next_deploy_s_log(tmp_path, monkeypatch):
    logger = logging.getLogger("ocefs.keeper")

    def deploys(config, paths):
        logger.warning("what the journal had was given up")

    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    monkeypatch.setattr(connection, "deploy", deploys)
    kept = CellPaths("us").keeper_log
    make_log_folder(kept.parent)
    kept.write_text("the keeper began\n")
    assert main(["deploy", "us"]) == 0
    logger.warning("somebody else's")
    began, line = kept.read_text().splitlines()
    assert began == "the keeper began"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\S+Z WARNING what the journal had was given up", line)
    assert mode(kept) == 0o600
