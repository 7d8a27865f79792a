"""The cell's own door over real sockets: shared by replicas, bounded, and closed without losing a request."""

import asyncio
import contextlib
import socket

import httpx
import msgspec
import pytest

from actors.runtime import wire
from serve.door import Door, DoorTaken
from tests.unit.serve.small_cell import SETTINGS, Cell, furnish

UNKNOWN = "us-" + "0" * 26


@contextlib.asynccontextmanager
async def opened(**changes):
    cell = Cell(msgspec.structs.replace(SETTINGS, **changes))
    await furnish(cell)
    door = Door(cell.app, cell.services.settings, cell.services.live.close)
    await door.open()
    try:
        yield cell, door
    finally:
        await door.close()


def client(door: Door) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{door.port}")


async def raw(door: Door, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(sent)
    with contextlib.suppress(ConnectionError):
        await writer.drain()
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_the_app_answers_through_the_door():
    async with opened() as (_, door), client(door) as http:
        answer = await http.get("/v1/availability?sku=A1")
        assert answer.json()["skus"][0]["available"] == 153
        assert "server" not in answer.headers
        key = {"Idempotency-Key": "k" * 20_000, "Content-Type": "application/json"}
        refused = await http.post("/v1/orders", content=b"{}", headers=key)
        assert refused.json()["code"] == "idempotency.key_invalid"


async def test_a_header_of_a_megabyte_is_refused_with_a_problem():
    async with opened() as (_, door):
        answer = await raw(
            door, b"GET /healthz HTTP/1.1\r\nHost: a\r\nIdempotency-Key: " + b"k" * 1_000_000 + b"\r\n\r\n"
        )
        assert answer == b"" or b"431 Request Header Fields Too Large" in answer
        answer = await raw(door, b"GET /healthz HTTP/1.1\r\nHost: a\r\nIdempotency-Key: " + b"k" * 40_000 + b"\r\n\r\n")
        assert b"431 Request Header Fields Too Large" in answer
        assert b"request.headers_too_large" in answer
        answer = await raw(door, b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"431 " in answer


async def test_what_is_no_http_is_refused_with_a_problem():
    async with opened() as (_, door):
        answer = await raw(door, b"\x16\x03\x01 hello\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"request.malformed" in answer


async def test_two_replicas_share_the_port_and_one_can_leave():
    async with opened() as (_, first):
        async with opened(port=first.port) as (_, second):
            assert second.port == first.port
        async with client(first) as http:
            assert (await http.get("/healthz")).status_code == 200


async def test_a_port_that_another_program_has_says_what_to_do():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(DoorTaken, match=r"set \[api\] port"):
            async with opened(port=other.getsockname()[1]):
                pass


async def test_a_request_on_an_open_connection_is_not_cut_off_because_the_door_closes():
    async with opened() as (_, door):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)

        async def get() -> bytes:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            return head.lower()

        assert b"connection: close" not in await get()
        closing = asyncio.ensure_future(door.close())
        await asyncio.sleep(0)  # it has begun
        assert b"connection: close" in await get()
        assert await reader.read() == b""
        writer.close()
        await closing


async def test_a_closing_door_finishes_what_is_in_flight_and_sends_screens_away():
    async with opened() as (cell, door), client(door) as http:
        entered, gate = asyncio.Event(), asyncio.Event()

        async def slow(*args, **more):
            entered.set()
            await gate.wait()
            return wire.Reply(wire.OK, b'{"order_id":"x"}')

        cell.gateway.view = slow
        reading = asyncio.ensure_future(http.get(f"/v1/orders/{UNKNOWN}"))
        screen = asyncio.ensure_future(http.get("/v1/live"))
        await entered.wait()
        await cell.gateway.live_changed.wait()
        closing = asyncio.ensure_future(door.close())
        assert (await screen).text.endswith("event: reconnect\ndata: {}\n\n")
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", door.port)
                except ConnectionError:
                    break
                writer.close()
                await asyncio.sleep(0.02)
        assert not closing.done()
        gate.set()
        assert (await reading).json() == {"order_id": "x"}
        await closing
        with pytest.raises(RuntimeError, match="closed"):
            door.check()
