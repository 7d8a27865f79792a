"""`make status` of a home in which not all regions were started."""

import os
from unittest.mock import Mock

import pytest
from rich.table import Table

from cells import show
from cells.__main__ import main
from cells.calls import Answer
from cells.config import load_region
from cells.paths import CellPaths
from cells.processes import mark_of
from cells.state import KeeperState, write_state


@pytest.fixture
def two_of_three(monkeypatch):
    """us and eu run and are ready; latam was never started."""
    monkeypatch.setattr(show, "_asked", lambda running: Answer(200, {}))
    for name in ("us", "eu"):
        CellPaths(name).run.mkdir(parents=True)
        write_state(CellPaths(name).state_file, KeeperState(region=name, phase="running", keeper=mark_of(os.getpid())))


@pytest.mark.usefixtures("two_of_three")
def test_status_fails_for_a_region_that_nobody_started(capsys):
    assert main(["status"]) == 0
    said = capsys.readouterr().out
    assert "never started here: latam" in said
    assert said.count("latam") == 1


@pytest.mark.usefixtures("two_of_three")
def test_a_region_that_was_asked_for_or_tried_is_fine_though_it_does_not_run(capsys):
    assert main(["status", "us", "latam"]) == 1
    assert "never started" in capsys.readouterr().out
    CellPaths("latam").logs.mkdir(parents=True)  # its keeper ended before it had a record
    assert main(["status"]) == 1


def test_where_nothing_was_ever_started_status_shows_empty_tables(capsys):
    assert main(["status"]) == 1
    said = capsys.readouterr().out
    assert "no cell was ever started here: make up starts them" in said
    assert "PostgreSQL" not in said


@pytest.mark.usefixtures("two_of_three")
def test_a_row_of_status_has_more_or_fewer_cells_than_there_are_columns(monkeypatch):
    told = {"hosts": [{"name": "host-0"}], "store": "its store"}
    monkeypatch.setattr(show, "_asked", lambda running: Answer(200, told))
    with_rows: list[Table] = []
    console = Mock(print=lambda shown, **_: with_rows.append(shown))
    show.status([load_region("us"), load_region("latam")], console)
    cells, hosts, _ = with_rows
    assert [column.header for column in cells.columns] == list(show.CELL_COLUMNS)
    assert [column.header for column in hosts.columns] == list(show.HOST_COLUMNS)
    full, short = zip(*(column.cells for column in cells.columns), strict=True)
    assert full[-1] == "its store"
    assert all(list(column.cells) == ["us/host-0" if column.header == "host" else "?"] for column in hosts.columns)
    assert short[:2] == ("latam", "never started")
    assert not any(short[2:])
