"""What is told of a cycle count. The rules are in `count.py`.

Blind: what the books say, and what others have found, is told of a spot only when it is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from actors.domain.count_commands import CountReason
from actors.domain.count_state import SETTLED, Count, CountStatus, SpotState, SpotStatus
from actors.domain.count_worth import Worth
from actors.domain.errors import Refused
from actors.domain.location_counting import ComparedLine
from actors.domain.location_state import CountedSpot
from actors.domain.personal_notes import APPROVER


class ViewCount(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for all of it. `within`: the locations that the rights reach, empty for the whole region."""

    count_id: str
    within: list[str] = []


class CountedSpotView(msgspec.Struct, frozen=True, gc=False):
    """A spot. `times`: how often it was counted; `book`: what should be there, when that is told; `lines`: (SKU, lot,
    book, counted) of the counting that decided; `counted_by`: who did that."""

    spot: CountedSpot
    status: SpotStatus
    problem: str
    began_at_ms: int
    times: int
    book: list[tuple[str, str, int]]
    lines: list[ComparedLine]
    counted_by: Annotated[str, APPROVER]
    counted_at_ms: int
    approval_id: str


class CountView(msgspec.Struct, frozen=True, gc=False):
    """A count; also the answer to every command. See `Count`."""

    count_id: str
    version: int
    status: CountStatus
    location_id: str
    reason: CountReason
    blind: bool
    tolerance_units: int
    tolerance_percent: int
    opened_by: Annotated[str, APPROVER]
    opened_at_ms: int
    expires_at_ms: int
    closed_by: Annotated[str, APPROVER]
    settled: int
    variance_units: int
    spots: list[CountedSpotView]
    worth: Worth | None = None
    variance_minor: int = 0


def view(state: Count | None, query: ViewCount, version: int) -> msgspec.Struct:
    """All of it. Raises Refused `count.unknown`, `count.location_forbidden`."""
    count = known(state)
    check_reach(count, query.within)
    return view_of(query.count_id, count, version)


def known(state: Count | None) -> Count:
    """Raises Refused `count.unknown`."""
    if state is None:
        raise Refused("count.unknown", "There is no such count.")
    return state


def check_reach(count: Count, within: Sequence[str]) -> None:
    """Raises Refused `count.location_forbidden`."""
    if within and count.location_id not in within:
        raise Refused("count.location_forbidden", "Your rights don't reach where it is counted.")


def view_of(count_id: str, count: Count, version: int) -> CountView:
    """As it is now."""
    spots = [_spot(spot, one, count.blind) for spot, one in count.spots.items()]
    return CountView(
        count_id, version, count.status, count.location_id, count.reason, count.blind, count.tolerance_units, count.tolerance_percent,
        count.opened_by, count.opened_at_ms, count.expires_at_ms, count.closed_by, count.settled(), count.variance_units, spots,
        count.worth, count.variance_minor,
    )  # fmt: skip


def _spot(spot: CountedSpot, one: SpotState, blind: bool) -> CountedSpotView:
    # One that failed is counted again, and so not decided.
    decided = one.status in SETTLED or one.status == "correcting"
    last = one.attempts[-1] if one.attempts and (decided or not blind) else None
    return CountedSpotView(
        spot, one.status, one.problem, one.began_at_ms, len(one.attempts), one.book,
        list(last.lines) if last is not None else [],
        last.by if last is not None else "", last.counted_at_ms if last is not None else 0, one.approval_id,
    )  # fmt: skip
