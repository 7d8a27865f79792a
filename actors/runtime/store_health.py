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
        # Since when it is away, None while it is not; and whether that was told. UTC ms.
        self._away_ms: int | None = None
        self._told = False
        self._back_ms = 0
        # Why what it has is not what it should have, "" while nothing says so.
        self._lost = ""

    def away(self, why: str) -> None:
        """It does not answer, or takes nothing."""
        now_ms = self._clock.now_ms()
        if self._away_ms is None:
            self._away_ms = now_ms
            if now_ms - self._back_ms > LONGEST_MS:
                self._pauses.well(self._what)
        # One that went a moment ago as well is told of when it stays away.
        if not self._told and self._pauses.renew(self._what, now_ms):
            self._told = True
            log.warning("host %s: %s can't be used: %s", self._host, self._what, why or "nothing was said")
        self.state = self._lost or why or "away"

    def lost(self, why: str) -> None:
        """It lacks what it should have: that stays its state, whatever it answers, until it is `found`."""
        if not self._lost:
            # Told also of one that has been away already.
            self._told = False
            self._pauses.well(self._what)
        self._lost = why
        self.away(why)

    def found(self) -> None:
        """It has all again."""
        self._lost = ""
        self.well()

    def fault(self, fault: Exception) -> None:
        """It answers, or may, but what was asked met a fault of ours: whoever asked tells that
        with all that there is."""
        self.state = self._lost or f"fault: {type(fault).__name__}"

    def well(self) -> None:
        """It has answered."""
        if self._lost:
            return
        if self._away_ms is not None:
            now_ms = self._clock.now_ms()
            if self._told:
                away_s = (now_ms - self._away_ms) / 1000
                log.warning("host %s: %s can be used again, after %.1f s", self._host, self._what, away_s)
            self._away_ms, self._told, self._back_ms = None, False, now_ms
        self.state = "ok"
