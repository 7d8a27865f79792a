"""What the document tells of is there, and its examples are what is taken and given: whoever
makes a client from it can."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from serve.openapi import JSON, KEY_PARAMETER
from tests.unit.serve.guarded_cell import document_of


@pytest.fixture
async def document(tmp_path) -> dict[str, Any]:
    return await document_of(tmp_path)


def refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from refs(one)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, told in document["paths"].items():
        for method, operation in told.items():
            yield f"{method.upper()} {path}", operation


def contents(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is sent and answered, by where that is."""
    for where, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            yield f"{where}, body", content
        for status, response in operation["responses"].items():
            for content in response.get("content", {}).values():
                yield f"{where}, {status}", content


def wrong(document: dict[str, Any], content: dict[str, Any]) -> list[str]:
    schema = {**content["schema"], "components": document["components"]}
    return [error.message for error in Draft202012Validator(schema).iter_errors(content["example"])]


def test_something_is_referred_to_that_is_not_there(document):
    there = {f"#/components/{kind}/{name}" for kind in ("schemas", "headers") for name in document["components"][kind]}
    assert set(refs(document)) <= there


# Signing in and out, codes and second factors.
SIGNING_IN = re.compile(r"/(sessions|codes|factors|oauth|passkey-options)\b")


def test_a_write_without_a_key_is_not_named_among_the_exceptions(document):
    keyless = {
        where
        for where, operation in operations(document)
        if not where.startswith("GET") and KEY_PARAMETER not in operation.get("parameters", ())
    }
    exceptions = {where for where in keyless if not SIGNING_IN.search(where)}
    exceptions -= {"POST /v1/order-searches", "POST /v1/account-searches"}  # no writes
    # All that is kept of somebody is told, and that answer is kept nowhere.
    exceptions -= {"POST /v1/privacy-requests/{request_id}/export", "POST /v1/customers/me/data"}
    assert {where for where in keyless | exceptions if f"`{where}`" in document["info"]["description"]} == exceptions
    page = (Path(__file__).parents[3] / "docs" / "calls.md").read_text()
    assert {where for where in exceptions if where.startswith("POST") and f"`{where}`" not in page} == set()


def test_an_example_is_not_what_is_taken_or_given(document):
    shown = [(where, content) for where, content in contents(document) if "example" in content]
    assert len(shown) > 100
    found = {where: told for where, content in shown if (told := wrong(document, content))}
    assert found == {}


def test_an_example_lacks_what_is_null(document):
    operation = document["paths"]["/v1/skus/{sku}"]["get"]
    assert None in operation["responses"]["200"]["content"][JSON]["example"].values()


def test_nobody_is_shown_what_to_send(document):
    sent = [
        (where, operation["requestBody"]["content"][JSON])
        for where, operation in operations(document)
        if JSON in operation.get("requestBody", {}).get("content", {})
    ]
    assert len(sent) > 50
    assert [where for where, content in sent if "example" not in content] == []


def test_a_parameter_is_not_explained(document):
    bare = {
        (where, parameter["name"])
        for where, operation in operations(document)
        for parameter in operation.get("parameters", ())
        if not parameter.get("description")
    }
    assert bare == set()


def test_nobody_is_told_of_the_headers_of_an_answer(document):
    answers = {
        (where, status): set(answer.get("headers", {}))
        for where, operation in operations(document)
        for status, answer in operation["responses"].items()
    }
    assert [at for at, names in answers.items() if at[1] == "401" and "WWW-Authenticate" not in names] == []
    assert [at for at, names in answers.items() if at[1] in ("429", "503") and "Retry-After" not in names] == []
    assert answers["POST /v1/orders", "201"] == {"Location", "X-Request-Id"}
    assert answers["GET /v1/audit", "200"] == {"Content-Disposition", "X-Next-Cursor", "X-Request-Id"}
    assert "Content-Disposition" in answers["GET /v1/shipments/{shipment_id}/parcels/{parcel}/label", "200"]


def test_a_call_has_no_example(document):
    told = [(where, content) for where, content in contents(document) if not where.endswith((", 4", ", 5"))]
    bare = [
        where
        for where, content in told
        if where.rpartition(", ")[2][0] in "b2" and "$ref" in content["schema"] and "example" not in content
    ]
    assert bare == []
