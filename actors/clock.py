"""The real clock."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """`actors.runtime.ports.Clock` by the operating system."""

    def now_ms(self) -> int:
        """UTC, milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds, for durations."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)
