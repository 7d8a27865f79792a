"""A link of a page leads to a file that there is, and to a heading of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [
    path
    for pattern in ("*.md", "deploy/*.md", "docs/**/*.md", "perf/**/*.md", "router/*.md")
    for path in sorted(ROOT.glob(pattern))
]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def anchors(page: str) -> set[str]:
    """As forges make them: lower case, blanks as hyphens, everything else but letters and digits left out."""
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in _HEADING.findall(page)}


def dead(page: Path) -> list[str]:
    """Its links that lead nowhere."""
    found = []
    for link in _LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_nowhere(page: Path) -> None:
    assert dead(page) == []


def test_a_dead_link_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# One `word`, two\n")
    page = tmp_path / "page.md"
    page.write_text("# Up\n[a](there.md#one-word-two) [b](#up) [c](away.md) [d](there.md#three) [e](#down) [f](x:y)\n")
    assert dead(page) == ["away.md", "there.md#three", "#down"]
