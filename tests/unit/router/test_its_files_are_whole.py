"""A router's file is half written, or what is wrong with it is told by a traceback."""

import os

import pytest

from cells import down, show
from cells.errors import CellError
from router.process import status
from router.state import RouterFolder, State

NOT_READABLE = [b"", b"{", b'{"haproxy": 3}', b"\xff\xfe", b'{"haproxy": {"pid": 1, "started": "\xff"}}']


@pytest.fixture
def router(tmp_path, monkeypatch) -> RouterFolder:
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    made = RouterFolder(tmp_path)
    made.create()
    return made


@pytest.mark.parametrize("written", NOT_READABLE)
def test_a_router_s_damaged_file_ends_in_a_traceback(router, written):
    (router.folder / "state.json").write_bytes(written)
    with pytest.raises(CellError, match=r"state\.json is damaged") as raised:
        status(router.home)
    assert raised.value.next_step == "end the router's processes, then remove that file"
    assert show._router()[0].startswith("router: [red]unknown[/]")


def test_a_router_s_file_that_can_not_be_read_ends_in_a_traceback(router, capsys):
    (router.folder / "state.json").mkdir()
    with pytest.raises(CellError, match=r"state\.json can't be read: Is a directory"):
        status(router.home)
    assert show._router()[0].startswith("router: [red]unknown[/]")
    assert down.down(["us"], down.Console(width=300)) == 1
    assert "can't be read" in capsys.readouterr().out


def test_a_router_s_damaged_file_keeps_cells_from_being_ended(router, monkeypatch, capsys):
    (router.folder / "state.json").write_bytes(b'{"haproxy": {"pid": 1, "started": "\xff"}}')
    ended = []
    monkeypatch.setattr(down, "_end", lambda name, console: bool(ended.append(name)) or True)
    assert down.down(["us"], down.Console(width=300)) == 1
    assert ended == ["us"]
    assert "state.json is damaged" in capsys.readouterr().out


def test_a_power_loss_leaves_a_router_s_file_empty(router, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: done.append("on disk") or fsync(file))
    monkeypatch.setattr(os, "replace", lambda *names: done.append("in its place") or replace(*names))
    router.save(State(connections_max=7))
    assert done == ["on disk", "in its place"]
    assert router.state().connections_max == 7
