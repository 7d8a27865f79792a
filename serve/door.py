"""The cell's own door: a uvicorn inside the process that serves, on the cell's port.

Several replicas listen on the same port (SO_REUSEPORT); the kernel spreads connections over them. The door is opened
when the replica is ready and closed before anything else of it: it takes no new connections, ends live streams with the
advice to come back, tells callers on open connections with their next answer that it was the last, lets requests in
flight finish for `drain_s` seconds, and is gone.

Who is connected has `head_timeout_s` to send the whole head of a request, and no more bytes of it than
`header_bytes_max`; over `connections_max` he is told to come back.

With a certificate it speaks TLS 1.2 or newer and nothing else: what is no TLS gets no answer, and browsers
are told to remember that.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from serve.context import ASGIApp
from serve.door_protocol import CLOSE, protocol
from serve.door_tls import ShownCertificate
from serve.settings import ApiSettings

# How long a closing door waits for callers to hear that it closes, and how often it looks whether all have. Counted in
# looks: a process that was not let run for a while heard nobody meanwhile.
GOODBYE_S = 1.0
_LOOK_S = 0.02
# RFC 6797; a year.
_HSTS = ("strict-transport-security", "max-age=31536000; includeSubDomains")


class DoorTaken(Exception):
    """The port can't be listened on; the message says what to do."""


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
        """No new connections; callers on those that are open are told with their next answer not to send another
        request. Cut off at once, a request that is just on its way would get no answer."""
        if not self._server.started or serving.done():
            return
        state, config = self._server.server_state, self._server.config
        state.default_headers = [*state.default_headers, CLOSE]
        config.encoded_headers = [*config.encoded_headers, CLOSE]  # from which the others are made anew every second
        # Whoever was asking already is told with that answer: his next request might come as we go.
        connections: set[Any] = set(state.connections)  # of the one protocol that is configured
        for connection in connections:
            if connection.cycle is not None and not connection.cycle.response_complete:
                connection.shutdown()
        # Who has connected since the loop last looked would be cut off with the listener: the loop's next turn finds
        # him, and the one after that has let him in.
        for _ in range(2):
            await asyncio.sleep(0)
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
