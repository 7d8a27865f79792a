"""Calls that a page names are there, and what is said of all calls is true of each."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from actors.domain.times import moment
from serve.endpoint_needs import NEEDS
from serve.openapi import KEY_PARAMETER
from serve.responses import encode
from tests.unit.serve.guarded_cell import document_of
from tests.unit.serve.small_cell import Cell

ROOT = Path(__file__).parents[3]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
SAID = " ".join((ROOT / "docs" / "calls.md").read_text().split())
# `PUT /v1/skus`, `GET/PUT /v1/skus?q=`; a path that is cut short (`…`) is none.
_NAMED = re.compile(
    r"\b((?:GET|POST|PUT|DELETE)(?:/(?:GET|POST|PUT|DELETE))*) (/v1/[^\s`?\"'),;…]+)(?!…)(?=[\s`?\"'),;])"
)

# The page's words → what of the API they stand for, by its first part.
OPEN = {
    "orders": {"orders", "order-actions", "order-searches", "order-updates"},
    "reservations": {"reservations"},
    "goods": {"skus"},
    "stock (with inbounds, transfers and counts)": {
        "availability", "counts", "inbounds", "inventory", "locations", "transfer-suggestions", "transfers",
    },
    "the floor": set(),  # under `locations`
    "shipments": {"manual-shipments", "shipments"},
    "collections": {"collections"},
    "sourcing": {"sourcing"},
    "figures": {"figures"},
    "live streams": {"live"},
}  # fmt: skip
# The same of calls without an Idempotency-Key, by their beginning.
KEYLESS = {
    "signing in and out": (
        "/v1/sessions", "/v1/oauth/token", "/v1/guest/", "/v1/customers/codes", "/v1/customers/sessions", "/v1/customers/me/sessions",
    ),
    "codes and second factors": ("/v1/factors", "/v1/passkey-options", "/v1/customers/me/passkey-options"),
    "removing a passkey": ("/v1/passkeys/", "/v1/customers/me/passkeys/"),
    "`POST /v1/customers`": ("/v1/customers ",),
    "`POST /v1/devices/claim`": ("/v1/devices/claim ",),
    "`POST /v1/audit/operator-acts`": ("/v1/audit/operator-acts ",),
    "`POST /v1/notices/{notice_id}/sent`": ("/v1/notices/{notice_id}/sent ",),
    "what changes nothing (searches, exports of what is kept of a person)": (
        "/v1/account-searches ", "/v1/order-searches ", "/v1/customers/me/data ", "/v1/privacy-requests/{request_id}/export ",
    ),
}  # fmt: skip


def is_there(method: str, path: str) -> bool:
    """Whatever stands for a part of a template, be it `{id}` or an example."""
    parts = path.rstrip("./:").split("/")
    for declared, template in NEEDS:
        wanted = template.split("/")
        if (
            method == declared
            and len(wanted) == len(parts)
            and all(a == b or a.startswith("{") for a, b in zip(wanted, parts, strict=True))
        ):
            return True
    return False


def named(text: str) -> list[tuple[str, str]]:
    return [(method, path) for methods, path in _NAMED.findall(text) for method in methods.split("/")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_a_call_that_there_is_not(page):
    wrong = [f"{method} {path}" for method, path in named(page.read_text()) if not is_there(method, path)]
    assert wrong == []


def test_no_page_names_any_call():
    assert sum(len(named(page.read_text())) for page in PAGES) > 200


@pytest.fixture
async def document(tmp_path) -> dict[str, Any]:
    return await document_of(tmp_path)


async def test_a_cell_without_identity_has_what_the_page_of_all_calls_does_not_say():
    cell = Cell()
    paths = (await cell.get("/openapi.json")).json()["paths"]
    await cell.http.aclose()
    assert {path.split("/")[2] for path in paths if path.startswith("/v1/")} == set().union(*OPEN.values())
    (said,) = re.findall(r"Where identity is off, only (.*?) are there;", SAID)
    assert sorted(re.split(r", (?![^(]*\))| and (?![^(]*\))", said)) == sorted(OPEN)


def test_a_call_takes_no_key_and_the_page_of_all_calls_does_not_say_so(document):
    keyless = [
        f"{path} "
        for path, told in document["paths"].items()
        for method, operation in told.items()
        if method != "get" and KEY_PARAMETER["name"] not in str(operation.get("parameters"))
    ]
    assert [path for path in keyless if not path.startswith(sum(KEYLESS.values(), ()))] == []
    assert [begin for begin in sum(KEYLESS.values(), ()) if not any(path.startswith(begin) for path in keyless)] == []
    (said,) = re.findall(r"These calls take no key: (.*?)\. ##", SAID)
    assert [words for words in KEYLESS if words not in said] == []


def test_times_are_told_in_another_form_than_the_page_of_all_calls_says():
    noon_ms = 1_772_366_400_000
    for at_ms in (noon_ms, noon_ms + 5):
        told: str = json.loads(encode(moment(at_ms)))
        assert f"`{told}`" in SAID
