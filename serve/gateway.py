"""The cell's actors as the API sees them: the port that `actors/runtime/gateway.py` fills, and fakes in tests do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from actors.domain.audit import Who
from actors.runtime.gateway import Ask
from actors.runtime.host_feeds import FeedListener
from actors.runtime.ports import Clock
from actors.runtime.wire import HostStats, Reply

__all__ = ["Ask", "FeedListener", "Gateway", "NothingHeard", "heard"]
_LOOK_S = 0.05


class NothingHeard(Exception):
    """Some host has not told what it has; the message says what is known."""


class Gateway(Protocol):
    """Asks entities. Never raises for faults of the cell: they are `Reply.status`."""

    async def ask(
        self,
        kind: str,
        entity_id: str,
        command: msgspec.Struct | None,
        *,
        command_id: str,
        digest: int,
        creates: bool = False,
        wait_ms: int = 0,
        cause: str = "",
        who: Who | None = None,
        refused: bytes = b"",
    ) -> Reply:
        """One command. `wait_ms` > 0: wait so long for the final answer when the first is provisional. `who`: for the
        audit. `refused` (`judging.py`): what was found wrong, instead of the command; the answer
        unless it was done before."""

    async def ask_many(self, asks: Sequence[Ask], *, cause: str = "", who: Who | None = None) -> list[Reply]:
        """Many commands; answers in the same order."""

    async def view(self, kind: str, entity_id: str, query: msgspec.Struct, *, cause: str = "") -> Reply:
        """A query, answered by the entity with what is durable."""

    async def history(self, kind: str, entity_id: str, after: int, limit: int) -> Reply:
        """Events of one entity past the sequence `after`: JSON `{"events": […], "next_after": …}`."""

    def subscribe(self, listener: FeedListener) -> None:
        """From now on the listener gets rows and live events."""

    def want_live(self, wanted: bool) -> None:
        """Says whether anyone listens to live events here."""

    def is_told_live(self) -> bool:
        """Do all hosts tell live what happens from now on?"""

    def stats(self) -> list[HostStats]:
        """The latest of each host."""

    def fresh_ms(self) -> int | None:
        """What was acknowledged before that (UTC ms) is in the store; None while it is not known of every shard."""

    def heard_all(self) -> bool:
        """Has every shard an owner, and has each owner told what it has?"""

    def unowned_shards(self) -> int:
        """Shards without an owner in the latest map."""


async def heard(gateway: Gateway, clock: Clock, within_s: float) -> None:
    """Returns when all hosts have told what they have. Raises NothingHeard when that takes longer.

    To be awaited before anybody is served: without stock, kits and ended sessions orders would be asked of nobody, and
    tokens taken that are none.
    """
    until = clock.monotonic() + within_s
    while not gateway.heard_all():
        if clock.monotonic() >= until:
            raise NothingHeard(
                f"not all hosts have told what they have within {within_s:.0f} s: {len(gateway.stats())} have told how they are, "
                f"{gateway.unowned_shards()} shards have no owner; see /readyz of the cell and the logs of its hosts"
            )
        await clock.sleep(_LOOK_S)
