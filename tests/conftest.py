"""Real stores for the tests that are about them: one PostgreSQL and one Redis for the whole run.

`postgres_url` gives each test module a database of its own, `redis_url` an empty Redis for each test. The servers are
started on first use, so a run without such tests starts nothing.
"""

import gc
import itertools
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import hypothesis
import psycopg
import pytest
import structlog

from cells.paths import short_folder
from cells.postgres import EmbeddedPostgres, postgres_binaries
from cells.redis import EmbeddedRedis, answer
from perf.ports import free_ports

# A machine that is busy with other tests is no fault of the code: neither how long an example takes nor how long it
# took to draw says anything. And many properties find more together than few with many examples.
hypothesis.settings.register_profile(
    "ocefs", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], max_examples=40
)
hypothesis.settings.load_profile("ocefs")

# Most tests of the API build an app of their own: looking through all of them every 700 objects took a
# third of these tests' time.
gc.set_threshold(50_000, 10, 5)

# What structlog does by itself with an exception, all variables of all frames in boxes, takes a second a time and more.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

_database_numbers = itertools.count(1)
NewDatabase = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def loggers_of_others() -> Iterator[None]:
    """Other tests get their own loggers back, whatever a test that takes it makes of them by `configure_logs`."""
    root = logging.getLogger("ocefs")
    handlers, level, propagate, told = root.handlers[:], root.level, root.propagate, structlog.get_config()
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:], root.propagate = handlers, propagate
    root.setLevel(level)
    structlog.configure(**told)


@pytest.fixture(scope="session", autouse=True)
def sockets_of_homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Takes away the folder for sockets (`cells/paths.py`) of each home that a test had in its `tmp_path`."""
    yield
    own = tmp_path_factory.getbasetemp()
    for home in itertools.chain(*(own.glob(depth) for depth in ("*", "*/*", "*/*/*"))):
        shutil.rmtree(short_folder(home), ignore_errors=True)


@pytest.fixture(scope="session")
def short_tmp() -> Iterator[Path]:
    """A folder with a short path (sockets) that the server's user may pass through (root runs)."""
    folder = Path(tempfile.mkdtemp(prefix="ocefs-t-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(short_tmp: Path) -> Iterator[EmbeddedPostgres]:
    """The run's PostgreSQL; take `postgres_url` unless the test is about the server. Another than the packaged one runs
    if OCEFS_TEST_POSTGRES_BIN names the folder of its `initdb` and `postgres`."""
    binaries = postgres_binaries(os.environ.get("OCEFS_TEST_POSTGRES_BIN", ""))
    # What it plans for a table of some hundred rows is another thing once it has looked at them: it shall do so when a
    # test asks, and not once a minute.
    server = EmbeddedPostgres(
        short_tmp / "postgres", short_tmp / "pg", binaries=binaries, settings={"autovacuum": "off"}
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def new_database(postgres_server: EmbeddedPostgres) -> NewDatabase:
    """Makes an empty database, or a copy of the named one, and drops it afterwards; yields its URL."""

    @contextmanager
    def made(template: str = "template1") -> Iterator[str]:
        name = f"test_{os.getpid()}_{next(_database_numbers)}"
        with psycopg.connect(postgres_server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield f"postgresql://ocefs@/{name}?host={postgres_server.socket_dir}"
        with psycopg.connect(postgres_server.url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    return made


@pytest.fixture(scope="module")
def postgres_url(new_database: NewDatabase) -> Iterator[str]:
    """URL of an empty database that is this module's alone; it is dropped afterwards."""
    with new_database() as url:
        yield url


@pytest.fixture(scope="session")
def redis_server(short_tmp: Path) -> Iterator[EmbeddedRedis]:
    """The run's Redis; take `redis_url` unless the test is about the server."""
    server = EmbeddedRedis(short_tmp / "redis", short_tmp / "rs")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_socket(redis_server: EmbeddedRedis) -> Path:
    """Path of the socket of an empty Redis."""
    assert answer(redis_server.socket, b"FLUSHALL\r\n").startswith(b"+OK")
    return redis_server.socket


@pytest.fixture
def redis_url(redis_socket: Path) -> str:
    """URL of an empty Redis."""
    return f"unix://{redis_socket}"


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    (port,) = free_ports(1)
    return port
