"""Prose is wider than the code around it. Drawings, and words in columns, may be: there the columns matter."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
COLUMNS_MAX = 120
# Lines and arrows of a drawing, or words set apart in columns.
_DRAWN = re.compile(r"[─│┌┐└┘├┤┬┴╲╱▶◀▲▼]|\S {2,}\S")


def wide_prose(where: Path) -> list[str]:
    """`file:line` of each such line; by ruff, which knows what is a docstring."""
    option = f"lint.pycodestyle.max-doc-length={COLUMNS_MAX}"
    ruff = [sys.executable, "-m", "ruff", "check", "--no-cache", "--select=W505", "--output-format=json", "--config", option, str(where)]  # fmt: skip
    done = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    lines: dict[str, list[str]] = {}
    wide = []
    for finding in json.loads(done.stdout):
        name, row = finding["filename"], finding["location"]["row"]
        if name not in lines:
            lines[name] = Path(name).read_text().split("\n")
        if not _DRAWN.search(lines[name][row - 1]):
            wide.append(f"{name}:{row}")
    return wide


def test_prose_is_wider_than_code() -> None:
    assert wide_prose(ROOT) == []


def test_wide_prose_is_not_found(tmp_path: Path) -> None:
    long = "word " * 24 + "word."
    drawing = "     a ──▶ b" + " c" * 60
    (tmp_path / "x.py").write_text(
        f'"""{long}\n\n{drawing}\n"""\n\n# {long}\nX = "{long}"\n\n\ndef f():\n    """{long}"""\n'
    )
    assert [one.rpartition(":")[2] for one in wide_prose(tmp_path)] == ["1", "6", "11"]
