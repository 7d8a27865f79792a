"""Whether anything of a cell runs: its record tells, and the lock that its keeper holds, which tells also of a keeper
whose record is gone or damaged."""

import time

from cells import keeper_lock
from cells.checks import can_listen
from cells.errors import CellError
from cells.paths import CellPaths
from cells.state import KeeperState, RecordDamaged, read_state

_RECORD_S = 2.0
_POLL_S = 0.05


class BeingEnded(CellError):
    """A `down` is at it."""


def record_of(paths: CellPaths) -> KeeperState | None:
    """What its keeper wrote down; None if it was never started here. Waits a moment for a keeper that has just begun.

    Raises:
        BeingEnded: nothing that the record tells of runs, and a `down` looks for what it does not tell of.
        CellError: the record can't be read, or a keeper runs of which it does not tell.
    """
    deadline = time.monotonic() + _RECORD_S
    while True:
        state, damage = _read(paths)
        if state is not None and state.keeper_lives:
            return state
        keeper = keeper_lock.holder(paths.lock_file)
        if keeper is None and damage is not None:
            raise damage
        if keeper is None:
            return state
        if time.monotonic() >= deadline:
            break
        time.sleep(_POLL_S)
    if state is not None and state.anything_runs:  # a `down` or another keeper is about to end it
        return state
    name = paths.folder.name
    if keeper.ends:
        raise BeingEnded(f"{name} is being ended (process {keeper.process})", "wait for it, then once more")
    raise _untold(keeper, paths)


def if_running(paths: CellPaths) -> KeeperState | None:
    """The record of a cell of which anything runs; None when nothing does that it tells of, be it that the rest is
    being ended. Raises CellError, as `record_of`."""
    try:
        state = record_of(paths)
    except BeingEnded:
        return None
    return state if state is not None and state.anything_runs else None


def if_reached(paths: CellPaths, host: str, port: int) -> KeeperState | None:
    """As `if_running`, for whoever reaches the cell at this address only: where nobody listens there, a damaged record
    counts as that nothing runs, for one cell's trouble is not the others'."""
    try:
        return if_running(paths)
    except RecordDamaged:
        if can_listen(host, port):
            return None
        raise


def _untold(holder: keeper_lock.Holder, paths: CellPaths) -> CellError:
    name = paths.folder.name
    who, next_step = "a keeper", f"end it with: kill {holder.pid}; it ends what it started"
    if not holder.pid:
        who = "a keeper or a `down`"
        next_step = (
            f"wait for a `down`; a keeper ends what it started with: kill <its process, python -m cells keep {name}>"
        )
    return CellError(
        f"{who} of {name} runs (process {holder.process}), but the record {paths.state_file} is gone, can't be read, or tells of another one",
        next_step,
    )


def _read(paths: CellPaths) -> tuple[KeeperState | None, CellError | None]:
    try:
        return read_state(paths.state_file), None
    except CellError as error:
        return None, error
