"""`python -m cells down`: end exactly what `up` started, known by process id and start time,
and wait until it is gone."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console

from cells import keeper_lock
from cells.config import load_region
from cells.errors import CellError, refused
from cells.keeper import end_leftovers, living
from cells.paths import CellPaths, known_regions
from cells.processes import is_alive, send, stop, wait_until
from cells.ray_cluster import leave_logs
from cells.running import BeingEnded, if_running, record_of
from cells.settings import Api
from cells.state import KeeperState, read_state, write_state
from cells.up import print_step

# On top of `Api.erasure_s_max`.
_KEEPER_S = 90.0


def down(names: list[str] | None, console: Console) -> int:
    """End the regions (default: all that were ever started here, and the router). The exit code: 1 when
    not all went as it should.

    What is in the way of one, a full disk above all, keeps none of the others from ending.
    """
    known = known_regions(names or ())
    wanted = list(dict.fromkeys(names or known))
    outcomes: list[bool | None] = []
    if not any(_stays(name, console, named=name in wanted) for name in known):  # the router goes with the last cell
        outcomes.append(_tried("router", lambda: _stop_router(console), console))
    with ThreadPoolExecutor(max(1, len(wanted))) as pool:
        outcomes += pool.map(lambda name: _tried(name, lambda: _end(name, console), console), wanted)
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


def _stays(name: str, console: Console, *, named: bool) -> bool:
    """Whether anything of it runs on after this: it was not named, or can't be ended for want of a
    record, or that is not known."""
    try:
        return if_running(CellPaths(name)) is not None and not named
    except CellError:
        if _router_runs():
            console.print(f"router: left as it is, for {name} may run on", style="yellow", markup=False)
        return True


def _router_runs() -> bool:
    """Or may run, where its own record is damaged."""
    from router.state import RouterFolder

    try:
        return RouterFolder(CellPaths("router").home).state().runs
    except CellError:
        return True


def _stop_router(console: Console) -> bool:
    """Whether it ran."""
    from router import process

    started = time.monotonic()
    ran = process.stop(CellPaths("router").home)
    if ran:
        print_step(console, "router", "stop", time.monotonic() - started)
    return ran


def _end(name: str, console: Console) -> bool:
    """End one region; whether anything ran. Raises CellError, and OSError."""
    paths = CellPaths(name)
    started = time.monotonic()
    patience_s = _patience_s(paths)
    state = _recorded(paths)
    if state is None:
        return False
    ran = _end_keeper(name, state, patience_s, console)
    while (lock := _lock(paths)) is None:  # a keeper that was faster, or another `down`
        if time.monotonic() - started > 2 * patience_s:
            holder = keeper_lock.holder(paths.lock_file) or keeper_lock.Holder(0)
            raise CellError(
                f"another command is at {name} (process {holder.process})",
                f"wait for it, then once more: python -m cells down {name}",
            )
        ran = _end_keeper(name, _recorded(paths), patience_s, console) or ran
    with lock:
        final = read_state(paths.state_file)
        note = end_leftovers(final)
        if final is not None and not living(final.runs()):
            leave_logs(paths)  # as the keeper would have, had it not been killed
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


def _recorded(paths: CellPaths) -> KeeperState | None:
    """As `record_of`; while another `down` is at it, that nothing runs: it is waited for."""
    try:
        return record_of(paths)
    except BeingEnded:
        return KeeperState(region=paths.folder.name)


def _patience_s(paths: CellPaths) -> float:
    """So long its keeper may take. By the config that it runs on; by the defaults where that can't be read."""
    try:
        api = load_region(paths.folder.name, paths.config / "regions").api
    except (CellError, OSError):
        api = Api()
    return _KEEPER_S + api.erasure_s_max


def _end_keeper(name: str, state: KeeperState | None, patience_s: float, console: Console) -> bool:
    """Whether it ran."""
    if state is None or state.keeper is None or not state.keeper_lives:
        return False
    keeper = state.keeper
    send(keeper, signal.SIGTERM)
    if not wait_until(lambda: not is_alive(keeper), patience_s, 0.1):
        console.print(f"{name}: the keeper does not end; it is killed, and its children are ended", style="yellow")
        stop(keeper, ask=signal.SIGKILL)
    return True


def _lock(paths: CellPaths) -> AbstractContextManager[object] | None:
    """The keeper's lock: no keeper starts, nor writes its record, while what is left is ended and the old record
    written over. None when somebody else holds it."""
    try:
        return keeper_lock.take(paths.lock_file, ends=True)
    except OSError:
        return nullcontext()  # nor can a keeper start there
