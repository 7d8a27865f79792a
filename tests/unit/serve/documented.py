"""Looks at what the API answers, and finds what its document does not tell of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import cache
from typing import Any

from serve.app import Api
from serve.context import Receive, Scope, Send
from serve.endpoint_needs import NEEDS, OPEN
from serve.orders.documents import hot_paths

# Of the guard, in a cell that knows who asks; the document tells of them with the tokens.
_OF_THE_GUARD = {"401", "403"}
Call = Callable[[Api, Scope, Receive, Send], Awaitable[None]]


@cache
def _hot() -> dict[str, dict[str, Any]]:
    return hot_paths()


def _told(api: Api, scope: Scope) -> tuple[str, Mapping[str, Any]] | None:
    """The operation, and its documented answers by status; None where nothing of ours answers."""
    method = scope["method"]
    hot, _ = api._hot(method, scope["path"])
    if hot is not None:
        answers = _hot()[hot.template][method.lower()]["responses"]
        return hot.endpoint, answers
    route = scope.get("route")
    template = getattr(route, "path_format", "")
    if method not in api.methods_of.get(template, ()):
        return None
    answers = {str(status): answer for status, answer in route.responses.items()}
    return f"{method} {template}", answers


def _undocumented(api: Api, scope: Scope, status: str, headers: Mapping[str, str]) -> Iterator[str]:
    told = _told(api, scope)
    if told is None:
        return
    endpoint, answers = told
    method, _, template = endpoint.partition(" ")
    if status not in answers:
        if not (status in _OF_THE_GUARD and NEEDS[method, template] != OPEN):
            yield f"{endpoint}: {status}"
        return
    answer = answers[status]
    media_type = headers.get("content-type", "").partition(";")[0]
    if answer.get("content") and media_type and media_type not in answer["content"]:
        yield f"{endpoint}: {status} as {media_type}"
    if "location" in headers and "Location" not in answer.get("headers", ()):
        yield f"{endpoint}: {status} with a Location"


def watched(call: Call, found: set[str]) -> Call:
    """The same app; what it answers and does not tell of is put into `found`."""

    async def called(api: Api, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = {name.decode().lower(): value.decode("latin-1") for name, value in message["headers"]}
                found.update(_undocumented(api, scope, str(message["status"]), headers))
            await send(message)

        await call(api, scope, receive, sent)

    return called
