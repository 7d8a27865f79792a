"""How somebody works: the figures of one hour, against their own hours and those of the role at that time.

    records ─▶ Hour: acts by name, orders looked at ─▶ vector: how far each figure is from what is usual for this person,
                                                       less what is unusual for everybody of the role today

A busy Saturday, a season, a slow and a fast colleague cancel out; what stays is what this person
does otherwise than before.
"""

from __future__ import annotations

import math

import msgspec

from actors.anomalies.record import Record, is_read

NAMES = ("acts", "reads", "writes", "mix_own", "mix_role", "kinds", "looks", "looks_long", "rare")
VOLUMES = ("acts", "reads", "writes", "kinds", "looks")
COUNTING = "location.adjust"
ACTIONS_MAX = 60
MEMBERS_MAX = 500
# So many hours of somebody's own count as much as the role's habit.
OWN_FROM = 12.0
_FORGET = 0.02
# An hour's share in what the last hours were like.
LONG = 0.12


class Hour(msgspec.Struct, array_like=True):
    """What somebody did in an hour that began at `begins_ms` (UTC ms)."""

    begins_ms: int = 0
    acts: dict[str, int] = {}
    looked_at: list[str] = []

    def add(self, record: Record) -> None:
        """One more, if it is work: not sign-ins and refusals (rules have those), nor the counting of a whole place."""
        if (
            record.outcome
            or record.action.startswith("session.")
            or (record.action == COUNTING and record.why == "count")
        ):
            return
        if record.action in self.acts or len(self.acts) < ACTIONS_MAX:
            self.acts[record.action] = self.acts.get(record.action, 0) + 1
        looked_at = record.entity_id if is_read(record.action) else ""
        if looked_at and looked_at not in self.looked_at and len(self.looked_at) < MEMBERS_MAX:
            self.looked_at.append(looked_at)


class Mix(msgspec.Struct, array_like=True):
    """How often which act is done, in hours of the past; old ones count less and less."""

    weights: dict[str, float] = {}
    total: float = 0.0

    def learn(self, acts: dict[str, int]) -> None:
        """One more hour."""
        keep = 1 - _FORGET
        for name in self.weights:
            self.weights[name] *= keep
        self.total *= keep
        for name, number in acts.items():
            if name in self.weights or len(self.weights) < ACTIONS_MAX:
                self.weights[name] = self.weights.get(name, 0.0) + number
                self.total += number

    def share(self, name: str, prior: Mix | None = None, prior_weight: float = 20.0) -> float:
        """Of all acts; the prior stands in where little was seen."""
        before = prior.share(name) if prior is not None else 1 / ACTIONS_MAX
        return (self.weights.get(name, 0.0) + prior_weight * before) / (self.total + prior_weight)


class Usual(msgspec.Struct, array_like=True):
    """Mean and spread of a figure, old values count less and less."""

    mean: float = 0.0
    variance: float = 0.0
    number: float = 0.0

    def learn(self, value: float, forget: float = _FORGET) -> None:
        """One more value."""
        self.number += 1
        rate = max(forget, 1 / self.number)
        step = value - self.mean
        self.mean += rate * step
        self.variance += rate * (step * step * (1 - rate) - self.variance)


class Worker(msgspec.Struct, array_like=True):
    """One subject: the hour that runs, and what is usual for them."""

    role: str
    hour: Hour
    mix: Mix
    acts: Usual
    reads: Usual
    writes: Usual
    kinds: Usual
    looks: Usual
    looks_long: float = 0.0


class Crew(msgspec.Struct, array_like=True):
    """One role: its mix, what is usual, and how much more than usual there is to do for everybody at present."""

    mix: Mix
    acts: Usual
    reads: Usual
    writes: Usual
    kinds: Usual
    looks: Usual
    load: Usual
    spread: list[Usual]


def new_worker(role: str) -> Worker:
    """Nothing is usual yet."""
    return Worker(role, Hour(), Mix(), Usual(), Usual(), Usual(), Usual(), Usual())


def new_crew() -> Crew:
    """Nothing is usual yet."""
    return Crew(Mix(), Usual(), Usual(), Usual(), Usual(), Usual(), Usual(), [Usual() for _ in NAMES])


def figures(hour: Hour) -> dict[str, float]:
    """The plain figures of an hour, on scales on which a doubling is a doubling."""
    total = sum(hour.acts.values())
    reads = sum(number for name, number in hour.acts.items() if is_read(name))
    return {
        "acts": math.log1p(total),
        "reads": math.log1p(len(hour.looked_at)),
        "writes": math.log1p(total - reads),
        "kinds": math.log1p(len(hour.acts)),
        "looks": math.log1p(len(hour.looked_at)) - math.log1p(total - reads),
    }


def vector(worker: Worker, crew: Crew, plain: dict[str, float]) -> dict[str, float]:
    """How unusual each figure of the worker's hour is, in the role's spreads (0: as ever, 1: as far off as
    such hours mostly are)."""
    raw = differences(worker, crew, plain)
    return {
        name: (value - spread.mean) / math.sqrt(spread.variance + 0.01)
        for (name, value), spread in zip(raw.items(), crew.spread, strict=True)
    }


def differences(worker: Worker, crew: Crew, plain: dict[str, float]) -> dict[str, float]:
    """The figures less what is usual, by NAMES."""
    hour = worker.hour
    own = {
        name: plain[name] - expected(getattr(worker, name), getattr(crew, name)) for name in VOLUMES
    }  # fmt: skip
    return {
        "acts": own["acts"] - crew.load.mean,
        "reads": own["reads"] - crew.load.mean,
        "writes": own["writes"] - crew.load.mean,
        "mix_own": strangeness(hour.acts, worker.mix, crew.mix),
        "mix_role": strangeness(hour.acts, crew.mix, None),
        "kinds": own["kinds"],
        "looks": own["looks"],
        "looks_long": _long(worker, own["looks"]),
        "rare": rarest(hour.acts, crew.mix),
    }


def _long(worker: Worker, looks: float) -> float:
    """Of the last hours of work together: what is a little every hour is much in a day."""
    return worker.looks_long + (looks - worker.looks_long) * LONG


def expected(own: Usual, role: Usual) -> float:
    """What is usual for the person, and while little is known of them, for the role."""
    return (own.number * own.mean + OWN_FROM * role.mean) / (own.number + OWN_FROM)


def strangeness(acts: dict[str, int], mix: Mix, prior: Mix | None) -> float:
    """How little the hour's acts are drawn from the mix: the root of the likelihood ratio (G), which does
    not grow with mere work."""
    total = sum(acts.values())
    if not total:
        return 0.0
    found = sum(number * math.log(number / total / mix.share(name, prior)) for name, number in acts.items())
    return math.sqrt(max(0.0, 2 * found))


def rarest(acts: dict[str, int], mix: Mix) -> float:
    """How rare in the role the rarest act is that was done more than once, in nats, by how often it was done."""
    return max(
        (math.log1p(number) * -math.log(mix.share(name)) for name, number in acts.items() if number > 1), default=0.0
    )


def learn(worker: Worker, crew: Crew) -> dict[str, float]:
    """The worker's hour is over: what was unusual of it, and then it belongs to what is usual."""
    plain = figures(worker.hour)
    found = vector(worker, crew, plain)
    raw = differences(worker, crew, plain)
    for spread, value in zip(crew.spread, raw.values(), strict=True):
        spread.learn(value, 0.002)
    worker.looks_long = raw["looks_long"]
    crew.load.learn(plain["acts"] - expected(worker.acts, crew.acts), 0.06)
    for name in VOLUMES:
        getattr(worker, name).learn(plain[name])
        getattr(crew, name).learn(plain[name], 0.002)
    worker.mix.learn(worker.hour.acts)
    crew.mix.learn(worker.hour.acts)
    return found
