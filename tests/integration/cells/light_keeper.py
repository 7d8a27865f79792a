"""A keeper as a program, with real stores and a light process in place of Ray: `python light_keeper.py HOME CONFIG`."""

import os
import sys
from pathlib import Path

import msgspec

from cells.errors import AlreadyRunning, StepFailed
from cells.keeper import Keeper
from cells.paths import CellPaths
from cells.processes import RUN_TOKEN, Child, ProcessMark, ProcessTree, stop
from cells.settings import RegionConfig


class LightCluster:
    """Starts one sleeping process; counts deployments in a file; a file named `refuse` makes a deployment fail.

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


if __name__ == "__main__":
    home, packed = Path(sys.argv[1]), sys.argv[2]
    config = msgspec.json.decode(packed, type=RegionConfig)
    try:
        sys.exit(Keeper(config, CellPaths(config.name, home), LightCluster).run())
    except AlreadyRunning as error:
        print(error)
        sys.exit(3)
