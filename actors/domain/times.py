"""Spans and moments. A moment is UTC milliseconds since 1970 everywhere but in what people read."""

from __future__ import annotations

from datetime import UTC, datetime

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


def moment(ms: int) -> datetime:
    """UTC ms as a time."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def sooner(first_ms: int | None, other_ms: int | None) -> int | None:
    """The earlier of two moments, of which either may be never."""
    return other_ms if first_ms is None else first_ms if other_ms is None else min(first_ms, other_ms)
