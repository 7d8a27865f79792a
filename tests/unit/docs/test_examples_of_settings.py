"""Settings that a page shows are taken where the page puts them: at the end of a region's file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cells.config import CONFIG_FOLDER, load_region
from cells.own_policy import own_policy

ROOT = Path(__file__).parents[3]
_BLOCK = re.compile(r"^```(?:toml)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = [
    pytest.param(text, id=f"{page.stem}-{number}")
    for page in sorted(ROOT.glob("docs/**/*.md"))
    for number, text in enumerate(_BLOCK.findall(page.read_text()))
    if re.search(r"^\[[a-z.]+\]", text, re.MULTILINE)
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_refused_where_the_page_puts_it(text, tmp_path):
    ours = (CONFIG_FOLDER / "us.toml").read_text()
    shown = set(re.findall(r"^\[+([a-z]+)", text, re.MULTILINE))
    # Of a section that stands in our file, the page shows another one.
    tables = re.split(r"^(?=\[)", ours, flags=re.MULTILINE)
    others = [table for table in tables if not re.match(rf"\[+({'|'.join(shown)})\b", table)]
    (tmp_path / "us.toml").write_text("".join([*others, "\n", text]))
    config = load_region("us", tmp_path)
    assert shown <= set(config.__struct_fields__)
    assert ("sourcing" in shown) == (own_policy(config) is not None)


def test_no_page_shows_any_settings():
    assert len(EXAMPLES) >= 3
