"""How a revision changes work and trips. The rules are in `floor_revisions.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING

import msgspec

from actors.domain.floor_events import ShortUnits, WorkRevised

if TYPE_CHECKING:
    from actors.domain.floor_state import Line, Work


def surplus_name(event: WorkRevised) -> str:
    """What goods in hands that nobody wants any more are called until they are put back."""
    return f"{event.fulfilment_id}-{event.turn}"


def revised(work: Work, event: WorkRevised) -> list[ShortUnits]:
    """Changes the work; what was not found and is not wanted any more."""
    work.turn, work.held = event.turn, event.held
    # What is late was raised by the floor, and stays so.
    work.priority = max(event.priority, work.priority) if work.mark else event.priority
    work.due_ms = event.due_ms
    work.less = {**work.less, **{sku: work.less.get(sku, 0) + units for sku, units in event.less}}
    for one in event.unplanned:
        work.lines[one.sku].planned -= one.units
    for sku, lot, units in event.picked:
        work.lines[sku].picked -= units
        _take(work.picked, (sku, lot), units)
    for sku, units in event.less:
        work.lines[sku].wanted -= units
    return [lost for sku, units in event.lost for lost in _lose(work, work.lines[sku], sku, units)]


def _take(picked: MutableMapping[tuple[str, str], int], goods: tuple[str, str], units: int) -> None:
    picked[goods] -= units
    if not picked[goods]:
        del picked[goods]


def _lose(work: Work, line: Line, sku: str, units: int) -> Iterable[ShortUnits]:
    """What the order has not been told of comes first."""
    rest = units
    for one in (*reversed(work.short), *reversed(work.missing)):
        n = min(rest, one.units) if one.sku == sku else 0
        if not n:
            continue
        rest -= n
        line.short -= n
        left = [msgspec.structs.replace(one, units=one.units - n)] if one.units > n else []
        if one in work.short:
            at = len(work.short) - 1 - work.short[::-1].index(one)
            work.short[at : at + 1] = left
        else:
            # That its bin was wrong is on its way to the books: the answer finds nothing any more.
            work.missing.remove(one)
            work.short += left
        yield msgspec.structs.replace(one, units=n)
    work.telling = min(work.telling, len(work.short))


def surplus(event: WorkRevised) -> Mapping[tuple[str, str], int]:
    """Goods in hands that are to be put back."""
    found: dict[tuple[str, str], int] = {}
    for sku, lot, units in event.picked:
        found[sku, lot] = found.get((sku, lot), 0) + units
    return found
