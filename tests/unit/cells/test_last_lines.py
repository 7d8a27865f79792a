"""`make logs`: the ends of all logs."""

import pytest
from rich.console import Console

from cells import show
from cells.errors import ConfigError
from cells.paths import CellPaths


@pytest.fixture
def said(monkeypatch, tmp_path):
    """What is printed for these regions."""
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    for folder, name in ((CellPaths("us").logs, "us"), (CellPaths("router").folder, "router")):
        folder.mkdir(parents=True)
        (folder / "some.log").write_text(f"before\nlast of {name}\n")

    def printed(names):
        console = Console(record=True, width=300, quiet=False, file=(tmp_path / "out").open("w"))
        assert show.logs(names, console, 1) == 0
        return console.export_text()

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
