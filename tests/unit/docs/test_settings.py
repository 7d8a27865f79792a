"""Whoever runs a cell finds each setting with what it is for."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from cells.settings import RegionConfig
from cells.settings_page import page
from router.config import RouterConfig

ROOT = Path(__file__).parents[3]
SECTIONS = {field.name: field.type for field in msgspec.structs.fields(RegionConfig)}


def test_the_page_that_people_read_is_not_the_one_of_the_code():
    assert (ROOT / "docs" / "settings.md").read_text() == page(), "python -m cells.settings_page > docs/settings.md"


@pytest.mark.parametrize("name", SECTIONS)
def test_a_key_has_no_word_of_what_it_is_for(name):
    told = " ".join((SECTIONS[name].__doc__ or "").split())
    assert [key.name for key in msgspec.structs.fields(SECTIONS[name]) if f"`{key.name}`" not in told] == []


def test_the_router_s_file_lacks_a_key():
    told = re.findall(r"^([a-z_]+) = ", (ROOT / "config" / "router.toml").read_text(), re.MULTILINE)
    assert {field.name for field in msgspec.structs.fields(RouterConfig)} == set(told)


def test_a_variable_of_the_environment_is_not_on_the_page():
    found: set[str] = set()
    for folder in ("cells", "serve", "router", "actors", "perf"):
        for file in (ROOT / folder).rglob("*.py"):
            found |= set(re.findall(r"environ(?:\.get\(|\[)\"(OCEFS_[A-Z_]+)\"", file.read_text()))
    ours = {"OCEFS_RUN"}  # by which a keeper knows what it has started
    assert sorted(name for name in found - ours if f"`{name}`" not in page()) == []
