"""Entities that met a fault are left alone for a while, longer each time: whatever is tried again and again without anybody asking
would else fill the log, and cost what it costs, until somebody has mended the cause."""

from __future__ import annotations

from actors.runtime.shard import Key

FIRST_MS = 1_000
LONGEST_MS = 600_000
# More are forgotten, and tried again too soon.
KNOWN_MAX = 10_000


class Pauses:
    """Until when (UTC ms) each entity is left alone."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[int, int]] = {}  # until when, and after what pause (ms)

    def fault(self, key: Key, now_ms: int) -> None:
        """It met a fault: the next pause is twice the last, up to LONGEST_MS."""
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        _, last_ms = self._known.get(key, (0, FIRST_MS // 2))
        pause_ms = min(2 * last_ms, LONGEST_MS)
        self._known[key] = (now_ms + pause_ms, pause_ms)

    def renew(self, key: Key, now_ms: int) -> bool:
        """It met a fault: starts the next pause. False while the last one is on: it was told a moment ago."""
        if self.until(key) > now_ms:
            return False
        self.fault(key, now_ms)
        return True

    def well(self, key: Key) -> None:
        """It met none."""
        self._known.pop(key, None)

    def until(self, key: Key) -> int:
        """Not before that; 0 when it met no fault."""
        known = self._known.get(key)
        return 0 if known is None else known[0]
