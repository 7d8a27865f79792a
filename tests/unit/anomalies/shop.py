"""Records for tests: a shop's people at work, by the minute."""

from __future__ import annotations

from typing import Any

from actors.anomalies.monitor import Alert, Monitor
from actors.anomalies.record import Record
from actors.anomalies.settings import AnomalySettings
from actors.domain.times import DAY_MS, HOUR_MS

MINUTE_MS = 60_000
# 2026-03-02, a Monday, 00:00 UTC
MONDAY_MS = 1_772_409_600_000
# Of these two the tests count on the numbers; the defaults are tuned on generated months.
SETTINGS = AnomalySettings(lookups=100, voids=11)


class Shop:
    """A monitor, and records with numbers of their own."""

    def __init__(self, settings: AnomalySettings = SETTINGS) -> None:
        self.monitor = Monitor("us", settings)
        self.number = 0
        self.alerts: list[Alert] = []

    def act(self, at_ms: int, subject: str, action: str, **more: Any) -> list[Alert]:
        """One record; the alerts that it gives."""
        self.number += 1
        said = {
            "role": "support",
            "address": "shop",
            "session_id": f"s-{subject}",
            "request_id": f"r{self.number}",
        } | more
        found = self.monitor.see(Record(0, self.number, at_ms, subject, action=action, **said))
        self.alerts += found
        return found

    def closed(self, at_ms: int, alert: Alert, **more: Any) -> list[Alert]:
        """An auditor is done with it as it was told."""
        judged = {"rules": (None, ",".join(alert.rules)), "last_ms": (None, alert.last_ms)}
        said = {"role": "auditor", "kind": "alert", "entity_id": alert.alert_id, "changes": judged} | more
        return self.act(at_ms, "us-acct-ada", "alert.close", **said)

    def refused(self, at_ms: int, account: str, address: str) -> list[Alert]:
        """A sign-in that failed."""
        return self.act(
            at_ms, "", "session.open", outcome="session.refused", entity_id=account, address=address, role="", session_id=""
        )  # fmt: skip

    def weeks(self, *people: str, days: int = 10, role: str = "support", address: str = "shop") -> int:
        """Ordinary work from 9 to 17; gives the day after, 00:00. address: `{}` in it becomes another one each time."""
        for day in range(days):
            for minute in range(9 * 60, 17 * 60, 12):
                for index, person in enumerate(people):
                    at_ms = MONDAY_MS + day * DAY_MS + minute * MINUTE_MS + index
                    number = (minute * 7 + day * 13 + index) % 5000
                    action = ("order.read", "order.read", "order.place", "order.cancel")[
                        number % 4 if number % 9 == 0 else 0
                    ]
                    self.act(
                        at_ms,
                        person,
                        action,
                        kind="order",
                        entity_id=f"o{number}",
                        role=role,
                        address=address.format(minute),
                    )
        return MONDAY_MS + days * DAY_MS

    def rules(self) -> list[str]:
        """Those that fired, in order. Of an alert that was told again with more of the same, once."""
        told = dict.fromkeys((alert.alert_id, tuple(alert.rules)) for alert in self.alerts)
        return [rule for _, rules in told for rule in rules]


NINE = 9 * HOUR_MS
