"""What the monitor found of what was planted."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from actors.anomalies.monitor import Monitor
from actors.anomalies.settings import AnomalySettings
from tests.misuse.month import Month
from tests.misuse.people import REFUND_THRESHOLD
from tests.misuse.plants import KINDS, Plant

# What is told so long after the last act of an episode still is about it: the hour in which it lay must end.
GRACE_MS = 2 * 3_600_000
# A rule that looks back over a day may complete on the next one.
GRACE_OF_MS = {"refunds": 26 * 3_600_000}
SETTINGS = AnomalySettings(refund_threshold_minor=REFUND_THRESHOLD)


@dataclass
class Verdict:
    """Of one month or several. found and planted: by kind; false: alerts about nobody's misuse, by their rules."""

    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    acts_before: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    staff_days: int = 0
    told: list[str] = field(default_factory=list)

    def add(self, other: Verdict) -> None:
        """Another month."""
        self.planted += other.planted
        self.found += other.found
        self.false += other.false
        self.staff_days += other.staff_days
        self.told += other.told

    @property
    def recall(self) -> float:
        """Of all episodes."""
        return self.found.total() / max(1, self.planted.total())

    @property
    def false_per_1000(self) -> float:
        """False alerts per 1,000 staff-days."""
        return 1000 * self.false.total() / max(1, self.staff_days)

    def lines(self) -> list[str]:
        """For people."""
        kinds = [
            f"  {kind:<18}{self.found[kind]:>4} of {self.planted[kind]:>4}" for kind in KINDS if self.planted[kind]
        ]
        false = ", ".join(f"{rules} {number}" for rules, number in self.false.most_common()) or "none"
        return [
            *kinds,
            f"  recall {self.recall:.3f} ({self.found.total()} of {self.planted.total()})",
            f"  false alerts {self.false.total()} in {self.staff_days} staff-days: {self.false_per_1000:.2f} per 1,000 ({false})",
        ]


def judged(month: Month, monitor: Monitor) -> Verdict:
    """Plays the month to the monitor, which sees the records and nothing else."""
    verdict = Verdict(staff_days=month.staff_days, planted=Counter(plant.kind for plant in month.plants))
    met, seen = set[Plant](), dict[str, bool]()
    for record in month.records:
        for alert in monitor.see(record):
            right = [plant for plant in month.plants if _about(plant, alert.about, alert.last_ms)]
            met.update(right)
            if right:
                seen[alert.alert_id] = True
            elif not seen.get(alert.alert_id):
                if alert.alert_id not in seen:
                    verdict.false["+".join(alert.rules)] += 1
                    verdict.told.append(f"{alert.about} {alert.role} {alert.rules} {alert.reasons}")
                seen[alert.alert_id] = False
    verdict.found = Counter(plant.kind for plant in met)
    return verdict


def _about(plant: Plant, about: str, at_ms: int) -> bool:
    return about in plant.about and plant.begins_ms <= at_ms <= plant.ends_ms + GRACE_OF_MS.get(plant.kind, GRACE_MS)
