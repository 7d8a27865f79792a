"""What the door itself answers, ahead of every route, is framed, guessed or kept, or says less than other answers."""

import asyncio
import json

import httpx
import msgspec
import pytest

from serve.door import Door
from serve.door_protocol import LimitedHttp
from tests.unit.runtime.rig import until
from tests.unit.serve.small_cell import SETTINGS, Cell
from tests.unit.serve.test_headers import check_hardened


async def test_a_connection_over_the_limit_gets_an_answer_of_uvicorn_s_own():
    cell = Cell(msgspec.structs.replace(SETTINGS, port=0, connections_max=1))
    door = Door(cell.app, cell.services.settings, cell.services.live.close)
    await door.open()
    try:
        async with httpx.AsyncClient(timeout=60) as http:
            answer = await http.get(f"http://127.0.0.1:{door.port}/healthz")
    finally:
        await door.close()
    assert (answer.status_code, json.loads(answer.text)["code"]) == (429, "cell.busy")
    assert answer.headers["retry-after"]
    assert answer.headers["connection"] == "close"
    check_hardened(answer)


async def test_what_is_no_http_gets_an_answer_that_may_be_framed_or_kept():
    cell = Cell(msgspec.structs.replace(SETTINGS, port=0))
    door = Door(cell.app, cell.services.settings, cell.services.live.close)
    await door.open()
    try:
        async with httpx.AsyncClient(timeout=60) as http:
            answer = await http.get(
                f"http://127.0.0.1:{door.port}/", headers={"Transfer-Encoding": "chunked", "Content-Length": "1"}
            )
    finally:
        await door.close()
    assert answer.status_code == 400
    assert answer.json()["request_id"] == answer.headers["x-request-id"] != ""
    check_hardened(answer)


@pytest.mark.parametrize(
    ("pieces", "header"),
    [
        ([b"GET / HTTP/1.1\r\nHost: a\r\nIdempotency-Key: " + b"k" * 9000 + b"\r\n\r\n"], "Idempotency-Key"),
        ([b"GET / HTTP/1.1\r\nHost: a\r\nIdempotency-Key: k", b"k" * 9000], "Idempotency-Key"),
        ([b"GET / HTTP/1.1\r\nHost: a\r\n", b"Idempotency-Key: k", b"k" * 9000], "Idempotency-Key"),
        ([b"GET / HTTP/1.1\r\nHost: a\r\nIdempotency", b"-Key: k", b"k" * 9000], None),
        ([b"GET / HTTP/1.1\r\nHost: a\r\nX~Y: k", b"k" * 9000], None),
        ([b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"], None),
    ],
    ids=["whole", "without an end", "in pieces", "name in pieces", "no name", "url"],
)
async def test_a_header_that_is_too_large_is_refused_without_its_name_or_a_request_id(pieces, header, monkeypatch):
    received, data_received = bytearray(), LimitedHttp.data_received

    def noted(connection: LimitedHttp, data: bytes) -> None:
        received.extend(data)
        data_received(connection, data)

    monkeypatch.setattr(LimitedHttp, "data_received", noted)
    cell = Cell(msgspec.structs.replace(SETTINGS, port=0, header_bytes_max=8192))
    door = Door(cell.app, cell.services.settings, cell.services.live.close)
    await door.open()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        for number, piece in enumerate(pieces, 1):
            writer.write(piece)
            sent = sum(map(len, pieces[:number]))
            await until(lambda sent=sent: len(received) == sent)  # so that each comes by itself
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    finally:
        await door.close()
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (431, "request.headers_too_large")
    assert problem["request_id"]
    assert f"x-request-id: {problem['request_id']}\r\n" in head.decode()
    assert [error["header"] for error in problem.get("errors", ())] == ([header] if header else [])
