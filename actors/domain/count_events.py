"""What has happened to a cycle count. The rules are in `count.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.count_commands import CountedLine, CountReason
from actors.domain.count_worth import Worth, WorthAsked
from actors.domain.location_counting import BegunSpot, ComparedLine
from actors.domain.location_state import CountedSpot
from actors.domain.personal_notes import APPROVER

# What follows of a comparison: it is accepted, somebody else counts again, or somebody senior decides.
Outcome = Literal["accepted", "recount", "decide"]


class CountOpened(msgspec.Struct, frozen=True, tag=True, gc=False):
    """See `OpenCount`. `expires_at_ms`: when it is closed at the latest (UTC ms)."""

    location_id: str
    spots: list[CountedSpot]
    reason: CountReason
    blind: bool
    tolerance_units: int
    tolerance_percent: int
    approval_units: int
    approval_good_for_ms: int
    by: Annotated[str, APPROVER]
    expires_at_ms: int
    worth: Worth | None = None


class SpotsBegun(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody is about to count these: the location is asked to keep what changes there. `command_id`: whose answer
    waits for the location's."""

    location_id: str
    spots: list[CountedSpot]
    by: Annotated[str, APPROVER]
    tell_book: bool
    command_id: str


class SpotsReady(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location has answered: these may be counted now, or have a problem."""

    began_at_ms: int
    spots: list[BegunSpot]


class SpotSubmitted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody has counted: the location is asked what its books said at that moment."""

    location_id: str
    spot: CountedSpot
    lines: list[CountedLine]
    counted_at_ms: int
    by: Annotated[str, APPROVER]
    command_id: str


class SpotCompared(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What was counted beside what should have been there, and what follows of it. worth_minor: what the differences
    are worth, as far as it is known; dear: one is worth more than is tolerated."""

    spot: CountedSpot
    lines: list[ComparedLine]
    outcome: Outcome
    worth_minor: int = 0
    dear: bool = False


class SpotNotCompared(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location could not compare it: as if it had not been counted. `again`: it has to be begun again."""

    spot: CountedSpot
    problem: str
    again: bool


class SpotsReleased(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location need not keep any more what changes there. `counted`: (SKU, UTC ms) of what was accepted; `taken`:
    no other count may begin them yet."""

    location_id: str
    spots: list[CountedSpot]
    counted: list[tuple[str, int]] = []
    taken: bool = False


class VarianceSent(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location is told to take these differences (SKU, lot, units more) into its books."""

    location_id: str
    spot: CountedSpot
    lines: list[CountedLine]


class VarianceHeld(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is more, with what the count has found before, than is corrected without a second person."""

    spot: CountedSpot


class VarianceSettled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The location has done it, or refused it with this code."""

    spot: CountedSpot
    problem: str


class VarianceAsked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What was held goes to an approval, in the name of whose counting decided. `lines`: (bin, SKU, lot, units more).
    `told`: the count hears when that is over, and what has left its bin meanwhile refuses no other line; False of
    events from before that."""

    approval_id: str
    location_id: str
    spots: list[CountedSpot]
    lines: list[tuple[str, str, str, int]]
    asked_by: Annotated[str, APPROVER]
    good_for_ms: int
    told: bool = False


class CountClosed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nothing more is counted. `by`: "" when all was done, or the time was over."""

    by: Annotated[str, APPROVER]


Event = (
    CountOpened | SpotsBegun | SpotsReady | SpotSubmitted | SpotCompared | SpotNotCompared | SpotsReleased | VarianceSent | VarianceHeld
    | VarianceSettled | VarianceAsked | CountClosed | WorthAsked
)  # fmt: skip
