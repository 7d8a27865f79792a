"""What is unlike a role's work without being wrong by itself: a streaming model for each role, and evidence
that adds up for each person.

    an hour of work ─▶ features, in spreads ─┬─▶ half-space trees: how seldom such hours are in the role ─┐
                                             └─▶ distance: how far the four oddest features are off        ├─▶ rarity, powers of ten
                                                                                                           ┘
    rarity − DRIFT, summed up, never below 0: the evidence. At the threshold it is told.

One odd hour may be chance. The sum (a CUSUM; Page, Biometrika 1954) remembers a person's odd hours and forgets over
ordinary ones, so that what is taken little by little is found too. Half-space trees: Tan, Ting, Liu, IJCAI
2011, as `river` has them.

The trees' shape follows from their seed alone, so a model is kept as the counts in their nodes: no code is
ever loaded from the store.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import Any

import msgspec
from river.anomaly import HalfSpaceTrees

from actors.anomalies import features
from actors.anomalies.features import NAMES, Crew, Hour, Worker
from actors.anomalies.record import Record
from actors.domain.times import HOUR_MS

TREES, HEIGHT, HOURS_A_WINDOW, SEED = 25, 7, 250, 20_260_302
RECENT_MAX = 2_000
# Scales are read off the recent hours anew after so many.
RESCALE = 50
DRIFT = 1.6
# The mean of an exponential tail without its farthest tenth, made good.
TAIL = 1.34
# The most that one hour may say.
RARITY_MAX = 8.0
ACTS_MIN = 6
# Somebody is judged after so many hours of work.
HOURS_MIN = 24
ODDEST = 4
WORKERS_MAX = 20_000
VOICES = ("trees", "distance")
# The distance sees farther into the tail; the trees see combinations.
WEIGHTS = {"trees": 0.2, "distance": 0.8}


class Scale(msgspec.Struct, array_like=True):
    """Turns a score into a rarity by what scores were lately: below the 95th percentile as they lie, above
    by an exponential tail."""

    recent: list[float] = []
    next: int = 0
    half: float = 0.0
    high: float = 0.0
    excess: float = 1.0

    def learn(self, score: float) -> None:
        """One more, in place of the oldest."""
        if len(self.recent) < RECENT_MAX:
            self.recent.append(score)
        else:
            self.recent[self.next % RECENT_MAX] = score
        self.next += 1
        if self.next % RESCALE == 0:
            known = sorted(self.recent)
            self.half, self.high = known[len(known) // 2], known[int(len(known) * 0.95)]
            over = known[bisect.bisect_right(known, self.high) :]
            # The farthest few are left out: misuse that was learned must not stretch the scale.
            over = over[: max(1, int(len(over) * 0.9))]
            mean = sum(over) / len(over) - self.high if over else 0.0
            self.excess = max(TAIL * mean, 0.2 * (self.high - self.half), 1e-9)

    @property
    def ready(self) -> bool:
        """Has it seen enough to tell what is rare?"""
        return self.next >= 2 * RESCALE

    def rarity(self, score: float) -> float:
        """Powers of ten: 2.0 is one hour in a hundred."""
        if score <= self.half:
            return 0.3 * (score / self.half if self.half > 0 else 0.0)
        if score <= self.high:
            return 0.3 + (score - self.half) / max(self.high - self.half, 1e-9)
        return min(RARITY_MAX, 1.3 + (score - self.high) / self.excess / math.log(10))


class Role(msgspec.Struct, array_like=True):
    """What is kept of one role. masses: of the trees' nodes, tree by tree: counted now, and in the window before."""

    crew: Crew
    trees: Scale
    distance: Scale
    hours: int = 0
    counter: int = 0
    first: bool = True
    masses: list[tuple[int, int]] = []


class Told(msgspec.Struct, frozen=True):
    """How much evidence there is of a person, the rarity of the hour that runs, and its oddest features
    with how far they are off."""

    evidence: float
    rarity: float
    oddest: list[tuple[str, float]]


class BehaviourModel:
    """All roles. `voices`: whose rarity counts."""

    def __init__(self, warmup: int, voices: Sequence[str] = VOICES) -> None:
        self._warmup = warmup
        self._voices = tuple(voices)
        self._roles: dict[str, Role] = {}
        # `river` has no annotations that a checker could follow.
        self._trees: dict[str, Any] = {}
        self._workers: dict[str, Worker] = {}
        self._evidence: dict[str, float] = {}

    def see(self, record: Record) -> Told | None:
        """One more act of somebody; None while there is nothing to say."""
        role = self._roles.get(record.role)
        if role is None:
            role = self._roles[record.role] = Role(features.new_crew(), Scale(), Scale())
        worker = self._workers.pop(record.subject, None)
        if worker is None or worker.role != record.role:
            worker = features.new_worker(record.role)
            if len(self._workers) >= WORKERS_MAX:
                gone = next(iter(self._workers))
                del self._workers[gone]
                self._evidence.pop(gone, None)
        self._workers[record.subject] = worker
        if record.at_ms - worker.hour.begins_ms >= HOUR_MS:
            if worker.hour.acts:
                self._learn(record.subject, worker, role)
            worker.hour = Hour(record.at_ms)
        worker.hour.add(record)
        return self._judge(record.subject, worker, role)

    def judge(self, subject: str, until_ms: int) -> None:
        """Somebody looked at what this person did up to then (UTC ms): it belongs to what is usual, and evidence begins
        anew with what comes after it."""
        worker = self._workers.get(subject)
        if worker is not None and worker.hour.begins_ms <= until_ms:
            if worker.hour.acts:
                self._learn(subject, worker, self._roles[worker.role])
            worker.hour = Hour(until_ms)
        self._evidence.pop(subject, None)

    def usual(self, subject: str, act: str) -> float:
        """How often the person, at present, does something in an hour; "" for orders looked at.
        0 when nothing is known."""
        worker = self._workers.get(subject)
        role = self._roles.get(worker.role) if worker is not None else None
        if worker is None or role is None or role.hours < ACTS_MIN:
            return 0.0
        crew = role.crew
        # Of somebody new it may be twice as much as of the role.
        unknown = 1 + features.OWN_FROM / (worker.acts.number + features.OWN_FROM)
        load = max(0.0, crew.load.mean)
        if not act:
            return unknown * math.expm1(features.expected(worker.reads, crew.reads) + load)
        acts = math.expm1(features.expected(worker.acts, crew.acts) + load)
        return unknown * acts * worker.mix.share(act, crew.mix)

    # --- state
    def dump(self) -> dict[str, Any]:
        """What is kept over a restart."""
        for name, trees in self._trees.items():
            role = self._roles[name]
            role.counter, role.first = trees.counter, trees._first_window  # noqa: SLF001 - has no other name
            role.masses = [(node.l_mass, node.r_mass) for node in _nodes(trees)]
        return {"roles": self._roles, "workers": self._workers, "evidence": self._evidence}

    def restore(self, kept: dict[str, Any]) -> None:
        """Takes over what `dump` gave."""
        self._roles = msgspec.convert(kept["roles"], dict[str, Role])
        self._workers = msgspec.convert(kept["workers"], dict[str, Worker])
        self._evidence = dict(kept["evidence"])
        for name, role in self._roles.items():
            if role.masses:
                trees = self._trees[name] = _new_trees()
                trees.learn_one(dict.fromkeys(NAMES, 0.5))  # builds them
                trees.counter, trees._first_window = role.counter, role.first  # noqa: SLF001 - has no other name
                nodes = _nodes(trees)
                for node, (counted, before) in zip(nodes, role.masses, strict=True):
                    node.l_mass, node.r_mass = counted, before

    # --- learning and judging
    def _learn(self, subject: str, worker: Worker, role: Role) -> None:
        """The hour is over: it counts as evidence, then it belongs to what is usual."""
        told = self._judged(worker, role)
        if told is not None and sum(worker.hour.acts.values()) >= ACTS_MIN:
            self._evidence[subject] = max(0.0, self._evidence.get(subject, 0.0) + told.rarity - DRIFT)
        found = features.learn(worker, role.crew)
        role.hours += 1
        trees = self._trees.get(worker.role)
        if trees is None:
            trees = self._trees[worker.role] = _new_trees()
        squashed = _squashed(found)
        if role.hours > HOURS_A_WINDOW:  # until then all scores are 0
            role.trees.learn(trees.score_one(squashed))
        role.distance.learn(_distance(found))
        trees.learn_one(squashed)

    def _judge(self, subject: str, worker: Worker, role: Role) -> Told | None:
        number = sum(worker.hour.acts.values())
        if number < ACTS_MIN or number % 3:
            return None
        told = self._judged(worker, role)
        if told is None:
            return None
        return Told(max(0.0, self._evidence.get(subject, 0.0) + told.rarity - DRIFT), told.rarity, told.oddest)

    def _judged(self, worker: Worker, role: Role) -> Told | None:
        trees = self._trees.get(worker.role)
        if trees is None or role.hours < self._warmup or worker.acts.number < HOURS_MIN:
            return None
        found = features.vector(worker, role.crew, features.figures(worker.hour))
        rarities = {}
        if "distance" in self._voices and role.distance.ready:
            rarities["distance"] = role.distance.rarity(_distance(found))
        if "trees" in self._voices and role.trees.ready:
            rarities["trees"] = role.trees.rarity(trees.score_one(_squashed(found)))
        weight = sum(WEIGHTS[voice] for voice in rarities)
        rarity = sum(WEIGHTS[voice] * value for voice, value in rarities.items()) / weight if weight else 0.0
        oddest = sorted(found.items(), key=lambda item: -item[1])[:ODDEST]
        return Told(0.0, rarity, oddest)


def _new_trees() -> Any:
    return HalfSpaceTrees(n_trees=TREES, height=HEIGHT, window_size=HOURS_A_WINDOW, seed=SEED)


def _nodes(trees: Any) -> list[Any]:
    """Tree by tree, always in the same order."""
    return [node for tree in trees.trees for node in tree.iter_dfs()]


def _squashed(found: dict[str, float]) -> dict[str, float]:
    """Spreads onto [0, 1], as the trees want it: 0 → 0.5, 4 → 0.88."""
    return {name: 1 / (1 + math.exp(-max(-20.0, min(20.0, value / 2)))) for name, value in found.items()}


def _distance(found: dict[str, float]) -> float:
    """Upwards only: who does less than usual takes nothing."""
    oddest = sorted(found.values(), reverse=True)[:ODDEST]
    return math.sqrt(sum(value * value for value in oddest if value > 0))
