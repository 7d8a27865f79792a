"""The cell's own door over real sockets: shared by replicas, bounded, and closed without losing a request."""

import asyncio
import contextlib
import re
import socket

import httpx
import msgspec
import pytest

from actors.runtime import wire
from actors.runtime.wire import LiveEvent
from serve import responses
from serve.door import Door, DoorTaken
from tests.unit.serve.small_cell import SETTINGS, Cell, furnish

UNKNOWN = "us-" + "0" * 26
# Within that whatever has to happen does, also where seven runs of the tests share two cores.
SOON_S = 30.0


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


def held_up(cell) -> tuple[asyncio.Event, asyncio.Event]:
    """Whoever views something: the first is set as he has asked, and he is answered when the second is."""
    entered, gate = asyncio.Event(), asyncio.Event()

    async def slow(*args, **more):
        entered.set()
        await gate.wait()
        return wire.Reply(wire.OK, b'{"order_id":"x"}')

    cell.gateway.view = slow
    return entered, gate


def client(door: Door) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{door.port}", timeout=SOON_S)


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


@pytest.mark.parametrize("path", ["/healthz", "/v1/availability?sku=A1", "/v1/skus", "/v1/nothing"])
async def test_a_head_is_refused_or_has_a_body_that_passes_for_the_next_answer(path):
    async with opened() as (_, door), client(door) as http:
        whole = await http.get(path)
        head = await http.head(path)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        for name in ("content-type", "content-length", "cache-control", "content-security-policy"):
            assert head.headers.get(name) == whole.headers.get(name), name
        request = b"HEAD " + path.encode() + b" HTTP/1.1\r\nHost: a\r\n"
        answer = await raw(door, request + b"\r\n" + request + b"Connection: close\r\n\r\n")
        first, second, rest = answer.split(b"\r\n\r\n")
        assert first.startswith(b"HTTP/1.1 %d " % whole.status_code)
        assert second.startswith(b"HTTP/1.1 %d " % whole.status_code)
        assert rest == b""


async def test_a_head_of_what_never_ends_hangs():
    async with opened() as (_, door), client(door) as http:
        refused = await http.head("/v1/live")
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET")
        assert (await http.put("/v1/availability")).headers["allow"] == "GET, HEAD"


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


async def endless(door: Door, head: bytes, more: bytes) -> tuple[int, bytes]:
    """Sends without an end; how many bytes were taken until the door had enough, and what it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(head)
    sent = 0
    answer = asyncio.ensure_future(reader.read())
    try:
        while not answer.done() and sent < 4_000_000:
            writer.write(more)
            await writer.drain()
            sent += len(more)
            await asyncio.sleep(0.001)
        return sent, await answer
    except ConnectionError:
        return sent, b""
    finally:
        answer.cancel()
        writer.close()


CHUNKED = b"POST /v1/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "more"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-More: ", b"a" * 1000),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n", b"a" * 1000),
        (b"", b"\r\n" * 500),
        (CHUNKED + b"1\r\n{\r\n0\r\nX-More: ", b"a" * 1000),
        (CHUNKED + b"1;", b"a" * 1000),
    ],
)
async def test_a_header_without_an_end_is_kept_in_memory(head, more):
    async with opened(header_bytes_max=8192) as (_, door):
        sent, answer = await endless(door, head, more)
        assert sent < 200_000
        assert answer == b"" or b"request.headers_too_large" in answer


async def test_a_head_in_many_pieces_is_refused_although_it_is_within_its_limit():
    async with opened(header_bytes_max=8192) as (_, door):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        fields = b"".join(b"X-%d: %b\r\n" % (number, b"k" * 1000) for number in range(8))
        whole = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields + b"\r\n"
        for first in range(0, len(whole), 500):
            writer.write(whole[first : first + 500])
            await asyncio.sleep(0.002)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()


ANSWERED = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Mo",
        ANSWERED + b"G",
        # Answered before its body is whole, which then never is.
        b"POST /v1/nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{",
    ],
)
async def test_who_says_nothing_more_keeps_a_connection_for_ever(sent):
    async with opened(head_timeout_s=0.2) as (_, door):
        began = asyncio.get_running_loop().time()
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(sent[:-1])
        await asyncio.sleep(0.1)  # what is answered is answered before the last byte
        writer.write(sent[-1:])
        async with asyncio.timeout(SOON_S):
            with contextlib.suppress(ConnectionError):
                await reader.read()
        assert asyncio.get_running_loop().time() - began > 0.15
        writer.close()


async def test_bytes_that_come_one_by_one_prolong_the_time_for_a_head():
    async with opened(head_timeout_s=0.3) as (_, door):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nX: ")
        async with asyncio.timeout(SOON_S):
            gone = asyncio.ensure_future(reader.read())
            while not gone.done():
                writer.write(b"a")
                await asyncio.sleep(0.02)
        writer.close()


async def test_a_request_that_takes_its_time_is_cut_off_with_heads_that_do():
    async with opened(head_timeout_s=0.5) as (cell, door), client(door) as http:

        async def slow(*args, **more):
            await asyncio.sleep(0.8)
            return wire.Reply(wire.OK, b'{"order_id":"x"}')

        cell.gateway.view = slow
        assert (await http.get(f"/v1/orders/{UNKNOWN}")).json() == {"order_id": "x"}
        await asyncio.sleep(0.8)  # kept alive for `keep_alive_s`
        assert (await http.get(f"/v1/orders/{UNKNOWN}")).status_code == 200
        assert len(door._server.server_state.connections) == 1


async def test_a_connection_too_many_is_refused_with_something_else_than_a_problem():
    async with opened(connections_max=2) as (_, door):
        _, writer = await asyncio.open_connection("127.0.0.1", door.port)
        answer = await raw(
            door, b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: 9b7a2c1e-3f40-4c0e-8a55-1f9d0c2ab7e4\r\n\r\n"
        )
        head, body = answer.lower().split(b"\r\n\r\n")
        assert head.startswith(b"http/1.1 429 ")
        told = (
            b"content-type: application/problem+json",
            b"retry-after: 1",
            b"connection: close",
            b"x-request-id: 9b7a2c1e-3f40-4c0e-8a55-1f9d0c2ab7e4",
        )
        for line in (*told, b"x-content-type-options: nosniff"):
            assert head.count(line) == 1
        assert msgspec.json.decode(body)["code"] == "cell.busy"
        writer.close()


async def test_what_is_no_http_is_refused_with_a_problem():
    async with opened() as (_, door):
        answer = await raw(door, b"\x16\x03\x01 hello\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"request.malformed" in answer


UUID = "9b7a2c1e-3f40-4c0e-8a55-1f9d0c2ab7e4"
ASKED = (
    ("GET", "/v1/availability?sku=A1&lat=40&lon=-74", {}),
    ("GET", "/v1/availability?sku=nothing", {}),
    ("GET", f"/v1/orders/{UNKNOWN}", {"X-Request-Id": UUID}),
    ("GET", "/v1/availability?sku=A1", {"X-Request-Id": "of two\tlines"}),
    ("POST", "/v1/orders", {"Content-Type": "application/json", "Idempotency-Key": "k"}),
    ("POST", f"/v1/orders/{UNKNOWN}/updates", {"Content-Type": "application/json"}),
)


async def test_an_answer_in_one_piece_says_something_else_than_in_two(monkeypatch):
    async with opened() as (_, door), client(door) as http:

        async def told() -> list[tuple]:
            answers = [await http.request(method, path, content=b"{", headers=more) for method, path, more in ASKED]
            ids = [answer.headers.pop("x-request-id") for answer in answers]
            assert [i for i in ids if not i.startswith("r-")] == [UUID]
            for answer in answers:
                assert answer.headers.pop("date")
            bodies = [re.sub(rb'"request_id":"[^"]*"', b"", answer.content) for answer in answers]
            return [(a.status_code, sorted(a.headers.multi_items()), b) for a, b in zip(answers, bodies, strict=True)]

        pieces = []
        whole = responses.answered
        monkeypatch.setattr(responses, "answered", lambda *of: pieces.append(whole(*of)) or pieces[-1])
        in_one = await told()
        assert pieces == [True] * len(ASKED)
        monkeypatch.setattr(responses, "answered", lambda *_: False)
        assert await told() == in_one
        assert {status for status, _, _ in in_one} == {200, 400, 404, 422}


async def test_requests_sent_ahead_are_answered_in_another_order_or_not_at_all():
    async with opened() as (_, door):
        asked = b"GET /v1/availability?sku=A%d HTTP/1.1\r\nHost: a\r\nX-Request-Id: 9b7a2c1e-3f40-4c0e-8a55-00000000000%d\r\n%b\r\n"
        ends = [b"", b"", b"", b"Connection: close\r\n"]
        answer = await raw(door, b"".join(asked % (1, n, end) for n, end in enumerate(ends)))
        assert re.findall(rb"x-request-id: [\w-]+(\d)\r", answer) == [b"0", b"1", b"2", b"3"]
        assert answer.count(b"HTTP/1.1 200 OK\r\n") == 4
        assert answer.lower().count(b"connection: close") == 1


async def test_a_caller_of_an_older_http_waits_for_more():
    async with opened() as (_, door):
        answer = await raw(door, b"GET /v1/availability?sku=A1 HTTP/1.0\r\nHost: a\r\n\r\n")
        assert b"connection: close" in answer.lower()
        assert answer.endswith(b"}")


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


async def test_who_was_asking_when_the_door_closes_is_not_told_that_and_cut_off_with_his_next_request():
    async with opened() as (cell, door), client(door) as http:
        entered, gate = held_up(cell)
        reading = asyncio.ensure_future(http.get(f"/v1/orders/{UNKNOWN}"))
        await entered.wait()
        closing = asyncio.ensure_future(door.close())
        await asyncio.sleep(0)  # it has begun
        gate.set()
        assert (await reading).headers["connection"] == "close"
        await closing


async def test_who_has_connected_while_the_process_was_busy_is_cut_off_when_the_door_closes():
    async with opened() as (_, door):
        # The kernel lets him in; the process has not looked since.
        with socket.create_connection(("127.0.0.1", door.port), timeout=5) as connected:
            closing = asyncio.ensure_future(door.close())
            reader, writer = await asyncio.open_connection(sock=connected)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            writer.close()
        await closing
    assert head.startswith(b"http/1.1 200")
    assert b"connection: close" in head


async def test_a_closing_door_finishes_what_is_in_flight_and_sends_screens_away():
    async with opened() as (cell, door), client(door) as http:
        entered, gate = held_up(cell)
        reading = asyncio.ensure_future(http.get(f"/v1/orders/{UNKNOWN}"))
        screen = asyncio.ensure_future(http.get("/v1/live"))
        await entered.wait()
        await cell.gateway.live_changed.wait()
        closing = asyncio.ensure_future(door.close())
        assert (await screen).text.endswith("event: reconnect\ndata: {}\n\n")
        async with asyncio.timeout(SOON_S):
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


WATCH = b"GET /v1/live HTTP/1.1\r\nHost: a\r\n\r\n"
# Of one event: what the system keeps for a caller who does not read is soon full.
LONG = LiveEvent("order", "us-1", 1, 17, msgspec.json.encode([{"type": "x" * 1000}] * 100))


async def until(condition) -> None:
    async with asyncio.timeout(SOON_S):
        while not condition():  # noqa: ASYNC110 - of the code under test, which has no event to wait for
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def screen(door: Door, asked: bytes = WATCH):
    """A connection that reads nothing."""
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(deaf, ("127.0.0.1", door.port))
        await loop.sock_sendall(deaf, asked)
        yield deaf


def is_stuck(door: Door) -> bool:
    return any(connection.flow.write_paused for connection in door._server.server_state.connections)


@pytest.mark.parametrize("ended", ["dropped", "sent away", "over"])
async def test_a_screen_that_reads_nothing_keeps_its_place_for_ever(ended):
    limits = {"live_queue_max": 5 if ended == "dropped" else 1000, "live_max_s": 2.0 if ended == "over" else 600.0}
    async with opened(live_grace_s=0.3, **limits) as (cell, door), screen(door):
        live = cell.services.live
        await until(lambda: live.clients)
        (stream,) = live._clients
        async with asyncio.timeout(SOON_S):
            while not is_stuck(door):
                # One by one where few may be unread: none is dropped before it is stuck.
                for _ in range(1 if ended == "dropped" else 100):
                    live.live(LONG)
                await until(lambda: is_stuck(door) or not stream._pending)
        for _ in range(10 if ended == "dropped" else 0):
            live.live(LONG)
        if ended == "sent away":
            live.close()
        await until(lambda: not live.clients)
        await until(lambda: not door._server.server_state.connections)


async def test_a_screen_that_reads_slowly_is_cut_off_before_its_last_words():
    async with opened(live_grace_s=SOON_S) as (cell, door), client(door) as http:
        watching = asyncio.ensure_future(http.get("/v1/live"))
        await until(lambda: cell.services.live.clients)
        cell.services.live.live(LONG)
        await asyncio.sleep(0.05)
        cell.services.live.close()
        assert (await watching).text.endswith("event: reconnect\ndata: {}\n\n")
        await until(lambda: not cell.services.live.clients)


async def test_a_screen_that_asked_for_more_and_hung_up_keeps_its_place():
    async with opened(live_heartbeat_s=0.05) as (cell, door):
        async with screen(door, WATCH + WATCH):
            await until(lambda: cell.services.live.clients)
            await asyncio.sleep(0.1)
        await until(lambda: not cell.services.live.clients)
