"""What happened, one line an event. The hash over all lines tells whether two runs were the same."""

from __future__ import annotations

import hashlib
import sys
from collections import deque

LINES_KEPT = 4000


class Trace:
    """Lines with virtual time and process. Only the last ones are kept; `aloud` prints all."""

    def __init__(self, *, aloud: bool = False) -> None:
        self._aloud = aloud
        self._hash = hashlib.blake2b(digest_size=16)
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)
        self.count = 0
        self.counted: dict[str, int] = {}

    def __call__(self, now: float, who: str, what: str) -> None:
        """`now`: virtual seconds."""
        line = f"{now:11.6f} {who:<10} {what}"
        self._hash.update(line.encode())
        self._hash.update(b"\n")
        self.lines.append(line)
        self.count += 1
        if self._aloud:
            sys.stdout.write(line + "\n")

    def tally(self, name: str, by: int = 1) -> None:
        """Counts something for the summary."""
        self.counted[name] = self.counted.get(name, 0) + by

    def digest(self) -> str:
        """The hash of everything so far, as hex."""
        return self._hash.hexdigest()
