"""How quick the machine is at the moment. On a shared one the same loop takes twice as long from one minute to the
next, and the ratio of two rows that were measured some minutes apart then says more of the machine than of the
systems: so each row tells it."""

import time
from collections.abc import Sequence

LOOPS = 5
STEPS = 120_000
STEADY = 1.15
"""Where the slowest loop took at most so many times the quickest, rows may be compared however far apart they are."""


def loop_ms() -> float:
    """The least time (ms, of a clock on the wall: what others take counts) that a small fixed loop takes now."""
    return min(_loop_ms() for _ in range(LOOPS))


def _loop_ms() -> float:
    began = time.perf_counter()
    kept: dict[int, int] = {}
    for step in range(STEPS):
        kept[step & 1023] = step
    return (time.perf_counter() - began) * 1000


def described(loops_ms: Sequence[float]) -> str:
    """What a reader has to know of the loops beside the rows; "" when there was none."""
    if not loops_ms:
        return ""
    least, most = min(loops_ms), max(loops_ms)
    said = f"the same loop took {least:.1f} to {most:.1f} ms beside the rows"
    if most <= STEADY * least:
        return said
    return f"{said}: ratios of rows beside which it differs say so much less"
