"""What an operator does on the cell's machine is in the audit, or he is told that it is not."""

from __future__ import annotations

import contextlib
import io
import time
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from rich.console import Console

from cells import audit, identity, operators, rotation
from cells.calls import Answer
from cells.errors import CellError
from cells.parser import parser
from cells.paths import CellPaths
from serve.audit.operators import Action
from serve.identity.keyring import create, load
from serve.identity.tokens import verify

DOWN, DONE = Answer(0, ""), Answer(204, "")
NOWHERE = Answer(404, {"code": "request.route_unknown", "detail": "There is no such resource; see /docs."})


class Desk:
    """An operator's console in front of a cell that answers `answer`. `sent`: the bodies that came to
    it, with who sent them."""

    def __init__(self) -> None:
        self.paths, self.answer, self.sent = CellPaths("us"), DONE, []
        create(self.paths.keyring, 1)

    def call(self, method: str, url: str, body: Any, headers: dict[str, str], **_: Any) -> Answer:
        assert (method, url.partition("/v1/")[2]) == ("POST", "audit/operator-acts")
        token = headers["Authorization"].removeprefix("Bearer ")
        claims = verify(load(self.paths.keyring), token, "us", int(time.time()))
        self.sent.append((claims.sub, claims.scopes, body["action"], body["what"]))
        return self.answer

    def run(self, *arguments: str) -> str:
        console = Console(file=io.StringIO(), width=160)
        options = parser().parse_args(arguments)
        assert (audit if options.command == "audit" else identity).run(options, console) == 0
        return console.file.getvalue()

    @property
    def log(self) -> str:
        file = self.paths.logs / "operator.log"
        return file.read_text() if file.exists() else ""


@pytest.fixture
def desk(monkeypatch, tmp_path):
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    monkeypatch.delenv("OCEFS_CONFIG", raising=False)
    made = Desk()
    monkeypatch.setattr(operators, "call", made.call)
    monkeypatch.setattr(rotation, "rotate", lambda *_: None)
    monkeypatch.setattr(rotation, "rotate_sealing", lambda *_: 2)
    monkeypatch.setattr(audit, "connected", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(audit, "store_addresses", lambda *_: SimpleNamespace(owner_url=""))
    monkeypatch.setattr(audit, "hold", lambda *_: True)
    monkeypatch.setattr(audit, "lift", lambda _, name: name == "case-7")
    monkeypatch.setattr(audit, "drop_past", lambda *_: ["2023-01 is dropped: 7 lines"])
    return made


@pytest.mark.parametrize(
    ("arguments", "action", "what"),
    [
        (("rotate-keys", "us"), "keys.rotate", None),
        (("rotate-keys", "us", "--compromised"), "keys.rotate_compromised", None),
        (("rotate-keys", "us", "--sealing"), "keys.rotate_sealing", "2"),
        (("rotate-keys", "us", "--wrapping"), "keys.rotate_wrapping", ""),
        (("token", "us"), "token.give", ""),
        (("audit", "hold", "us", "case-7", "--reason", "a case of Mia Smith"), "audit.hold", "case-7"),
        (("audit", "lift", "us", "case-7"), "audit.lift", "case-7"),
        (("audit", "prune", "us"), "audit.prune", ""),
    ],
)
@pytest.mark.parametrize("answer", [DONE, DOWN], ids=["up", "down"])
def test_an_operator_s_act_leaves_no_line_or_is_not_done_while_the_cell_is_down(
    desk, capsys, answer, arguments, action, what
):
    desk.answer = answer
    told = desk.run(*arguments)
    if what is None:
        what = load(desk.paths.keyring).signing_kid
    assert desk.sent == [("us-client-local", ("operators.note",), action, what)]
    assert action in get_args(Action)
    out = capsys.readouterr()
    if action == "token.give":
        assert len(out.out.split()) == 1, "a script takes all of it for the token"
        told = out.err
    assert ("not in the audit: the cell does not answer" in told.replace("\n", " ")) == (answer is DOWN)
    assert (f"{action} {what}".rstrip() + ": not in the audit" in desk.log) == (answer is DOWN)
    assert "Mia" not in desk.log


def test_a_cell_that_keeps_no_audit_is_taken_for_one_that_is_down(desk):
    desk.answer = NOWHERE
    assert "identity is off" in desk.run("rotate-keys", "us")


def test_an_act_that_was_not_done_is_written_down(desk, monkeypatch):
    monkeypatch.setattr(audit, "drop_past", lambda *_: [])
    desk.run("audit", "prune", "us")
    with pytest.raises(CellError):
        desk.run("audit", "lift", "us", "case-8")
    assert desk.sent == []


def test_an_act_fails_because_it_can_not_be_written_down_anywhere(desk, monkeypatch):
    desk.answer = DOWN
    desk.paths.logs.parent.mkdir(parents=True, exist_ok=True)
    desk.paths.logs.write_text("in the way")
    assert "signs from now on" in desk.run("rotate-keys", "us")
