"""Log files that only their user reads: in a demo they hold what is sent to customers, and always
who did what to which order.

Of the processes that a cell or the router starts. What actors write themselves is made alike by `actors/logs.py`.
"""

import os
import stat
from pathlib import Path

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


def make_log_folder(folder: Path) -> None:
    """Make it, its user's alone; one that was open to others is closed. Raises OSError."""
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)


def own_file(name: str, flags: int) -> int:
    """An `opener` for `open`: the file is its user's alone, also one that was open to others. Raises OSError."""
    descriptor = os.open(name, flags, _FILE_MODE)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):  # and not /dev/null
        os.fchmod(descriptor, _FILE_MODE)
    return descriptor
