"""Which anchors of the audit were made, apart from the database: whoever owns that could take the last ones away and
make the chains anew from there.

`secrets/audit.anchors`: a line each, `2026-11-26 7 <signature>`: day, shard, signature. Lines are added and never
changed: the first word about a day and shard counts.
"""

import os
from collections.abc import Iterable

from actors.storage.audit_check import Anchor
from cells.errors import CellError
from cells.paths import CellPaths


def known_anchors(paths: CellPaths) -> dict[tuple[str, int], str] | None:
    """(day, shard) → signature; None where no record was kept. Raises CellError when it can't be read."""
    file = paths.secrets / "audit.anchors"
    try:
        whole, _, _ = file.read_bytes().rpartition(b"\n")  # what follows the last end of a line was written half-way
        lines = whole.decode("ascii").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as fault:
        raise CellError(f"{file} can't be read: {fault}", "bring it back from your backup") from None
    known: dict[tuple[str, int], str] = {}
    for number, line in enumerate(lines, 1):
        match line.split(" "):
            case [day, shard, signature] if shard.isdigit():
                known.setdefault((day, int(shard)), signature)
            case _:
                raise CellError(f"{file}, line {number}: no anchor", "bring it back from your backup")
    return known


def record_anchors(paths: CellPaths, made: Iterable[Anchor]) -> None:
    """Adds those that are not recorded yet. Raises CellError."""
    file = paths.secrets / "audit.anchors"
    known = known_anchors(paths) or {}
    fresh = [one for one in made if (one.day, one.shard) not in known]
    if not fresh:
        return
    try:
        with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as opened:
            whole = opened.read().rfind(b"\n") + 1
            opened.truncate(whole)
            opened.seek(whole)
            opened.write("".join(f"{one.day} {one.shard} {one.signature}\n" for one in fresh).encode("ascii"))
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as fault:
        raise CellError(
            f"{file} can't be written: {fault.strerror}", "make room, or give this user the rights"
        ) from None
