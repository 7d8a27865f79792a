"""Sessions that ended before their tokens do: signed out, rights changed, secret replaced; and those whose second
factor is doubted, which go on after a new proof; and those whose tokens were replaced, which go on under the new ones.
Fed by the hosts like the stock."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from actors.domain.kind import Row
from actors.domain.revocations import doubted, first_good
from actors.domain.rows import RevocationRow
from actors.runtime.ports import Clock
from actors.runtime.wire import LiveEvent

# How many may be known before those are looked for whose tokens have ended by themselves.
SWEEP_AT = 10_000


class EndedSessions:
    """One replica's copy, to look things up in: no call for every request. `until_ms`: sessions that ended → when the
    last of their tokens does (UTC ms).
    `unproved_s`: session → the second (UTC) up to which proofs of its second factor don't count; for those
    that are not there all do.
    `first_good`: session → the number of the first of its tokens that counts, where those before were replaced.
    `listeners` are told the name of each session that ends, is doubted, or whose tokens were replaced: what was begun
    by an old token, or on a proof that no longer counts, has to be begun again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.until_ms: dict[str, int] = {}
        self.unproved_s: dict[str, int] = {}
        self.first_good: dict[str, int] = {}
        self._sweep_at = SWEEP_AT
        self.listeners: list[Callable[[str], None]] = []

    # --- feed
    def reset(self, host: str) -> None:
        """Nothing to forget: a session that ended stays ended."""

    def rows(self, rows: Sequence[Row]) -> None:
        """Takes those of ended sessions."""
        for row in rows:
            if type(row) is RevocationRow and row.session_id not in self.until_ms:
                self.until_ms[row.session_id] = row.until_ms
                session_id = self._marked(row.session_id)
                for listener in self.listeners:
                    listener(session_id)
        if len(self.until_ms) >= self._sweep_at:
            self._sweep()

    def live(self, event: LiveEvent) -> None:
        """Live events are for screens."""

    def _marked(self, entry: str) -> str:
        """Takes an entry of a session that goes on. The name of the session whose streams have to begin anew; the entry
        itself when it ends one."""
        for known, marked in ((self.unproved_s, doubted(entry)), (self.first_good, first_good(entry))):
            if marked is not None:
                session_id, number = marked
                known[session_id] = max(number, known.get(session_id, 0))
                return session_id
        return entry

    def _sweep(self) -> None:
        now_ms = self._clock.now_ms()
        self.until_ms = {name: until for name, until in self.until_ms.items() if until > now_ms}
        self.unproved_s, self.first_good = {}, {}
        for entry in self.until_ms:
            self._marked(entry)
        self._sweep_at = max(SWEEP_AT, 2 * len(self.until_ms))
