"""A cell that stands still for a while, so that what is measured beside it has the machine to itself.

Even an idle cell takes a fifth of a core. All its processes are stopped at once, its keeper first, and go on together:
nobody of it sees that anybody else was silent.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cells.paths import CellPaths
from cells.processes import ProcessMark, send
from cells.state import read_state
from perf.cell import REGION, wait_ready
from perf.chaos.own_cell import marks_of, trees_of
from perf.comparison import StartFailed


@contextmanager
def standing_still(home: Path, base: str) -> Iterator[None]:
    """The cell of `home` stands still inside of it, and answers at `base` again when it has been
    left. Raises StartFailed."""
    marks = _marks(home)
    try:
        for mark in marks:
            send(mark, signal.SIGSTOP)
        yield
    finally:
        for mark in reversed(marks):
            send(mark, signal.SIGCONT)
    wait_ready(base)


def _marks(home: Path) -> list[ProcessMark]:
    state = read_state(CellPaths(REGION, home).state_file)
    if state is None or state.keeper is None or not state.run:
        raise StartFailed(f"no cell runs from {home}")
    return [state.keeper, *(mark for mark in marks_of(state, trees_of(state.run)) if mark != state.keeper)]
