"""What lies in the folder of an embedded Redis, and which server goes on from it.

    appendonly.aof                        the one file of a Redis before 7
    appendonlydir/appendonly.aof.manifest names a base and what came after it, since Redis 7: an older one does not see
                                          it, and begins anew beside it
    …/appendonly.aof.4.base.rdb           begins with who wrote it: REDIS0010, VALKEY080; where it is commands, as what
                                          comes after it is, any server since 7 reads it

A server refuses a base that is newer than itself, and calls it damaged.
"""

import re
from pathlib import Path
from typing import Literal, NamedTuple

from cells.errors import StoreFailed

Make = Literal["Redis", "Valkey"]
Version = tuple[int, int]

_NAME = "appendonly.aof"  # the servers' default, as `appendonlydir` is
_FOLDER_SINCE = (7, 0)
# By the format of a base: the first version that reads it (RDB_VERSION in each release's src/rdb.h), of those that a
# journal may be kept by. Redis reads all that is older.
_REDIS = {9: (6, 2), 10: (7, 0), 11: (7, 2), 12: (7, 4), 13: (8, 6), 14: (8, 8)}
# Valkey began with what Redis 7.2 wrote; 12 to 79 it leaves to Redis, and reads none of them.
_VALKEY = {11: (7, 2), 80: (9, 0)}
# Versions that write the newest of these: what is newer needs a newer one than that.
_REDIS_NEWEST, _VALKEY_NEWEST = (8, 8), (9, 1)


class Readable(NamedTuple):
    """A file of the journal. by: which makes of server read it, each from the version on that stands here."""

    file: Path
    what: str
    by: dict[Make, Version]

    def read_by(self, make: Make, version: Version) -> bool:
        """Does such a server go on from it?"""
        return make in self.by and version >= self.by[make]

    @property
    def wanted(self) -> str:
        """Who reads it, for a message: "Redis 7.2 or newer, or Valkey 7.2 or newer"."""
        return ", or ".join(f"{make} {'.'.join(map(str, since))} or newer" for make, since in self.by.items())


def on_disk(home: Path) -> Readable | None:
    """What a server that starts in this folder has to read; None where there is nothing yet.

    Raises:
        StoreFailed: two journals lie there, of which any server sees one.
    """
    single, folder = home / _NAME, home / "appendonlydir"
    base = _base(folder / f"{_NAME}.manifest")
    if base is None:
        return _readable(single) if _size(single) else None
    # A server that died while it made the one into the other: the manifest names what it has not moved yet.
    unmoved = base == _NAME and not (folder / base).exists()
    if not unmoved and _size(single):
        raise StoreFailed(
            f"there are two journals in {home}: {folder.name}, since Redis 7, and {single.name}, which an older one began "
            "beside it without seeing the other; each may have what was acknowledged and is not in PostgreSQL yet",
            f"look which of them was in use last ({_younger(folder, single)} was written last), keep a copy of both, and "
            "move the other one away",
        )
    found = _readable(single if unmoved else folder / (base or f"{_NAME}.manifest"))
    by: dict[Make, Version] = {make: max(since, _FOLDER_SINCE) for make, since in found.by.items()}
    return Readable(found.file, f"{found.what} (in {folder.name})", by)


def _readable(file: Path) -> Readable:
    try:
        with file.open("rb") as opened:
            head = opened.read(9)
    except FileNotFoundError:  # the server says what it thinks of that
        head = b""
    found = re.match(rb"REDIS(\d{4})|VALKEY(\d{3})", head)
    if found is None:
        return Readable(file, "a file of commands", _all_since(None))
    what = f"in the format {found[0].decode()}"
    if found[2]:
        return Readable(file, what, {"Valkey": _since(_VALKEY, int(found[2]), _VALKEY_NEWEST)})
    return Readable(file, what, _all_since(int(found[1])))


def _all_since(form: int | None) -> dict[Make, Version]:
    """Who reads what Redis wrote; None: commands."""
    by: dict[Make, Version] = {"Redis": _since(_REDIS, form or 0, _REDIS_NEWEST)}
    if form is None or form <= max(number for number in _VALKEY if number in _REDIS):
        by["Valkey"] = min(_VALKEY.values())
    return by


def _since(formats: dict[int, Version], form: int, newest: Version) -> Version:
    return next((since for number, since in sorted(formats.items()) if number >= form), (newest[0], newest[1] + 1))


def _base(manifest: Path) -> str | None:
    """The base that a manifest names, "" for none; None where there is no manifest."""
    try:
        text = manifest.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    found = re.search(r"^file (\S+) seq \d+ type b\b", text, re.MULTILINE)
    return found[1] if found else ""


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _younger(folder: Path, single: Path) -> str:
    last = max(file.stat().st_mtime for file in (folder, *folder.iterdir()))
    return single.name if single.stat().st_mtime > last else folder.name
