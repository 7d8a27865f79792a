"""What is printed for the reader to type works in his shell."""

import sys
from pathlib import Path

import pytest

from cells import shell


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """An environment in the folder where we are, which is not active."""
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(Path(sys.executable).resolve())
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin")
    return python


def test_a_command_is_printed_for_a_python_that_has_none_of_our_packages(environment):
    assert shell.typed("see: python -m cells status") == "see: .venv/bin/python -m cells status"


def test_a_command_for_this_folder_is_printed_elsewhere(environment, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert shell.typed("python -m cells status") == f"{environment} -m cells status"


def test_a_process_that_is_nowhere_prints_a_path_that_leads_nowhere(environment, monkeypatch):
    monkeypatch.chdir("/")
    assert shell.typed("python -m cells status") == f"{environment} -m cells status"


def test_who_has_the_environment_active_reads_paths(environment, monkeypatch):
    monkeypatch.setenv("PATH", str(environment.parent))
    assert shell.typed("python -m cells status") == "python -m cells status"
