"""Whoever asks what a measurement does is told, and not made to wait for it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
# A worker is started by the bench.
PROGRAMS = sorted(
    ".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__main__")
    for file in (PROJECT / "perf").rglob("*.py")
    if '__name__ == "__main__"' in file.read_text() and file.name != "worker.py"
)


def test_a_program_measures_when_it_is_asked_for_help():
    bare = [name for name in PROGRAMS if not _reads_arguments(name)]
    assert bare == []


def _reads_arguments(name: str) -> bool:
    path = PROJECT / name.replace(".", "/")
    file = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
    return "ArgumentParser(" in file.read_text()


def test_the_table_lacks_a_program():
    pages = "".join(
        (PROJECT / "perf" / page).read_text() for page in ("README.md", "replay/README.md", "chaos/README.md")
    )
    assert [name for name in PROGRAMS if not re.search(rf"python -m {re.escape(name)}\b", pages)] == []


@pytest.mark.parametrize("name", ["perf.docks", "perf.load"])
def test_help_takes_as_long_as_the_measurement(name):
    told = subprocess.run(
        [sys.executable, "-m", name, "--help"], capture_output=True, text=True, timeout=300, cwd=PROJECT, check=True
    )
    assert f"usage: python -m {name}" in told.stdout
