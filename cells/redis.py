"""An embedded Redis (or Valkey): the journal's disk when no `OCEFS_<REGION>_REDIS_URL` is given.

`appendfsync always` makes an acknowledged append durable (promise 1); there is no TCP port, only a unix socket in a
folder of our own. At its memory limit Redis refuses writes (noeviction) rather than forgetting journal entries.
"""

import os
import re
import signal
import socket
from pathlib import Path

from cells.errors import StoreFailed
from cells.loading import wait_for_load
from cells.paths import own_folder
from cells.processes import LOGS_IN_UTC, RUN_TOKEN, Child, ProcessMark, last_lines, mark_of, stop
from cells.redis_binary import redis_binary

_START_S = 30.0  # without a word
_LOADING = b"-LOADING"
_SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "always",
    "save": "",
    "maxmemory-policy": "noeviction",
    "auto-aof-rewrite-percentage": "100",
    "auto-aof-rewrite-min-size": "256mb",
    "aof-load-truncated": "yes",  # a half-written last command was never acknowledged
    "daemonize": "no",
    "maxclients": "1000",
}


class EmbeddedRedis:
    """One Redis of ours.

    Args:
        home: data folder, made if missing.
        socket_dir: folder of the socket, made if missing, only ours; its path must be short.
        binary: a `redis-server` or `valkey-server`; default as `redis_binary` finds it.
        log: default `redis.log` in `home`.
        memory_mb: past it writes are refused.
        run: token that the server carries in its environment (see `cells.processes`).
    """

    name = "Redis"

    def __init__(
        self, home: Path, socket_dir: Path, *, binary: Path | None = None, log: Path | None = None, memory_mb: int = 2048, run: str = "",
    ) -> None:  # fmt: skip
        self.home = home
        self.socket = socket_dir / "redis.sock"
        self.log = log or home / "redis.log"
        self._binary = binary
        self._memory_mb = memory_mb
        self._environment = {**os.environ, **LOGS_IN_UTC, RUN_TOKEN: run}
        self._child: Child | None = None
        self._said = b""

    @property
    def url(self) -> str:
        """Address for redis-py: `unix:///…/redis.sock`."""
        return f"unix://{self.socket}"

    @property
    def mark(self) -> ProcessMark | None:
        """The server's process while it runs."""
        return self._child.mark if self._child is not None and self._child.exit_code is None else None

    def start(self) -> str:
        """Start and wait until it answers, its journal loaded, however long that is. Gives the URL.

        Raises:
            StoreFailed: another Redis has the socket, or it did not come up; with the last lines of its log.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        own_folder(self.socket.parent)
        if len(str(self.socket)) > 100:
            raise StoreFailed(f"the path of the socket is too long: {self.socket}", "choose a shorter folder")
        if answer(self.socket, b"PING\r\n"):
            other = serving_pid(self.socket)
            raise StoreFailed(
                f"another Redis (process {other or 'unknown'}) already serves {self.socket}",
                "it is a leftover whose record is lost: look at it, end it, and start again",
            )
        own = {"dir": str(self.home), "unixsocket": str(self.socket), "maxmemory": f"{self._memory_mb}mb"}
        settings = _SETTINGS | own
        command = [str(self._binary or redis_binary(home=self.home))]
        for key, value in settings.items():
            command += [f"--{key}", value]
        self._child = child = Child(command, log=self.log, environment=self._environment, folder=self.home)
        # Asked once: a moment later a busy machine may leave the question without an answer.
        settled = wait_for_load(lambda: child.exit_code is not None or self.ready(), self.loads, self.name, _START_S)
        if not settled or child.exit_code is not None:
            self.stop()
            raise StoreFailed(
                f"Redis did not start (log: {self.log}):\n{last_lines(self.log)}",
                "read the lines above; a damaged journal is repaired with redis-check-aof on a copy",
            )
        return self.url

    def ready(self) -> bool:
        """Whether it answers now, with its data loaded."""
        self._said = answer(self.socket, b"PING\r\n")
        return self._said.startswith(b"+PONG")

    def loads(self) -> bool:
        """Whether it says that it is reading its journal, or said so when `ready` asked. While it reads, it answers now
        and then: the one of two questions, say."""
        return self._said.startswith(_LOADING) or answer(self.socket, b"PING\r\n").startswith(_LOADING)

    def exited(self) -> bool:
        """Whether the server that was started is gone."""
        return self._child is None or self._child.exit_code is not None

    def stop(self) -> None:
        """End it; every acknowledged write is on disk already."""
        if self._child is not None:
            stop(self._child.mark, ask=signal.SIGTERM, grace_s=10.0)
            self._child.wait(1.0)


def answer(path: Path, request: bytes, timeout_s: float = 1.0) -> bytes:
    """What a Redis behind a unix socket says to one inline command; empty if nobody answers in time."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout_s)
        try:
            client.connect(str(path))
            client.sendall(request)
            return client.recv(65_536)
        except OSError:
            return b""


def serving_pid(path: Path) -> int | None:
    """Process id of the Redis behind a socket, by its own account."""
    found = re.search(rb"process_id:(\d+)", answer(path, b"INFO server\r\n"))
    pid = int(found.group(1)) if found else None
    return pid if pid is not None and mark_of(pid) is not None else None
