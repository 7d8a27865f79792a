"""What an operator is told about accounts in a cell that knows nobody."""

import io
import os
import sys

import pytest
from rich.console import Console

from cells import identity, keys
from cells.calls import Answer
from cells.demo_people import IDENTITY_OFF
from cells.errors import CellError
from cells.parser import parser
from cells.paths import CellPaths
from cells.processes import mark_of
from cells.state import KeeperState, write_state


@pytest.fixture
def told(monkeypatch, tmp_path):
    """What follows a failed command, when the cell answers so."""
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    monkeypatch.delenv("OCEFS_CONFIG", raising=False)
    monkeypatch.setattr(identity, "local_token", lambda *_: "token")
    monkeypatch.setattr(identity, "had_keyring", lambda *_: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("a long password\n"))

    def run(*arguments: str, answer: Answer | None = None) -> tuple[str, str]:
        monkeypatch.setattr(identity, "call", lambda *_, **__: answer)
        with pytest.raises(CellError) as raised:
            identity.run(parser().parse_args(arguments), Console(quiet=True))
        return raised.value.problem, raised.value.next_step

    return run


def test_an_account_for_a_cell_without_identity_sends_the_operator_to_a_page_that_is_not_there(told):
    nowhere = Answer(404, {"code": "request.route_unknown", "detail": "There is no such resource; see /docs."})
    problem, next_step = told("account", "us", "mia", "--role", "manager", answer=nowhere)
    assert "identity is off" in problem
    assert "make up IDENTITY=required" in next_step


def test_a_refusal_is_taken_for_identity_that_is_off(told):
    refused = Answer(422, {"code": "account.role_unknown", "detail": "There is no such role."})
    problem, _ = told("account", "us", "mia", "--role", "x", answer=refused)
    assert problem == "the account was not opened: There is no such role."


def test_who_names_a_login_that_there_is_has_nothing_to_correct(told):
    taken = Answer(409, {"code": "account.exists", "detail": "Account us-acct-1 exists already."})
    problem, next_step = told("account", "us", "mia", "--role", "manager", answer=taken)
    assert problem.endswith("us-acct-1 exists already.")
    assert "choose another login" in next_step
    assert "/v1/accounts/{account_id}/changes" in next_step


def test_a_code_of_nobody_ends_with_there_are_none(told):
    assert "make up IDENTITY=required" in told("code", "us", "manager")[1]


@pytest.mark.parametrize(
    "command", [("token", "us"), ("rotate-keys", "us"), ("account", "us", "mia", "--role", "manager")]
)
def test_keys_of_a_cell_that_never_ran_are_to_come_back_from_a_backup(told, monkeypatch, command):
    monkeypatch.setattr(identity, "had_keyring", keys.had_keyring)
    problem, next_step = told(*command)
    assert "us has no keys here" in problem
    assert next_step == "start it: python -m cells up us"


@pytest.mark.parametrize(
    "command", [("token", "us"), ("rotate-keys", "us"), ("account", "us", "mia", "--role", "manager")]
)
def test_who_wants_keys_of_a_cell_without_identity_is_told_to_start_what_runs(told, monkeypatch, command):
    monkeypatch.setattr(identity, "had_keyring", keys.had_keyring)
    paths = CellPaths("us")
    paths.run.mkdir(parents=True)
    write_state(
        paths.state_file, KeeperState(region="us", phase="running", keeper=mark_of(os.getpid()), identity="off")
    )
    assert told(*command) == ("us has no keys here: it runs with identity off", IDENTITY_OFF)


def test_keys_that_never_were_are_to_come_back_to_disable_people(told, monkeypatch):
    monkeypatch.setattr(identity, "had_keyring", keys.had_keyring)
    problem, next_step = told("demo-people", "us", "--disable")
    assert "us has no keys here" in problem
    assert "no accounts to disable" in next_step


def test_a_cell_without_demo_people_says_nothing(told):
    out = io.StringIO()
    assert identity.run(parser().parse_args(["demo-people", "us"]), Console(file=out)) == 0
    assert out.getvalue() == "it has none\n"
