"""The tour leads past every folder, and past everything of the domain but what stands behind a noun's name."""

from __future__ import annotations

import re
from pathlib import Path

import partners

ROOT = Path(__file__).parents[3]
TOUR = (ROOT / "ARCHITECTURE.md").read_text()
TOLD = set(re.findall(r"`([\w./]+?)/?`", TOUR))


def test_a_folder_is_not_on_the_tour():
    folders = {".ci", "config", "deploy", "docs"} | {
        path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"
    }
    below = {f"actors/{path.parent.name}" for path in ROOT.glob("actors/*/__init__.py")}
    assert sorted((folders | below | {"tests"}) - TOLD - {"actors"}) == []


def test_a_folder_of_tests_is_not_on_the_tour():
    folders = {path.name for path in ROOT.glob("tests/*/") if not path.name.startswith("__")}
    assert sorted(folders - TOLD) == []


def test_a_file_of_actors_is_not_on_the_tour():
    files = {path.name for path in ROOT.glob("actors/*.py") if path.name != "__init__.py"}
    assert sorted(name for name in files if name not in TOUR and not name.startswith("ray_")) == []


def test_a_noun_of_the_domain_is_not_on_the_tour():
    """`order_events` stands behind `order`, `rows_of_stock` behind `rows`."""
    words = {path.stem for path in (ROOT / "actors" / "domain").glob("*.py") if path.stem != "__init__"}
    heads = {name.removesuffix(".py") for name in TOLD}
    lost = [word for word in words if word not in heads and not any(word.startswith(f"{head}_") for head in heads)]
    assert sorted(lost) == []


def test_a_class_that_is_named_with_its_file_is_not_in_it():
    """`wire.Turn`: of several that are called alike."""
    named = re.findall(r"`([a-z_]+)\.([A-Z]\w+)`", TOUR)
    assert ("wire", "Turn") in named
    for file, name in named:
        texts = [path.read_text() for top in ("actors", "serve") for path in (ROOT / top).rglob(f"{file}.py")]
        assert any(f"class {name}" in text for text in texts), (file, name)


def test_a_file_of_the_partners_is_not_told_of():
    told = partners.__doc__ or ""
    files = {path.name for path in (ROOT / "partners").glob("*.py")} - {"__init__.py"}
    assert sorted(name for name in files if f"\n{name} " not in told) == []
