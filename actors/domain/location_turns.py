"""Turns of those in a location's line who take all or nothing. The rules of the line are in `location_waiting.py`.

    is passed ──PASSED_MAX were given some of what it wants──▶ its turn: what comes is set aside for it ──all is there──▶ served
        ▲                                                         │
        └──── KEEP_MS are over: it goes to the next in line ──────┘

A turn is for what still comes. When one is over, what its order lacked is in doubt: until some of it comes in, nobody has a turn who lacks it. So goods lie idle at most once for what never comes, however many wait for it.

Without this an order for several goods at once could be passed for ever by orders for one: each unit that comes is somebody's before the next one is there. What is set aside
stays free in the books, of the lots that are good for it; only nobody who comes later gets it. It is worked out anew in each round from who is in line and what is free, so there is nothing to be given back.

No two keep from each other what both need: what there is goes to those who keep by rank, and a rank is the same for all SKUs of such an order. A turn ends, and
of one SKU units are set aside for at most `KEEPERS_MAX` orders at a time. Who wants more than `TURN_SKUS_MAX` SKUs has no turn: it is served when all is free at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import itemgetter

from actors.domain.location_line import LineTurn, Rank, Turn, Units, Waiter, WaitingLine
from actors.domain.times import HOUR_MS

# So long units are set aside for one order.
KEEP_MS = 12 * HOUR_MS
# So many others are given some of what it wants before it is its turn, and again before the next.
PASSED_MAX = 5
# For so many orders units of one SKU are set aside.
KEEPERS_MAX = 10
# Who wants more of them at once has no turn: it would keep a whole shop idle, and everybody would have to look at all of it.
TURN_SKUS_MAX = 50

_rank_of = itemgetter(0)


class Turns:
    """Whose turn it is in one round, and what is set aside. `changed`: whose turn came or ended in it.

    came: SKUs of which more is free by now than before. lacks: is there less of the SKU than the order wants, whoever may have it?"""

    def __init__(
        self, line: WaitingLine, now_ms: int, came: Iterable[str], lacks: Callable[[Waiter, str], bool]
    ) -> None:
        self._line, self._turns, self._now_ms, self._lacks = line, line.turns, now_ms, lacks
        self._came = frozenset(came)
        self._doubted = line.doubted - self._came
        self._current: dict[str, Turn] = {}
        self._instead: Waiter | None = None
        # SKU → for how many orders units of it are set aside
        self._keepers: dict[str, int] = {}
        # SKU → (rank of an order, (lot, units), units that are kept back from its channel), by rank
        self._aside: dict[str, list[tuple[Rank, Sequence[Units], int]]] = {}
        # SKU → order → who leaves units of it to others
        self._resting: dict[str, dict[str, Waiter]] = {}
        # How many have to pass it yet.
        self._need: dict[str, int] = {}
        self.changed: dict[str, LineTurn] = {}

    # --- what is set aside
    def aside(self, sku: str, waiter: Waiter | None = None) -> int:
        """How many have to stay, so that those who come before the waiter find theirs, over what is kept back from them; None: all of them."""
        return self._before(sku, waiter)

    def aside_but(self, sku: str, order_id: str) -> int:
        """The same for all but that order."""
        return self._before(sku, None, order_id)

    def _before(self, sku: str, waiter: Waiter | None, but: str = "") -> int:
        kept = self._aside.get(sku)
        if not kept:
            return 0
        mine = waiter.rank(sku) if waiter is not None else None
        stay = together = 0
        for rank, parts, back in kept:
            if mine is not None and rank >= mine:
                break
            units = sum(n for _, n in parts)
            if units and rank[2] != but:
                together += units
                stay = max(stay, together + back)
        return stay

    def lots_aside(self, sku: str, waiter: Waiter | None = None, but: str = "") -> dict[str, int]:
        """Lot → units of it that are set aside for those who come before the waiter; None: for all but that order."""
        mine, out = waiter.rank(sku) if waiter is not None else None, dict[str, int]()
        for rank, parts, _ in self._aside.get(sku, ()):
            if mine is not None and rank >= mine:
                break
            for lot, units in parts if rank[2] != but else ():
                out[lot] = out.get(lot, 0) + units
        return out

    def set_aside(self, waiter: Waiter, sku: str, parts: Sequence[Units], back: int) -> None:
        """For the waiter, whatever was before. parts: (lot, units), "" where there are no lots; back: units that are kept back from its channel."""
        kept, rank = self._aside.setdefault(sku, []), waiter.rank(sku)
        at = bisect_left(kept, rank, key=_rank_of)
        kept[at : at + (at < len(kept) and kept[at][0] == rank)] = [(rank, parts, back)]

    def leave(self, waiter: Waiter, sku: str) -> None:
        """There is nothing of it for the waiter."""
        kept, rank = self._aside.get(sku, []), waiter.rank(sku)
        at = bisect_left(kept, rank, key=_rank_of)
        if at < len(kept) and kept[at][0] == rank:
            del kept[at]

    def behind(self, sku: str, waiter: Waiter) -> list[str]:
        """For whom it is set aside that come after the waiter, by rank."""
        kept, rank = self._aside.get(sku, ()), waiter.rank(sku)
        return [other[2] for other, _, _ in kept if other > rank]

    def keeps(self, order_id: str) -> bool:
        """Is it the order's turn?"""
        turn = self._current.get(order_id)
        if turn is None:
            other = self._instead if self._instead is not None and self._instead.order_id == order_id else None
            turn = other.turn if other is not None else self._turns.get(order_id)
        return turn is not None and turn.lasts(self._now_ms)

    def served(self, waiter: Waiter) -> None:
        """It has what it waited for."""
        for sku in waiter.lines:
            self.leave(waiter, sku)

    # --- whose turn it is
    def instead(self, waiter: Waiter) -> None:
        """It is so from now on, otherwise than the line has it."""
        self._instead = waiter

    def has(self, waiter: Waiter, sku: str) -> bool:
        """Is it its turn, or does it come now that there is something of the SKU for it?"""
        name = waiter.order_id
        turn = self._current.get(name, waiter.turn)
        if turn is None:
            return self._begins(waiter, sku)
        if turn.lasts(self._now_ms):
            return True
        if turn.until_ms is not None:
            lacked = [of for of in waiter.lines if of not in self._came and self._lacks(waiter, of)]
            self._doubted.update(lacked)
            self._set(waiter, Turn(turn.sku, None), lacked)
        if name not in self._need:
            before = 0 if name in self._current else self._line.passed(waiter) - turn.mark
            self._need[name] = PASSED_MAX - before
        if self._need[name] <= 0:
            return self._begins(waiter, sku)
        self._resting.setdefault(sku, {})[name] = waiter
        return False

    def passed(self, skus: Iterable[str], given: str) -> list[Waiter]:
        """Somebody was given some of these, while that one is given out. Those of whom it is the turn again by that."""
        for sku in skus:
            for name in self._resting.get(sku, ()):
                self._need[name] -= 1
        again = [one for one in self._resting.get(given, {}).values() if self._need[one.order_id] <= 0]
        for one in again:
            del self._resting[given][one.order_id]
        return [one for one in again if self._begins(one, given)]

    def _begins(self, waiter: Waiter, sku: str) -> bool:
        if len(waiter.lines) > TURN_SKUS_MAX or any(self._keeping(of) >= KEEPERS_MAX for of in waiter.lines):
            return False
        if any(of in self._doubted and self._lacks(waiter, of) for of in waiter.lines):
            return False
        for of in waiter.lines:
            self._keepers[of] += 1
            self._resting.get(of, {}).pop(waiter.order_id, None)
        self._set(waiter, Turn(sku, self._now_ms + KEEP_MS))
        return True

    def _keeping(self, sku: str) -> int:
        """For how many orders it is set aside, by whatever it came to be their turn."""
        found = self._keepers.get(sku)
        if found is None:
            instead = self._instead
            names = {only for _, _, _, only in self._line.queues.get(sku, ()) if only}
            if instead is not None and instead.whole:
                (names.add if sku in instead.lines else names.discard)(instead.order_id)
            found = self._keepers[sku] = sum(self.keeps(name) for name in names)
        return found

    def _set(self, waiter: Waiter, turn: Turn, lacked: Iterable[str] = ()) -> None:
        self._current[waiter.order_id] = turn
        self.changed[waiter.order_id] = LineTurn(waiter.order_id, turn.sku, turn.until_ms, list(lacked))

    def doubts_ended(self) -> list[str]:
        """SKUs that were in doubt, and of which some came in."""
        return sorted(self._line.doubted & self._came)

    def next_end_ms(self) -> int | None:
        """When the next turn ends (UTC ms)."""
        others = (turn for name, turn in self._turns.items() if name not in self._current)
        mine = self._instead.turn if self._instead is not None else None
        now = chain(others, self._current.values(), () if mine is None else (mine,))
        ends = (turn.until_ms for turn in now if turn.until_ms is not None)
        return min((end for end in ends if end > self._now_ms), default=None)
