"""The audit as it is searched: the port that `actors/storage/audit_search.py` fills, and fakes in tests do."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

# So many are told in one go. One more may be read, to know whether there are more.
LINES_MAX = 10_000


class Line(msgspec.Struct, frozen=True):
    """One line. at: UTC ms. changes: JSON, field → [before, after]; "" for none. chain: hex."""

    shard: int
    number: int
    at: int
    version: int
    subject: str
    role: str
    session_id: str
    address: str
    device: str
    behalf: str
    request_id: str
    action: str
    outcome: str
    location_id: str
    kind: str
    entity_id: str
    why: str
    changes: str
    chain: bytes


class Place(NamedTuple):
    """Where a line stands among all, newest first."""

    at_ms: int
    shard: int
    number: int


class Filter(msgspec.Struct, frozen=True):
    """What is looked for; empty: anything. action: a whole one, or what it begins with and a dot (`order.`). address:
    as it stands in a line, or a network's digest, for all of its addresses. since_ms, until_ms: UTC, the
    latter not in it. text: words, all of them; `"two words"` next to each other, `-word` not. device, behalf: as they
    stand in a line; no index has them, so something else must keep the search small."""

    subject: str = ""
    action: str = ""
    entity_id: str = ""
    location_id: str = ""
    address: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    text: str = ""
    device: str = ""
    behalf: str = ""


class Found(NamedTuple):
    """A page of lines. more_before: where the search goes on, when it was broken off before the page was full because
    it took too long; None when there are as many as were wanted, or no more."""

    lines: list[Line]
    more_before: Place | None = None


class AuditLines(Protocol):
    """Reads the audit."""

    async def search(self, wanted: Filter, before: Place | None, limit: int) -> Found:
        """Newest first, older than `before`. Raises StoreUnavailable."""

    async def close(self) -> None:
        """Gives the connections back."""
