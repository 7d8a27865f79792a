"""Bodies of `/v1/breaches`. Times: UTC, RFC 3339. None of them is ever logged."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from actors.domain.breach_clock import Law
from actors.domain.breach_state import (
    COUNT_MAX,
    BreachStatus,
    CaseReference,
    DelayReason,
    Duty,
    Extent,
    JudgedRisk,
    Measure,
    Risk,
    RiskReason,
    SpareReason,
)
from actors.domain.personal import Personal
from serve.moments import Moment

SUMMARY_CHARS_MAX = 4_000
Summary = Annotated[
    str,
    Meta(min_length=1, max_length=SUMMARY_CHARS_MAX, description="what happened, its likely consequences; kept sealed"),
    Personal("case", "breaches", "five_years", "cell_key"),
]


class SentExtent(Extent, frozen=True, forbid_unknown_fields=True, gc=False):
    """How far it reaches, as far as is known; numbers are approximate, 0 while they are not known."""


class NewBreach(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A breach that was discovered at `discovered_at`. `law`: whose term holds, the clock's 72 hours unless
    Brazil's three working days do."""

    discovered_at: Moment
    extent: SentExtent
    summary: Summary
    law: Law = "gdpr"


class _Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """What all steps share: their name is `type`."""


class RiskStep(_Step, frozen=True, tag="judge_risk"):
    """How likely people are harmed, and why one thinks so. An unlikely risk stops the clock."""

    risk: JudgedRisk
    reason: RiskReason


class AuthorityStep(_Step, frozen=True, tag="tell_authority"):
    """The authority was told `at` (now, when absent). `reference`: what it calls the case; `delay`: why so
    late, once the term is over."""

    reference: CaseReference
    at: Moment | None = None
    delay: DelayReason | None = None


class SubjectsStep(_Step, frozen=True, tag="tell_subjects"):
    """So many of the people were told `at` (now, when absent)."""

    persons: Annotated[int, Meta(ge=1, le=COUNT_MAX)]
    at: Moment | None = None


class SpareStep(_Step, frozen=True, tag="spare_subjects"):
    """People need not be told one by one (GDPR Art. 34(3))."""

    reason: SpareReason


class MeasureStep(_Step, frozen=True, tag="take_measure"):
    """This was done about it `at` (now, when absent)."""

    measure: Measure
    at: Moment | None = None


class ExtentStep(_Step, frozen=True, tag="revise_extent"):
    """More is known of how far it reaches."""

    extent: SentExtent


class CloseStep(_Step, frozen=True, tag="close"):
    """All is done that had to be."""


AnyStep = RiskStep | AuthorityStep | SubjectsStep | SpareStep | MeasureStep | ExtentStep | CloseStep


class BreachStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of handling a breach."""

    step: AnyStep


class ListedBreach(msgspec.Struct, frozen=True):
    """One breach in a list. `persons`: approximate number of people, 0 while it is not known; `deadline_at`: by when
    the authority has to know."""

    breach_id: str
    version: int
    status: BreachStatus
    law: Law
    risk: Risk
    persons: int
    discovered_at: datetime
    deadline_at: datetime


class BreachPage(msgspec.Struct, frozen=True):
    """Newest first. `as_of`: how fresh it is, null while not every host has told; `next_cursor`: null at the end."""

    breaches: list[ListedBreach]
    as_of: datetime | None
    next_cursor: str | None


class ToldAuthority(msgspec.Struct, frozen=True):
    """When the authority was told, under which reference; `delay`: why so late, "" in time."""

    at: datetime
    reference: str
    delay: str


class ToldSubjects(msgspec.Struct, frozen=True):
    """When so many of the people were told."""

    at: datetime
    persons: int


class TakenMeasure(msgspec.Struct, frozen=True):
    """What was done about it, and when."""

    at: datetime
    measure: Measure


class BreachDetail(msgspec.Struct, frozen=True):
    """All of a breach. `duties`: what is still to be done; `risk_reason`, `spared`: "" for none;
    `closed_at`: null while it is not."""

    breach_id: str
    version: int
    status: BreachStatus
    law: Law
    discovered_at: datetime
    recorded_at: datetime
    deadline_at: datetime
    duties: list[Duty]
    extent: Extent
    summary: Summary
    risk: Risk
    risk_reason: str
    authority: list[ToldAuthority]
    subjects: list[ToldSubjects]
    spared: str
    measures: list[TakenMeasure]
    reminded: bool
    closed_at: datetime | None
