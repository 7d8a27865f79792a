"""Which changes a line of the audit names, of a body that may have a thousand. See `acts.py`.

What is left out must not be what somebody wanted to hide behind the rest, so it does not go by the order in which the
caller names things: first comes what changes counts, then thresholds, and of each first what goes down, the most units
first. And the totals are those of all lines, named or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from actors.domain.allocation import need_of
from actors.domain.audit import Changed, Changes

# Of a body with a thousand lines the audit names so many; the history has them all.
CHANGES_MAX = 50
WORDS_CHARS_MAX = 200
# How many changes there are, and by how many units all counts together go down, and up. The field of a SKU
# has a dot, so these are none.
LINES, UNITS_DOWN, UNITS_UP = "lines", "units_down", "units_up"


def few(counts: Changes, thresholds: Changes | None = None) -> Changes:
    """The first CHANGES_MAX of them, by their size; with LINES, how many there were, where some are left out."""
    told = _by_size(counts) | _by_size(thresholds or {})
    if len(told) <= CHANGES_MAX:
        return told
    return dict(list(told.items())[:CHANGES_MAX]) | {LINES: (None, len(told))}


def with_totals(counts: Changes, thresholds: Changes | None = None) -> Changes:
    """`few` of them, and always how many there are, and how many units the counts go down and up."""
    steps = [_step(change) for change in counts.values()]
    down, up = -sum(step for step in steps if step < 0), sum(step for step in steps if step > 0)
    lines = len(counts) + len(thresholds or {})
    return few(counts, thresholds) | {LINES: (None, lines), UNITS_DOWN: (None, down), UNITS_UP: (None, up)}


def totals_of(changes: Mapping[str, Changed]) -> tuple[int, int] | None:
    """(units down, units up) of all that a line is about, be it named or not; None in lines of
    before there were totals."""
    down, up = (changes.get(name, (None, None))[1] for name in (UNITS_DOWN, UNITS_UP))
    return (down, up) if isinstance(down, int) and isinstance(up, int) else None


def in_words(value: Any) -> str | int:
    """A field's value as a line has it: yes and no as 1 and 0, of lists and the like the beginning of their JSON."""
    if isinstance(value, int):
        return int(value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()[:WORDS_CHARS_MAX]


def in_units(field: str, units: Iterable[tuple[str, int]]) -> Changes:
    """`<SKU>.<field>` with its units; lines that repeat a SKU are added up."""
    return {f"{sku}.{field}": (None, number) for sku, number in need_of(units).items()}


def _by_size(changes: Changes) -> Changes:
    def place(item: tuple[str, Changed]) -> tuple[bool, int]:
        step = _step(item[1])
        return step >= 0, -abs(step)

    return dict(sorted(changes.items(), key=place))


def _step(change: Changed) -> int:
    """By how much it changes; what there was not, or is no more, counts as 0."""
    before, after = (value if isinstance(value, int) else 0 for value in change)
    return after - before
