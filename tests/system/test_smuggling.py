"""What is written so that the router takes it for one request and the cell for two: the real HAProxy in front of the
real door, and the door by itself."""

import asyncio
import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from cells.processes import wait_until
from perf.ports import free_ports
from router import process
from router.config import RouterConfig
from router.state import RouterFolder
from router.topology import Region
from serve.door import Door
from tests.unit.serve.small_cell import SETTINGS

SECOND = b"GET /v1/second HTTP/1.1\r\nHost: a\r\n\r\n"
REFUSED: list[str] = []
# Within that whatever has to happen does, also where seven runs of the tests share two cores.
SOON_S = 30.0


class Cell:
    """The door of a cell, in a thread, with an app that says what it took for a request:
    `[method path bytes of body]`."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._door: Door
        opened: Future[int] = Future()
        self._thread = threading.Thread(target=self._run, args=(opened,))
        self._thread.start()
        self.port = opened.result(SOON_S)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._door.close(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self, opened: Future[int]) -> None:
        asyncio.set_event_loop(self._loop)
        self._door = Door(
            self, msgspec.structs.replace(SETTINGS, port=0, keep_alive_s=1, head_timeout_s=1.0, drain_s=1), lambda: None
        )
        self._loop.run_until_complete(self._door.open())
        opened.set_result(self._door.port)
        self._loop.run_forever()
        self._loop.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return  # its body never came whole: it did nothing
            body += message.get("body", b"")
            more = message.get("more_body", False)
        told = f"[{scope['method']} {scope['path']} {len(body)}]"
        if scope["path"].startswith("/v1/"):
            self.taken.append(told)
        headers = [(b"content-length", str(len(told)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": told.encode()})


class Way:
    """A port to send to, and the cell that is behind it."""

    def __init__(self, port: int, cell: Cell) -> None:
        self.port, self._cell = port, cell

    def sent(self, request: bytes) -> tuple[list[str], list[str]]:
        """What the cell took for requests, and what the caller was answered."""
        self._cell.taken.clear()
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SOON_S) as connection, suppress(OSError):
            connection.sendall(request)
            # All that has no end is hung up on by either after a while, but for a body.
            while part := connection.recv(65_536):
                answer += part
        # Whatever was left on the connection to the cell would be the beginning of what somebody else asks.
        for number in range(3):
            path = f"/v1/next-{number}"
            assert httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=SOON_S).text == f"[GET {path} 0]"
        taken = [told for told in self._cell.taken if "next-" not in told]
        return taken, re.findall(r"\[\w+ \S+ \d+\]", answer.decode("latin-1"))


@pytest.fixture(scope="module")
def ways() -> Iterator[dict[str, Way]]:
    home = Path(tempfile.mkdtemp(prefix="ocefs-router-"))
    port, stats_port = free_ports(2)
    cell = Cell()
    try:
        region = Region(name="us", countries=("US",), lat=39.8, lon=-98.6, default=True, residency="open", host="127.0.0.1", port=cell.port)  # fmt: skip
        config = RouterConfig(
            port=port, stats_port=stats_port, connections_max=500, request_timeout_ms=1_000, keep_alive_ms=500
        )
        process.start(home, config, (region,))
        assert wait_until(lambda: process.status(home).cells["us"] == "up", SOON_S)
        yield {"router": Way(port, cell), "door": Way(cell.port, cell)}
    finally:
        process.stop(home)
        cell.close()
        shutil.rmtree(RouterFolder(home).places.socket.parent.parent, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def post(fields: bytes, body: bytes) -> bytes:
    return b"POST /v1/first HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked\r\n"
ENDED = b"0\r\n\r\n" + SECOND
AMBIGUOUS = {
    "a length with chunks": post(b"Content-Length: %d\r\n" % len(ENDED) + CHUNKED, ENDED),
    "chunks with a length": post(CHUNKED + b"Content-Length: %d\r\n" % len(ENDED), ENDED),
    "a short length with chunks": post(b"Content-Length: 4\r\n" + CHUNKED, b"1c\r\n" + SECOND[:28] + b"\r\n0\r\n\r\n"),
    "two lengths": post(b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(SECOND), SECOND),
    "two lengths, the other way round": post(b"Content-Length: %d\r\nContent-Length: 0\r\n" % len(SECOND), SECOND),
    "two lengths in one": post(b"Content-Length: 0, %d\r\n" % len(SECOND), SECOND),
    "a length with a sign": post(b"Content-Length: +%d\r\n" % len(SECOND), SECOND),
    "a length in hexadecimal": post(b"Content-Length: 0x%x\r\n" % len(SECOND), SECOND),
    "a length with a space": post(b"Content-Length: 0 %d\r\n" % len(SECOND), SECOND),
    "a length without a number": post(b"Content-Length:\r\n", SECOND),
    "a length that is folded": post(b"Content-Length: 0\r\n %d\r\n" % len(SECOND), SECOND),
    "chunks that are folded": post(b"Transfer-Encoding:\r\n chunked\r\n", ENDED),
    "a field that hides chunks": post(b"X: a\r\n " + CHUNKED + b"Content-Length: %d\r\n" % len(ENDED), ENDED),
    "another encoding": post(b"Transfer-Encoding: xchunked\r\n", ENDED),
    "an encoding after chunks": post(b"Transfer-Encoding: chunked, identity\r\n", ENDED),
    "an encoding with a length": post(b"Transfer-Encoding: identity\r\nContent-Length: %d\r\n" % len(ENDED), ENDED),
    "chunks twice": post(CHUNKED + b"Transfer-Encoding: identity\r\n", ENDED),
    "chunks in quotes": post(b'Transfer-Encoding: "chunked"\r\nContent-Length: %d\r\n' % len(ENDED), ENDED),
    "chunks with a tab": post(b"Transfer-Encoding:\x0bchunked\r\nContent-Length: %d\r\n" % len(ENDED), ENDED),
    "a space before the colon": post(b"Transfer-Encoding : chunked\r\nContent-Length: %d\r\n" % len(ENDED), ENDED),
    "a length with a space before the colon": post(b"Content-Length : %d\r\n" % len(SECOND), SECOND),
    "a space before the name": b"POST /v1/first HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(ENDED) + ENDED,
    "a name with a nought": post(b"Transfer-Encoding\x00: chunked\r\nContent-Length: %d\r\n" % len(ENDED), ENDED),
    "an underscore for a hyphen": post(b"Transfer_Encoding: chunked\r\nContent-Length: %d\r\n" % len(ENDED), ENDED),
    "a chunk's size with junk": post(CHUNKED, b"5x\r\nabcde\r\n" + ENDED),
    "a chunk's size with a sign": post(CHUNKED, b"+5\r\nabcde\r\n" + ENDED),
    "a chunk's size in hexadecimal": post(CHUNKED, b"0x5\r\nabcde\r\n" + ENDED),
    "a chunk's size with spaces": post(CHUNKED, b" 5\r\nabcde\r\n" + ENDED),
    "a chunk's size beyond 64 bits": post(CHUNKED, b"10000000000000005\r\nabcde\r\n" + ENDED),
    "no size of a chunk": post(CHUNKED, b"\r\nabcde\r\n" + ENDED),
    "a chunk that is longer than it says": post(CHUNKED, b"3\r\nabcde\r\n" + ENDED),
    "a chunk with an extension over two lines": post(CHUNKED, b"5;a\nb\r\nabcde\r\n" + ENDED),
    "a chunk's size and a line feed": post(CHUNKED, b"5\nabcde\r\n" + ENDED),
    "a chunk and a line feed": post(CHUNKED, b"5\r\nabcde\n" + ENDED),
    "the last chunk and line feeds": post(CHUNKED, b"0\n\n" + SECOND),
    "the last chunk with half an end": post(CHUNKED, b"0\r\n" + SECOND),
    "line feeds alone": post(b"Content-Length: %d\r\n" % len(SECOND), SECOND).replace(b"\r\n", b"\n", 4),
    "a line feed in a field": post(b"X: a\nContent-Length: %d\r\n" % len(SECOND), SECOND),
    "a carriage return in a field": post(b"X: a\rContent-Length: %d\r\n" % len(SECOND), SECOND),
    "a body of HTTP/1.0 in chunks": post(CHUNKED, ENDED).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "chunks of a GET": post(CHUNKED + b"Content-Length: 3\r\n", ENDED).replace(b"POST", b"GET", 1),
    "a version that is none": post(b"Content-Length: 0\r\n", SECOND).replace(b"HTTP/1.1", b"HTTP/1.1 ", 1),
}  # fmt: skip


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_the_router_and_the_cell_disagree_where_a_request_ends(ways: dict[str, Way], case: str) -> None:
    request = AMBIGUOUS[case]
    by_router, answered = ways["router"].sent(request)
    # For each that the cell took the router waited, and passed on its answer.
    assert by_router == answered
    by_itself, answered = ways["door"].sent(request)
    assert by_itself == answered
    # Either one of them refuses it, or they read it alike.
    assert REFUSED in (by_router, by_itself) or by_router == by_itself


@pytest.mark.parametrize("way", ["router", "door"])
def test_what_is_plain_is_refused_or_read_otherwise(ways: dict[str, Way], way: str) -> None:
    for fields, body, size in (
        (b"Content-Length: 5\r\n", b"abcde", 5),
        (CHUNKED, b"5\r\nabcde\r\n0\r\n\r\n", 5),
        (CHUNKED, b"5;a=b\r\nabcde\r\n1\r\nf\r\n0\r\n\r\n", 6),
        (b"", b"", 0),
    ):
        both = [f"[POST /v1/first {size}]", "[GET /v1/second 0]"]
        assert ways[way].sent(post(fields, body) + SECOND) == (both, both)
