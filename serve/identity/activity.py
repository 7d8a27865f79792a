"""When somebody last did something in a session of staff. By that a session is idle, and not by its tokens, which a
page renews with nobody before it.

    request ──▶ note    one store in a dict, by the guard
                  │ each second; of one session at once, and then once a minute while it is used
                  ▼
                tell ──▶ Redis, for all replicas of the cell
                  ▲
    renewal ──▶ last_ms  the later of what this replica was asked and what Redis has ──▶ the account (`Refresh.used_ms`)

What counts is every request with an access token of the session, but for what pages ask with nobody before them
(`Need.attended`): the live stream, which ends with each token and is opened again. A page that polls anything else
counts as somebody who works.

A replica forgets what it has told; what nobody knows of is as late as the account last knew, so a session never seems
used because something was forgotten. While Redis is away nothing is renewed, for renewals are counted there
(`limits.py`); where it falls silent just between the two questions, a renewal counts as use.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Protocol

from actors.runtime.errors import JournalUnavailable
from actors.runtime.ports import Clock

TELL_S = 1.0
# Between two times that a session is told of. What is yet to be told is told that late at most, and at once of a
# session that was quiet for so long.
EVERY_MS = 60_000
# Sessions of which this replica has yet to tell; the one that waits for longest gives way.
WAITING_MAX = 20_000
# Told in one call.
BATCH_MAX = 1_000
TASK = "session activity"
log = logging.getLogger("ocefs.identity")


class SharedActivity(Protocol):
    """What all replicas of a cell know together. Nothing that is told makes a use earlier than it was known to be. Both
    raise JournalUnavailable."""

    async def tell(self, used: Mapping[str, int], now_ms: int) -> None:
        """`used`: session → when it was last used (UTC ms). What is too old to matter is forgotten."""

    async def later(self, session_id: str, used_ms: int) -> int:
        """When the session was last used (UTC ms), as far as anybody says, who asks among them (`used_ms`, 0 for
        never); 0 for never. Fails where nothing could be told."""


class MemoryActivity:
    """In this process alone: for tests, and for an API without a cell."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    async def tell(self, used: Mapping[str, int], now_ms: int) -> None:
        """See SharedActivity."""
        for session_id, used_ms in used.items():
            await self.later(session_id, used_ms)
        while len(self._used) > WAITING_MAX:
            del self._used[next(iter(self._used))]

    async def later(self, session_id: str, used_ms: int) -> int:
        """See SharedActivity."""
        known_ms = max(used_ms, self._used.pop(session_id, 0))
        if known_ms:
            self._used[session_id] = known_ms
        return known_ms


class Activity:
    """Of one replica."""

    def __init__(self, shared: SharedActivity, clock: Clock) -> None:
        self._shared = shared
        self._clock = clock
        self._fresh: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        # When it was last told of (UTC ms), the earliest first.
        self._told: dict[str, int] = {}
        self._silent = False
        self._task: asyncio.Task[None] | None = None

    def note(self, session_id: str, now_ms: int) -> None:
        """Somebody does something in it. Called for each request, so it does no more than this."""
        self._fresh[session_id] = now_ms
        if len(self._fresh) > WAITING_MAX:
            self._gather()

    async def last_ms(self, session_id: str) -> int | None:
        """When somebody last did something in it (UTC ms), 0 when nobody did since it is forgotten;
        None while nobody can tell."""
        own_ms = self._fresh.get(session_id) or self._waiting.get(session_id, 0)
        try:
            return await self._shared.later(session_id, own_ms)
        except JournalUnavailable:
            return None

    def start(self) -> None:
        """Tells the others each second from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=TASK)

    async def close(self) -> None:
        """Tells what they do not know yet, if they listen."""
        if self._task is not None:
            self._task.cancel()
        self._told.clear()
        await self.tell()

    async def tell(self) -> None:
        """Tells of the sessions whose turn it is. What can't be told waits; never raises."""
        now_ms = self._clock.now_ms()
        self._gather()
        while self._told and self._told[first := next(iter(self._told))] <= now_ms - EVERY_MS:
            del self._told[first]
        due = [one for one in self._waiting.items() if one[0] not in self._told]
        for begin in range(0, len(due), BATCH_MAX):
            batch = dict(due[begin : begin + BATCH_MAX])
            if not await self._taken(batch, now_ms):
                return
            for session_id, used_ms in batch.items():
                self._told[session_id] = now_ms
                if self._waiting.get(session_id) == used_ms:
                    del self._waiting[session_id]

    async def _taken(self, batch: Mapping[str, int], now_ms: int) -> bool:
        try:
            await self._shared.tell(batch, now_ms)
        except JournalUnavailable as fault:
            if not self._silent:
                log.warning("activity.untold", extra={"reason": str(fault)})
            self._silent = True
            return False
        self._silent = False
        return True

    def _gather(self) -> None:
        self._waiting |= self._fresh
        self._fresh = {}
        while len(self._waiting) > WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TELL_S)
            try:
                await self.tell()
            except Exception:
                # Without it everybody would seem idle.
                log.exception("activity.untold")
