"""What is known of a cycle count, and how what happens changes it. The rules are in `count.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.count_commands import CountReason
from actors.domain.count_events import (
    CountClosed,
    CountOpened,
    Event,
    SpotCompared,
    SpotNotCompared,
    SpotsBegun,
    SpotsReady,
    SpotsReleased,
    SpotSubmitted,
    VarianceAsked,
    VarianceHeld,
    VarianceSent,
    VarianceSettled,
)
from actors.domain.count_worth import Worth, WorthAsked
from actors.domain.kind import Context
from actors.domain.location_counting import BegunSpot, ComparedLine
from actors.domain.location_state import CountedSpot
from actors.domain.personal_notes import APPROVER

CountStatus = Literal["open", "closed"]
SpotStatus = Literal[
    "open", "beginning", "begun", "recount", "decide", "comparing",
    "accepted", "correcting", "corrected", "held", "asked", "failed",
]  # fmt: skip
# What may be counted, by how often it was counted already.
STAGES: tuple[SpotStatus, ...] = ("begun", "recount", "decide")
SETTLED: frozenset[SpotStatus] = frozenset({"accepted", "corrected", "held", "asked"})


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One counting. `lines`: only of the one that decides, and of those before it while nothing is decided.
    worth_minor, dear: see `SpotCompared`."""

    by: Annotated[str, APPROVER]
    counted_at_ms: int
    lines: tuple[ComparedLine, ...]
    worth_minor: int = 0
    dear: bool = False

    @property
    def variance(self) -> dict[tuple[str, str], int]:
        """Units more than in the books, of (SKU, lot) where there is a difference."""
        return {(sku, lot): counted - book for sku, lot, book, counted in self.lines if counted != book}


class SpotState(msgspec.Struct):
    """One spot. began_at_ms: since when the location keeps its changes, 0 for not at all; book: (SKU, lot, units) as
    whoever counts is told, when he is; by, counted_at_ms: of the counting that is being compared; awaited: the command
    whose answer waits for the location; problem: code of what went wrong last; approval_id: of what is asked for;
    unvalued: what the books said, while the catalogue is asked what the difference is worth."""

    status: SpotStatus = "open"
    began_at_ms: int = 0
    book: list[tuple[str, str, int]] = []
    attempts: list[Attempt] = []
    by: Annotated[str, APPROVER] = ""
    counted_at_ms: int = 0
    awaited: str = ""
    problem: str = ""
    approval_id: str = ""
    unvalued: list[ComparedLine] | None = None

    @property
    def stage(self) -> SpotStatus:
        """What it waits for: to be begun, or to be counted for the first, second or last time."""
        return STAGES[len(self.attempts)] if self.began_at_ms else "open"


class Count(msgspec.Struct):
    """The state. See `OpenCount`. variance_units: base units of all that was accepted, whichever way they go;
    variance_minor: what they are worth, as far as it is known."""

    location_id: str
    reason: CountReason
    blind: bool
    tolerance_units: int
    tolerance_percent: int
    approval_units: int
    approval_good_for_ms: int
    opened_by: Annotated[str, APPROVER]
    opened_at_ms: int
    expires_at_ms: int
    spots: dict[CountedSpot, SpotState]
    status: CountStatus = "open"
    closed_by: Annotated[str, APPROVER] = ""
    variance_units: int = 0
    worth: Worth | None = None
    variance_minor: int = 0

    def settled(self) -> int:
        """Spots that are done with."""
        return sum(spot.status in SETTLED for spot in self.spots.values())


def units_of(variance: dict[tuple[str, str], int]) -> int:
    """Base units, whichever way they go."""
    return sum(map(abs, variance.values()))


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: Count | None, event: Event, context: Context) -> Count:
    """The next state; takes over `state`."""
    if type(event) is CountOpened:
        return Count(
            event.location_id, event.reason, event.blind, event.tolerance_units, event.tolerance_percent, event.approval_units,
            event.approval_good_for_ms, event.by, context.now_ms, event.expires_at_ms,
            {spot: SpotState() for spot in event.spots}, worth=event.worth,
        )  # fmt: skip
    assert state is not None
    match event:
        case CountClosed():
            state.status, state.closed_by = "closed", event.by
            for one in state.spots.values():
                if one.status in ("beginning", "comparing"):
                    # What the location still says of it is not heard any more.
                    one.status, one.unvalued = one.stage, None
        case SpotsReleased():
            for spot in event.spots:
                state.spots[spot].began_at_ms = 0
        case VarianceAsked():
            for spot in event.spots:
                state.spots[spot].status, state.spots[spot].approval_id = "asked", event.approval_id
        case SpotsBegun():
            for spot in event.spots:
                _begin_spot(state, state.spots[spot], event.command_id)
        case SpotsReady():
            for told in event.spots:
                _ready(state.spots[told.spot], told, event.began_at_ms)
        case CountOpened():
            raise AssertionError("a count is opened once")
        case _:
            _spot_changed(state, state.spots[event.spot], event)
    return state


def _begin_spot(count: Count, one: SpotState, command_id: str) -> None:
    if one.status == "failed":
        # What was accepted did not come to be: it is counted from the beginning.
        count.variance_units -= units_of(one.attempts[-1].variance)
        count.variance_minor -= one.attempts[-1].worth_minor
        one.attempts = []
    one.status, one.awaited, one.problem = "beginning", command_id, ""


def _ready(one: SpotState, told: BegunSpot, began_at_ms: int) -> None:
    if not told.problem:
        one.began_at_ms, one.book = began_at_ms, told.book
    one.problem, one.awaited = told.problem, ""
    one.status = one.stage


def _spot_changed(count: Count, one: SpotState, event: Event) -> None:
    match event:
        case SpotSubmitted():
            one.status, one.problem, one.awaited = "comparing", "", event.command_id
            one.by, one.counted_at_ms = event.by, event.counted_at_ms
        case SpotNotCompared():
            one.began_at_ms = 0 if event.again else one.began_at_ms
            one.status, one.problem, one.awaited = one.stage, event.problem, ""
        case WorthAsked():
            one.unvalued = event.lines
        case SpotCompared():
            one.awaited, one.unvalued = "", None
            one.attempts.append(Attempt(one.by, one.counted_at_ms, tuple(event.lines), event.worth_minor, event.dear))
            if event.outcome != "accepted":
                one.status = event.outcome
                return
            earlier = [Attempt(attempt.by, attempt.counted_at_ms, ()) for attempt in one.attempts[:-1]]
            one.status, one.attempts = "accepted", [*earlier, one.attempts[-1]]
            count.variance_units += units_of(one.attempts[-1].variance)
            count.variance_minor += event.worth_minor
        case VarianceSent():
            one.status = "correcting"
        case VarianceHeld():
            one.status = "held"
        case VarianceSettled():
            one.status, one.problem = "failed" if event.problem else "corrected", event.problem
