"""`python -m cells down`: end exactly what `up` started, known by process id and start time, and wait until it is gone."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console

from cells import keeper_lock
from cells.errors import CellError, refused
from cells.keeper import end_leftovers, living
from cells.paths import CellPaths, known_regions
from cells.processes import is_alive, send, stop, wait_until
from cells.state import KeeperState, read_state, write_state
from cells.up import print_step

_KEEPER_S = 90.0


def down(names: list[str] | None, console: Console) -> int:
    """End the regions (default: all that were ever started here, and the router). The exit code: 1 when not all went as it should.

    What is in the way of one, a full disk above all, keeps none of the others from ending.
    """
    known = known_regions(names or ())
    states = {name: read_state(CellPaths(name).state_file) for name in names or known}
    # Those that were not named, and those that can't be ended for want of a record.
    others = [name for name in known if states.get(name) is None and _lives(name)]
    outcomes: list[bool | None] = []
    if not others:  # the router goes with the last cell
        outcomes.append(_tried("router", lambda: _stop_router(console), console))
    with ThreadPoolExecutor(max(1, len(states))) as pool:
        outcomes += pool.map(lambda name: _tried(name, lambda: _end(name, states[name], console), console), states)
    if not any(outcome is not False for outcome in outcomes):
        console.print("nothing runs")
    return 1 if None in outcomes else 0


def _tried(who: str, action: Callable[[], bool], console: Console) -> bool | None:
    """Whether anything ran; None when something went wrong, which is told."""
    try:
        return action()
    except (CellError, OSError) as error:
        known = error if isinstance(error, CellError) else refused(error)
        console.print(f"{who}: {known}", style="red", markup=False, soft_wrap=True)
        return None


def _lives(name: str) -> bool:
    paths = CellPaths(name)
    state = read_state(paths.state_file)
    if state is None:
        return keeper_lock.holder(paths.lock_file) is not None
    return state.anything_runs


def _stop_router(console: Console) -> bool:
    """Whether it ran."""
    from router import process

    started = time.monotonic()
    ran = process.stop(CellPaths("router").home)
    if ran:
        print_step(console, "router", "stop", time.monotonic() - started)
    return ran


def _end(name: str, state: KeeperState | None, console: Console) -> bool:
    """End one region; whether anything ran."""
    paths = CellPaths(name)
    if state is None:
        keeper = keeper_lock.holder(paths.lock_file)
        if keeper is not None:
            raise CellError(
                f"a keeper runs (process {keeper or 'unknown'}), but its record {paths.state_file} is gone or can't be read",
                f"end it with: kill {keeper or '<its process, python -m cells keep ' + name + '>'}; it ends what it started",
            )
        return False
    started = time.monotonic()
    ran = state.keeper_lives
    if ran and state.keeper is not None:
        send(state.keeper, signal.SIGTERM)
        if not wait_until(lambda: not is_alive(state.keeper), _KEEPER_S, 0.1):
            console.print(f"{name}: the keeper does not end; it is killed, and its children are ended", style="yellow")
            stop(state.keeper, ask=signal.SIGKILL)
    final = read_state(paths.state_file)
    note = end_leftovers(final)
    if ran or note:
        print_step(console, name, "stop", time.monotonic() - started, note=note)
    if final is not None and (note or final.phase not in {"stopped", "failed"}):
        final.earlier = living(final.runs()) if note else []
        final.phase, final.processes = "stopped", {}
        try:
            write_state(paths.state_file, final)
        except OSError as error:
            raise refused(error, "it is stopped, but that could not be recorded") from error
    return ran or bool(note)
