"""A line feed behind a text that has a pattern: `$` alone would let it pass, and an id with one names nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.domain import ids
from tests.unit.serve.guarded_cell import document_of

ROOT = Path(__file__).parents[3]
# A field's pattern, as opposed to a parameter's (`Query`, `Path`): these are read by another engine, whose `$` is
# the end.
_OF_A_FIELD = re.compile(r'Meta\((?:[^()]|\([^()]*\))*?pattern=r?"([^"\n]*)\$"')
PATTERNS = {name: found for name, found in vars(ids).items() if isinstance(found, re.Pattern)}


@pytest.mark.parametrize("name", PATTERNS)
def test_an_id_with_a_line_feed_behind_it_is_one(name: str):
    assert PATTERNS[name].pattern.endswith(ids.END)


def test_there_are_no_ids():
    assert len(PATTERNS) > 15
    assert ids.ORDER_PATTERN.match("us-01kah2v3nq7h3k2m9qk4t1x0ab")
    assert not ids.ORDER_PATTERN.match("us-01kah2v3nq7h3k2m9qk4t1x0ab\n")


@pytest.mark.parametrize("folder", ["actors", "partners", "serve"])
def test_a_field_that_stands_in_no_document_takes_a_line_feed_behind_it(folder: str):
    assert _OF_A_FIELD.search('Meta(max_length=2, pattern=r"^[A-Z]{2}$")')
    found = {path.name: _OF_A_FIELD.findall(path.read_text()) for path in (ROOT / folder).rglob("*.py")}
    assert len(found) > 5
    assert {name: patterns for name, patterns in found.items() if patterns} == {}


def patterns_in(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        for each in part.values():
            yield from patterns_in(each)
    elif isinstance(part, list):
        for each in part:
            yield from patterns_in(each)


async def test_a_field_of_a_body_takes_a_line_feed_behind_it(tmp_path):
    found = set(patterns_in((await document_of(tmp_path))["components"]["schemas"]))
    assert len(found) > 20
    # Whatever a text is good for, it is not good any more with that behind it.
    assert [pattern for pattern in sorted(found) if pattern.endswith("$")] == []
    assert [pattern for pattern in sorted(found) if not pattern.endswith(ids.END)] == []
