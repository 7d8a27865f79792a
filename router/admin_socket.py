"""Talks to a running HAProxy over its admin socket: server states, maps, versions of maps.

One command a connection. Every call has a time limit and raises `AdminError` when HAProxy is away or refuses.
"""

import re
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

from cells.errors import CellError

_TIMEOUT_S = 5.0
_ANSWER_BYTES_MAX = 16 * 1024 * 1024
# A command with its payload must fit into one of HAProxy's buffers (tune.bufsize is at least twice this).
_PAYLOAD_BYTES_MAX = 2048


class AdminError(CellError):
    """HAProxy does not answer on its admin socket, or refused a command; the message says which."""


class AnswerTooLong(AdminError):
    """HAProxy answers, but more than anybody wants to read."""


class AdminSocket:
    """The admin socket at `path`. Holds no connection between calls."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ask(self, command: str) -> str:
        """Send one command (a payload may follow after `<<`), return the answer. Raises `AdminError`."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(_TIMEOUT_S)
                connection.connect(str(self._path))
                connection.sendall(command.encode() + b"\n")
                return _whole_answer(connection)
        except OSError as error:
            raise AdminError(f"HAProxy does not answer at {self._path}: {error}") from error

    def do(self, command: str) -> None:
        """Send a command that answers nothing when it worked. Raises `AdminError` with HAProxy's words otherwise."""
        answer = self.ask(command).strip()
        if answer:
            raise AdminError(f"HAProxy refused {command.splitlines()[0]!r}: {answer}")

    def set_drained(self, backend: str, drained: bool) -> None:
        """Give a backend's cell no new requests, or new ones again. Requests in flight go on."""
        self.do(f"set server {backend}/cell weight {0 if drained else 1}")

    def close_frontend(self, name: str) -> None:
        """Give a frontend's sockets up for good. Requests in flight go on. Raises `AdminError`."""
        answer = self.ask(f"shutdown frontend {name}").strip()
        if answer and "already" not in answer:
            raise AdminError(f"HAProxy refused to give {name!r} up: {answer}")

    def is_asked(self) -> bool:
        """Is any request under way but this one? Raises `AdminError`."""
        try:
            return any(" fe=" in line and " fe=GLOBAL " not in line for line in self.ask("show sess").splitlines())
        except AnswerTooLong:
            return True

    def cells(self) -> dict[str, str]:
        """Backend → how its cell is: `up`, `down` or `drained`. Raises `AdminError`."""
        rows = self.ask("show stat -1 4 -1").splitlines()  # all proxies, servers only
        names = rows[0].removeprefix("# ").split(",") if rows else []
        found: dict[str, str] = {}
        for row in rows[1:]:
            server = dict(zip(names, row.split(","), strict=False))
            if server.get("svname") == "cell":
                # on the way from one state to the other HAProxy adds a count: "UP 1/2"
                alive = server["status"].startswith("UP")
                found[server["pxname"]] = "drained" if server["weight"] == "0" else "up" if alive else "down"
        return found

    def map_id(self, name: str) -> str:
        """HAProxy's number of the map of this name, as `#2`. Raises `AdminError`."""
        for line in self.ask("show map").splitlines():
            found = re.match(r"(\d+) \((.*?)\) ", line)
            if found and found[2] == name:
                return f"#{found[1]}"
        raise AdminError(f"HAProxy has no map {name}")

    def replace_map(self, name: str, lines: Iterable[str]) -> int:
        """Put new content into a map at once: requests see all of the old or all of the new. Returns the entries."""
        map_id = self.map_id(name)
        found = re.search(r"New version created: (\d+)", self.ask(f"prepare map {map_id}"))
        if not found:
            raise AdminError(f"HAProxy did not prepare a new version of {name}")
        count = 0
        for batch in _batches(line for line in lines if not line.startswith("#")):
            self.do(f"add map @{found[1]} {map_id} <<\n{''.join(batch)}")
            count += len(batch)
        self.do(f"commit map @{found[1]} {map_id}")
        return count


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for line in lines:
        if size + len(line) > _PAYLOAD_BYTES_MAX:
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line)
    if batch:
        yield batch


def _whole_answer(connection: socket.socket) -> str:
    parts: list[bytes] = []
    size = 0
    while part := connection.recv(65_536):
        parts.append(part)
        size += len(part)
        if size > _ANSWER_BYTES_MAX:
            raise AnswerTooLong("HAProxy's answer is longer than expected")
    return b"".join(parts).decode("utf-8", "replace")
