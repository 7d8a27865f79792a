"""A page must not run what somebody wrote into it, nor be shown inside another's."""

import base64
import hashlib
import re
from collections.abc import MutableMapping
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from serve import documentation
from serve.openapi import CHAPTERS
from serve.pages import PageHeaders, policy
from tests.unit.serve.guarded_cell import GuardedCell

EVIL = "<script>evil()</script>"


def hashed(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


async def test_the_documentation_runs_only_its_own_scripts(cell):
    page = await cell.get("/docs")
    told = page.headers["content-security-policy"]
    scripts = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    assert scripts
    for script in scripts:
        assert hashed(script) in told
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


async def test_a_script_that_a_setting_writes_into_the_documentation_runs(cell):
    titled = FastAPI(title=EVIL, docs_url=None)
    documentation.install(titled)
    async with AsyncClient(transport=ASGITransport(titled), base_url="http://test") as http:
        page = await http.get("/docs")
    assert EVIL in page.text
    told = page.headers["content-security-policy"]
    assert hashed("evil()") not in told
    assert told == (await cell.get("/docs")).headers["content-security-policy"]


async def test_a_page_that_says_nothing_of_its_scripts_runs_any():
    sent: list[MutableMapping[str, Any]] = []

    async def keep(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    sending = PageHeaders(keep, [])
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html; charset=utf-8")]}
    await sending(start)
    await sending({"type": "http.response.body", "body": f"<p>{EVIL}".encode()})
    told = [value for name, value in sent[0]["headers"] if name == b"content-security-policy"]
    assert told == [b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"]


def test_a_script_or_style_that_is_none_of_the_page_is_allowed():
    assert "script-src 'none'; style-src 'none';" in policy()
    told = policy(scripts=("mine()",), styles=("a{}",))
    assert f"script-src 'sha256-{hashed('mine()')}'; style-src 'sha256-{hashed('a{}')}';" in told
    assert "'self'" not in told
    assert "unsafe" not in policy(scripts=("mine()",), own_files=True)


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/v1/skus", "/v1/nothing", "/healthz"])
async def test_a_browser_guesses_what_an_answer_is(cell, path):
    assert (await cell.get(path)).headers["x-content-type-options"] == "nosniff"
