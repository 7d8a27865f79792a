"""Whether the cell still remembers the keys of what was sent of a trace: only then does sending it again change nothing."""

import math
from typing import Final

from perf.replay.play import PENDING_MAX
from perf.replay.survey import Survey

KEYS_REMEMBERED_S: Final = 23 * 3600  # a cell remembers them for 24 h at least; one hour for the replay itself
# Between the answer and the next try the orders grow older.
_SPEED_MARGIN: Final = 1.1


class KeysForgotten(Exception):
    """Part of the trace was sent so long ago that sending it again could do it twice."""


def remembers_orders(present: int, orders: int, age_s: int) -> bool:
    """Whether the cell knows the keys of the orders that are there, `present` of the trace's `orders`, the first from `age_s` seconds ago. Raises KeysForgotten where it may not and
    some are missing."""
    if age_s < KEYS_REMEMBERED_S:
        return True
    if present < orders:
        raise KeysForgotten(
            f"{present:,} of the trace's {orders:,} orders were placed up to {in_hours(age_s)} ago and the cell may have forgotten"
            " their keys: sending the trace again could place them twice. Use a cell without them."
        )
    return False


def check_speed(found: Survey, present: int, age_s: int, speed: float) -> None:
    """Orders that are there are sent again each at its own time, the last when the trace's span (seconds) is over; where the trace's clock may wait for orders that are on their way, when these are. Raises KeysForgotten where that is too late."""
    span_s = found.span_s if len(found.entries) <= PENDING_MAX else found.steps_span_s
    takes_s, left_s = span_s / speed, KEYS_REMEMBERED_S - age_s
    if not present or takes_s < left_s:
        return
    raise KeysForgotten(
        f"{present:,} of the trace's orders are there, from up to {in_hours(age_s)} ago: the cell may forget their keys in {in_hours(left_s)}, and at --speed {speed:g} its last order would"
        f" be sent in {in_hours(takes_s)}. That could place orders twice. Run it without --speed, or with --speed {math.ceil(_SPEED_MARGIN * span_s / left_s)}."
    )


def sends_receipts(age_s: int, *, all_there: bool) -> bool:
    """Whether the trace's stock is to be received: not where the first of its receipts came `age_s` seconds ago (0: there are none), the cell may have forgotten their keys, and all orders are
    there, which need no more. Raises KeysForgotten where some are missing."""
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
