"""The open loop against a small server: what it must count, and from when it must measure."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from perf import open_loop
from perf.http_pool import HttpPool, post, request

Answer = Callable[[bytes], Awaitable[bytes]]


def http(status: str, body: bytes = b"{}") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                reply = await answer(head)
                if not reply:
                    return
                writer.write(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        listening.close()


async def run(
    answer: Answer, *, seconds: float = 0.3, updates: int = 1, connections: int = 4
) -> open_loop.OpenLoopFigures:
    async with server(answer) as base, HttpPool(base, connections) as pool:
        shots = (open_loop.Shot(post(pool.host, "/u", f"k-{n}", b"{}"), updates) for n in itertools.count())
        return await open_loop.run(pool, shots, updates_per_s=200 * updates, seconds=seconds)


async def test_the_given_rate_is_sent() -> None:
    async def answer(_: bytes) -> bytes:
        return http("200 OK")

    figures = await run(answer, updates=20)
    assert figures.requests == pytest.approx(60, abs=2)
    assert figures.updates == figures.requests * 20
    assert figures.errors == 0


async def test_a_stall_shows_in_all_the_requests_that_were_due_meanwhile() -> None:
    stalled = asyncio.Event()

    async def answer(_: bytes) -> bytes:
        if not stalled.is_set():
            stalled.set()
            await asyncio.sleep(0.2)
        return http("200 OK")

    figures = await run(answer, connections=1)
    # 200 ms of 300 were stalled: a generator that waited for the answer would have seen one slow request.
    assert figures.p50_ms > 50
    assert figures.max_ms >= 200


async def test_failed_items_of_a_good_body_are_errors() -> None:
    async def answer(_: bytes) -> bytes:
        return http("200 OK", b'{"results":[{"version":2},{"code":"order.illegal_transition"},{"code":"x"}]}')

    figures = await run(answer, updates=3)
    assert figures.errors == figures.requests * 2
    assert figures.updates == figures.requests


async def test_a_refused_body_counts_all_its_updates_as_errors() -> None:
    async def answer(_: bytes) -> bytes:
        return http("503 Service Unavailable")

    figures = await run(answer, updates=20)
    assert figures.errors == figures.requests * 20
    assert figures.updates == 0
    assert any(kind.startswith("503") for kind in figures.error_kinds)


async def test_a_broken_connection_is_an_error_and_is_opened_again() -> None:
    seen = 0

    async def answer(_: bytes) -> bytes:
        nonlocal seen
        seen += 1
        return b"" if seen == 5 else http("200 OK")

    figures = await run(answer, connections=1, seconds=0.6)
    assert figures.errors == 1
    assert figures.requests > 100


async def test_replies_come_back_in_the_order_of_the_requests() -> None:
    async def answer(head: bytes) -> bytes:
        path = head.split(b" ")[1]
        await asyncio.sleep(0.001 * (int(path[1:]) % 3))
        return http("200 OK", path)

    async with server(answer) as base, HttpPool(base, 3) as pool:
        replies = await pool.ask_all([request("GET", pool.host, f"/{n}") for n in range(30)])
    assert [reply.body for reply in replies] == [b"/%d" % n for n in range(30)]
