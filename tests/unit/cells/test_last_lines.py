"""`make logs`: the ends of all logs."""

import io
import shutil

import pytest
from rich.console import Console

from cells import show
from cells.errors import ConfigError
from cells.parser import parser
from cells.paths import CellPaths


@pytest.fixture
def said(monkeypatch, tmp_path):
    """What is printed for these regions."""
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    for folder, name in ((CellPaths("us").logs, "us"), (CellPaths("router").folder, "router")):
        folder.mkdir(parents=True)
        (folder / "some.log").write_text(f"before\nlast of {name}\n")

    def printed(names):
        out = io.StringIO()
        assert show.logs(names, Console(file=out, width=300), 1) == 0
        return out.getvalue()

    return printed


def test_why_a_router_did_not_start_is_in_no_log_that_is_shown(said):
    assert "last of us" in said(None)
    assert "last of router" in said(None)
    assert "before" not in said(None)
    assert "last of router" not in said(["us"])


def test_a_region_that_there_is_not_has_logs(said):
    with pytest.raises(ConfigError, match="there is no region 'ue'") as raised:
        said(["ue"])
    assert "us" in raised.value.next_step


def test_logs_are_named_of_a_region_that_was_never_started_or_where_there_are_none(said):
    CellPaths("us").ray_temp.joinpath("session_latest", "logs").mkdir(parents=True)
    assert "Ray's own logs of us" in said(None)
    shutil.rmtree(CellPaths("us").short.parent)
    assert "Ray's own logs" not in said(None)
    assert "latam" not in said(None)
    assert "latam was never started here" in said(["latam"])


def test_where_nothing_was_ever_started_logs_end_in_silence(said):
    shutil.rmtree(CellPaths("us").folder)
    assert "no cell was ever started here: make up starts them" in said(None)


def test_a_folder_that_is_named_like_a_log_ends_the_command(said):
    (CellPaths("us").logs / "a.log").mkdir()
    assert "last of us" in said(["us"])


@pytest.mark.parametrize("lines", ["-1", "0", "99999999999999999999", "some"])
def test_a_wrong_number_of_lines_ends_in_a_stack_trace(capsys, lines):
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["logs", f"--lines={lines}"])
    assert ended.value.code == 2
    assert "--lines" in capsys.readouterr().err


@pytest.mark.parametrize(("typed", "told"), [("x", "'x' is no whole number"), ("0", "0 is not between 1 and 100000")])
def test_a_wrong_number_is_told_in_words_of_the_program(capsys, typed, told):
    with pytest.raises(SystemExit):
        parser().parse_args(["logs", "--lines", typed])
    assert told in capsys.readouterr().err
