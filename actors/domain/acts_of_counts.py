"""What the audit says of a counting once it is compared. See `acts.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.domain.audit import Act, Audited, Changes, Who
from actors.domain.count_events import SpotCompared

COMPARED = "count.compare"


def compared(state: Any, events: Sequence[Any]) -> list[Audited]:
    """`count.compare`: what somebody found beside what the books had, where one counting was enough: nobody else looks
    at it, and it goes into the books. It is known only when the location has answered, and stands in the name of
    whoever counted. Of all others `count.submit` tells it."""
    lines = []
    for event in events:
        if type(event) is not SpotCompared or event.outcome != "accepted":
            continue
        one = state.spots[event.spot]
        changes: Changes = {f"{sku}.{lot}" if lot else sku: (book, n) for sku, lot, book, n in event.lines if book != n}
        if changes and one.by and not one.attempts:
            lines.append(Audited(Who(one.by), Act(COMPARED, state.location_id, state.reason, changes)))
    return lines
