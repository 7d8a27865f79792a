"""The checks of turns look at lots as well: they say nothing of what is right, and tell when lots are
given away that are kept."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace

from actors.domain import location_serving, location_turns
from actors.domain.location_commands import Allocate, ReceiptLine, ReceiveStock, Reserve
from tests.simulation.patients import _turn_is_fair
from tests.simulation.turns import Passed, short_waits
from tests.unit.domain.line_rig import NOW_MS, Place, passed

DAY = NOW_MS // 86_400_000
LIFE = 30


class Watched(Place):
    """`told`: what the checks say of its turns."""

    def __init__(self) -> None:
        self.told, self.passed = list[str](), Passed("here")
        super().__init__(small=False)

    def do(self, command):
        """And looks at it as at a run's end."""
        reply = super().do(command)
        turn = SimpleNamespace(at_ms=self.now_ms, version=self.version)
        if self.last and self.state.waiting is not None:
            self.told += _turn_is_fair("here", self.state, self.last, turn)
        if self.last:
            self.told += self.passed.after(self.state, self.last, turn)
        return reply


def play(seed: int) -> list[str]:
    """Orders that need fresh milk with something else, and those who take what is there of it."""
    rng, place = Random(seed), Watched()
    with short_waits():
        for number in range(120):
            draw, life = rng.random(), {"milk": rng.choice((LIFE, LIFE, 0))}
            if draw < 0.15:
                lines = [("milk", rng.randint(1, 2)), (rng.choice("bc"), 1)]
                place.wait(f"us-{number:03}", number, *lines, whole=True, life_days=life)
            elif draw < 0.25:
                place.wait(f"us-{number:03}", number, ("milk", rng.randint(1, 3)), life_days=life)
            elif draw < 0.6:
                days = rng.choice((5, 60, 90))
                place.do(ReceiveStock([ReceiptLine("milk", rng.randint(1, 2), None, f"l{days}", DAY + days)]))
            elif draw < 0.7:
                place.receive((rng.choice("bc"), 1))
            elif draw < 0.85:
                place.do(Allocate(f"us-new-{number}", 1, [("milk", rng.randint(1, 3))], "", life))
            elif draw < 0.95:
                place.do(Reserve(f"us-resv-{number}", [("milk", rng.randint(1, 3))], life_days=life))
            else:
                place.now_ms += rng.choice((1, 500))
                place.wake()
    return place.told


def test_the_checks_find_fault_with_lots_that_are_rightly_given():
    for seed in range(3):
        assert play(seed) == [], seed


def test_lots_that_are_kept_are_given_away_unnoticed(monkeypatch):
    monkeypatch.setattr(location_serving, "without", lambda lots, _: lots)
    told = [told for seed in range(3) for told in play(seed)]
    assert any("which is kept for" in one for one in told)


def test_a_turn_that_never_ends_goes_unnoticed(monkeypatch):
    """It goes on with what is there, be it no more than before."""
    monkeypatch.setattr(location_turns.Turns, "_enough_there", lambda turns, one, _: turns._goods.good(one, "milk"))
    place = Watched()
    with short_waits():
        place.wait("us-1", 10, ("milk", 9), whole=True)
        passed(place, "milk", location_turns.PASSED_MAX)
        place.receive(("milk", 3))
        for _ in range(2):
            assert place.told == []
            place.now_ms = place.state.waiting.turns["us-1"].until_ms
            place.wake()
    assert [one for one in place.told if "goes on with no more than it had" in one] == place.told != []
