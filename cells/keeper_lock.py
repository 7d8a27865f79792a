"""One keeper a region: it holds a lock that the kernel releases when it dies, however it dies."""

import fcntl
import os
from pathlib import Path
from typing import IO


def take(file: Path) -> IO[str] | None:
    """The lock, held until the file is closed, with the number of this process in it; None when somebody else holds it."""
    opened = file.open("a+", encoding="ascii")
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        opened.close()
        return None
    opened.truncate(0)
    opened.write(str(os.getpid()))
    opened.flush()
    return opened


def holder(file: Path) -> int | None:
    """The process that holds it; None when nobody does."""
    try:
        with file.open("r", encoding="ascii") as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                text = opened.read(20).strip()
                return int(text) if text.isdigit() else 0  # 0: of an older release, which wrote nothing
    except OSError:
        pass
    return None
