"""Where books and floor differ: bins that somebody should count. The rules are in `floor.py`."""

from __future__ import annotations

from collections.abc import Sequence

from actors.domain.errors import Refused
from actors.domain.floor_commands import CloseDispute, MoveRefused
from actors.domain.floor_events import DisputeClosed, Event, UnitsDisputed
from actors.domain.floor_state import Floor

DISPUTES_MAX = 100
SHORT = "floor.short"


def move_refused(floor: Floor, command: MoveRefused) -> list[Event]:
    """Never refused: what was taken was taken, whatever the books say."""
    return [
        disputed(floor, command.bin_id, command.sku, command.lot, command.units, command.code, command.trip, command.task)
    ]  # fmt: skip


def disputed(
    floor: Floor, bin_id: str, sku: str, lot: str, units: int, code: str, trip: int = 0, task: int = 0
) -> UnitsDisputed:
    """The oldest are forgotten when there are too many."""
    forgotten: Sequence[tuple[str, str, str]] = ()
    if (bin_id, sku, lot) not in floor.disputes and len(floor.disputes) >= DISPUTES_MAX:
        oldest = sorted(floor.disputes, key=lambda place: (floor.disputes[place].at_ms, place))
        forgotten = oldest[: len(oldest) + 1 - DISPUTES_MAX]
    return UnitsDisputed(bin_id, sku, lot, units, code, trip, task, list(forgotten))


def close_dispute(floor: Floor, command: CloseDispute) -> list[Event]:
    """Raises Refused `floor.dispute_unknown`."""
    if (command.bin_id, command.sku, command.lot) not in floor.disputes:
        raise Refused("floor.dispute_unknown", "Nothing odd was found there, or it is dealt with.")
    return [DisputeClosed(command.bin_id, command.sku, command.lot)]
