"""The pages about nouns name codes and files that there are, and none of them is missing from the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from serve.problem_codes import TABLE

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs" / "domain").glob("*.md"))
# `noun.what_is_wrong` in the first column of a table.
_CODE = re.compile(r"`([a-z_]+\.[a-z_]+)`")
_FILE = re.compile(r"`((?:actors|serve|perf|tests|partners|cells)/[\w/.-]+\.(?:py|md|toml))`")


def codes_of(page: Path) -> set[str]:
    cells = [line.split("|")[1] for line in page.read_text().splitlines() if line.startswith("| `")]
    return {code for cell in cells for code in _CODE.findall(cell) if not code.endswith((".py", ".md"))}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_a_code_or_a_file_that_there_is_not(page):
    assert codes_of(page) <= TABLE.keys()
    assert [name for name in _FILE.findall(page.read_text()) if not (ROOT / name).exists()] == []


def test_no_page_names_any_code():
    assert len(set().union(*map(codes_of, PAGES))) > 50


def test_a_page_is_missing_from_the_index():
    index = (ROOT / "docs" / "domain" / "README.md").read_text()
    assert [page.name for page in PAGES if page.name != "README.md" and f"({page.name})" not in index] == []


def test_a_file_of_the_order_is_missing_from_its_page():
    page = (ROOT / "docs" / "domain" / "order.md").read_text().partition("## Where it stands")[2]
    endings = tuple(f"{ending}.py" for ending in re.findall(r"`\*(_[a-z]+)`", page))
    files = [path.name for path in (ROOT / "actors" / "domain").glob("order*.py")]
    assert sorted(name for name in files if f" {name} " not in page and not name.endswith(endings)) == []
