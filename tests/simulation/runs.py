"""The simulation's runs of a test session: independent processes, as many at a time as there are cores."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

# A run, from its own start.
RUN_S_MAX = 900
Finished = subprocess.CompletedProcess[str]


def simulate(*arguments: str) -> Finished:
    """Runs `python -m tests.simulation` to its end. Raises subprocess.TimeoutExpired after RUN_S_MAX."""
    return subprocess.run(_command(arguments), capture_output=True, text=True, check=False, timeout=RUN_S_MAX)


class Runs:
    """`wanted`: the arguments of each run that somebody will ask for, in the order in which they are asked for. All
    begin as soon as a core is free, whether they were asked for yet or not. `cores`: how many may run at a time."""

    def __init__(self, wanted: Iterable[tuple[str, ...]], cores: int = 0) -> None:
        self._processes: set[subprocess.Popen[str]] = set()
        self._closed = False
        self._pool = ThreadPoolExecutor(cores or os.cpu_count() or 1, thread_name_prefix="simulation")
        self._runs: dict[tuple[str, ...], Future[Finished]] = {
            arguments: self._pool.submit(self._run, arguments) for arguments in dict.fromkeys(wanted)
        }

    def finished(self, arguments: tuple[str, ...]) -> Finished:
        """What the run said; waits for its end. Raises KeyError for one that was not wanted,
        subprocess.TimeoutExpired after RUN_S_MAX."""
        return self._runs[arguments].result()

    def close(self) -> None:
        """Ends what still runs; what did not begin never will."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in list(self._processes):
            process.kill()
        self._pool.shutdown()

    def _run(self, arguments: tuple[str, ...]) -> Finished:
        command = _command(arguments)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            self._processes.add(process)
            try:
                if self._closed:
                    process.kill()
                stdout, stderr = process.communicate(timeout=RUN_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            finally:
                self._processes.discard(process)
        return Finished(command, process.returncode, stdout, stderr)


def _command(arguments: Iterable[str]) -> list[str]:
    return [sys.executable, "-m", "tests.simulation", *arguments]
