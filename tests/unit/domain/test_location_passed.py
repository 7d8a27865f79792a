"""Nobody is passed more often than it is said, whatever comes and whoever takes it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.domain import location_turns
from actors.domain.location_commands import (
    Allocate,
    ReceiptLine,
    ReceiveStock,
)
from actors.domain.location_turns import KEEP_MS
from tests.unit.domain.line_rig import Place

DAY_MS = 86_400_000


class Traffic:
    """Orders for one good and for two, by a seed; what comes and who takes it. It counts who was
    passed by whom by itself."""

    def __init__(self, seed: int) -> None:
        self.rng, self.place, self.number = Random(seed), Place(small=False), 0
        self.passed: dict[str, int] = {}

    def step(self) -> None:
        rng, place = self.rng, self.place
        self.number += 1
        draw = rng.random()
        self.passed = {
            name: n for name, n in self.passed.items() if name in self.whole() and not self.keeps(self.whole()[name])
        }
        before, late = len(place.served), {name: one for name, one in self.whole().items() if self.is_passed(one)}
        if draw < 0.15:
            place.wait(
                f"us-{self.number:03}", self.number, ("a", rng.randint(1, 2)), ("b", rng.randint(1, 2)), whole=True
            )
        elif draw < 0.35:
            place.wait(f"us-{self.number:03}", self.number, (rng.choice("ab"), rng.randint(1, 3)))
        elif draw < 0.75:
            place.do(ReceiveStock([ReceiptLine(rng.choice("aab"), 1)]))
        elif draw < 0.95:
            sku = rng.choice("ab")
            if place.do(Allocate(f"us-new-{self.number}", 1, [(sku, 1)])).lines:
                self.pass_by(late, {sku}, None)
        else:
            place.now_ms += rng.choice((1, KEEP_MS // 3))
            place.wake()
        for name, _, lines in place.served[before:]:
            self.pass_by(late, {sku for sku, _ in lines}, name)

    def whole(self):
        line = self.place.state.waiting
        return {} if line is None else {name: one for name, one in line.waiters.items() if one.whole and one.lines}

    def keeps(self, one) -> bool:
        return one.turn is not None and one.turn.until_ms is not None and one.turn.until_ms > self.place.now_ms

    def is_passed(self, one) -> bool:
        """It is not its turn, though what it lacks may come, and none of it lay idle in vain a while ago."""
        line, stock = self.place.state.waiting, self.place.state.stock
        lacked = {sku for sku, units in one.lines.items() if sku not in stock or stock[sku].available < units}
        rests = any(line.rests.get(sku, 0) > self.place.now_ms for sku in one.lines)
        return not self.keeps(one) and not lacked & line.doubted and not rests

    def pass_by(self, late, skus: set[str], by: str | None) -> None:
        whole = self.whole()
        for name, one in late.items():
            if not (skus & one.lines.keys() and name != by and (by is None or name < by)):
                continue
            if name in whole and not self.is_passed(whole[name]):
                continue  # its turn came in this very step, before who came last; or ended, and it lacked something
            count = self.passed[name] = self.passed.get(name, 0) + 1
            assert count <= location_turns.PASSED_MAX, f"{name} was passed {count} times before it was its turn"


@pytest.fixture
def soon_again(monkeypatch):
    monkeypatch.setattr(location_turns, "PASSED_MAX", 3)
    monkeypatch.setattr(location_turns, "KEEPERS_MAX", 100)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_somebody_is_passed_more_often_than_it_is_said(soon_again, seed):
    traffic = Traffic(seed)
    for _ in range(150):
        traffic.step()
