"""A real cell of one's own: its state in a temporary folder, its ports where nobody else is,
started by its real keeper.

The chaos run, the takeover benchmark and the system tests all use it. Whatever it started is ended by `stop`, known by
process id and start time or by the run token in its environment; nothing else is ever signalled.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import msgspec

from cells.calls import call
from cells.config import PROJECT, load_region
from cells.keeper import store_token
from cells.paths import CellPaths
from cells.processes import Child, ProcessMark, ProcessTree, last_lines, send, wait_until
from cells.settings import Identity, RegionConfig, Tls
from cells.state import KeeperState, read_state
from cells.trust import of_cell
from perf.credentials import NOBODY, Credentials, of_home
from perf.https import trust

REGION = "us"
START_S = 180.0
STOP_S = 150.0
SHOWN_LINES = 25
# Spans of ports below those that the system hands out, and beside those of the project's own regions: the cluster takes
# the first thousand of each (cells/ports.py), the three doors follow. The tests that start cells run two at a time.
SPANS = (12_000, 14_000, 16_000, 18_000, 24_000, 26_000, 28_000, 30_000)
SPAN_RAY = 1_000

Changes = Mapping[str, Mapping[str, object]]


Trees = tuple[ProcessTree, ProcessTree]


def trees_of(run: str) -> Trees:
    """Where the processes of a cell's run are found: those of Ray and those of the stores."""
    return ProcessTree(run), ProcessTree(store_token(run))


def marks_of(state: KeeperState, trees: Trees) -> list[ProcessMark]:
    """Every process of a cell's run, its keeper left out."""
    found = {mark for tree in trees for mark in tree.find()} | set(state.leftovers())
    return sorted(found, key=lambda mark: mark.pid)


class CellFailed(Exception):
    """The cell did not come up, or did not end."""


class Span:
    """Ports that this process alone uses while it lives: the lock goes with the process, however it ends."""

    def __init__(self) -> None:
        self._lock: IO[str] | None = None
        self.base = self._take()

    def _take(self) -> int:
        for base in SPANS:
            path = Path(tempfile.gettempdir(), f"ocefs-span-{base}.lock")
            lock = path.open("a", encoding="ascii")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                continue
            if all(_is_free(port) for port in [*range(base, base + 12), *self._doors(base).values()]):
                self._lock = lock
                return base
            lock.close()
        raise CellFailed(f"all spans of ports are in use ({', '.join(map(str, SPANS))}); end another run first")

    @staticmethod
    def _doors(base: int) -> dict[str, int]:
        return {"port": base + SPAN_RAY, "serve_port": base + SPAN_RAY + 1, "dashboard_port": base + SPAN_RAY + 2}

    def changes(self) -> dict[str, dict[str, object]]:
        """The ports as settings of a region."""
        doors = self._doors(self.base)
        return {
            "api": {"port": doors["port"], "serve_port": doors["serve_port"]},
            "ray": {"port_base": self.base, "dashboard_port": doors["dashboard_port"]},
        }

    def free(self) -> None:
        """Somebody else may have them."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def write_config(folder: Path, region: str, *changes: Changes) -> RegionConfig:
    """The project's own file of the region with changes, and identity off unless they or the environment tell
    otherwise, as the only region of the folder `folder`."""
    raw: dict[str, dict[str, Any]] = msgspec.to_builtins(load_region(region, PROJECT / "config" / "regions"))
    raw["identity"]["mode"] = identity_told()
    for change in changes:
        for section, values in change.items():
            raw[section].update(values)
    raw["region"].update(default=True, failover=[])
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for section, values in raw.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {_toml(value)}" for key, value in values.items() if value is not None]
    (folder / f"{region}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    # OCEFS_IDENTITY and OCEFS_TLS are in the file already, unless the changes say otherwise: the
    # cell goes by the file alone.
    identity, tls = msgspec.convert(raw["identity"], Identity), msgspec.convert(raw["tls"], Tls)
    return msgspec.structs.replace(load_region(region, folder), identity=identity, tls=tls)


def identity_told() -> str:
    """`[identity] mode` of a cell that is measured or broken: off, so that figures of today and of before say the same,
    unless `OCEFS_IDENTITY` tells."""
    return os.environ.get("OCEFS_IDENTITY") or "off"


def _toml(value: Any) -> str:
    """A value as TOML has it; null, which TOML has not, is left out of tables."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items() if inner is not None) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return msgspec.json.encode(value).decode()


class OwnCell:
    """One cell, `us`.

    Args:
        changes: settings that differ from the project's `config/regions/us.toml`, by section.
        name: head of the temporary folder's name.
    """

    def __init__(self, changes: Changes | None = None, *, name: str = "ocefs-chaos-") -> None:
        self._span = Span()
        self.home = Path(tempfile.mkdtemp(prefix=name, dir="/tmp"))
        self.home.chmod(0o711)  # PostgreSQL may run as a user of its own
        self._folder = self.home / "config"
        self._changes: list[Changes] = [changes or {}, self._span.changes()]
        self.config = write_config(self._folder, REGION, *self._changes)
        self.paths = CellPaths(REGION, self.home)
        self.base, self.ingress = self.config.address, self.config.ingress
        self.postgres_url = f"postgresql://ocefs@/ocefs?host={self.paths.postgres_socket}"
        self.credentials: Credentials = NOBODY if self.config.identity.mode == "off" else of_home(REGION, self.home)
        self._keeper: Child | None = None
        self._trees: dict[str, Trees] = {}
        self.started_s = 0.0

    # --- life
    @property
    def environment(self) -> dict[str, str]:
        """What programs of this cell need, on top of ours; never the stores of another cell."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("OCEFS_", "RAY_"))}
        return ours | {"OCEFS_HOME": str(self.home), "OCEFS_CONFIG": str(self._folder)}

    def change(self, changes: Changes) -> None:
        """Other settings from the next start or `command` on."""
        self._changes.append(changes)
        self.config = write_config(self._folder, REGION, *self._changes)

    def start(self) -> None:
        """Start the keeper and wait until it says that the cell runs. Raises CellFailed with its last lines."""
        began = time.monotonic()
        self.paths.create()
        command = [sys.executable, "-m", "cells", "keep", REGION]
        self._keeper = keeper = Child(
            command, log=self.paths.keeper_log, environment=self.environment, folder=PROJECT
        )  # fmt: skip

        def settled() -> bool:
            state = self.state()
            mine = state is not None and state.keeper == keeper.mark
            return keeper.exit_code is not None or (mine and state.phase in {"running", "failed"})  # type: ignore[union-attr]

        if not wait_until(settled, START_S, 0.1) or (state := self.state()) is None or state.phase != "running":
            raise CellFailed(f"the cell did not come up; its keeper said:\n{last_lines(self.paths.keeper_log, 40)}")
        self.started_s = time.monotonic() - began
        trust(self.home)

    def stop(self) -> None:
        """End the cell by its own command, and remove what it left."""
        try:
            self.command("down", REGION, timeout_s=STOP_S)
            self._reap()
            if not wait_until(lambda: not self.marks(), 10.0, 0.2):
                for mark in self.marks():
                    send(mark, signal.SIGKILL)
        finally:
            self._span.free()
            shutil.rmtree(self.home, ignore_errors=True)
            shutil.rmtree(self.paths.short.parent, ignore_errors=True)

    def kill_all(self) -> int:
        """SIGKILL to the keeper and to everything of the cell at once; how many processes that were."""
        state = self.state()
        marks = self.marks()
        if state is not None and state.keeper is not None:
            marks.insert(0, state.keeper)
        for mark in marks:
            send(mark, signal.SIGKILL)
        self._reap()
        return len(marks)

    def _reap(self) -> None:
        if self._keeper is not None:
            self._keeper.wait(2.0)

    def command(self, *arguments: str, timeout_s: float = 240.0) -> str:
        """What `python -m cells …` prints for this cell. Raises CellFailed if it fails or takes too long."""
        command = [sys.executable, "-m", "cells", *arguments]
        with tempfile.TemporaryFile() as output:  # a file, not a pipe: what stays running may keep it open
            try:
                code = subprocess.run(
                    command, env=self.environment, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=output,
                    stderr=subprocess.STDOUT, timeout=timeout_s, check=False,
                ).returncode  # fmt: skip
            except subprocess.TimeoutExpired as late:
                raise CellFailed(f"`cells {' '.join(arguments)}` took more than {timeout_s:.0f} s") from late
            output.seek(0)
            said = output.read().decode(errors="replace")
        if code != 0:
            raise CellFailed(f"`cells {' '.join(arguments)}` failed:\n" + "\n".join(said.splitlines()[-SHOWN_LINES:]))
        return said

    def __enter__(self) -> "OwnCell":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    # --- looking
    def state(self) -> KeeperState | None:
        """What the keeper wrote down last."""
        return read_state(self.paths.state_file)

    def marks(self) -> list[ProcessMark]:
        """Every process of the cell's present run, its keeper left out."""
        state = self.state()
        if state is None or not state.run:
            return []
        return marks_of(state, self._trees.setdefault(state.run, trees_of(state.run)))

    def ready(self) -> dict[str, Any]:
        """The document of /readyz; empty if nobody answers."""
        answer = call("GET", f"{self.base}/readyz", timeout_s=2.0, trust=of_cell(self.config, self.home))
        return answer.body if isinstance(answer.body, dict) else {}

    def logs(self, lines: int = SHOWN_LINES) -> str:
        """The last lines of the keeper's log and of the deployment's."""
        files = [self.paths.keeper_log, self.paths.logs / "deploy.log"]
        return "\n".join(f"--- {file.name}\n{last_lines(file, lines)}" for file in files)
