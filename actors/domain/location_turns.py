"""Turns of those in a location's line who take all or nothing. The rules of the line are in `location_waiting.py`.

    is passed ──PASSED_MAX were given some of what it wants──▶ its turn: what comes is set aside for it ──all is there──▶ served
        ▲                                                         │                    ▲
        └──── KEEP_MS are over: it goes to the next in line ──────┴── enough came ─────┘ it goes on

A turn is for what still comes. When one is over, what its order lacked is in doubt if none of it came for `COMES_MS`:
until some comes in, nobody has a turn who lacks it. And what lay idle in vain rests: for `KEEP_MS` no turn begins that
wants it. So for what comes no more goods lie idle only as long as the turns last that ran when it came into doubt,
however many wait for it; and for however many things that come no more at most two thirds of the time. That some came
is noted only while somebody waits for it who takes all or nothing: what came before that counts as long ago.

When a turn is over, and of each SKU that its order lacks a few times what came lately would suffice, it goes on: where
fewer come a day than may pass it between two turns, its order would never have enough. Then it is long enough for a
delivery a day to fall into it. It goes on again only with more than it had, and while enough comes; so it is over when
what comes ends too soon, or comes no more.

Without this an order for several goods at once could be passed for ever by orders for one: each unit that comes is
somebody's before the next one is there. What is set aside stays free in the books, of the lots that are good for it;
only nobody who comes later gets it. It is worked out anew in each round from who is in line and what is free, so there
is nothing to be given back.

No two keep from each other what both need: what there is goes to those who keep by rank, and a rank is the same for all
SKUs of such an order. A turn ends, and of one SKU units are set aside for at most `KEEPERS_MAX` orders at a time. Who
wants more than `TURN_SKUS_MAX` SKUs has no turn: it is served when all is free at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Protocol

from actors.domain.location_line import LATELY_MS, WaitingLine
from actors.domain.location_line_events import LineTurn, Rank, Turn, Units, Waiter
from actors.domain.times import DAY_MS, HOUR_MS

# So long units are set aside for one order, unless so much comes that its turn goes on.
KEEP_MS = 12 * HOUR_MS
# So many others are given some of what it wants before it is its turn, and again before the next.
PASSED_MAX = 5
# For so many orders units of one SKU are set aside.
KEEPERS_MAX = 10
# What has not come for so long may never come again: longer than from a Friday's delivery to a Monday's.
COMES_MS = 4 * DAY_MS
# So much later somebody may look whether a turn goes on.
LATE_MS = HOUR_MS
# So long a turn goes on each time: a delivery a day falls into it, be it some hours later than the day before.
GOES_ON_MS = LATELY_MS - LATE_MS
# A turn goes on if so many times what came lately would suffice: within a week or two, if as much goes on coming. Less
# would not do for what comes late in the day: then one delivery of two is among it.
TIMES_MAX = 6
# Who wants more of them at once has no turn: it would keep a whole shop idle, and everybody would
# have to look at all of it.
TURN_SKUS_MAX = 50

# The rank of an order, (lot, units), units that are kept back from its channel.
_Aside = tuple[Rank, Sequence[Units], int]
_rank_of = itemgetter(0)


class Goods(Protocol):
    """What there is in a round."""

    def lacks(self, waiter: Waiter, sku: str) -> bool:
        """Is there less of it than it wants, in its channel and lasting long enough, be it set
        aside for others or not?"""
        ...

    def good(self, waiter: Waiter, sku: str) -> int:
        """Units of what it wants that it could have, besides those who come before it."""
        ...

    def beyond_a_day(self, waiter: Waiter) -> bool:
        """Is it more at once than the place does in a day?"""
        ...


class Turns:
    """Whose turn it is in one round, and what is set aside. `changed`: whose turn came or ended in it. came: SKUs of
    which some came by what the round is about, or are kept back no more → how many came."""

    def __init__(self, line: WaitingLine, now_ms: int, came: Mapping[str, int], goods: Goods) -> None:
        self._line, self._turns, self._now_ms, self._goods = line, line.turns, now_ms, goods
        self._came = came
        # By what ended in this round.
        self._newly_doubted, self._rested = set[str](), set[str]()
        self._current: dict[str, Turn] = {}
        self._instead: Waiter | None = None
        # SKU → for how many orders units of it are set aside, see `_keeping`
        self._keepers: dict[str, int] = {}
        # SKU → what is set aside of it, by rank
        self._aside: dict[str, list[_Aside]] = {}
        # SKU → order → who stands back: it leaves units of it to others
        self._passing: dict[str, dict[str, Waiter]] = {}
        # How many have to pass it yet.
        self._need: dict[str, int] = {}
        self.changed: dict[str, LineTurn] = {}

    # --- what is set aside
    def aside(self, sku: str) -> int:
        """How many have to stay, so that all find theirs, over what is kept back from them."""
        return _staying(self._aside.get(sku, ()))

    def aside_before(self, sku: str, waiter: Waiter) -> int:
        """The same for those who come before the waiter."""
        kept = self._aside.get(sku)
        return _staying(_before(kept, waiter.rank(sku))) if kept else 0

    def aside_but(self, sku: str, order_id: str) -> int:
        """The same for all but that order."""
        kept = self._aside.get(sku)
        return _staying(_but(kept, order_id)) if kept else 0

    def lots_before(self, sku: str, waiter: Waiter) -> dict[str, int]:
        """Lot → units of it that are set aside for those who come before the waiter."""
        kept = self._aside.get(sku)
        return _by_lot(_before(kept, waiter.rank(sku))) if kept else {}

    def lots_but(self, sku: str, order_id: str) -> dict[str, int]:
        """The same for all but that order."""
        kept = self._aside.get(sku)
        return _by_lot(_but(kept, order_id)) if kept else {}

    def set_aside(self, waiter: Waiter, sku: str, parts: Sequence[Units], back: int) -> None:
        """For the waiter, whatever was before. parts: (lot, units), "" where there are no lots; back: units that are
        kept back from its channel."""
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

    def claim(self, waiter: Waiter, sku: str) -> bool:
        """There is something of the SKU for it: its turn begins, if it may. One that is over goes on, or ends. Is it
        its turn now?"""
        name = waiter.order_id
        turn = self._current.get(name, waiter.turn)
        if turn is None:
            return self._begin(waiter, sku)
        if turn.lasts(self._now_ms):
            return True
        if turn.until_ms is not None:
            # One that was over long ago, when there was nothing for it, has nothing to go on with.
            is_late = self._now_ms >= turn.until_ms + LATE_MS
            there = 0 if is_late else self._enough_there(waiter, turn)
            if there and self._begin(waiter, turn.sku, there):
                return True
            self._end(waiter, turn.sku)
        if name not in self._need:
            before = 0 if name in self._current else self._line.passed(waiter) - turn.mark
            self._need[name] = PASSED_MAX - before
        if self._need[name] <= 0:
            return self._begin(waiter, sku)
        self._passing.setdefault(sku, {})[name] = waiter
        return False

    def passed(self, skus: Iterable[str], given: str) -> list[Waiter]:
        """Somebody was given some of these, while that one is given out. Those of whom it is the turn again by that."""
        for sku in skus:
            for name in self._passing.get(sku, ()):
                self._need[name] -= 1
        again = [one for one in self._passing.get(given, {}).values() if self._need[one.order_id] <= 0]
        for one in again:
            del self._passing[given][one.order_id]
        return [one for one in again if self._begin(one, given)]

    def _begin(self, waiter: Waiter, sku: str, there: int = 0) -> bool:
        """Begins its turn, or goes on with it, if that may be. there: of its turn that goes on, see `Turn`."""
        if not self._may_begin(waiter, goes_on=there > 0):
            return False
        for of in waiter.lines:
            self._keepers[of] = self._keeping(of) + 1
            self._passing.get(of, {}).pop(waiter.order_id, None)
        until_ms = self._now_ms + (GOES_ON_MS if there else KEEP_MS)
        self._current[waiter.order_id] = Turn(sku, until_ms, there=there)
        self.changed[waiter.order_id] = LineTurn(waiter.order_id, sku, until_ms, there=there)
        return True

    def _may_begin(self, waiter: Waiter, *, goes_on: bool) -> bool:
        skus = waiter.lines
        if len(skus) > TURN_SKUS_MAX or any(self._keeping(sku) >= KEEPERS_MAX for sku in skus):
            return False
        if not goes_on and any(self._rests(sku) for sku in skus):
            return False
        return not any(self._is_doubted(sku) and self._goods.lacks(waiter, sku) for sku in skus)

    def _end(self, waiter: Waiter, sku: str) -> None:
        """Its time is over. Of what it lacks it is doubted that any comes, if none did for so long."""
        lacked = [of for of in waiter.lines if self._is_long_ago(of) and self._goods.lacks(waiter, of)]
        self._newly_doubted.update(lacked)
        if lacked:
            # Also what is in doubt because somebody else lacked it: this one had all of it, in vain.
            self._rested.update(of for of in waiter.lines if of not in lacked)
        self._current[waiter.order_id] = Turn(sku, None)
        rest_ms = self._now_ms + KEEP_MS if lacked else 0
        self.changed[waiter.order_id] = LineTurn(waiter.order_id, sku, None, lacked, rest_ms)

    def _enough_there(self, waiter: Waiter, turn: Turn) -> int:
        """Units that are there for it, if it will have enough in a few days when as much comes as did lately; else 0.
        Of each SKU that it lacks some have to be there, and when its turn went on before, it has to have more than
        then: what ends as soon as it comes never adds up."""
        there, wanted = {sku: self._goods.good(waiter, sku) for sku in waiter.lines}, waiter.lines
        lacked = {sku: wanted[sku] - units for sku, units in there.items() if units < wanted[sku]}
        comes = all(there[sku] and units <= TIMES_MAX * self._came_lately(sku) for sku, units in lacked.items())
        units = sum(there.values())
        return units if lacked and comes and units > turn.there else 0

    def _came_lately(self, sku: str) -> int:
        return self._came.get(sku, 0) + self._line.came_lately(sku, self._now_ms)

    def _is_long_ago(self, sku: str) -> bool:
        """Did none come in for so long that it may never come again?"""
        return sku not in self._came and not self._line.came_within(COMES_MS, sku, self._now_ms)

    def _is_doubted(self, sku: str) -> bool:
        return sku not in self._came and (sku in self._newly_doubted or sku in self._line.doubted)

    def _rests(self, sku: str) -> bool:
        return sku in self._rested or self._line.rests.get(sku, 0) > self._now_ms

    def _keeping(self, sku: str) -> int:
        """For how many orders it is set aside, by whatever it came to be their turn. They are looked at once in a
        round: from then on `_begin` counts; whose turn is over was not among them."""
        found = self._keepers.get(sku)
        if found is None:
            instead = self._instead
            names = {only for _, _, _, only in self._line.queues.get(sku, ()) if only}
            if instead is not None and instead.whole:
                (names.add if sku in instead.lines else names.discard)(instead.order_id)
            found = self._keepers[sku] = sum(self.keeps(name) and not self._is_beyond(name) for name in names)
        return found

    def _is_beyond(self, name: str) -> bool:
        """Nothing is set aside for it, though it may have its turn yet."""
        instead = self._instead
        waiter = instead if instead is not None and instead.order_id == name else self._line.waiters.get(name)
        return waiter is not None and self._goods.beyond_a_day(waiter)

    def waited_for(self) -> dict[str, int]:
        """What came (SKU → units; 0: it is kept back no more), of that which somebody waits for who takes all or
        nothing, or of which it was doubted that any comes."""
        line = self._line
        return {
            sku: self._came[sku] for sku in sorted(self._came)
            if sku in line.doubted or any(only for _, _, _, only in line.queues.get(sku, ()))
        }  # fmt: skip

    def next_end_ms(self) -> int | None:
        """When the next turn ends (UTC ms)."""
        others = (turn for name, turn in self._turns.items() if name not in self._current)
        mine = self._instead.turn if self._instead is not None else None
        now = chain(others, self._current.values(), () if mine is None else (mine,))
        ends = (turn.until_ms for turn in now if turn.until_ms is not None)
        return min((end for end in ends if end > self._now_ms), default=None)


def _before(kept: list[_Aside], rank: Rank) -> list[_Aside]:
    return kept[: bisect_left(kept, rank, key=_rank_of)]


def _but(kept: list[_Aside], order_id: str) -> Iterable[_Aside]:
    return (one for one in kept if one[0][2] != order_id)


def _staying(kept: Iterable[_Aside]) -> int:
    """How many have to stay for these: for each as many as for those before it, and what is kept back from it."""
    stay = together = 0
    for _, parts, back in kept:
        units = sum(n for _, n in parts)
        if units:
            together += units
            stay = max(stay, together + back)
    return stay


def _by_lot(kept: Iterable[_Aside]) -> dict[str, int]:
    out: dict[str, int] = {}
    for _, parts, _ in kept:
        for lot, units in parts:
            out[lot] = out.get(lot, 0) + units
    return out
