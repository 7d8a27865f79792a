"""A small, quick HTTP/1.1 client for load: persistent connections, requests as ready-made bytes, one in flight each.

It exists because the generator runs on the machine that it measures: an ordinary client would take as much CPU as the
system under test.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httptools

from perf.credentials import NOBODY, Credentials
from perf.https import port_of, tls_of

NO_ANSWER = 0
"""The status of a reply that never came: the connection broke."""


class Reply(NamedTuple):
    """An HTTP answer; status 0 when the connection broke instead."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


Done = Callable[[Reply], None]


def post(host: str, path: str, key: str, body: bytes) -> bytes:
    """A POST with its Idempotency-Key, ready to send."""
    return request("POST", host, path, body, {"Content-Type": "application/json", "Idempotency-Key": key})


def request(method: str, host: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """A request, ready to send."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class _Connection(asyncio.Protocol):
    """One persistent connection; tells the pool when it is free, and when it is lost."""

    def __init__(self, free: Callable[["_Connection"], None], lost: Callable[["_Connection"], None]) -> None:
        self._free = free
        self._lost = lost
        self._done: Done | None = None
        self._transport: asyncio.Transport | None = None
        self._reset()

    def _reset(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []

    def send(self, raw: bytes, done: Done) -> None:
        """Sends a request; `done` is called once, with the answer or with status 0."""
        self._done = done
        assert self._transport is not None, "a connection is used only while it is open"
        self._transport.write(raw)

    def close(self) -> None:
        """Closes without telling the pool."""
        self._lost = lambda _: None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), "a stream connection has a stream transport"
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            assert self._transport is not None, "data comes over an open transport"
            self._transport.abort()

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        reply = Reply(self._parser.get_status_code(), b"".join(self._body))
        keep = self._parser.should_keep_alive()
        self._reset()
        done, self._done = self._done, None
        if not keep and self._transport is not None:
            self._transport.close()
        if done is not None:
            done(reply)
        if keep:
            self._free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        done, self._done = self._done, None
        self._lost(self)
        if done is not None:
            done(Reply(NO_ANSWER, str(exc or "connection closed").encode()))


class HttpPool:
    """A fixed number of connections to one address. Requests beyond them wait in order of arrival.

    A lost connection is opened again at once, then every REOPEN_S. A request gets the header of `credentials` when it
    is sent, not when it is made: it may have waited for long.
    """

    REOPEN_S = 0.2

    def __init__(self, base: str, connections: int, credentials: Credentials = NOBODY) -> None:
        parts = urlsplit(base)
        self._credentials = credentials
        self.host = parts.netloc
        self._address = (parts.hostname or "127.0.0.1", port_of(base))
        self._tls = tls_of(base)
        self._connections_wanted = connections
        self._free: list[_Connection] = []
        self._open: set[_Connection] = set()
        self._waiting: deque[tuple[bytes, Done]] = deque()
        self._reopening: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "HttpPool":
        for _ in range(self._connections_wanted):
            await self._connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._reopening:
            task.cancel()
        for connection in list(self._open):
            connection.close()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: _Connection(self._on_free, self._on_lost), *self._address, ssl=self._tls
        )
        self._open.add(connection)
        self._on_free(connection)

    def _on_free(self, connection: _Connection) -> None:
        if self._waiting:
            raw, done = self._waiting.popleft()
            connection.send(self._signed(raw), done)
        else:
            self._free.append(connection)

    def _on_lost(self, connection: _Connection) -> None:
        self._open.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        task = asyncio.get_running_loop().create_task(self._reopen())
        self._reopening.add(task)
        task.add_done_callback(self._reopening.discard)

    async def _reopen(self) -> None:
        while True:
            try:
                await self._connect()
                return
            except OSError:
                await asyncio.sleep(self.REOPEN_S)

    def _signed(self, raw: bytes) -> bytes:
        line = self._credentials.line()
        if not line:
            return raw
        first, end, rest = raw.partition(b"\r\n")
        return b"".join((first, end, line, rest))

    def submit(self, raw: bytes, done: Done) -> None:
        """Sends as soon as a connection is free; never blocks."""
        if self._free:
            self._free.pop().send(self._signed(raw), done)
        else:
            self._waiting.append((raw, done))

    async def ask(self, raw: bytes) -> Reply:
        """Sends and waits for the answer."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.submit(raw, lambda reply: None if future.done() else future.set_result(reply))
        return await future

    async def ask_all(self, requests: list[bytes]) -> list[Reply]:
        """All answers, in the order of the requests; as many at a time as there are connections."""
        return await asyncio.gather(*map(self.ask, requests))
