"""What the router keeps on disk under `<home>/router/`, and the lock around it.

    plan.json      settings and regions that it was started with: the control part needs no other source
    state.json     processes with their start times, so that none but ours is ever signalled
    changes.json   what was changed at run time; kept over restarts and reloads, gone with `stop`
    lock           held by whoever starts, stops or changes

Each file is replaced as a whole, so a reader never sees half of one.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Container, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from cells.errors import CellError, refused
from cells.log_files import make_log_folder
from cells.paths import own_folder, short_folder
from cells.processes import ProcessMark, is_alive
from router.config import RouterConfig
from router.haproxy_config import Places
from router.topology import Region

T = TypeVar("T")
_LOCK_WAIT_S = 30.0


class RouterBusy(CellError):
    """Another process starts, stops or changes the router."""


class Plan(msgspec.Struct, frozen=True):
    """What the router was started with."""

    config: RouterConfig
    regions: tuple[Region, ...]


class Changes(msgspec.Struct, frozen=True):
    """What was changed at run time: `countries` ISO code → region ("" for none), `drained` regions."""

    countries: dict[str, str] = {}
    drained: tuple[str, ...] = ()

    def among(self, regions: Container[str]) -> "Changes":
        """Those that are about these regions: one that was taken away since serves nobody, and can't be drained."""
        countries = {country: name for country, name in self.countries.items() if not name or name in regions}
        return Changes(countries, tuple(name for name in self.drained if name in regions))


class State(msgspec.Struct, frozen=True):
    """The processes. `retiring` are HAProxys that finish their last requests after a reload; `certificate`: the SHA-256
    of what callers are shown, "" without TLS."""

    haproxy: ProcessMark | None = None
    control: ProcessMark | None = None
    retiring: tuple[ProcessMark, ...] = ()
    connections_max: int = 0
    certificate: str = ""

    @property
    def runs(self) -> bool:
        """Whether it serves, or is about to again: as long as its control part lives, that
        starts a HAProxy that died."""
        return is_alive(self.haproxy) or is_alive(self.control)


class RouterFolder:
    """The router's files under one home."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self.folder = self.home / "router"
        self.log = self.folder / "router.log"
        self.control_log = self.folder / "control.log"
        self.places = Places(folder=self.folder, socket=short_folder(self.home) / "router" / "admin.sock")

    def create(self) -> None:
        """Make the folders; only the owner may reach the socket."""
        make_log_folder(self.folder)
        own_folder(self.places.socket.parent.parent)
        own_folder(self.places.socket.parent)

    @contextlib.contextmanager
    def locked(self, wait_s: float = _LOCK_WAIT_S) -> Iterator[None]:
        """Hold the router's lock. Raises `RouterBusy` if another process holds it for longer than `wait_s`."""
        self.create()
        with (self.folder / "lock").open("w") as file:
            deadline = time.monotonic() + wait_s
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise RouterBusy(
                            f"another process holds {self.folder / 'lock'}", "wait for the other router command to end"
                        ) from None
                    time.sleep(0.02)
            yield

    def plan(self) -> Plan | None:
        """The plan it was last started with."""
        return self._read("plan.json", Plan)

    def state(self) -> State:
        """The processes as last recorded."""
        return self._read("state.json", State) or State()

    def changes(self) -> Changes:
        """What was changed at run time."""
        return self._read("changes.json", Changes) or Changes()

    def save(self, value: Plan | State | Changes) -> None:
        """Record a value, whole or not at all."""
        name = {Plan: "plan.json", State: "state.json", Changes: "changes.json"}[type(value)]
        self.write(name, msgspec.json.encode(value).decode())

    def forget_changes(self) -> None:
        """What was changed at run time ends with the router."""
        (self.folder / "changes.json").unlink(missing_ok=True)

    def write(self, name: str, text: str) -> None:
        """Write a file beside the others, whole or not at all."""
        fresh = self.folder / f"{name}.new"
        with fresh.open("wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())  # or it is empty after a power loss
        os.replace(fresh, self.folder / name)

    def _read(self, name: str, kind: type[T]) -> T | None:
        try:
            return msgspec.json.decode((self.folder / name).read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise refused(error, f"{self.folder / name} can't be read") from error
        except ValueError as error:  # msgspec's, and that bytes are no UTF-8
            raise CellError(
                f"{self.folder / name} is damaged: {error}", "end the router's processes, then remove that file"
            ) from error
