"""What a cycle count may be asked to do. The rules are in `count.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.count_worth import CostsTold, Worth
from actors.domain.location_counting import BegunSpot, ComparedLine
from actors.domain.location_state import CountedSpot
from actors.domain.personal_notes import APPROVER

CountReason = Literal["schedule", "request", "negative_risk"]
# (SKU, lot, units)
CountedLine = tuple[str, str, int]


class OpenCount(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody wants these spots counted. `blind`: nobody is told what should be there. A variance of a line is within
    tolerance when it is at most `tolerance_units`, or at most `tolerance_percent` of the book. `approval_units`: a
    variance of more units, over all that the count finds, waits for a second person, `approval_good_for_ms` long; 0 for
    none. `worth`: the same by what it is worth, None for units alone. `by`: an account or a client, "" in a
    cell that knows nobody."""

    location_id: str
    spots: list[CountedSpot]
    reason: CountReason
    blind: bool = True
    tolerance_units: int = 0
    tolerance_percent: int = 0
    approval_units: int = 0
    approval_good_for_ms: int = 0
    by: Annotated[str, APPROVER] = ""
    worth: Worth | None = None


class BeginSpots(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody is about to count these. `within`: the locations that the rights reach, empty for the whole region."""

    spots: list[CountedSpot]
    by: Annotated[str, APPROVER] = ""
    within: list[str] = []


class SubmitSpot(msgspec.Struct, frozen=True, tag=True, gc=False):
    """That is what somebody found there at that moment (UTC ms). What is not named was not there. `senior`: may he
    decide between two who differ?"""

    spot: CountedSpot
    lines: list[CountedLine]
    counted_at_ms: int
    by: Annotated[str, APPROVER] = ""
    senior: bool = True
    within: list[str] = []


class CloseCount(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nothing more is counted."""

    by: Annotated[str, APPROVER] = ""
    within: list[str] = []


class ExpireCount(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The timer: it was not finished in time."""


class LocationBegan(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location keeps what changes in these spots, from `began_at_ms` on."""

    began_at_ms: int
    spots: list[BegunSpot]


class LocationCompared(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What the books said of the spot at the moment of its counting; or `problem`, the code of
    the location's refusal."""

    spot: CountedSpot
    lines: list[ComparedLine]
    problem: str = ""


class LocationCorrected(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location has taken the variance into its books, or refused it with this code."""

    spot: CountedSpot
    problem: str = ""


class ApprovalOver(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What was asked of a second person is in the books, or won't be: the approval has come to an end."""

    approval_id: str


Command = (
    OpenCount | BeginSpots | SubmitSpot | CloseCount | ExpireCount | LocationBegan | LocationCompared | LocationCorrected
    | CostsTold | ApprovalOver
)  # fmt: skip
