"""What a keeper writes down about its cell, so that `up`, `status`, `down` and the next keeper know it.

The file is replaced as a whole: a reader sees the old or the new state, never half of one. It holds no secret:
addresses of outside stores are written without their password.
"""

import contextlib
import logging
import os
import shlex
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from cells.config import load_region, with_tls
from cells.errors import CellError, refused
from cells.paths import CellPaths
from cells.processes import ProcessMark, is_alive
from cells.settings import RegionConfig

PROBLEMS_MAX = 50

log = logging.getLogger("ocefs.keeper")

Phase = Literal["starting", "running", "recovering", "stopping", "stopped", "failed"]


class Step(msgspec.Struct):
    """One step of a start: `state` is running, done or failed; `seconds` how long it took (so far)."""

    name: str
    state: Literal["running", "done", "failed"] = "running"
    seconds: float = 0.0
    note: str = ""


class Problem(msgspec.Struct, frozen=True):
    """Something that went wrong: `at` in seconds UTC since 1970, and what to do about it."""

    at: float
    problem: str
    next_step: str = ""


class Run(msgspec.Struct, frozen=True):
    """One start of a cell: `run` is the token in the environment of everything of it, `processes` what its keeper
    started itself, by name; `tls` and `identity` as in `KeeperState`, "" where an older release
    did not write them down."""

    run: str = ""
    processes: dict[str, ProcessMark] = {}
    tls: Literal["", "off", "required"] = ""
    identity: Literal["", "off", "required"] = ""

    def left(self) -> dict[str, ProcessMark]:
        """Those of the recorded processes that still run, by name."""
        return {name: mark for name, mark in self.processes.items() if is_alive(mark)}


class RecordDamaged(CellError):
    """A cell's record can't be read."""


class KeeperState(msgspec.Struct, kw_only=True):
    """The state of one cell as its keeper sees it.

    Attributes:
        run: token in the environment of everything of this run (see `cells.processes`).
        processes: what the keeper started itself, by name.
        restarts: how often each of them was started again.
        tls: `tls.mode` with which the cell was started.
        identity: `identity.mode` likewise; "" in a record of an older release.
        outside: its stores that somebody else runs, by name → the variable of the environment that said where.
        earlier: runs before this one of which something may be left, until it is ended.
    """

    region: str
    phase: Phase = "starting"
    keeper: ProcessMark | None = None
    run: str = ""
    started_at: float = 0.0
    updated_at: float = 0.0
    steps: list[Step] = msgspec.field(default_factory=list)
    processes: dict[str, ProcessMark] = msgspec.field(default_factory=dict)
    restarts: dict[str, int] = msgspec.field(default_factory=dict)
    problems: list[Problem] = msgspec.field(default_factory=list)
    addresses: dict[str, str] = msgspec.field(default_factory=dict)
    tls: Literal["off", "required"] = "off"
    identity: Literal["", "off", "required"] = ""
    earlier: list[Run] = msgspec.field(default_factory=list)
    outside: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def keeper_lives(self) -> bool:
        """Whether the keeper that wrote this still runs."""
        return is_alive(self.keeper)

    @property
    def anything_runs(self) -> bool:
        """Whether its keeper does, or what a dead one left."""
        return bool(self.going_on())

    def going_on(self) -> list[Run]:
        """The runs of which something goes on: of a keeper that lives its own, for it ends the earlier ones before it
        starts anything; else those that left something."""
        return self.runs()[:1] if self.keeper_lives else [run for run in self.runs() if run.left()]

    def runs(self) -> list[Run]:
        """This run and the earlier ones of which something may be left. Of an earlier one that an older release wrote
        down the encryption is taken to be the same."""
        earlier = [run if run.tls else msgspec.structs.replace(run, tls=self.tls) for run in self.earlier]
        return [Run(self.run, self.processes, self.tls, self.identity), *earlier]

    def leftovers(self) -> list[ProcessMark]:
        """Recorded processes of a dead keeper, and of those before it, that still run."""
        return [mark for run in self.runs() for mark in run.left().values()]


def read_state(path: Path) -> KeeperState | None:
    """The state in a file; None if there is none. Raises CellError if it can't be read (RecordDamaged: what is in it),
    or is not one of this version: what runs, and where the cell's data is, is not known then."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=KeeperState)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused(error, f"the record {path} can't be read") from error
    except ValueError as error:  # msgspec's, and that bytes are no UTF-8
        stores = f"OCEFS_{path.parent.parent.name.upper()}_POSTGRES_URL, …_REDIS_URL"
        raise RecordDamaged(
            f"the record {path} can't be read: {error}",
            "bring it back from a backup; or, once no process of the cell is left (after a restart of the machine none is), and the variables of its outside stores, "
            f"if it has any, are set ({stores}): rm {shlex.quote(str(path))}",
        ) from error


def is_recovering(paths: CellPaths) -> bool:
    """Does the cell run already, and its Ray come back after a crash? It must not stay away then for what
    only a start would refuse."""
    state = read_state(paths.state_file)
    return state is not None and state.phase == "recovering"


def as_it_runs(config: RegionConfig, paths: CellPaths) -> RegionConfig:
    """The configuration with which the running cell was started, its encryption too: whoever talks to it must do as it
    does, and an edit counts from its next start. The given one where nothing runs. Raises CellError if
    its record can't be read."""
    state = read_state(paths.state_file)
    going_on = state.going_on() if state is not None else []
    if not going_on:
        return config
    try:
        config = load_region(config.name, paths.config / "regions")
    except CellError:
        pass  # it is about to be written, or another version wrote it
    tls = going_on[0].tls
    assert tls  # `runs` gives it to those that did not write it down
    return with_tls(config, tls)


def write_state(path: Path, state: KeeperState) -> None:
    """Replace the file by this state, in one go, readable by its owner only. Raises OSError; the old state is there
    then, and after a power loss one of both."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(msgspec.json.format(msgspec.json.encode(state), indent=1))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


class Journal:
    """The keeper's own record: every change is on disk before the next thing is done. Safe from several threads.

    Where the disk is full, the cell is kept all the same: the change is remembered, and written with the next one.
    """

    def __init__(self, path: Path, state: KeeperState) -> None:
        self.state = state
        self._path = path
        self._lock = threading.RLock()

    def begin(self) -> None:
        """Write the state for the first time. Raises OSError: a cell of which there is no record could not be ended."""
        with self._lock:
            self.state.updated_at = time.time()
            write_state(self._path, self.state)

    @contextlib.contextmanager
    def change(self) -> Iterator[KeeperState]:
        """Change the state; it is written when the block ends, if it can be."""
        with self._lock:
            yield self.state
            self.state.updated_at = time.time()
            try:
                write_state(self._path, self.state)
            except OSError as error:
                log.error("%s", refused(error, f"{self._path} could not be written"))

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a step; an error inside marks it as failed and is recorded with its next step."""
        step = Step(name)
        started = time.monotonic()
        with self.change() as state:
            state.steps.append(step)
        try:
            yield step
        except BaseException as error:
            with self.change() as state:
                step.state, step.seconds = "failed", round(time.monotonic() - started, 2)
                if isinstance(error, Exception):
                    self.problem(error)
            raise
        with self.change():
            step.state, step.seconds = "done", round(time.monotonic() - started, 2)

    def problem(self, error: Exception) -> None:
        """Record what went wrong; the oldest of more than `PROBLEMS_MAX` is dropped."""
        if isinstance(error, OSError):
            error = refused(error)
        if isinstance(error, CellError):
            entry = Problem(time.time(), error.problem, error.next_step)
        else:
            entry = Problem(time.time(), f"{type(error).__name__}: {error}", "see keeper.log")
        with self.change() as state:
            if not state.problems or state.problems[-1].problem != entry.problem:
                state.problems = [*state.problems, entry][-PROBLEMS_MAX:]
