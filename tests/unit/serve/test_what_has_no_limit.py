"""Everything that a caller sends has a limit: a number without one ends in an overflow between processes (500), a list
or a text in as much memory as a body may take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.serve.guarded_cell import document_of, furnished

# A text is limited by any of these; a number and a list by their own.
_OF_TEXTS = {"maxLength", "pattern", "enum", "const", "format"}
_NEEDED = {"integer": {"maximum", "enum", "const"}, "array": {"maxItems"}, "string": _OF_TEXTS}
# A form, which is cut by its bytes.
_FORM = "POST /v1/oauth/token"


class Sent:
    """The schemas of what is sent, each once."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._named = document["components"]["schemas"]
        self._seen: set[int] = set()

    def without_limit(self, schema: dict[str, Any], where: str) -> Iterator[str]:
        while "$ref" in schema:
            schema = self._named[schema["$ref"].rpartition("/")[2]]
        if id(schema) in self._seen:
            return
        self._seen.add(id(schema))
        kind = schema.get("type", "")
        if isinstance(kind, str) and kind in _NEEDED and not _NEEDED[kind] & schema.keys():
            yield f"{where} ({kind})"
        for more in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
            yield from self.without_limit(more, where)
        for name, more in schema.get("properties", {}).items():
            yield from self.without_limit(more, f"{where} {name}")
        for inside in ("items", "additionalProperties"):
            if isinstance(schema.get(inside), dict):
                yield from self.without_limit(schema[inside], f"{where}[]")


async def test_a_number_a_list_or_a_text_of_a_call_has_no_limit(tmp_path):
    document = await document_of(tmp_path)
    sent, found = Sent(document), []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = f"{method.upper()} {path}"
            for parameter in operation.get("parameters", ()):
                found += sent.without_limit(parameter["schema"], f"{name} ?{parameter['name']}")
            for content in operation.get("requestBody", {}).get("content", {}).values():
                found += sent.without_limit(content["schema"], name) if name != _FORM else ()
    assert found == []


@pytest.mark.parametrize("version", [2**53, 2**63, 2**64, 2**70])
async def test_a_number_that_no_process_can_tell_another_is_a_fault_of_ours(tmp_path, version):
    async with furnished(tmp_path) as cell:
        body = {"reason": "x", "policy": {"version": version}}
        answer = await cell.write("PUT", "/v1/sourcing/policies/all", body, **cell.of_role("manager"))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/policy/version")
