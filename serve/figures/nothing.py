"""Where nobody records figures."""

from __future__ import annotations

from actors.figures.minute import Minute


class NoFigures:
    """`FiguresList` (see `actors/runtime/figures.py`) without anything in it."""

    async def figures(self, location_id: str, since_ms: int, until_ms: int, limit: int) -> list[Minute]:
        """None."""
        return []

    async def seen(self, location_id: str, since_ms: int, until_ms: int, limit: int) -> list[int]:
        """None."""
        return []

    async def latest(self, after_ms: int) -> list[Minute]:
        """None."""
        return []
