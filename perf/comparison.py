"""Runs one comparison system: its worker processes on a port, and the database behind them."""

import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cells.postgres import EmbeddedPostgres
from perf.compare import database
from perf.machine import listeners
from perf.ports import free_ports

START_S = 30.0
STOP_S = 15.0
POLL_S = 0.05


class StartFailed(Exception):
    """A system under test did not come up; the message says what it printed."""


@contextmanager
def postgres(url: str | None) -> Iterator[str]:
    """The URL of a PostgreSQL with the comparisons' schema: a given one, or one of our own for the while.

    Ours is started as a cell's is, with the same settings; fsync and synchronous_commit are on.
    """
    if url is not None:
        database.install(url)
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="ocefs-cmp-") as folder:
        Path(folder).chmod(0o711)
        server = EmbeddedPostgres(Path(folder) / "postgres", Path(folder) / "s")
        try:
            own = server.start()
            database.install(own)
            yield own
        finally:
            server.stop()


@contextmanager
def workers(system: str, count: int, url: str) -> Iterator[str]:
    """Starts `count` worker processes of a system, yields their address, and stops them."""
    (port,) = free_ports(1)  # SO_REUSEPORT lets the workers share it
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "perf.compare.worker", system, str(port), url]
    with tempfile.TemporaryFile() as log:
        started = [subprocess.Popen(command, stdout=log, stderr=log) for _ in range(count)]
        try:
            _wait(base, started, count)
            yield base
        except TimeoutError as error:
            log.seek(0)
            raise StartFailed(f"{system} did not start: {log.read()[-2000:].decode(errors='replace')}") from error
        finally:
            for process in started:
                process.terminate()
            for process in started:
                _end(process)


def _wait(base: str, started: list[subprocess.Popen[bytes]], count: int) -> None:
    """Until each worker listens: the kernel spreads new connections over those that do."""
    deadline = time.monotonic() + START_S
    port = int(base.rsplit(":", 1)[1])
    while time.monotonic() < deadline:
        if any(process.poll() is not None for process in started):
            break
        if len(listeners(port)) >= count:
            # Listening comes before the app's start; an answer comes after it.
            for _ in range(8 * count):
                _answers(base)
            return
        time.sleep(POLL_S)
    raise TimeoutError(base)


def _answers(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/noop-{secrets.token_hex(2)}", timeout=START_S):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
