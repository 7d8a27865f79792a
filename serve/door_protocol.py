"""HTTP as the cell's door speaks it: uvicorn's, within limits, and with an answer in one system call."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from serve.at_once import CYCLE
from serve.context import Receive, Scope, Send, request_id_of
from serve.pages import DATA, NO_STORE
from serve.problems import CONTENT_TYPE, Problem
from serve.responses import send_answer

CLOSE = (b"connection", b"close")  # the last answer on a connection
_is_name = re.compile(rb"[A-Za-z0-9-]{1,80}").fullmatch
_REASONS = {400: b"Bad Request", 431: b"Request Header Fields Too Large"}


class _HeadersTooLarge(Exception):
    """More bytes of headers than a request may have."""


class _OneWrite:
    """A transport that writes what it is given in one turn of the loop at once. Uvicorn writes an answer's head and its
    body apart: a second system call for us, a second wake-up for the caller, a tenth of what a hot route costs."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._gathered: list[bytes] = []
        self._call_soon = asyncio.get_running_loop().call_soon
        # What does not write goes straight through; what is gathered when it is cut off goes nowhere.
        self.abort = transport.abort
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def write(self, data: bytes) -> None:
        if not self._gathered:
            self._call_soon(self._flush)
        self._gathered.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._gathered:
            data, self._gathered = b"".join(self._gathered), []
            if not self._transport.is_closing():  # the caller may have gone in the same turn
                self._transport.write(data)


async def _too_many(scope: Scope, receive: Receive, send: Send) -> None:
    """What a connection over the limit is told, as uvicorn's `service_unavailable` would in words of its own."""
    request_id = request_id_of(scope)
    status, body, more = Problem("cell.busy", "This replica has too many connections.").answer(request_id)
    await send_answer(scope, send, (status, body, (*more, CLOSE)), request_id)


class LimitedHttp(HttpToolsProtocol):
    """Uvicorn's HTTP with limits for the request line and headers, and problem details for what is no HTTP.

    Uvicorn's parser tells of a header when it is whole, and keeps what it has of it until then; uvicorn's one timer
    runs from an answer to the next byte. So what brings a request no further is counted and timed here: a request that
    comes in one chunk costs neither.
    """

    header_bytes_max: int
    head_timeout_s: float
    header_bytes = 0
    # What this chunk brought: a whole head, a piece of a body.
    headed = bodied = False
    # Of a field that is not whole yet, and what `header_bytes` was when it began.
    field_bytes = whole_bytes = 0
    field_name = b""  # as far as it is known
    head_timer: asyncio.TimerHandle | None = None
    # Uvicorn knows the latest request alone, which may still wait for its turn.
    answering: RequestResponseCycle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(_OneWrite(transport))  # type: ignore[arg-type]
        self._time_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._untime_head()
        if self.answering is not None and not self.answering.response_complete:
            self.answering.disconnected = True
            self.answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.headed = False
        super().data_received(data)
        if not self.headed and not self.transport.is_closing():
            self._count_field(data)
            self._time_head()

    def on_message_begin(self) -> None:
        self.header_bytes, self.field_name = 0, b""
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.headed = True
        if self.head_timer is not None:
            self._untime_head()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.bodied = True
        super().on_body(body)

    def _count_field(self, data: bytes) -> None:
        """Of bytes that completed no head: a head or a trailer without an end."""
        self._name_field(data)
        if self.bodied or self.header_bytes != self.whole_bytes:
            self.bodied, self.whole_bytes, self.field_bytes = False, self.header_bytes, 0
            return
        self.field_bytes += len(data)
        if self.field_bytes > self.header_bytes_max:
            self.header_bytes = self.header_bytes_max + 1
            self.send_400_response("")

    def _name_field(self, data: bytes) -> None:
        """Of the field that is not whole yet: its name, if it stands whole in the bytes with which it begins."""
        line = data.rfind(b"\r\n")
        # The parser tells of a header when the next one begins: that may be all that these bytes are.
        if line >= 0 or self.header_bytes != self.whole_bytes:
            begin = max(line, 0)
            self.field_name = data[begin : max(begin, data.find(b":", begin))].lstrip(b"\r\n")

    def _time_head(self) -> None:
        """From here on there is a time for the next head, unless a request is being answered: after that
        uvicorn's own timer runs."""
        if self.head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self.head_timer = self.loop.call_later(self.head_timeout_s, self._head_late)

    def _untime_head(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _head_late(self) -> None:
        self.head_timer = None
        if not self.transport.is_closing():
            self.transport.abort()

    def _count(self, more: int) -> None:
        self.header_bytes += more
        if self.header_bytes > self.header_bytes_max:
            raise _HeadersTooLarge

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.header_bytes + len(name) + len(value) > self.header_bytes_max:
            self.field_name = name
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.answering = cycle
        scope: Any = cycle.scope
        if scope["method"] != "HEAD":  # whose answers end with their headers: uvicorn leaves the body out
            scope[CYCLE] = cycle
        if app is service_unavailable:
            app = _too_many
        super()._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        if self.header_bytes > self.header_bytes_max:
            detail = f"Request line and headers may have {self.header_bytes_max} bytes."
            name = self.field_name
            errors = [{"header": name.decode(), "detail": "With this one it is more."}] if _is_name(name) else []
            problem = Problem("request.headers_too_large", detail, errors=errors)
        else:
            problem = Problem("request.malformed", "This is not valid HTTP.")
        # A new one: of what is no whole request nothing that it says of itself is taken over.
        request_id = request_id_of({"headers": []})
        body = problem.body(request_id)
        headers = dict((*self.server_state.default_headers, *DATA, NO_STORE, CLOSE)) | {
            b"x-request-id": request_id.encode(),
            b"content-type": CONTENT_TYPE,
            b"content-length": b"%d" % len(body),
        }
        told = b"".join(b"%s: %s\r\n" % header for header in headers.items())
        head = b"HTTP/1.1 %d %s\r\n" % (problem.status, _REASONS[problem.status])
        self.transport.write(head + told + b"\r\n" + body)
        self.transport.close()


def protocol(header_bytes_max: int, head_timeout_s: float) -> type[LimitedHttp]:
    """`LimitedHttp` with these limits: uvicorn makes one for each connection, and hands it no
    more than its own settings."""
    return type("LimitedHttp", (LimitedHttp,), {"header_bytes_max": header_bytes_max, "head_timeout_s": head_timeout_s})
