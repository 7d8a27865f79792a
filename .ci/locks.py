"""What a lock file pins."""

import re
from typing import NamedTuple

_PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class Pinned(NamedTuple):
    """One package of the lock. `hashes`: SHA-256 of each of its files, in hex."""

    name: str
    version: str
    hashes: list[str]


def pinned(lock: str) -> list[Pinned]:
    """The packages of a lock file's text. Raises ValueError for a line that it can't read."""
    found: list[Pinned] = []
    for number, line in enumerate(lock.splitlines(), 1):
        text = line.strip().removesuffix("\\").strip()
        if not text or text.startswith("#"):
            continue
        hashed = _HASH.fullmatch(text)
        if hashed and found:
            found[-1].hashes.append(hashed[1])
        elif match := _PINNED.match(text):
            found.append(Pinned(match["name"], match["version"], []))
        else:
            raise ValueError(f"line {number} is neither a pinned package nor a hash")
    return found
