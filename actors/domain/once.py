"""What is taken once within its life: challenges that passkeys sign, assertions of devices.

    fresh ──spent──▶ spent ──until_ms──▶ (forgotten: it is over by itself)

At most KEPT_MAX names are kept. When one too many comes, the one that is over soonest is forgotten early, and from then
on nothing that is over as soon is taken, spent or not: too much use makes old ones worthless, and never one good twice.
Times are UTC milliseconds since 1970.
"""

from __future__ import annotations

import msgspec

KEPT_MAX = 64


class Once(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`kept`: (until when it would be good, its name), soonest first. `floor_ms`: what is over by then is not taken."""

    kept: tuple[tuple[int, str], ...] = ()
    floor_ms: int = 0


NOTHING = Once()


def fresh(once: Once, name: str, until_ms: int, now_ms: int) -> bool:
    """May it be taken?"""
    return until_ms > max(once.floor_ms, now_ms) and (until_ms, name) not in once.kept


def spent(once: Once, name: str, until_ms: int, now_ms: int) -> Once:
    """After it was taken."""
    kept = sorted([*(entry for entry in once.kept if entry[0] > now_ms), (until_ms, name)])
    forgotten = kept[:-KEPT_MAX]
    floor_ms = max(once.floor_ms, *(over_ms for over_ms, _ in forgotten)) if forgotten else once.floor_ms
    return Once(tuple(kept[-KEPT_MAX:]), floor_ms)
