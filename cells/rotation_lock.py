"""One rotation of a cell's keys at a time on this machine. The lock lies beside the key file, and the kernel releases
it when the process that has it ends, however it ends: a rotation that was killed is in nobody's way.

`rotate-keys` alone and `--compromised` take no lock: they change the file in one step, which has a lock of its own, and
after a leak nobody waits for a drain.
"""

import contextlib
from collections.abc import Iterator

from cells import keeper_lock
from cells.errors import CellError
from cells.paths import CellPaths


@contextlib.contextmanager
def alone(paths: CellPaths) -> Iterator[None]:
    """While the block runs, no other such block does. Raises CellError, at once, while another rotation runs."""
    file = paths.rotation_lock
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        taken = keeper_lock.take(file)
    except OSError as error:
        raise CellError(
            f"{file} can't be written: {error.strerror}", "make room, or give this user the rights"
        ) from None
    if taken is None:
        holder = keeper_lock.holder(file)
        raise CellError(
            f"another rotation of the keys is under way (process {holder.process if holder else 'unknown'}, which holds {file})",
            "let it come to its end, or end it; then run the same again, if it is still needed: it goes on where that one was",
        )
    with taken:
        yield
