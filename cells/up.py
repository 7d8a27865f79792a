"""`python -m cells up`: start cells side by side, then the router, then the demo data; a line
a step with its seconds."""

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console
from rich.markup import escape

from cells import checks
from cells.config import PROJECT, load_all
from cells.config_copy import edited_since
from cells.demo import is_to_fill, leave_empty, seed
from cells.demo_people import lacks_people, seed_people
from cells.errors import CellError, StepFailed
from cells.modes import check_left_out, check_mode, check_modes
from cells.paths import CellPaths
from cells.processes import Child, is_alive, last_lines
from cells.running import record_of
from cells.settings import RegionConfig
from cells.shell import typed
from cells.show import where_to_look
from cells.state import KeeperState, as_it_runs, read_state
from cells.stores import check_kept_elsewhere, stores
from cells.tls import prepare
from cells.trust import Trust
from cells.untold import refusal_kept

_START_S = 240.0
_POLL_S = 0.1


def up(names: list[str] | None, console: Console, *, demo: bool = True) -> int:
    """Start the regions (default: all) and the router, and fill those that never were. The exit
    code: 0 if everything runs.

    `demo`: False leaves the cells empty, and later starts do too.
    """
    started = time.monotonic()
    checks.check_python()
    configs, every = load_all(names), load_all()
    named = {config.name for config in configs}
    # The router speaks to every cell as the present settings say, also to those that were not named and run.
    check_modes([config for config in every if config.name not in named])
    _check_left_out([config.name for config in every])
    starting = [config for config in configs if not _running(config, console)]
    if starting:
        console.print(f"starting {', '.join(config.name for config in starting)}", style="bold")
        _check_before(starting)
        with console.status("starting…"):
            watchers = [StepWatcher(config, _spawn(config), console) for config in starting]
            _follow(watchers)
        failed = [watcher.name for watcher in watchers if not watcher.fine]
    else:
        failed = []
    running = [config for config in configs if config.name not in failed]
    if not running:
        return 1
    if not demo:
        for config in running:
            leave_empty(config)
    address = timed(console, "router", "start", _start_router)
    trust = _router_trust()
    if demo:  # also what ran before: the router may have stood in the way when it was started
        failed += _seed_all(running, address, trust, console)
    where_to_look([as_it_runs(config, CellPaths(config.name)) for config in running], address, console, trust)
    console.print(f"{len(running)} of {len(configs)} cells run after {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


def _check_left_out(names: list[str]) -> None:
    from router import regions

    home = CellPaths("router").home
    check_left_out(regions.served(home), names, home)


def _running(config: RegionConfig, console: Console) -> bool:
    state = record_of(CellPaths(config.name))
    if state is None or not state.keeper_lives or state.phase not in {"running", "recovering"}:
        return False
    assert state.keeper is not None
    since = time.strftime("%H:%M:%S", time.localtime(state.started_at))
    console.print(f"{config.name} runs already, since {since} (keeper: process {state.keeper.pid})")
    check_mode(config, CellPaths(config.name))
    if edited_since(config.name, CellPaths(config.name).config):
        console.print(
            f"config/regions/{config.name}.toml was edited since, which counts from the next start: make down REGIONS={config.name}, then make up",
            style="yellow",
            soft_wrap=True,
        )
    return True


def _check_before(configs: list[RegionConfig]) -> None:
    """What would only fail later, or for all: memory, certificates, stores and ports, the router's too. A crashed
    cell's ports are freed by its keeper."""
    from router import config as router_config
    from router import process

    checks.check_memory(configs)
    process.check_ports(CellPaths("router").home, router_config.load())
    for config in configs:
        paths = CellPaths(config.name)
        with refusal_kept(config, paths):
            prepare(config, paths.home)
        check_kept_elsewhere(paths, stores(config, paths))
        state = read_state(CellPaths(config.name).state_file)
        if state is None or state.phase in {"stopped", "failed"}:
            checks.check_ports(config)


def _spawn(config: RegionConfig) -> Child | None:
    """The region's keeper as a process of its own; None if one is starting already."""
    paths = CellPaths(config.name)
    paths.create()
    state = read_state(paths.state_file)
    if state is not None and state.keeper_lives and state.phase == "starting":
        return None
    environment = {**os.environ, "OCEFS_HOME": str(paths.home)}
    return Child(
        [sys.executable, "-m", "cells", "keep", config.name],
        log=paths.keeper_log,
        environment=environment,
        folder=PROJECT,
    )


class StepWatcher:
    """Prints the steps of one keeper as they end.

    Args:
        config: the region.
        keeper: its keeper, if this process started it: an older state file is not mistaken for its own.
        console: where to print.
    """

    def __init__(self, config: RegionConfig, keeper: Child | None, console: Console) -> None:
        self.name = config.name
        self.fine = False
        self.done = False
        self._keeper = keeper
        self._paths = CellPaths(config.name)
        self._console = console
        self._printed: set[int] = set()

    def look(self) -> None:
        """Read the state once, print what is new."""
        ended = self._keeper is not None and self._keeper.exit_code is not None
        state = read_state(self._paths.state_file)
        if state is not None and (self._keeper is None or state.keeper == self._keeper.mark):
            self._print_steps(state)
            if state.phase == "running":
                self.fine = self.done = True
            elif state.phase == "failed" or not is_alive(state.keeper):
                self._fail(state)
        elif ended:
            self.done = True
            ended_with = f"{self.name}: the keeper ended:\n{last_lines(self._paths.keeper_log)}"
            self._console.print(ended_with, style="red", markup=False)

    def _print_steps(self, state: KeeperState) -> None:
        for number, step in enumerate(state.steps):  # some run at the same time, and end in another order
            if step.state != "running" and number not in self._printed:
                failed = step.state == "failed"
                print_step(self._console, self.name, step.name, step.seconds, failed=failed, note=step.note)
                self._printed.add(number)

    def _fail(self, state: KeeperState) -> None:
        self.done = True
        for problem in state.problems or []:
            self._console.print(f"{self.name}: {problem.problem}", style="red", markup=False)
            if problem.next_step:
                self._console.print(f"  Next: {typed(problem.next_step)}", style="yellow", markup=False)
        if not state.problems:
            self._console.print(f"{self.name}: ended; see {self._paths.keeper_log}", style="red", markup=False)


def _follow(watchers: list[StepWatcher]) -> None:
    deadline = time.monotonic() + _START_S
    while not all(watcher.done for watcher in watchers):
        if time.monotonic() > deadline:
            late = ", ".join(watcher.name for watcher in watchers if not watcher.done)
            raise StepFailed(
                f"{late} did not come up within {_START_S:.0f} s, and goes on trying: a store may have much to read in",
                f"see what it does: python -m cells logs {late.split(',')[0]}; then once more: make up",
            )
        for watcher in watchers:
            if not watcher.done:
                watcher.look()
        time.sleep(_POLL_S)


def print_step(console: Console, who: str, what: str, seconds: float, *, failed: bool = False, note: str = "") -> None:
    """One line: who, what, how long."""
    mark = "[red]✗[/]" if failed else "[green]✓[/]"
    tail = f"  [yellow]{escape(note)}[/]" if note else ""
    console.print(f" {mark} [bold]{who:<7}[/] {what:<22} {seconds:6.1f} s{tail}", highlight=False, soft_wrap=True)


def timed(console: Console, who: str, what: str, action: Callable[[], str]) -> str:
    """Run a step of our own and print its line; what the action gives."""
    started = time.monotonic()
    try:
        result = action()
    except CellError:
        print_step(console, who, what, time.monotonic() - started, failed=True)
        raise
    print_step(console, who, what, time.monotonic() - started)
    return result


def _start_router() -> str:
    """Start the router over all regions, also those that don't run: their callers get a clear 503."""
    from router import config, process, regions

    return process.start(CellPaths("router").home, config.load(), regions.load_regions()).address


def _router_trust() -> Trust | None:
    from router import process

    return process.trust(CellPaths("router").home)


def _seed_all(configs: list[RegionConfig], address: str, trust: Trust | None, console: Console) -> list[str]:
    """Fill the cells side by side that lack something; names of those that refused."""

    def one(config: RegionConfig) -> str | None:
        started, notes = time.monotonic(), []
        try:
            if is_to_fill(config):
                notes.append(seed(config, address, trust))
            if lacks_people(config):
                notes.append(f"{len(seed_people(config, address, trust))} people")
        except CellError as error:
            print_step(console, config.name, "demo data", time.monotonic() - started, failed=True)
            console.print(typed(str(error)), style="red", markup=False)
            return config.name
        print_step(console, config.name, "demo data", time.monotonic() - started, note=", ".join(notes))
        return None

    lacking = [config for config in configs if is_to_fill(config) or lacks_people(config)]
    with ThreadPoolExecutor(max(1, len(lacking))) as pool:
        return [name for name in pool.map(one, lacking) if name is not None]
