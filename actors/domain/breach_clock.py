"""By when a personal data breach has to be told, and when somebody has to be reminded of it. Times are
UTC milliseconds since 1970.

    discovered ───────────── remind_ms ──── REMIND_BEFORE_MS ──── deadline_ms
    gdpr:  72 hours, by the clock; weekends count (GDPR Art. 33(1)). In every cell that no shorter term binds, too.
    lgpd:  three working days, to the authority and to the people alike (Brazil, Resolution CD/ANPD 15/2024; LGPD Art. 48)

The clock starts when it is known that personal data is concerned, not when the inquiry ends (EDPB Guidelines 9/2022). A
term in working days ends with the last of them, and the day of the discovery does not count; national holidays are not
known here, so the term is never taken for longer than it is.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from typing import Literal

from actors.domain.times import HOUR_MS

Law = Literal["gdpr", "lgpd"]

GDPR_MS = 72 * HOUR_MS
LGPD_WORKING_DAYS = 3
REMIND_BEFORE_MS = 24 * HOUR_MS
# Brasília's, without summer time since 2019.
_BRASILIA = timezone(timedelta(hours=-3))
_SATURDAY = 5


def deadline_ms(law: Law, discovered_ms: int) -> int:
    """The last moment at which it is told in time."""
    return discovered_ms + GDPR_MS if law == "gdpr" else _after_working_days(discovered_ms)


def remind_ms(law: Law, discovered_ms: int) -> int:
    """When whoever handles it is to be reminded: for 72 hours, after 48."""
    return deadline_ms(law, discovered_ms) - REMIND_BEFORE_MS


def _after_working_days(discovered_ms: int) -> int:
    day = datetime.fromtimestamp(discovered_ms // 1000, UTC).astimezone(_BRASILIA).date()
    left = LGPD_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _SATURDAY
    end = datetime.combine(day + timedelta(days=1), time(), _BRASILIA)
    return int(end.timestamp()) * 1000 - 1
