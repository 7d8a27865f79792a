"""docs/security/asvs.md as far as a test can keep it honest: nothing is left out, and what it names is there."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

PROJECT = Path(__file__).parents[3]
TEXT = (PROJECT / "docs/security/asvs.md").read_text()
STATES = ("met", "partly", "open")
# Levels of the requirements of each section of ASVS 5.0.0, in their order: 1.1 has two, both of level 2.
LEVELS = {
    "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123",
    "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23",
    "3.1": "3", "3.2": "113", "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3", "3.7": "22333",
    "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222",
    "5.1": "2", "5.2": "112333", "5.3": "113", "5.4": "222",
    "6.1": "122", "6.2": "111111112222", "6.3": "11223333", "6.4": "112233", "6.5": "22222333", "6.6": "2223", "6.7": "33", "6.8": "2222",
    "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22",
    "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23",
    "9.1": "111", "9.2": "1222",
    "10.1": "22", "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222", "10.6": "22", "10.7": "222",
    "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23", "11.7": "33",
    "12.1": "12233", "12.2": "11", "12.3": "22223",
    "13.1": "2333", "13.2": "222223", "13.3": "2233", "13.4": "1222233",
    "14.1": "22", "14.2": "12223333", "14.3": "122",
    "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223",
    "17.1": "23", "17.2": "22223333", "17.3": "22",
}  # fmt: skip
ASKED = {
    f"{section}.{number}": int(level)
    for section, levels in LEVELS.items()
    for number, level in enumerate(levels, 1)
    if level != "3"
}


class Row(NamedTuple):
    """One requirement as the page has it. `test`: path::name, or "none"."""

    id: str
    level: int
    what: str
    how: str
    file: str
    test: str
    state: str


def rows() -> list[Row]:
    found = []
    for line in TEXT.splitlines():
        if re.match(r"\| \d+\.\d+\.\d+ \|", line):
            # `what` and `how` may quote code, but no bar: a row has seven cells.
            number, level, what, how, file, test, state = (cell.strip() for cell in line.strip("|").split("|"))
            found.append(Row(number, int(level), what, how, file.strip("`"), test.strip("`"), state))
    return found


def left_out() -> list[str]:
    """Requirements that do not apply."""
    return [
        number
        for ids in re.findall(r"^- Does not apply: ([\d., ]+):", TEXT, re.MULTILINE)
        for number in ids.split(", ")
    ]


def chapter(number: str) -> str:
    return number.partition(".")[0]


@cache
def names_in(file: str) -> frozenset[str]:
    """Names of the test functions of a file, in classes too."""
    tree = ast.parse((PROJECT / file).read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def test_a_requirement_is_left_out_named_twice_or_has_another_level():
    assert len(ASKED) == 253
    assert Counter([row.id for row in rows()] + left_out()) == Counter(list(ASKED))
    assert {row.id: row.level for row in rows()} == {row.id: ASKED[row.id] for row in rows()}


def test_the_counts_are_of_another_page():
    counted: dict[str, list[int]] = {}
    for number in [*(row.id for row in rows()), *left_out()]:
        counted.setdefault(chapter(number), [0, 0, 0, 0])
    for row in rows():
        counted[chapter(row.id)][STATES.index(row.state)] += 1
    for number in left_out():
        counted[chapter(number)][3] += 1
    told = {
        name: [int(cell) for cell in cells.strip("| ").split("|")]
        for name, cells in re.findall(r"^\| (?:V(\d+) [^|]*|all )(\|(?: \d+ \|){4})$", TEXT, re.MULTILINE)
    }
    assert told.pop("") == [sum(counts[column] for counts in counted.values()) for column in range(4)]
    assert told == counted


def test_a_chapter_has_no_heading():
    assert re.findall(r"^## V(\d+) ", TEXT, re.MULTILINE) == [str(number) for number in range(1, 18)]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.id)
def test_a_row_names_what_is_not_there_or_claims_what_nothing_shows(row):
    assert row.state in STATES
    assert (PROJECT / row.file).is_file(), row.file
    assert 0 < len(row.what.split()) <= 15
    assert row.how
    if row.test == "none":
        # Nothing shows it: so it is not done, not whole, or a rule of the linter sees to it.
        assert row.state != "met" or "ruff" in row.how
    else:
        file, _, name = row.test.partition("::")
        assert file.startswith("tests/")
        assert name in names_in(file), row.test


def test_a_page_that_is_named_is_not_there():
    for page in re.findall(r"docs/[a-z/-]+\.md", TEXT):
        assert (PROJECT / page).is_file(), page
    terms = (PROJECT / "docs/security/dependencies.md").read_text()
    assert all(
        re.search(rf"^\| {severity}\b.*\d+ days", terms, re.MULTILINE)
        for severity in ("critical", "high", "medium", "low")
    )
