"""Which Python `make` takes: the first that fits, unless another is a good deal quicker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cells.config import PROJECT


def chosen(*names: str, folder: Path) -> str:
    return subprocess.run(
        [PROJECT / "deploy" / "quickest_python.sh", *names],
        capture_output=True, text=True, check=True, env={"PATH": f"{folder}:{os.environ['PATH']}"},
    ).stdout.strip()  # fmt: skip


@pytest.fixture
def interpreter(tmp_path: Path):
    """Puts a command on the path that answers as an interpreter would whose loop takes so long;
    None: that does not fit."""

    def put(name: str, microseconds: int | None) -> None:
        path = tmp_path / name
        path.write_text("#!/bin/sh\nexit 1\n" if microseconds is None else f"#!/bin/sh\necho {microseconds}\n")
        path.chmod(0o755)

    return put


def test_a_python_that_is_a_good_deal_quicker_is_passed_over(interpreter, tmp_path):
    interpreter("first", 9_000)
    interpreter("second", 6_000)
    assert chosen("first", "second", folder=tmp_path) == "second"


def test_a_little_noise_changes_the_choice(interpreter, tmp_path):
    interpreter("first", 6_900)
    interpreter("second", 6_000)
    assert chosen("first", "second", folder=tmp_path) == "first"


def test_a_moment_in_which_something_else_ran_changes_the_choice(interpreter, tmp_path):
    """The quicker one is slow the first times that it is asked, as when others had the processor."""
    interpreter("first", 9_000)
    asked = tmp_path / "asked"
    second = tmp_path / "second"
    second.write_text(f"#!/bin/sh\necho >> {asked}\n[ $(wc -l < {asked}) -gt 2 ] && echo 6000 || echo 12000\n")
    second.chmod(0o755)
    assert chosen("first", "second", folder=tmp_path) == "second"


def test_a_python_that_does_not_fit_or_is_not_there_is_taken(interpreter, tmp_path):
    interpreter("old", None)
    interpreter("slow", 90_000)
    assert chosen("old", "absent", "slow", folder=tmp_path) == "slow"
    assert chosen("old", "absent", folder=tmp_path) == ""


def test_the_real_question_is_answered_by_no_real_python(tmp_path):
    """This very Python has what is asked for, so it must be found to fit."""
    assert chosen(getattr(sys, "_base_executable", sys.executable), folder=tmp_path) != ""
