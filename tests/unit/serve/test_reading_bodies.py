"""One timer looks after all bodies that are being read: it ends what is overdue, and nothing else."""

import asyncio
from typing import Any

import pytest

from serve.problems import Problem
from serve.requests import BodyReader
from tests.unit.serve.raw_request import ask

TIMEOUT_S = 60.0
SCOPE: dict[str, Any] = {
    "type": "http", "path": "/v1/x", "query_string": b"", "headers": [(b"content-type", b"application/json")],
}  # fmt: skip


class Sender:
    """Sends a body in two pieces, the second when it is told to."""

    def __init__(self, reader: BodyReader) -> None:
        self._reader = reader
        self.begun, self.goes_on = asyncio.Event(), asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if not self.begun.is_set():
            self.begun.set()
            return {"type": "http.request", "body": b"{", "more_body": True}
        await self.goes_on.wait()
        return {"type": "http.request", "body": b"}"}

    async def read(self) -> bytes:
        write = await self._reader.read(dict(SCOPE), self.receive, keyed=False)
        return write.body


@pytest.fixture
async def at(monkeypatch):
    """Sets the loop's clock to so many seconds after the test began."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    return lambda seconds: monkeypatch.setattr(loop, "time", lambda: begun + seconds)


@pytest.fixture
async def reader():
    made = BodyReader(1000, TIMEOUT_S, str, lambda scope: None)
    yield made
    if made._timer is not None:
        made._timer.cancel()


async def begun(reader: BodyReader) -> tuple[Sender, asyncio.Task[bytes]]:
    sender = Sender(reader)
    task = asyncio.create_task(sender.read())
    await sender.begun.wait()
    return sender, task


async def test_a_body_that_has_just_begun_is_ended_with_one_that_is_overdue(reader, at):
    at(0)
    _, overdue = await begun(reader)
    at(TIMEOUT_S - 1)
    sender, fresh = await begun(reader)
    at(TIMEOUT_S)
    reader._sweep(asyncio.get_running_loop())
    with pytest.raises(Problem) as refused:
        await overdue
    assert refused.value.code == "body.too_slow"
    assert not overdue.cancelling()
    sender.goes_on.set()
    assert await fresh == b"{}"


async def test_nobody_looks_again_after_what_began_later(reader, at):
    loop = asyncio.get_running_loop()
    at(0)
    _, overdue = await begun(reader)
    at(TIMEOUT_S - 1)
    _, later = await begun(reader)
    at(TIMEOUT_S)
    reader._sweep(loop)
    with pytest.raises(Problem):
        await overdue
    assert reader._timer is not None
    assert loop.time() < reader._timer.when() <= loop.time() + TIMEOUT_S
    at(2 * TIMEOUT_S)
    reader._sweep(loop)
    with pytest.raises(Problem):
        await later


async def test_what_is_done_by_a_body_that_came_in_time_is_ended_by_the_bodys_deadline(reader, at):
    at(0)
    sender, work_goes_on = Sender(reader), asyncio.Event()

    async def handler() -> str:
        await sender.read()
        read.set()
        await work_goes_on.wait()
        return "done"

    read = asyncio.Event()
    sender.goes_on.set()
    task = asyncio.create_task(handler())
    await read.wait()
    at(10 * TIMEOUT_S)
    reader._sweep(asyncio.get_running_loop())
    work_goes_on.set()
    assert await task == "done"


async def test_a_call_that_is_given_up_is_answered_as_too_slow(reader):
    _, task = await begun(reader)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_body_in_one_piece_may_be_larger_than_the_limit_or_not_as_large(cell):
    headers = [(b"content-type", b"application/json"), (b"idempotency-key", b"k")]
    most, sent = cell.services.settings.max_body_bytes, b'{"skus": [{"sku": "X1"}]}'
    taken = await ask(cell.app, "POST", b"/v1/skus", headers, sent.ljust(most))
    assert taken.status == 200, taken.body
    answer = await ask(cell.app, "POST", b"/v1/skus", headers, sent.ljust(most + 1))
    assert (answer.status, answer.json()["code"]) == (413, "body.too_large")
