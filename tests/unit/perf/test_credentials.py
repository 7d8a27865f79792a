"""Who the tools are to a cell: no request may carry a token that has ended, and none may carry
one where nobody asked."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from cells.errors import CellError
from cells.keys import make_keyring
from cells.paths import CellPaths
from perf import closed_loop, credentials
from perf.chaos.door import Door
from perf.credentials import LEAST_S, NOBODY, Credentials
from perf.http_pool import HttpPool, post, request
from serve.identity import keyring
from serve.identity.tokens import ACCESS_S, verify


class Clock:
    """Monotonic seconds that pass when they are told to, and a maker of numbered tokens that
    remembers when it was asked."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.made_at: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def make(self) -> str:
        self.made_at.append(self.now_s)
        return f"token-{len(self.made_at)}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def no_token_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCEFS_TOKEN", raising=False)


def test_a_header_is_handed_out_after_its_token_has_ended_or_just_before(clock: Clock) -> None:
    who = Credentials(clock.make, clock)
    for _ in range(3600):
        number = int(re.findall(rb"token-(\d+)", who.line())[0])
        assert clock.now_s + LEAST_S <= clock.made_at[number - 1] + ACCESS_S
        clock.now_s += 1


def test_each_request_signs_a_token_of_its_own(clock: Clock) -> None:
    who = Credentials(clock.make, clock)
    assert {who.line() for _ in range(100)} == {b"Authorization: Bearer token-1\r\n"}
    assert who.headers() == {"Authorization": "Bearer token-1"}
    assert len(clock.made_at) == 1


def test_nothing_is_signed_before_it_is_wanted(clock: Clock) -> None:
    Credentials(clock.make, clock)
    assert clock.made_at == []


def test_a_program_that_takes_its_header_once_outlives_it(clock: Clock) -> None:
    who = Credentials(clock.make, clock)
    who.line()
    clock.now_s += 100  # good for 200 s more: enough for a request, not for a run of 250 s
    assert who.headers(250) == {"Authorization": "Bearer token-2"}
    with pytest.raises(CellError, match="good for 300 s"):
        who.headers(ACCESS_S + 1)


def test_a_cell_without_identity_gets_a_header() -> None:
    assert NOBODY.line() == b""
    assert NOBODY.headers() == NOBODY.headers(10_000) == {}


@pytest.mark.parametrize("status", [0, 200, 404, 503])
def test_a_token_is_shown_to_who_did_not_ask(status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCEFS_TOKEN", "a.b.c")
    assert credentials.if_asked(status, "us", tmp_path) is NOBODY


def test_the_key_file_of_the_home_makes_a_token_that_the_region_takes(tmp_path: Path) -> None:
    paths = CellPaths("us", tmp_path)
    paths.secrets.mkdir(parents=True)
    make_keyring(paths)
    value = credentials.if_asked(401, "us", tmp_path).headers()["Authorization"]
    claims = verify(keyring.load(paths.keyring), value.removeprefix("Bearer "), "us", int(time.time()))
    assert "orders.update" in claims.scopes


def test_a_cell_that_asks_without_a_key_file_here_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(CellError, match="OCEFS_TOKEN"):
        credentials.if_asked(401, "us", tmp_path)


def test_an_operators_token_is_shown_instead_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCEFS_TOKEN", " a.b-c_.d\n")
    assert credentials.if_asked(401, "us", tmp_path).line() == b"Authorization: Bearer a.b-c_.d\r\n"


@pytest.mark.parametrize("text", ["a\r\nX-Evil: 1", "Bearer a.b.c", "tökен"])
def test_what_is_no_token_gets_into_the_header_or_into_the_message(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCEFS_TOKEN", text)
    with pytest.raises(CellError, match="OCEFS_TOKEN is no token") as refused:
        credentials.if_asked(401, "us", tmp_path)
    assert text not in str(refused.value)


@asynccontextmanager
async def listener(heads: list[bytes], gate: asyncio.Event | None = None) -> AsyncIterator[str]:
    """Keeps the head and the body of each request; answers when the gate is open."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                heads.append(head + await reader.readexactly(length))
                if gate is not None:
                    await gate.wait()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


async def test_a_request_is_changed_otherwise_by_its_header(clock: Clock) -> None:
    heads: list[bytes] = []
    async with listener(heads) as base:
        for who in (NOBODY, Credentials(clock.make, clock)):
            async with HttpPool(base, 1, who) as pool:
                await pool.ask(post(pool.host, "/u", "k", b'{"a":"\r\n"}'))
                await pool.ask(request("GET", pool.host, "/r"))
    line = b"Authorization: Bearer token-1\r\n"
    assert [head.count(line) for head in heads] == [0, 0, 1, 1]
    assert [head.replace(line, b"") for head in heads[2:]] == heads[:2]


async def test_a_request_that_waited_for_a_connection_carries_the_token_of_when_it_was_made(clock: Clock) -> None:
    heads: list[bytes] = []
    gate = asyncio.Event()
    async with listener(heads, gate) as base, HttpPool(base, 1, Credentials(clock.make, clock)) as pool:
        asked = [asyncio.create_task(pool.ask(request("GET", pool.host, "/r"))) for _ in range(2)]
        await asyncio.sleep(0)
        clock.now_s += ACCESS_S
        gate.set()
        await asyncio.gather(*asked)
    assert [re.findall(rb"token-\d", head) for head in heads] == [[b"token-1"], [b"token-2"]]


async def test_a_chaos_client_goes_on_with_its_first_token(clock: Clock) -> None:
    heads: list[bytes] = []
    async with listener(heads) as base:
        door = Door(base, Credentials(clock.make, clock))
        assert (await door.ask("GET", "/r")).status == 200
        clock.now_s += ACCESS_S
        assert (await door.ask("POST", "/u", b"{}", "k")).status == 200
        door.close()
    assert [re.findall(rb"token-\d", head) for head in heads] == [[b"token-1"], [b"token-2"]]
    assert heads[1].endswith(b"\r\n\r\n{}")


def test_wrk_gets_the_token_on_its_command_line(clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wrk, seen = tmp_path / "wrk", tmp_path / "seen"
    names = [field.name for field in msgspec.structs.fields(closed_loop.WrkFigures)]
    figures = msgspec.json.encode(dict.fromkeys(names, 1)).decode()
    wrk.write_text(f"#!/bin/sh\necho \"$*|$OCEFS_BENCH_HEADERS\" > {seen}\necho 'OCEFS {figures}'\n")
    wrk.chmod(0o755)
    monkeypatch.setattr(closed_loop, "require_wrk", lambda: str(wrk))
    who = Credentials(clock.make, clock)
    closed_loop.run("updates", "http://127.0.0.1:1", seconds=1, connections=1, headers=who.headers())
    arguments, headers = seen.read_bytes().split(b"|")
    assert b"token" not in arguments
    assert headers.strip() == b"Authorization: Bearer token-1"
