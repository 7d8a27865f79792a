"""A keeper as a program, with real stores and a light process in place of Ray: `python light_keeper.py HOME CONFIG`."""

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec

from cells import keeper
from cells.errors import AlreadyRunning, StepFailed
from cells.keeper import Keeper
from cells.paths import CellPaths
from cells.processes import RUN_TOKEN, Child, ProcessMark, ProcessTree, stop, wait_until
from cells.settings import RegionConfig
from cells.state import read_state


class LightCluster:
    """Starts one sleeping process; counts deployments in a file; a file named `refuse` makes a deployment fail, and one
    named `overtake` ends the keeper in the middle of starting PostgreSQL.

    Each line of the file `deployments` is what the region's file says, as far as the cluster's programs can see.
    """

    def __init__(self, config: RegionConfig, paths: CellPaths, run: str) -> None:
        self._paths = paths
        self._run = run
        self._head: Child | None = None

    @property
    def mark(self) -> ProcessMark | None:
        return self._head.mark if self._head else None

    def start(self) -> None:
        sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
        environment = {**os.environ, RUN_TOKEN: self._run}
        self._head = Child(sleep, log=self._paths.logs / "ray.log", environment=environment)

    def deploy(self) -> None:
        if (self._paths.home / "refuse").exists():
            raise StepFailed("the deployment was refused", "remove the file")
        with (self._paths.home / "deployments").open("a") as file:
            seen = self._paths.config / "regions" / "us.toml"
            file.write(" ".join(seen.read_text().split()) + "\n")

    def withdraw(self) -> None:
        (self._paths.home / "withdrawn").touch()

    def stop(self) -> None:
        stop(self.mark, grace_s=2)
        ProcessTree(self._run).stop(1)

    def exited(self) -> bool:
        return self._head is None or self._head.exit_code is not None


class Overtaken(ThreadPoolExecutor):
    """Asks the keeper to end when a store's start is under way, just before the keeper has heard so."""

    state_file: Path

    def submit(self, fn: Callable[..., None], /, *args: object, **named: object) -> Future[None]:
        future = super().submit(fn, *args, **named)
        if "PostgreSQL" in args:
            assert wait_until(self._begins, 30)
            os.kill(os.getpid(), signal.SIGTERM)
        return future

    def _begins(self) -> bool:
        state = read_state(self.state_file)
        return state is not None and any(step.name == "PostgreSQL" for step in state.steps)


if __name__ == "__main__":
    home, packed = Path(sys.argv[1]), sys.argv[2]
    config = msgspec.json.decode(packed, type=RegionConfig)
    if (home / "overtake").exists():
        Overtaken.state_file = CellPaths(config.name, home).state_file
        keeper.ThreadPoolExecutor = Overtaken  # type: ignore[misc]
    try:
        sys.exit(Keeper(config, CellPaths(config.name, home), LightCluster).run())
    except AlreadyRunning as error:
        print(error)
        sys.exit(3)
