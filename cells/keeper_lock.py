"""One keeper a region: it holds a lock that the kernel releases when it dies, however it dies. `down` holds it while it
ends what a dead one left."""

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import IO, NamedTuple

from cells.processes import ProcessMark, is_alive, mark_of

_TAKE_S = 0.5
_POLL_S = 0.02
_ENDS = "down"


class Holder(NamedTuple):
    """`pid`: 0 when it is not known, as whoever has just taken it, or one of an older release, wrote no mark. `ends`:
    it is no keeper, and about to end what one left."""

    pid: int
    ends: bool = False

    @property
    def process(self) -> str:
        """For people."""
        return str(self.pid) if self.pid else "unknown"


def take(file: Path, *, ends: bool = False) -> IO[str] | None:
    """The lock, held until the file is closed, with the mark of this process in it, and whether it `ends` the cell;
    None when somebody else holds it. Raises OSError."""
    opened = file.open("a+", encoding="ascii")
    deadline = time.monotonic() + _TAKE_S  # whoever only looks (`holder`) has it for a moment
    while not _locked(opened, fcntl.LOCK_EX):
        if time.monotonic() >= deadline:
            opened.close()
            return None
        time.sleep(_POLL_S)
    mark = mark_of(os.getpid())
    with contextlib.suppress(OSError):  # of a full disk: it is held all the same
        opened.truncate(0)
        # Past the file's buffer, which would try again as it is closed.
        os.write(opened.fileno(), f"{mark.pid} {mark.started} {_ENDS if ends else ''}".encode() if mark else b"")
    return opened


def holder(file: Path) -> Holder | None:
    """Who holds it; None when nobody does."""
    try:
        with file.open("r", encoding="ascii", errors="replace") as opened:
            return None if _locked(opened, fcntl.LOCK_SH) else _living(opened.read(100))
    except OSError:
        return None


def _locked(opened: IO[str], how: int) -> bool:
    try:
        fcntl.flock(opened, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _living(text: str) -> Holder:
    """Whose mark is in it, if that process lives: it may be that of the holder before, and its number
    by now somebody else's."""
    pid, started, ends = (*text.split(), "", "", "")[:3]
    lives = pid.isdigit() and is_alive(ProcessMark(int(pid), started))
    return Holder(int(pid), ends == _ENDS) if lives else Holder(0)
