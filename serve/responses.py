"""Answers on their way out: bytes with their headers. Nothing here is to be kept by caches: most of it
is personal or changes."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from serve.at_once import always, answered, content_type
from serve.context import Scope, Send
from serve.pages import NO_STORE
from serve.problems import Answer

encode = msgspec.json.Encoder().encode


async def send_answer(scope: Scope, send: Send, answer: Answer, request_id: str) -> None:
    """The whole answer: in one piece where the door can (`at_once.py`), else in two messages."""
    status, body, more = answer
    if not more and answered(scope, status, body, request_id):
        return
    headers = [
        *always(status),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class AnswerResponse(Response):
    """An answer for Starlette, which sends it as it is. The request id and what is for browsers is added on
    the way out (`app.py`)."""

    def __init__(self, answer: Answer) -> None:
        status, body, more = answer
        super().__init__(content=body, status_code=status)
        self.raw_headers = [
            content_type(status),
            (b"content-length", b"%d" % len(body)),
            NO_STORE,
            *more,
        ]


def ok(view: msgspec.Struct) -> AnswerResponse:
    """200 with a struct as JSON."""
    return AnswerResponse((200, encode(view), ()))
