"""What `make` does to cells that run: it ends them, looks at them, and takes nothing away beneath them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cells.config import PROJECT

PYTHON = """#!/bin/sh
echo "${OCEFS_HOME:-.ocefs}: $*" >> asked
exit $(cat code 2>/dev/null || echo 0)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose environment was made before the last `git pull`, with a Python that only
    writes down what it is asked."""
    folder = tmp_path / "project"
    (folder / ".venv" / "bin").mkdir(parents=True)
    python = folder / ".venv" / "bin" / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    shutil.copy(PROJECT / "Makefile", folder)
    for name, age_s in ((".venv/.ready", 1_000), ("requirements-dev.lock", 0), ("pyproject.toml", 0)):
        (folder / name).touch()
        now_s = (folder / name).stat().st_mtime
        os.utime(folder / name, (now_s - age_s, now_s - age_s))
    return folder


def make(project: Path, *words: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"]} | ({"OCEFS_HOME": str(home)} if home else {})
    return subprocess.run(
        ["make", *words], cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def asked(project: Path) -> list[str]:
    file = project / "asked"
    return file.read_text().splitlines() if file.exists() else []


def ran(home: Path) -> None:
    """A cell was started there."""
    (home / "us" / "run").mkdir(parents=True)
    (home / "us" / "run" / "state.json").touch()


@pytest.mark.parametrize("target", ["down", "status", "logs"])
def test_packages_are_installed_under_cells_that_shall_be_ended_or_looked_at(project, target):
    done = make(project, target, "REGIONS=us,eu")
    assert (done.returncode, done.stdout) == (0, "")
    assert asked(project) == [f".ocefs: -m cells {target} us eu"]


@pytest.mark.parametrize("target", ["down", "status", "logs"])
def test_an_environment_is_made_to_say_that_nothing_runs(project, target):
    shutil.rmtree(project / ".venv")
    done = make(project, target)
    assert (done.returncode, done.stdout) == (0, "nothing runs: there is no .venv\n")
    assert not (project / ".venv").exists()


def test_down_hides_that_it_failed(project):
    (project / "code").write_text("1")
    assert make(project, "down").returncode != 0


def test_clean_takes_the_environment_away_under_cells_with_another_home(project, tmp_path):
    home = tmp_path / "another home"
    ran(home)
    ran(project / ".ocefs")
    (project / "code").write_text("1")
    assert make(project, "clean", home=home).returncode != 0
    assert (project / ".venv").exists()
    (project / "code").write_text("0")
    assert make(project, "clean", home=home).returncode == 0
    assert asked(project)[-2:] == [".ocefs: -m cells down", f"{home}: -m cells down"]
    assert not (project / ".venv").exists()


def test_clean_ends_cells_where_none_ever_ran(project):
    assert make(project, "clean").returncode == 0
    assert asked(project) == []
    assert not (project / ".venv").exists()


def gone(project: Path) -> Path:
    """Takes away the system's Python that the environment was made with; gives the link to it."""
    python = project / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(project / "python3.10")
    return python


@pytest.mark.parametrize("ready", ["before the last git pull", "now"])
def test_an_environment_whose_python_is_gone_is_never_made_anew(project, ready):
    python = gone(project)
    if ready == "now":
        (project / ".venv" / ".ready").touch()
    # The real one, with a pip that installs nothing.
    system = project / "system-python"
    system.write_text(f"""#!/bin/sh
{sys.executable} "$@" --without-pip && mkdir .venv/pip && touch .venv/pip/__main__.py
""")
    system.chmod(0o755)
    # Not as a part of the make that runs these tests.
    environment = {name: told for name, told in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}}
    environment["PYTHONPATH"] = str(project / ".venv")
    done = subprocess.run(
        ["make", "venv", f"PYTHON={system}"], cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=300
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert python.exists()
    assert make(project, "venv", f"PYTHON={system}").stdout.startswith("make: Nothing to be done")


@pytest.mark.parametrize("target", ["down", "status", "logs"])
def test_nothing_is_said_to_run_since_the_python_is_gone_that_could_tell(project, target):
    gone(project)
    done = make(project, target)
    assert done.returncode != 0
    assert "nothing runs" not in done.stdout
    assert f"Next: make venv, then make {target} again" in done.stderr
