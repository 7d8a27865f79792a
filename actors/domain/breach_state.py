"""What a personal data breach is, the steps of handling it, and what has still to be done about it. Times: UTC
milliseconds since 1970. The rules: `breach.py`; the terms: `breach_clock.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.breach_clock import Law, deadline_ms, remind_ms
from actors.domain.ids import END
from actors.domain.personal import Personal, Persons

# What happened to the data (GDPR Art. 4(12)).
Nature = Literal["destruction", "loss", "alteration", "disclosure", "access"]
# Of the categories that `personal.py` knows, those that data can be of.
DataCategory = Literal[
    "name", "contact", "address", "position", "order", "purchase", "pseudonym", "credential", "session", "conduct"
]
# How likely it harms people: not judged yet (the clock runs), unlikely to (Art. 33(1)), likely to, to
# a high degree (Art. 34(1)).
JudgedRisk = Literal["unlikely", "likely", "high"]
Risk = Literal["not_judged"] | JudgedRisk
# Why it was judged so.
RiskReason = Literal[
    "sealed_and_keys_safe", "pseudonyms_only", "public_already", "trusted_recipient", "short_outage", "contents", "number_of_people",
    "vulnerable_people", "misuse_seen", "other",
]  # fmt: skip
# Why the authority was told late: it has to be told that as well (Art. 33(1)).
DelayReason = Literal["facts_unclear", "told_late_by_processor", "authority_unreachable", "oversight", "other"]
# Why people need not be told of a high risk (Art. 34(3) a to c, in this order).
SpareReason = Literal["unintelligible", "risk_averted", "told_publicly"]
Measure = Literal[
    "access_closed", "sessions_ended", "credentials_changed", "keys_rotated", "data_erased", "restored_from_backup", "fault_fixed",
    "recipient_asked_to_delete", "staff_instructed", "procedure_changed", "other",
]  # fmt: skip
BreachStatus = Literal["open", "overdue", "closed"]
# What has to be done before a breach can be closed.
Duty = Literal["assess_risk", "tell_authority", "tell_subjects", "take_measure"]

COUNT_MAX = 2_000_000_000
# Of tellings and measures of one breach.
STEPS_MAX = 100
SealedSummary = Annotated[bytes, Personal("case", "breaches", "five_years", "cell_key")]
# As the authority calls the case.
CaseReference = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./_-]*" + END,
        description="a letter or digit, then letters, digits, blanks and ./_-",
        examples=["DPC 2026/117"],
    ),
]


class Extent(msgspec.Struct, frozen=True, gc=False):
    """What is known so far of how far it reaches; numbers are approximate, 0 while they are not
    known (Art. 33(3) a, 33(4))."""

    natures: Annotated[list[Nature], Meta(min_length=1, max_length=5)]
    categories: Annotated[list[DataCategory], Meta(min_length=1, max_length=10)]
    groups: Annotated[list[Persons], Meta(min_length=1, max_length=3)]
    persons: Annotated[int, Meta(ge=0, le=COUNT_MAX)]
    records: Annotated[int, Meta(ge=0, le=COUNT_MAX)]


class AuthorityTelling(msgspec.Struct, frozen=True, gc=False):
    """The authority was told. `delay`: "" in time."""

    at_ms: int
    reference: str
    delay: DelayReason | Literal[""]


class SubjectsTelling(msgspec.Struct, frozen=True, gc=False):
    """So many of the people were told."""

    at_ms: int
    persons: int


class MeasureTaken(msgspec.Struct, frozen=True, gc=False):
    """Something was done about it."""

    at_ms: int
    measure: Measure


class Breach(msgspec.Struct):
    """The state. `spared`: why people were not told, "" for no such reason; `reminded`,
    `overdue`: did the clock say so?"""

    law: Law
    discovered_ms: int
    recorded_ms: int
    extent: Extent
    sealed_summary: SealedSummary
    risk: Risk = "not_judged"
    risk_reason: RiskReason | Literal[""] = ""
    authority: list[AuthorityTelling] = []
    subjects: list[SubjectsTelling] = []
    spared: SpareReason | Literal[""] = ""
    measures: list[MeasureTaken] = []
    reminded: bool = False
    overdue: bool = False
    closed_ms: int = 0


def duties_of(breach: Breach) -> list[Duty]:
    """What has still to be done."""
    if breach.closed_ms:
        return []
    may_harm = breach.risk != "unlikely"
    # LGPD Art. 48 has people told of whatever the authority is told.
    tells_people = breach.risk == "high" or (breach.law == "lgpd" and may_harm)
    owed: list[tuple[Duty, bool]] = [
        ("assess_risk", breach.risk == "not_judged"),
        ("tell_authority", may_harm and not breach.authority),
        ("tell_subjects", tells_people and not breach.subjects and not breach.spared),
        ("take_measure", not breach.measures),
    ]
    return [duty for duty, is_owed in owed if is_owed]


def clock_runs(breach: Breach) -> bool:
    """Is something owed that has a term?"""
    owed = duties_of(breach)
    return "tell_authority" in owed or (breach.law == "lgpd" and "tell_subjects" in owed)


def status_of(breach: Breach) -> BreachStatus:
    """Where it stands: `overdue` once the term is over and something is owed that had to be done in it."""
    if breach.closed_ms:
        return "closed"
    return "overdue" if breach.overdue and clock_runs(breach) else "open"


def due_ms(breach: Breach) -> int | None:
    """When the clock has something to say, None for not at all."""
    if breach.overdue or not clock_runs(breach):
        return None
    if breach.reminded:
        return deadline_ms(breach.law, breach.discovered_ms) + 1  # its last moment is in time yet
    return remind_ms(breach.law, breach.discovered_ms)
