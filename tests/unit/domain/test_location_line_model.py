"""The line against a plain, slow one, and under load: what goes to whom is the same to the unit."""

from __future__ import annotations

import copy
from functools import partial
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from actors.domain import location_line, location_turns
from actors.domain.errors import Refused
from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allocate,
    ChangeCondition,
    ConditionLine,
    LookAtLocation,
    ReceiptLine,
    ReceiveStock,
    Release,
    Reserve,
    SetLevels,
    Unreserve,
    WaitInLine,
)
from actors.domain.location_events import Levels
from actors.domain.location_line import Came, WaitingLine
from actors.domain.location_line_events import Waiter
from actors.domain.location_state import Stock
from tests.unit.domain.line_rig import NOW_MS, Place, SlowLine

SKUS = ("a", "b", "c")


def _lately(noted: list[Came]) -> list[Came]:
    """What came in at each moment, no longer before the last than is remembered."""
    oldest = noted[-1][0] - location_line.LATELY_MS
    moments = sorted({at_ms for at_ms, _ in noted if at_ms > oldest})
    return [(at_ms, sum(units for at, units in noted if at == at_ms)) for at_ms in moments]


def _goods(stock: Stock | None) -> int:
    """Units that are good, whatever is promised or kept back of them."""
    return 0 if stock is None else stock.on_hand - stock.damaged - stock.quality_hold


class Play:
    """One run by a seed."""

    def __init__(self, seed: int) -> None:
        self.rng, self.place, self.slow = Random(seed), Place(), SlowLine()
        self.seen: dict[str, list[int]] = {}
        self.held: list[tuple[str, int, list[tuple[str, int]]]] = []
        self.carts: list[tuple[str, list[tuple[str, int]]]] = []

    def free(self, sku: str, channel: str) -> int:
        stock = self.place.state.stock.get(sku)
        return 0 if stock is None else stock.available_to(channel)

    def do(self, command, skus=()) -> None:
        """What the line gets by it is what the slow one gives of what is free after it."""
        before, version = len(self.place.served), self.place.version
        stock = {sku: copy.copy(self.place.state.stock.get(sku)) for sku in SKUS}
        known = {name: one.lines for name, one in self.slow.waiters.items()}
        try:
            reply = self.place.do(command)
        except Refused:
            return
        if isinstance(command, SetLevels | WaitInLine) and self.place.version == version:
            skus = ()  # nothing has changed, so nobody is looked at
        served = self.place.served[before:]
        got = {(order_id, sku): n for order_id, _, lines in served for sku, n in lines}
        taken = {sku: sum(n for (_, of), n in got.items() if of == sku) for sku in SKUS}
        more = {sku: self._more(sku, stock[sku], taken[sku]) for sku in SKUS}
        goods = {sku: _goods(self.place.state.stock.get(sku)) - _goods(stock[sku]) for sku in SKUS}
        came = {sku: max(0, goods[sku]) for sku in SKUS if more[sku] > 0 or goods[sku] > 0}
        if isinstance(command, Allocate | Reserve) and reply.lines:
            for sku, n in reply.lines:
                taken[sku] += n
        free = partial(self._free_before, taken=taken)
        given = self.slow.serve(skus, free, self.place.now_ms, came)
        assert got == {key: n for key, n in given.items() if n}, (command, known)
        if isinstance(command, Allocate | Reserve):
            self.slow.newcomer_got([sku for sku, _ in reply.lines])
        self.held += served
        if isinstance(command, Allocate) and reply.lines:
            self.held.append((command.order_id, command.fulfilment, reply.lines))
        elif isinstance(command, Reserve) and reply.lines:
            self.carts.append((command.reservation_id, reply.lines))
        waiting = {name: dict(one.lines) for name, one in self.slow.waiters.items() if one.lines}
        assert self.place.waiting() == waiting
        turns = {} if self.place.state.waiting is None else self.place.state.waiting.turns
        kept = {
            name: (turn.sku, turn.until_ms, turn.there) for name, turn in turns.items() if turn.until_ms is not None
        }
        assert kept == self.slow.keeps
        assert sorted(turns.keys() - kept.keys()) == sorted(self.slow.passed)
        line = self.place.state.waiting or WaitingLine()
        assert (line.doubted, line.rests) == (self.slow.doubted, self.slow.rests)
        assert line.came == {sku: _lately(noted) for sku, noted in self.slow.came.items()}
        assert self.place.again() == self.place.state

    def _more(self, sku: str, was, served: int) -> int:
        """How many more could somebody who waits have than before, but for what the line was served; and besides what
        was promised to others and is not any more?"""
        now, waits = (
            self.place.state.stock.get(sku),
            {one.channel for one in self.slow.waiters.values() if sku in one.lines},
        )
        if now is None or (was is not None and now == was):
            return 0
        promised = max(now.allocated + now.reserved - served, 0 if was is None else was.allocated + was.reserved)
        left = now.on_hand - now.damaged - now.quality_hold - now.safety_stock - promised
        had = {of: 0 if was is None else was.available_to(of) for of in waits}
        return max((max(0, left - dict(now.buffers).get(of, 0)) - had[of] for of in waits), default=0)

    def _free_before(self, sku: str, channel: str, taken: dict[str, int]) -> int:
        stock = self.place.state.stock.get(sku)
        if stock is None:
            return 0
        kept = dict(stock.buffers).get(channel, 0)
        return max(0, stock.free + taken[sku] - stock.safety_stock - kept)

    # --- what may happen
    def step(self) -> None:
        self.rng.choice((self.wait, self.wait, self.leave, self.receive, self.receive, self.other, self.give_back, self.levels, self.look, self.later))()  # fmt: skip

    def wait(self) -> None:
        rng, name = self.rng, f"us-{self.rng.randint(1, 12)}"
        lines = {sku: rng.randint(1, 5) for sku in rng.sample(SKUS, rng.randint(1, 3))}
        placed = NOW_MS + int(name[3:]) * 7 % 5
        from_ms = {sku: self.place.now_ms + rng.choice((0, 40)) for sku in lines if rng.random() < 0.15}
        waiter = Waiter(
            name, placed, 0, lines, [], rng.choice(("online", "store")), {}, from_ms, rng.random() < 0.4
        )  # fmt: skip
        kept = self.slow.waiters[name].lines if name in self.slow.keeps else {}
        self.slow.put(waiter, partial(self.free, channel=waiter.channel))
        # Who comes gets what those who are there leave; and these what was set aside for him before.
        self._tell(waiter, lines, [sku for sku in sorted(kept) if sku not in lines])

    def _tell(self, waiter: Waiter, skus, more=()) -> None:
        seen = [number for order_id, number, _ in self.place.served if order_id == waiter.order_id]
        number = 10_001 + len(seen)
        self.do(
            WaitInLine(
                waiter.order_id, number, waiter.placed_ms, sorted(waiter.lines.items()), seen, waiter.channel, {}, waiter.from_ms, waiter.whole
            ),
            [*sorted(skus), *more],
        )  # fmt: skip

    def leave(self) -> None:
        name = f"us-{self.rng.randint(1, 12)}"
        one = self.slow.waiters.get(name)
        kept = one.lines if one is not None and name in self.slow.keeps else ()
        if self.slow.leave(name):
            self._tell(Waiter(name, NOW_MS, 0), (), sorted(kept))
            assert self.place.state.waiting is None or name not in self.place.state.waiting.waiters

    def receive(self) -> None:
        rng, sku = self.rng, self.rng.choice(SKUS)
        condition = rng.choice(("sellable", "sellable", "damaged"))
        self.do(ReceiveStock([ReceiptLine(sku, rng.randint(1, 9), condition=condition)]), [sku])

    def other(self) -> None:
        rng, sku, n = self.rng, self.rng.choice(SKUS), self.rng.randint(1, 4)
        number = len(self.held) + 1
        command = rng.choice((
            Allocate(f"us-n{number}", number, [(sku, n)], rng.choice(("", "online", "store"))), Reserve(f"us-resv-{number}", [(sku, n)], "store"),
            AdjustStock([AdjustmentLine(sku, rng.choice((-n, n)), "count")]),
            ChangeCondition([ConditionLine(sku, n, *rng.sample(("sellable", "damaged"), 2))]),
        ))  # fmt: skip
        self.do(command, [sku])

    def give_back(self) -> None:
        if self.carts and self.rng.random() < 0.3:
            cart, lines = self.carts.pop()
            self.do(Unreserve(cart, lines), [sku for sku, _ in lines])
        elif self.held:
            order_id, number, lines = self.held.pop(self.rng.randrange(len(self.held)))
            one = [(sku, n) for sku, n in lines[:1]]
            if lines[1:]:
                self.held.append((order_id, number, lines[1:]))
            self.do(Release(order_id, number, one), [one[0][0]])

    def levels(self) -> None:
        rng, sku = self.rng, self.rng.choice(SKUS)
        levels = Levels(sku, rng.choice((None, 0, 1)), None, rng.choice((None, {}, {"online": 2})))
        self.do(SetLevels([levels]), [sku])

    def look(self) -> None:
        """The timer."""
        due = self.place.state.waiting.due_ms if self.place.state.waiting is not None else None
        if due is not None and due <= self.place.now_ms:
            self.do(LookAtLocation(), SKUS)

    def later(self) -> None:
        self.place.now_ms += self.rng.choice((1, 20))
        self.look()


@pytest.fixture
def short_turns(monkeypatch):
    """So that they come and end within a few steps."""
    monkeypatch.setattr(location_turns, "KEEP_MS", 12)
    monkeypatch.setattr(location_turns, "COMES_MS", 20)
    monkeypatch.setattr(location_turns, "GOES_ON_MS", 15)
    monkeypatch.setattr(location_turns, "LATE_MS", 10)
    monkeypatch.setattr(location_line, "LATELY_MS", 25)
    monkeypatch.setattr(location_line, "TOGETHER_MS", 1)
    monkeypatch.setattr(location_turns, "PASSED_MAX", 1)
    monkeypatch.setattr(location_turns, "KEEPERS_MAX", 2)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 2**32))
# Somebody's turn comes in a round in which one behind it has its turn already, and others got some since.
@example(42226)
# Who waits already says the same again.
@example(101618)
# A turn that comes in a round leaves one over for those of whom the first has got nothing in it.
@example(303381)
# Who is served leaves what was kept back from its channel to those whose turn it is behind it, before others.
@example(311690)
# What somebody lacked in vain is there for one who wants less of it: his turn comes in the same round.
@example(254)
# Two turns begin as somebody is served: the second with what the first leaves.
@example(128)
# A turn in which enough came can't go on: it ends as any other.
@example(202)
def test_the_line_gives_a_unit_to_somebody_else_than_a_plain_one_would(short_turns, seed):
    play = Play(seed)
    for _ in range(60):
        play.step()


def test_a_share_is_not_by_rank_when_thousands_wait_and_units_trickle_in():
    """What came in goes to the first so many, to the unit, however it came and whoever came later."""
    rng, place, wanted, ranks = Random(4), Place(small=False), {}, {}
    names = [f"us-{number:05}" for number in range(3_000)]
    for name in rng.sample(names, len(names)):
        wanted[name], ranks[name] = rng.randint(1, 4), rng.randint(0, 500)
        assert place.wait(name, ranks[name], ("a", wanted[name])).accepted
    came = 0
    for at in range(400):
        n = rng.choice((1, 1, 2, 5, 17))
        place.receive(("a", n))
        came += n
        # Somebody new asks at the same time, again and again.
        assert place.do(Allocate(f"us-new{at}", 1, [("a", 3)])).lines == []
    got: dict[str, int] = {}
    for name, _, lines in place.served:
        got[name] = got.get(name, 0) + dict(lines)["a"]
    fair, left = {}, came
    for name in sorted(names, key=lambda name: (ranks[name], name)):
        fair[name] = min(wanted[name], left)
        left -= fair[name]
    assert got == {name: n for name, n in fair.items() if n}
    assert sum(got.values()) == came
    served = [name for name, _, _ in place.served]
    assert served == sorted(served, key=lambda name: (ranks[name], name))


def test_thousands_who_can_be_served_at_once_hold_up_the_location_or_are_overtaken():
    place = Place(small=False)
    for number in range(1_000):
        place.wait(f"us-{number:04}", number, ("a", 1))
    place.receive(("a", 900))
    assert len(place.served) == 200, "one turn must not be as long as the line"
    # The rest is theirs, though they have it only a moment later.
    assert place.do(Allocate("us-new", 1, [("a", 900)])).lines == []
    while place.state.waiting.due_ms is not None:
        place.now_ms = place.state.waiting.due_ms
        place.wake()
    assert [name for name, _, _ in place.served] == [f"us-{number:04}" for number in range(900)]
    assert place.state.stock["a"].available == 0
