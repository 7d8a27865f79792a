"""Whoever names a home that can't be made is told of that variable."""

import errno
import os

import pytest

from cells import up
from cells.__main__ import main
from cells.config import region_names
from cells.paths import home_refused


@pytest.mark.parametrize("home", ["/proc/nohome", "/proc/nohome/deeper"])
def test_a_home_that_cannot_be_made_is_answered_with_logs_that_there_are_not(monkeypatch, capsys, home):
    monkeypatch.setenv("OCEFS_HOME", home)
    monkeypatch.setattr(up, "_check_before", lambda *_: None)
    assert main(["up", region_names()[0]]) == 1
    said = capsys.readouterr().out
    assert f"the folder of all state, {home}, can't be made: No such file or directory (/proc/nohome" in said
    assert "Next: OCEFS_HOME names that folder" in said
    assert "logs" not in said


def refusal(place: object) -> OSError:
    return OSError(
        errno.EACCES, os.strerror(errno.EACCES), place if place is None or isinstance(place, int) else str(place)
    )


def test_whatever_else_the_system_refuses_is_laid_to_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path / "a" / "home"))
    for place in (None, 3, tmp_path / "b", tmp_path / "a" / "home-of-another"):
        assert home_refused(refusal(place)) is None
    for place in (tmp_path / "a", tmp_path / "a" / "home" / "us"):
        assert home_refused(refusal(place)) is not None
    (tmp_path / "a" / "home").mkdir(parents=True)
    assert home_refused(refusal(tmp_path / "a" / "home" / "us")) is None


def test_a_home_that_nobody_named_is_said_to_be_named(monkeypatch):
    monkeypatch.delenv("OCEFS_HOME")
    monkeypatch.setattr(os.path, "isdir", lambda _: False)
    error = home_refused(refusal(up.PROJECT / ".ocefs"))
    assert error is not None
    assert "OCEFS_HOME is not set" in error.next_step
