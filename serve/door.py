"""The cell's own door: a uvicorn inside the process that serves, on the cell's port.

Several replicas listen on the same port (SO_REUSEPORT); the kernel spreads connections over them. The door is opened when the
replica is ready and closed before anything else of it: it takes no new connections, ends live streams with the advice to come
back, tells callers on open connections with their next answer that it was the last, lets requests in flight finish for `drain_s`
seconds, and is gone.

Who is connected has `head_timeout_s` to send the whole head of a request, and no more bytes of it than `header_bytes_max`; over `connections_max`
he is told to come back.

With a certificate it speaks TLS 1.2 or newer and nothing else: what is no TLS gets no answer, and browsers are told to remember that.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from serve.at_once import CYCLE
from serve.context import ASGIApp, Receive, Scope, Send, request_id_of
from serve.door_tls import ShownCertificate
from serve.pages import DATA, NO_STORE
from serve.problems import CONTENT_TYPE, Problem
from serve.responses import send_answer
from serve.settings import ApiSettings

# How long a closing door waits for callers to hear that it closes, and how often it looks whether all have. Counted in looks: a process that
# was not let run for a while heard nobody meanwhile.
GOODBYE_S = 1.0
_LOOK_S = 0.02
_CLOSE = (b"connection", b"close")
# RFC 6797; a year.
_HSTS = ("strict-transport-security", "max-age=31536000; includeSubDomains")
_REASONS = {400: b"Bad Request", 431: b"Request Header Fields Too Large"}


class DoorTaken(Exception):
    """The port can't be listened on; the message says what to do."""


class _HeadersTooLarge(Exception):
    """More bytes of headers than a request may have."""


class _OneWrite:
    """A transport that writes what it is given in one turn of the loop at once. Uvicorn writes an answer's head and its body apart:
    a second system call for us, a second wake-up for the caller, a tenth of what a hot route costs."""

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
    await send_answer(scope, send, (status, body, (*more, _CLOSE)), request_id)


def protocol(header_bytes_max: int, head_timeout_s: float) -> type[asyncio.Protocol]:
    """Uvicorn's HTTP with limits for the request line and headers, and problem details for what is no HTTP.

    Uvicorn's parser tells of a header when it is whole, and keeps what it has of it until then; uvicorn's one timer runs from an answer to the next
    byte. So what brings a request no further is counted and timed here: a request that comes in one chunk costs neither.
    """

    class LimitedHttp(HttpToolsProtocol):
        header_bytes = 0
        # What this chunk brought: a whole head, a piece of a body.
        headed = bodied = False
        # Of a field that is not whole yet, and what `header_bytes` was when it began.
        field_bytes = whole_bytes = 0
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
                self._count_field(len(data))
                self._time_head()

        def on_message_begin(self) -> None:
            self.header_bytes = 0
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self.headed = True
            if self.head_timer is not None:
                self._untime_head()
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            self.bodied = True
            super().on_body(body)

        def _count_field(self, more: int) -> None:
            """Of bytes that completed no head: a head or a trailer without an end."""
            if self.bodied or self.header_bytes != self.whole_bytes:
                self.bodied, self.whole_bytes, self.field_bytes = False, self.header_bytes, 0
                return
            self.field_bytes += more
            if self.field_bytes > header_bytes_max:
                self.header_bytes = header_bytes_max + 1
                self.send_400_response("")

        def _time_head(self) -> None:
            """From here on there is a time for the next head, unless a request is being answered: after that uvicorn's own timer runs."""
            if self.head_timer is None and (self.cycle is None or self.cycle.response_complete):
                self.head_timer = self.loop.call_later(head_timeout_s, self._head_late)

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
            if self.header_bytes > header_bytes_max:
                raise _HeadersTooLarge

        def on_url(self, url: bytes) -> None:
            self._count(len(url))
            super().on_url(url)

        def on_header(self, name: bytes, value: bytes) -> None:
            self._count(len(name) + len(value))
            super().on_header(name, value)

        def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
            scope: Any = cycle.scope
            scope[CYCLE] = self.answering = cycle
            if app is service_unavailable:
                app = _too_many
            super()._start_asgi_task(cycle, app)

        def send_400_response(self, msg: str) -> None:
            if self.header_bytes > header_bytes_max:
                detail = f"Request line and headers may have {header_bytes_max} bytes."
                problem = Problem("request.headers_too_large", detail)
            else:
                problem = Problem("request.malformed", "This is not valid HTTP.")
            body = problem.body("")
            headers = dict((*self.server_state.default_headers, *DATA, NO_STORE, _CLOSE)) | {
                b"content-type": CONTENT_TYPE,
                b"content-length": b"%d" % len(body),
            }
            told = b"".join(b"%s: %s\r\n" % header for header in headers.items())
            head = b"HTTP/1.1 %d %s\r\n" % (problem.status, _REASONS[problem.status])
            self.transport.write(head + told + b"\r\n" + body)
            self.transport.close()

    return LimitedHttp


class _Server(uvicorn.Server):
    """Without signal handlers (they are the process's, not ours), and it says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class Door:
    """`open` once, `close` once. `ending`: called first when it closes (ends live streams)."""

    def __init__(self, app: ASGIApp, settings: ApiSettings, ending: Callable[[], None]) -> None:
        self._settings = settings
        self._ending = ending
        self._shown: ShownCertificate | None = None
        self._following: asyncio.Task[None] | None = None
        if settings.tls_certificate:
            self._shown = ShownCertificate(settings.tls_certificate, settings.tls_key)
        config: Any = uvicorn.Config(
            app,
            ssl_context_factory=self._context if self._shown else None,
            loop="none",
            http=protocol(settings.header_bytes_max, settings.head_timeout_s),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            headers=[_HSTS] if self._shown else [],
            proxy_headers=False,
            limit_concurrency=settings.connections_max,
            timeout_keep_alive=settings.keep_alive_s,
            timeout_graceful_shutdown=settings.drain_s,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None
        self.port = settings.port

    def _context(self, *_: object) -> ssl.SSLContext:
        assert self._shown is not None
        return self._shown.context

    async def open(self) -> None:
        """Listens from when it returns. Raises DoorTaken."""
        listener = _listener(self._settings.host, self._settings.port)
        self.port = listener.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="door")
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        self.check()
        if self._shown is not None:
            self._following = asyncio.create_task(self._shown.follow(), name="door certificate")

    def check(self) -> None:
        """Raises RuntimeError when the door is not open though it should be."""
        if self._task is None or self._task.done():
            raise RuntimeError(f"the door on port {self.port} is closed")

    async def close(self) -> None:
        """Returns when all requests are answered, or after `drain_s`."""
        self._ending()
        if self._following is not None:
            self._following.cancel()
        if self._task is None:
            return
        await self._say_goodbye(self._task)
        self._server.should_exit = True
        await asyncio.wait({self._task})

    async def _say_goodbye(self, serving: asyncio.Task[None]) -> None:
        """No new connections; callers on those that are open are told with their next answer not to send another request. Cut off at
        once, a request that is just on its way would get no answer."""
        if not self._server.started or serving.done():
            return
        state, config = self._server.server_state, self._server.config
        state.default_headers = [*state.default_headers, _CLOSE]
        config.encoded_headers = [*config.encoded_headers, _CLOSE]  # from which the others are made anew every second
        for server in self._server.servers:
            server.close()
        for _ in range(round(GOODBYE_S / _LOOK_S)):
            if not state.connections:
                return
            await asyncio.sleep(_LOOK_S)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(2048)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise DoorTaken(
            f"can't listen on {host}:{port} ({error.strerror}): another program has the port, or it needs rights that this "
            "process lacks; set [api] port of the region to a free one"
        ) from error
    return listener
