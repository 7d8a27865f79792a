"""How the journal, or the store, is to one host: "ok", or why it does not answer. What operators see, and what the log
says when that changes."""

from __future__ import annotations

import logging

from actors.runtime.pauses import LONGEST_MS, Pauses
from actors.runtime.ports import Clock

log = logging.getLogger("ocefs.host")


class StoreHealth:
    """Of `what`, to the host of that name. state: "ok", or why not. It is told when it goes and when it is back; of one
    that goes again and again, ever less often."""

    def __init__(self, what: str, host: str, clock: Clock) -> None:
        self.state = "ok"
        self._what = what
        self._host = host
        self._clock = clock
        self._pauses = Pauses()
        self._told = False
        self._changed_ms = 0

    def away(self, why: str) -> None:
        """It does not answer."""
        if self.state == "ok":
            now_ms = self._clock.now_ms()
            if now_ms - self._changed_ms > LONGEST_MS:
                self._pauses.well(self._what)
            self._changed_ms = now_ms
            self._told = self._pauses.renew(self._what, now_ms)
            if self._told:
                log.warning("host %s: %s does not answer: %s", self._host, self._what, why or "nothing was said")
        self.state = why or "away"

    def fault(self, fault: Exception) -> None:
        """It does, or may, but what was asked met a fault of ours: whoever asked tells that with all that there is."""
        self.state = f"fault: {type(fault).__name__}"

    def well(self) -> None:
        """It has answered."""
        if self.state != "ok":
            now_ms = self._clock.now_ms()
            if self._told:
                away_s = (now_ms - self._changed_ms) / 1000
                log.warning("host %s: %s answers again, after %.1f s", self._host, self._what, away_s)
            self._told, self._changed_ms, self.state = False, now_ms, "ok"
