"""The forwarder against a real HTTP server on loopback: who keeps a copy of the audit gets all of it, in order."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from actors.audit_forwarder import (
    BODIES_UNTIL_LARGER,
    BODY_BYTES_MAX,
    LOOK_S,
    PAUSE_S_MAX,
    AuditForwarder,
    as_told,
    place_of,
)
from actors.receiver import Receiver, read_authorization, read_secret
from actors.runtime.alerts import Kept, Position
from actors.runtime.audit_lines import Line
from actors.runtime.audit_queue import Batch, Missing
from actors.runtime.errors import StoreUnavailable
from serve.audit.schemas import AuditLine
from tests.unit.serve.fake_gateway import FakeClock

SECRET = b"0123456789abcdef0123456789abcdef"
NOON_MS = 1_767_225_600_000


def line(shard: int, number: int, **more) -> Line:
    said = {
        "shard": shard, "number": number, "at": NOON_MS + number, "version": 2, "subject": "us-acct-mia", "role": "manager",
        "session_id": "s-1", "address": "a-77", "device": "", "behalf": "", "request_id": "r-1", "action": "location.adjust",
        "outcome": "", "location_id": "us-st-austin", "kind": "location", "entity_id": "us-st-austin", "why": "damage",
        "changes": '{"A.on_hand":[3,null]}', "chain": bytes(31) + bytes([number % 256]),
    }  # fmt: skip
    return Line(**said | more)


class FakeQueue:
    """Lines of an audit, `limit` of them at a time whatever is asked for."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.missing: list[Missing] = []
        self.then: dict[int, Position] = {}
        self.put_off: tuple[int, ...] = ()
        self.limit = 100
        self.away = False

    async def after(self, cursor, limit) -> Batch:
        if self.away:
            raise StoreUnavailable("away")
        wanted = [one for one in self.lines if one.number > cursor.get(one.shard, Position(0, 0)).number]
        return Batch(wanted[: self.limit], self.missing, self.then, len(wanted) > self.limit, self.put_off)


class FakeMemory:
    """What is kept over a restart."""

    def __init__(self) -> None:
        self.kept: Kept | None = None
        self.full = False

    async def load(self) -> Kept | None:
        return self.kept

    async def save(self, kept: Kept, now_ms: int) -> None:
        if self.full:
            raise StoreUnavailable("full")
        self.kept = kept


class Rig:
    """`answers`: statuses in turn, the last for ever; 0: the connection is closed."""

    def __init__(self) -> None:
        self.clock, self.queue, self.memory = FakeClock(), FakeQueue(), FakeMemory()
        self.answers, self.got, self.elsewhere = [200], [], 0
        self.body_max = 10**9

    async def start(self) -> None:
        async def take(request: web.Request) -> web.Response:
            body = await request.read()
            status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if len(body) > self.body_max:
                status = 413
            if status == 0:
                request.transport.abort()
            self.got.append((status, request.headers, body))
            return web.Response(status=status or 500, headers={"Location": "/elsewhere"} if status == 307 else {})

        async def other(request: web.Request) -> web.Response:
            self.elsewhere += 1
            return web.Response()

        app = web.Application(client_max_size=10**9)
        app.router.add_post("/audit", take)
        app.router.add_route("*", "/elsewhere", other)
        self.server = TestServer(app, host="127.0.0.1")
        await self.server.start_server()
        self.restarted()

    def restarted(self, authorization: str = "") -> None:
        receiver = Receiver(str(self.server.make_url("/audit")), SECRET, authorization)
        self.forwarder = AuditForwarder("us", lambda: receiver, self.queue, self.memory, self.clock)

    def taken(self) -> list[tuple[int, int]]:
        """Shard and number of each line that the receiver has said yes to, in turn."""
        return [
            (told["shard"], told["number"])
            for status, _, body in self.got
            if 200 <= status < 300
            for told in map(json.loads, body.splitlines())
        ]

    async def later(self, seconds: float = LOOK_S) -> bool:
        self.clock.now += int(seconds * 1000)
        return await self.forwarder.forward()


@pytest.fixture
async def rig():
    made = Rig()
    await made.start()
    yield made
    await made.server.close()


async def test_a_line_comes_otherwise_than_auditors_see_it_or_unsigned(rig):
    rig.queue.lines = [line(3, 1), line(3, 2, changes="", outcome="count.stale")]
    rig.restarted("Bearer 77")
    assert not await rig.later()
    ((_, headers, body),) = rig.got
    told = [json.loads(one) for one in body.splitlines()]
    assert told[0] == {
        "at": "2026-01-01T00:00:00.001000Z", "subject": "us-acct-mia", "role": "manager", "session_id": "s-1", "address": "a-77",
        "device": "", "behalf": "", "action": "location.adjust", "outcome": "", "kind": "location", "entity_id": "us-st-austin",
        "version": 2, "location_id": "us-st-austin", "why": "damage", "changes": {"A.on_hand": [3, None]}, "request_id": "r-1",
        "shard": 3, "number": 1, "chain": "00" * 31 + "01",
    }  # fmt: skip
    assert (told[1]["changes"], told[1]["outcome"]) == ({}, "count.stale")
    assert set(as_told(line(1, 1))) == set(AuditLine.__struct_fields__)
    at, _, signed = headers["Ocefs-Signature"].partition(",v1=")
    now = at.removeprefix("t=")
    assert int(now) == rig.clock.now // 1000
    assert signed == hmac.new(SECRET, now.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert (headers["Content-Type"], headers["Ocefs-Region"]) == ("application/x-ndjson", "us")
    assert headers["Authorization"] == "Bearer 77"


async def test_a_header_of_nothing_is_sent(rig):
    rig.queue.lines = [line(1, 1)]
    await rig.later()
    assert "Authorization" not in rig.got[0][1]


async def test_nothing_new_is_a_request(rig):
    await rig.later()
    assert rig.got == []


async def test_a_line_is_sent_twice_although_it_was_taken(rig):
    rig.queue.lines = [line(1, 1), line(2, 1)]
    await rig.later()
    await rig.later()
    rig.queue.lines += [line(1, 2)]
    await rig.later()
    assert rig.taken() == [(1, 1), (2, 1), (1, 2)]
    rig.restarted()
    await rig.later()
    assert len(rig.got) == 2
    assert rig.memory.kept == Kept({1: Position(2, NOON_MS + 2), 2: Position(1, NOON_MS + 1)}, b"")


@pytest.mark.parametrize("status", [0, 400, 401, 403, 404, 422, 429, 500, 503])
async def test_a_line_is_lost_while_the_receiver_is_away(rig, status, caplog):
    rig.queue.lines = [line(1, 1), line(1, 2)]
    rig.answers = [status, status, 202]
    await rig.later()
    assert rig.memory.kept is None
    assert await rig.later(1.9) is False
    assert len(rig.got) == 1, "it is asked too soon"
    rig.queue.lines.append(line(1, 3))
    await rig.later(0.2)
    await rig.later(3.8)
    assert len(rig.got) == 2, "the pause is not doubled"
    await rig.later(0.3)
    assert rig.taken() == [(1, 1), (1, 2), (1, 3)]
    assert rig.forwarder.lines == 3
    assert "did not take lines of the audit" in caplog.text
    assert "takes it again" in caplog.text


async def test_a_receiver_that_fails_now_and_then_is_asked_ever_more_seldom(rig):
    rig.queue.lines, rig.answers = [line(1, 1)], [503, 503, 200]
    for _ in range(3):
        await rig.later(PAUSE_S_MAX)
    rig.queue.lines, rig.answers = [line(1, 2)], [503, 200]
    await rig.later()
    await rig.later(2 * LOOK_S)
    assert rig.taken() == [(1, 1), (1, 2)]


async def test_a_fault_of_ours_loses_what_was_not_kept(rig, monkeypatch):
    rig.queue.lines = [line(1, 1)]
    save, rounds = rig.memory.save, 0

    async def saved(kept, now_ms):
        monkeypatch.setattr(rig.memory, "save", save)
        raise RuntimeError("a fault of ours")

    async def sleep(seconds):
        nonlocal rounds
        rounds += 1
        rig.clock.now += int(seconds * 1000)
        if rounds == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(rig.memory, "save", saved)
    monkeypatch.setattr(rig.clock, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await rig.forwarder.run()
    assert rig.taken() == [(1, 1), (1, 1)], "twice, and not never"
    assert rig.memory.kept == Kept({1: Position(1, NOON_MS + 1)}, b"")


async def test_a_receiver_that_was_away_for_long_is_asked_hours_later(rig):
    rig.queue.lines, rig.answers = [line(1, 1)], [503]
    for _ in range(12):
        await rig.later(PAUSE_S_MAX)
    tried = len(rig.got)
    await rig.later(PAUSE_S_MAX)
    assert len(rig.got) == tried + 1


async def test_a_receiver_that_answers_nothing_holds_the_forwarder_for_ever(rig, monkeypatch):
    monkeypatch.setattr("actors.audit_forwarder.TIMEOUT_S", 0.2)
    rig.queue.lines = [line(1, 1)]
    await rig.server.close()

    async def silent(reader, writer) -> None:
        await reader.read(-1)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    nobody = Receiver(f"http://127.0.0.1:{port}/", SECRET)
    rig.forwarder = AuditForwarder("us", lambda: nobody, rig.queue, rig.memory, rig.clock)
    async with asyncio.timeout(10):
        assert await rig.later() is False
    server.close()
    assert rig.memory.kept is None


async def test_a_replaced_secret_needs_a_restart_or_one_that_is_gone_ends_the_forwarder(rig, tmp_path, caplog):
    files = [tmp_path / "secret", tmp_path / "token"]
    url = str(rig.server.make_url("/audit"))

    def receiver() -> Receiver:
        return Receiver(url, read_secret(str(files[0])), read_authorization(str(files[1])))

    rig.forwarder = AuditForwarder("us", receiver, rig.queue, rig.memory, rig.clock)
    rig.queue.lines = [line(1, 1)]
    await rig.later()
    assert "the secret can't be read" in caplog.text
    for file, content in zip(files, (SECRET, b"Bearer 1\n"), strict=True):
        file.touch(0o600)
        file.write_bytes(content)
    await rig.later(PAUSE_S_MAX)
    files[1].write_text("Bearer 2")
    rig.queue.lines.append(line(1, 2))
    await rig.later()
    assert rig.taken() == [(1, 1), (1, 2)]
    assert [headers["Authorization"] for _, headers, _ in rig.got] == ["Bearer 1", "Bearer 2"]


async def test_a_redirect_is_followed(rig):
    rig.queue.lines, rig.answers = [line(1, 1)], [307]
    await rig.later()
    assert rig.elsewhere == 0
    assert rig.memory.kept is None


async def test_what_is_remembered_is_that_lines_were_taken_before_they_are(rig):
    rig.queue.lines, rig.memory.full = [line(1, 1)], True
    with pytest.raises(StoreUnavailable):
        await rig.later()
    rig.restarted()
    rig.memory.full = False
    await rig.later()
    assert rig.taken() == [(1, 1), (1, 1)], "twice, and not never"


async def test_a_body_is_larger_than_a_receiver_takes(rig):
    size = len(json.dumps(as_told(line(1, 1)), default=str))
    rig.queue.lines = [line(1, number, why="w" * 100_000) for number in range(1, 26)]
    await rig.later()
    assert [len(body.splitlines()) for _, _, body in rig.got] == [9, 9, 7]
    assert all(len(body) <= BODY_BYTES_MAX for _, _, body in rig.got)
    rig.got.clear()
    rig.queue.lines += [line(2, 1, why="w" * 2_000_000), line(2, 2)]
    await rig.later()
    assert rig.taken() == [(2, 1), (2, 2)], "a line that is larger by itself goes by itself"
    assert size < 1_000


async def test_a_receiver_of_small_bodies_is_asked_to_take_large_ones_again_and_again(rig, caplog):
    rig.queue.lines = [line(1, number, why="w" * 1_000) for number in range(1, 201)]
    rig.queue.limit, rig.body_max = 200, 8_000
    await rig.later()
    assert rig.taken() == [(1, number) for number in range(1, 201)]
    refused = [status for status, _, _ in rig.got].count(413)
    assert refused <= 6, "down to what it takes, and one try of more"
    assert "did not take" not in caplog.text, "to ask with less is no failure"


async def test_what_a_receiver_took_once_is_the_most_that_it_ever_gets(rig):
    rig.queue.lines, rig.body_max = [line(1, number, why="w" * 1_000) for number in range(1, 21)], 8_000
    await rig.later()
    rig.body_max = 10**9
    for number in range(21, 21 + 3 * BODIES_UNTIL_LARGER):
        rig.queue.lines = [line(1, number)]
        await rig.later()
    rig.got.clear()
    rig.queue.lines = [line(1, number, why="w" * 1_000) for number in range(1_000, 1_020)]
    await rig.later()
    assert len(rig.got) == 1
    rig.got.clear()
    rig.queue.lines = [line(1, number, why="w" * 1_000) for number in range(2_000, 5_000)]
    rig.queue.limit = 3_000
    await rig.later()
    assert max(len(body) for _, _, body in rig.got) <= BODY_BYTES_MAX


async def test_a_receiver_that_takes_not_even_one_line_is_asked_without_a_pause(rig):
    rig.queue.lines, rig.body_max = [line(1, 1), line(1, 2)], 10
    await rig.later()
    await rig.later()
    assert [len(body.splitlines()) for _, _, body in rig.got] == [2, 1]
    assert rig.memory.kept is None


async def test_the_next_lines_wait_although_there_are_more(rig):
    rig.queue.lines, rig.queue.limit = [line(1, number) for number in range(1, 6)], 2
    assert [await rig.later(), await rig.later(), await rig.later()] == [True, True, False]
    assert rig.taken() == [(1, number) for number in range(1, 6)]


async def test_what_is_missing_is_passed_over_in_silence_or_told_each_second(rig, caplog):
    rig.queue.lines, rig.queue.missing = [line(4, 9)], [Missing(4, 7, 8)]
    await rig.later()
    await rig.later()
    assert rig.taken() == [(4, 9)]
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 1
    assert told[0].startswith("lines 7 to 8 of shard 4 are not in the audit any more")


async def test_lines_behind_an_older_copy_of_the_database_are_not_sent(rig):
    rig.memory.kept = Kept({4: Position(9, NOON_MS)}, b"")
    rig.queue.then, rig.queue.lines = {4: Position(5, NOON_MS)}, [line(4, 6)]
    await rig.later()
    rig.queue.then = {}
    await rig.later()
    assert rig.taken() == [(4, 6)]


async def test_what_is_done_without_lines_is_not_kept_or_kept_before_lines_are_taken(rig):
    rig.queue.then, rig.queue.lines, rig.answers = {4: Position(5, NOON_MS)}, [line(3, 1)], [503, 200]
    await rig.later()
    assert rig.memory.kept is None
    await rig.later(2 * LOOK_S)
    assert rig.memory.kept.cursor == {3: Position(1, NOON_MS + 1), 4: Position(5, NOON_MS)}
    rig.queue.then, rig.queue.lines = {4: Position(6, NOON_MS)}, []
    await rig.later()
    assert rig.memory.kept.cursor[4] == Position(6, NOON_MS)
    assert len(rig.got) == 2


async def test_lines_that_were_read_with_others_are_lost_when_only_these_are_taken(rig):
    rig.queue.lines = [line(1, number, why="w" * 400_000) for number in (1, 2, 3, 4)]
    rig.queue.then, rig.answers = {4: Position(5, NOON_MS)}, [200, 503, 200]
    await rig.later()
    assert rig.memory.kept.cursor == {1: Position(2, NOON_MS + 2)}
    await rig.later(2 * LOOK_S)
    assert rig.taken() == [(1, 1), (1, 2), (1, 3), (1, 4)]
    assert rig.memory.kept.cursor == {1: Position(4, NOON_MS + 4), 4: Position(5, NOON_MS)}


async def test_shards_that_are_put_off_are_so_in_silence(rig, caplog):
    rig.queue.put_off = (3, 9)
    await rig.later()
    assert "lines of the shards [3, 9] are not found" in caplog.text


async def test_an_older_copy_of_the_database_is_read_from_where_the_one_before_it_was(rig):
    """While it is away the hosts go on, and when it is back they have written past what was taken already."""
    rig.queue.lines = [line(1, 1), line(1, 2)]
    await rig.later()
    rig.queue.away = True
    with pytest.raises(StoreUnavailable):
        await rig.later()
    rig.queue.away = False
    rig.memory.kept = Kept({1: Position(1, NOON_MS + 1)}, b"")
    rig.queue.lines = [line(1, number, why="anew") for number in (1, 2, 3)]
    await rig.later()
    assert rig.taken() == [(1, 1), (1, 2), (1, 2), (1, 3)]


async def test_a_line_that_somebody_put_there_keeps_all_others_from_coming(rig):
    rig.queue.lines = [line(1, 1, changes="none of ours"), line(1, 2, changes='{"a":{"b":1}}'), line(1, 3)]
    await rig.later()
    assert rig.taken() == [(1, 1), (1, 2), (1, 3)]
    told = [json.loads(one)["changes"] for one in rig.got[0][2].splitlines()]
    assert told == ["none of ours", '{"a":{"b":1}}', {"A.on_hand": [3, None]}]


def test_another_receiver_begins_where_the_one_before_it_is():
    one, other = place_of("us", "https://logs.example/a"), place_of("us", "https://logs.example/b")
    assert one != other != place_of("eu", "https://logs.example/b")
    assert place_of("us", "https://logs.example/a") == one
