"""The OpenAPI document: one truth, the msgspec structs by which bodies are decoded and encoded.

Routes of FastAPI say what they take and give by `documented`; the hot routes, which FastAPI does
not serve, by `operation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.responses import Response

from serve.endpoint_needs import NEEDS, OPEN
from serve.openapi_samples import sample_of
from serve.problem_codes import TABLE

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
EVENT_STREAM = "text/event-stream"
REF = "#/components/schemas/{name}"
# What any route may be answered; 422 for a query that it does not know.
ALWAYS = (422, 429, 500, 503)
# What any write may be answered besides.
WRITE_PROBLEMS = (400, 408, 413, 415)


# What the documentation's page is divided into, in the order in which one gets to know a cell.
CHAPTERS = {
    "orders": "Place orders, take them through their life, read and find them.",
    "reservations": "Units that are kept for a cart until it is ordered or its time is over.",
    "availability": "What can be promised, where, nearest first.",
    "inventory": "One SKU over all places: there, on its way, to be promised when.",
    "locations": "Warehouses and stores, what lies in them, and every change of it.",
    "figures": "How much work there is, how fast it is done, and when it will be.",
    "floor": "Picking in a building: the queue, waves, trips, and what was scanned.",
    "packing": "From picked units to parcels that the carrier has: cartons, scans, labels, papers, manifests.",
    "sourcing": "From where orders are served: the policies, with their history; what another one would have done; how often promises were kept.",
    "catalogue": "The SKUs of the region.",
    "live": "Changes as they happen, for screens.",
    "customers": "Guests and customers: their own orders, codes, passkeys, data.",
    "identity": "Staff and machines: accounts, shifts, second factors, tokens.",
    "devices": "Scanners and handhelds: enrolling, signing in, revoking.",
    "inbounds": "What suppliers have announced, and what came of it.",
    "counts": "Cycle counts, while stock moves on.",
    "collections": "Orders that wait at a store for their customers.",
    "transfers": "Units that go from a location to another, and which should.",
    "approvals": "What waits for a second person.",
    "audit": "Who did what.",
    "alerts": "What the monitor finds odd.",
    "privacy": "Requests of people about their own data, and their consent.",
    "breaches": "The register of breaches, with its clock.",
    "notices": "Messages to people that wait for whoever sends them.",
    "keys": "The keys under which personal data is sealed.",
    "health": "How the cell is.",
}


class ProblemPlace(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where something is wrong: a JSON pointer into the body, a parameter, or a header."""

    detail: str
    pointer: str = ""
    parameter: str = ""
    header: str = ""


class ProblemBody(msgspec.Struct, frozen=True):
    """RFC 9457. `code` is stable, and new ones are added: whoever does not know one goes by its status. Further members
    are facts that belong to it (`region`, `allowed`, `limit_bytes`, …)."""

    type: str
    title: str
    status: int
    detail: str
    code: Annotated[str, msgspec.Meta(extra_json_schema={"x-extensible-enum": list(TABLE)})]
    request_id: str
    errors: list[ProblemPlace] = []


KEY_PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Chosen by the caller, the same when the call is repeated: then it gets the first answer again. With another body it is refused (422 "
    "`idempotency.key_reused`) for the resource that the path names, or, where one is created, for its kind; for another resource it is another key. No bare digits: 12 to 19 of them that "
    "could be a card's number are refused (`payment.pan_refused`). A UUID will do.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "9b7a2c1e-place-1001",
}
# Headers of answers, by name. `X-Request-Id` is with every answer and told of once, with those that are no problem:
# problems have it in the body, too.
HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "The caller's own, if he sent a UUID (with or without dashes), else ours: what logs and the audit have.",
        "schema": {"type": "string", "maxLength": 64},
    },
    "Location": {"description": "The path of what was made.", "schema": {"type": "string", "format": "uri-reference"}},
    "Content-Disposition": {
        "description": "It is a file, and what to call it (RFC 6266).",
        "schema": {"type": "string", "maxLength": 200},
    },
    "Retry-After": {"description": "After how many seconds to ask again.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {
        "description": "How to come in (RFC 6750), and what else is asked for: a fresh second factor is (RFC 9470).",
        "schema": {"type": "string"},
    },
    "X-Next-Cursor": {
        "description": "`cursor` of the next page; not there after the last one.",
        "schema": {"type": "string"},
    },
}
# Of every answer of a status.
_HEADERS_OF = {"401": ("WWW-Authenticate",), "429": ("Retry-After",), "503": ("Retry-After",)}
# Types named by any route so far; the document's components are made from them.
_types: dict[str, Any] = {}


def _ref(view: Any) -> dict[str, Any]:
    _types[view.__name__] = view
    return {"$ref": REF.format(name=view.__name__)}


_PHRASES = {int(status): status.phrase for status in HTTPStatus}
_PROBLEM = {PROBLEM_JSON: {"schema": _ref(ProblemBody)}}


def _event(view: Any) -> dict[str, Any]:
    """One server-sent event; its data is `view` as JSON."""
    data = {"type": "string", "contentMediaType": JSON, "description": f"{view.__name__} as JSON"}
    text = {"type": "string"}
    return {"type": "object", "properties": {"id": text, "event": text, "data": data}}


def _content(view: Any, media_type: str, example: Any = None) -> dict[str, Any]:
    if view is None:
        return {media_type: {"schema": {"type": "string"}}}
    if media_type == EVENT_STREAM:
        _ref(view)
        return {media_type: {"schema": _event(view)}}
    content: dict[str, Any] = {"schema": _ref(view)}
    if example is not None:
        content["example"] = example
    return {media_type: content}


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _responses(
    view: Any,
    status: int,
    media_types: Iterable[str],
    problems: Iterable[int],
    also: Mapping[int, Any],
    example: Any,
    accepted: Any = None,
    headers: Mapping[int, Iterable[str]] | None = None,
) -> dict[int | str, dict[str, Any]]:
    told: dict[str, Any] = {"description": _PHRASES[status]}
    if status != HTTPStatus.NO_CONTENT:
        media_type, *others = media_types
        told["content"] = {other: _content(None, other)[other] for other in others} | _content(
            view, media_type, example
        )
    found: dict[int | str, dict[str, Any]] = {status: told}
    if accepted is not None:
        found[202] = {"description": _PHRASES[202], "content": _content(accepted, JSON)}
    for code in sorted({*problems, *ALWAYS}):
        content = _content(also[code], JSON) if code in also else {}
        found[code] = {"description": _PHRASES[code], "content": _PROBLEM | content}
    for code, names in (headers or {}).items():
        found[code]["headers"] = _headers(names)
    return found


def _body(request: Any, example: Any, media_type: str = JSON) -> dict[str, Any]:
    return {"required": True, "content": _content(request, media_type, example)}


def documented(
    view: Any,
    *,
    request: Any = None,
    request_example: Any = None,
    status: int = 200,
    media_type: str = JSON,
    problems: Iterable[int] = (),
    also: Mapping[int, Any] | None = None,
    example: Any = None,
    body: Any = None,
    body_type: str = JSON,
    accepted: Any = None,
    parameters: Iterable[dict[str, Any]] = (),
    headers: Mapping[int, Iterable[str]] | None = None,
    also_as: Iterable[str] = (),
) -> dict[str, Any]:
    """Arguments for a route of FastAPI: what it gives (`view`; nothing with status 204; `accepted` with 202, when it is
    not done yet; `also_as`: other media types of it; `headers`: names in HEADERS by status), what it takes (`request`
    makes it a write with an Idempotency-Key, `body` is taken without), and `parameters` of a write
    that FastAPI does not read."""
    wanted = (*WRITE_PROBLEMS, *problems) if request is not None or body is not None else tuple(problems)
    arguments: dict[str, Any] = {
        "status_code": status,
        "response_class": Response,
        "responses": _responses(view, status, (media_type, *also_as), wanted, also or {}, example, accepted, headers),
    }
    if request is not None:
        arguments["openapi_extra"] = {
            "requestBody": _body(request, request_example), "parameters": [KEY_PARAMETER, *parameters],
        }  # fmt: skip
    elif body is not None:
        arguments["openapi_extra"] = {
            "requestBody": _body(body, request_example, body_type), "parameters": [*parameters],
        }  # fmt: skip
    return arguments


def operation(
    operation_id: str,
    summary: str,
    description: str,
    tag: str,
    view: Any,
    *,
    parameters: Iterable[dict[str, Any]] = (),
    request: Any = None,
    request_example: Any = None,
    status: int = 200,
    problems: Iterable[int] = (),
    example: Any = None,
    headers: Mapping[int, Iterable[str]] | None = None,
) -> dict[str, Any]:
    """One operation of a route that FastAPI does not serve; `headers` as for `documented`."""
    made: dict[str, Any] = {"tags": [tag], "summary": summary, "description": description, "operationId": operation_id}
    wanted = tuple(problems)
    found = list(parameters)
    if request is not None:
        wanted = (*WRITE_PROBLEMS, *wanted)
        found.append(KEY_PARAMETER)
        made["requestBody"] = _body(request, request_example)
    if found:
        made["parameters"] = found
    responses = _responses(view, status, (JSON,), wanted, {}, example, headers=headers)
    made["responses"] = {str(code): response for code, response in responses.items()}
    return made


def parameter(name: str, where: str, schema: dict[str, Any], description: str, **more: Any) -> dict[str, Any]:
    """A parameter of such a route."""
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "schema": schema,
        "description": description,
        **more,
    }


def install(app: FastAPI, hot_paths: Mapping[str, Mapping[str, Any]], *, guarded: bool) -> None:
    """Makes `app.openapi()` tell of all routes, hot ones too; `guarded`: and of the tokens that they need."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, hot_paths, guarded)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def methods_by_path(
    routers: Iterable[APIRouter], hot_paths: Mapping[str, Mapping[str, Any]]
) -> dict[str, set[str]]:  # fmt: skip
    """Path templates and their methods, of everything that the document tells of; without making the document, or what
    FastAPI makes of routes when they are first asked for, both of which take a while."""
    found = {path: {method.upper() for method in operations} for path, operations in hot_paths.items()}
    for router in routers:
        for route in router.routes:
            assert isinstance(route, APIRoute), "a router within a router would not be seen"
            if route.include_in_schema:
                found.setdefault(route.path_format, set()).update(route.methods or ())
    return found


def _document(app: FastAPI, hot_paths: Mapping[str, Mapping[str, Any]], guarded: bool) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    paths: dict[str, dict[str, Any]] = document.setdefault("paths", {})
    _put_examples(app, paths)
    for path, operations in hot_paths.items():
        paths[path] = {**operations, **paths.get(path, {})}
    _put_samples(paths)
    document["paths"] = dict(sorted(paths.items()))
    used = {tag for operations in paths.values() for told in operations.values() for tag in told.get("tags", ())}
    document["tags"] = [{"name": name, "description": told} for name, told in CHAPTERS.items() if name in used]
    _, components = msgspec.json.schema_components(list(_types.values()), ref_template=REF)
    document["components"] = {"schemas": dict(sorted(components.items())), "headers": HEADERS}
    if guarded:
        _tell_of_tokens(document)
    _tell_of_headers(paths)
    _tell_of_empty_values(paths)
    return document


def _tell_of_empty_values(paths: Mapping[str, Mapping[str, Any]]) -> None:
    """What is optional and empty is not given (`queries.py`)."""
    for told in (told for operations in paths.values() for told in operations.values()):
        for one in told.get("parameters", ()):
            if one["in"] == "query" and not one["required"] and one["schema"].get("type") != "array":
                one["allowEmptyValue"] = True


def _tell_of_headers(paths: Mapping[str, Mapping[str, Any]]) -> None:
    """What each answer of a status has besides what its route tells of."""
    for told in (told for operations in paths.values() for told in operations.values()):
        for status, response in told["responses"].items():
            names = ("X-Request-Id",) if status.startswith("2") else _HEADERS_OF.get(status, ())
            if names:
                response["headers"] = response.get("headers", {}) | _headers(names)


def _put_examples(app: FastAPI, paths: Mapping[str, Mapping[str, Any]]) -> None:
    """As they were written: FastAPI leaves out what is null, and an answer has it."""
    for route in iter_route_contexts(app.routes):
        if not (isinstance(route.original_route, APIRoute) and route.include_in_schema and route.path_format):
            continue
        for method in route.methods or ():
            told = paths[route.path_format][method.lower()]
            for status, response in route.responses.items():
                _put_into(told["responses"][str(status)], response)
            _put_into(told.get("requestBody", {}), (route.openapi_extra or {}).get("requestBody", {}))


def _put_into(told: Mapping[str, Any], written: Mapping[str, Any]) -> None:
    for media_type, content in written.get("content", {}).items():
        if "example" in content:
            told["content"][media_type]["example"] = content["example"]


def _put_samples(paths: Mapping[str, Mapping[str, Any]]) -> None:
    """Where nobody wrote what an answer looks like."""
    for told in (told for operations in paths.values() for told in operations.values()):
        for status, response in told["responses"].items():
            content = response.get("content", {}).get(JSON)
            if content is None or not status.startswith("2") or "example" in content:
                continue
            content["example"] = sample_of(_types[content["schema"]["$ref"].rpartition("/")[2]])


def _tell_of_tokens(document: dict[str, Any]) -> None:
    document["components"]["securitySchemes"] = {
        "token": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "Of `POST /v1/sessions` for people, of `POST /v1/oauth/token` for machines and devices.",
        }
    }  # fmt: skip
    for path, operations in document["paths"].items():
        for method, told in operations.items():
            need = NEEDS.get((method.upper(), path))
            if need == OPEN:
                continue
            told["security"] = [{"token": []}]
            told["x-permission"] = "" if need is None else need.permission
            for status in (401, 403):
                content = {PROBLEM_JSON: {"schema": _ref(ProblemBody)}}
                told["responses"].setdefault(str(status), {"description": _PHRASES[status], "content": content})
