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
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(path for folder in ("docs", "deploy", "perf", "router") for path in (ROOT / folder).glob("**/*.md")),
]
SECTIONS = {field.name: field.type for field in msgspec.structs.fields(RegionConfig)}


def test_the_page_that_people_read_is_not_the_one_of_the_code():
    assert (ROOT / "docs" / "settings.md").read_text() == page(), "make pages writes it anew"


@pytest.mark.parametrize("name", SECTIONS)
def test_a_key_has_no_word_of_what_it_is_for(name):
    told = " ".join((SECTIONS[name].__doc__ or "").split())
    assert [key.name for key in msgspec.structs.fields(SECTIONS[name]) if f"`{key.name}`" not in told] == []


def test_the_router_s_file_lacks_a_key():
    told = re.findall(r"^([a-z_]+) = ", (ROOT / "config" / "router.toml").read_text(), re.MULTILINE)
    assert {field.name for field in msgspec.structs.fields(RouterConfig)} == set(told)


@pytest.mark.parametrize("place", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_names_a_key_that_no_section_has(place):
    named = re.findall(r"`\[([a-z]+)\] ([a-z_]+)\b", place.read_text())
    keys = {section: {key.name for key in msgspec.structs.fields(kind)} for section, kind in SECTIONS.items()}
    wrong = [f"[{section}] {key}" for section, key in named if key not in keys.get(section, ())]
    assert [name for name in wrong if name != "[section] key"] == []


def test_the_page_of_limits_presents_as_a_setting_what_nobody_can_set():
    """A name with its unit or `max` at its end, as settings have it."""
    page_of_limits = (ROOT / "docs" / "security" / "limits.md").read_text()
    named = re.findall(
        r"`(?:\[[a-z]+\] )?([a-z_]+_(?:max|bytes|m?s|hours|days|turns|units|minor|percent|value))`", page_of_limits
    )
    keys = {key.name for kind in SECTIONS.values() for key in msgspec.structs.fields(kind)}
    assert len(named) > 10
    assert [name for name in named if name not in keys] == []


def test_a_variable_of_the_environment_is_not_on_the_page():
    found: set[str] = set()
    for folder in ("cells", "serve", "router", "actors", "perf"):
        for file in (ROOT / folder).rglob("*.py"):
            found |= set(re.findall(r"environ(?:\.get\(|\[)\"(OCEFS_[A-Z_]+)\"", file.read_text()))
    ours = {"OCEFS_RUN"}  # by which a keeper knows what it has started
    assert sorted(name for name in found - ours if f"`{name}`" not in page()) == []
