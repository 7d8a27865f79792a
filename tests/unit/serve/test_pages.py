"""A page must not run what somebody wrote into it, nor be shown inside another's."""

import base64
import hashlib
import re

import pytest

from serve.openapi import CHAPTERS
from serve.pages import policy
from tests.unit.serve.guarded_cell import GuardedCell


async def test_the_documentation_runs_only_its_own_scripts(cell):
    page = await cell.get("/docs")
    told = page.headers["content-security-policy"]
    scripts = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    assert scripts
    for script in scripts:
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in told
    directives = dict(part.strip().split(" ", 1) for part in told.split(";"))
    assert "unsafe" not in directives["script-src"]
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    # Nothing comes from elsewhere: what the page names is served here.
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert (await cell.get(address)).status_code == 200, address


async def test_an_endpoint_stands_in_no_chapter_or_a_chapter_is_empty(tmp_path):
    everything = GuardedCell(tmp_path)
    document = (await everything.get("/openapi.json")).json()
    await everything.http.aclose()
    used = {tag for operations in document["paths"].values() for told in operations.values() for tag in told["tags"]}
    assert [chapter["name"] for chapter in document["tags"]] == list(CHAPTERS)
    assert used == CHAPTERS.keys()


def test_a_script_that_was_written_into_a_page_runs():
    assert policy(b"<script>mine()</script>") != policy(b"<script>mine()</script><script>evil()</script>")
    assert policy(b"<script>mine()</script>") == policy(b"<p><script>mine()</script></p>")


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/v1/skus", "/v1/nothing", "/healthz"])
async def test_a_browser_guesses_what_an_answer_is(cell, path):
    assert (await cell.get(path)).headers["x-content-type-options"] == "nosniff"


def test_a_style_that_was_written_into_a_page_is_used():
    assert policy(b"<style>a{}</style>") != policy(b"<style>a{}</style><style>b{}</style>")
    assert b"unsafe" not in policy(b"<style>a{}</style>")
