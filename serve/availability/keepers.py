"""Where an order may wait for what is not there: the places that keep a SKU, though nothing of it is there now.

An order waits in line at the first few places that it knows. Were these just the nearest ones, an order for goods that only a far warehouse keeps would wait
where they never come. A place keeps a SKU when it has told of it: it had some once, or expects some.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import nsmallest
from itertools import zip_longest
from typing import TypeVar

from actors.domain.order_evolve import RETRY_PLACES_MAX

# An order of which fewer places have something may find all of them empty, and would wait there alone.
HAVING_FEW = 4
_HALF = RETRY_PLACES_MAX // 2
T = TypeVar("T")


def nearest_keepers(kept_at: Iterable[Iterable[str]], rank: Mapping[str, int], but: Collection[str]) -> list[str]:
    """Of the places that keep each SKU the nearest, then the second nearest of each, and so on; at most `RETRY_PLACES_MAX`, none of `but`. `rank`: place → how near."""
    each = [
        nsmallest(RETRY_PLACES_MAX, (name for name in names if name in rank and name not in but), rank.__getitem__)
        for names in kept_at
    ]
    found = dict.fromkeys(name for row in zip_longest(*each) for name in row if name is not None)
    return list(found)[:RETRY_PLACES_MAX]


def among(places: Sequence[T], others: Sequence[T]) -> list[T]:
    """All of both, best first: so that an order waits at the first of these and at the first of those."""
    room = RETRY_PLACES_MAX - min(_HALF, len(places))
    return [*places[:_HALF], *others[:room], *places[_HALF:], *others[room:]]
