"""What met a fault (an entity, or something that is done all the time) is left alone or not told of for a while, longer
each time: whatever is tried again and again without anybody asking would else fill the log, and cost what it costs,
until somebody has mended the cause."""

from __future__ import annotations

from collections.abc import Collection, Hashable

FIRST_MS = 1_000
LONGEST_MS = 600_000
# More are forgotten, and tried again too soon.
KNOWN_MAX = 10_000


class Pauses:
    """Until when (UTC ms) each is left alone. first_ms, longest_ms: the first pause, and the one that
    is not doubled any more."""

    def __init__(self, first_ms: int = FIRST_MS, longest_ms: int = LONGEST_MS) -> None:
        self._first_ms = first_ms
        self._longest_ms = longest_ms
        self._known: dict[Hashable, tuple[int, int]] = {}  # until when, and after what pause (ms)

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, what: Hashable) -> bool:
        """Did it meet a fault?"""
        return what in self._known

    def fault(self, what: Hashable, now_ms: int) -> int:
        """It met a fault: the next pause is twice the last, up to `longest_ms`. Gives it."""
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        _, last_ms = self._known.get(what, (0, self._first_ms // 2))
        pause_ms = min(2 * last_ms, self._longest_ms)
        self._known[what] = (now_ms + pause_ms, pause_ms)
        return pause_ms

    def keep(self, these: Collection[Hashable]) -> None:
        """Of all others it is of no use any more."""
        self._known = {what: known for what, known in self._known.items() if what in these}

    def renew(self, what: Hashable, now_ms: int) -> bool:
        """It met a fault: starts the next pause. False while the last one is on: it was told a moment ago."""
        if self.until(what) > now_ms:
            return False
        self.fault(what, now_ms)
        return True

    def well(self, what: Hashable) -> None:
        """It met none."""
        self._known.pop(what, None)

    def until(self, what: Hashable) -> int:
        """Not before that; 0 when it met no fault."""
        known = self._known.get(what)
        return 0 if known is None else known[0]
