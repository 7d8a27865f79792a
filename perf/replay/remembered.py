"""Whether the cell still remembers the keys of what was sent of a trace: only then does sending
it again change nothing."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Final

from perf.replay.survey import Survey

KEYS_REMEMBERED_S: Final = 23 * 3600  # a cell remembers them for 24 h at least; one hour for the replay itself
# Between the answer and the next try the orders grow older.
_SPEED_MARGIN: Final = 1.1


class KeysForgotten(Exception):
    """Part of the trace was sent so long ago that sending it again could do it twice."""


def remembers_orders(present: int, orders: int, age_s: float) -> bool:
    """Whether the cell knows the keys of the orders that are there, `present` of the trace's `orders`, the first from
    `age_s` seconds ago. Raises KeysForgotten where it may not and some are missing."""
    if age_s < KEYS_REMEMBERED_S:
        return True
    if present < orders:
        raise KeysForgotten(
            f"{present:,} of the trace's {orders:,} orders were placed up to {in_hours(age_s)} ago and the cell may have forgotten"
            " their keys: sending the trace again could place them twice. Use a cell without them."
        )
    return False


def check_speed(found: Survey, ages_s: Mapping[str, float], speed: float) -> None:
    """Orders that are there (`ages_s`: by reference, since when, in seconds) are sent again each at its own time.
    Raises KeysForgotten where that is too late for some."""
    due_s = {reference: due_s for reference, due_s in found.due_s() if reference in ages_s}
    late = sum(due / speed + ages_s[reference] >= KEYS_REMEMBERED_S for reference, due in due_s.items())
    if late:
        enough = max(due / (KEYS_REMEMBERED_S - ages_s[reference]) for reference, due in due_s.items())
        raise KeysForgotten(
            f"{len(due_s):,} of the trace's orders are there, and at --speed {speed:g} {late:,} of them would be sent again when the cell may have forgotten their keys. That could place them"
            f" twice. Run it without --speed, or with --speed {math.ceil(_SPEED_MARGIN * enough)}."
        )


class SentBefore:
    """Orders that are there and are sent again. A trace's clock may wait, and a cell be slow: so each is looked at when
    its turn has come. `ages_s` as above, at this moment."""

    def __init__(self, ages_s: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        now_s = clock()
        self._since_s = {reference: now_s - age_s for reference, age_s in ages_s.items()}
        self._clock = clock

    def check(self, reference: str) -> None:
        """Raises KeysForgotten where the cell may have forgotten by now what it was sent of this order."""
        since_s = self._since_s.get(reference)
        if since_s is not None and self._clock() - since_s >= KEYS_REMEMBERED_S:
            raise KeysForgotten(
                f"{reference} was placed {in_hours(self._clock() - since_s)} ago, by an earlier run, and the cell may have forgotten its key: sending it again could place it twice."
                " Use a cell without the trace's orders."
            )


def sends_receipts(age_s: int, *, all_there: bool) -> bool:
    """Whether the trace's stock is to be received: not where the first of its receipts came `age_s` seconds ago (0:
    there are none), the cell may have forgotten their keys, and all orders are there, which need no more. Raises
    KeysForgotten where some are missing."""
    if age_s < KEYS_REMEMBERED_S:
        return True
    if not all_there:
        raise KeysForgotten(
            f"the trace's stock was received up to {in_hours(age_s)} ago and the cell may have forgotten the receipts' keys: sending the trace"
            " again could receive it twice. Use a cell without it."
        )
    return False


def in_hours(seconds: float) -> str:
    """For people; below an hour in minutes."""
    return f"{seconds / 3600:,.0f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
