"""What the audit calls what is done on floors. See `acts.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.domain.acts_of_stock import plain, units_changed
from actors.domain.audit import Act, Changes
from actors.domain.floor_commands import TellLost, TellShort
from actors.domain.floor_events import UnitsShort


def of_floor(state: Any, command: Any, events: Sequence[Any]) -> Act:
    """`floor.tell_lost` with the units that were picked and are lost; `floor.tell_short` with the units of the SKU that
    were not there, and how many of them no other bin has, as these leave the books; all else is called as its command:
    `floor.claim_trip`. Where it was is the floor's own id."""
    if type(command) is TellLost:
        return Act("floor.tell_lost", "", "", units_changed("lost", command.lines) if events else {})
    if type(command) is not TellShort:
        return plain("floor", type(command))
    changes: Changes = {}
    for event in events:
        if type(event) is UnitsShort:
            changes[f"{event.sku}.missing"] = (None, command.units)
            changes[f"{event.sku}.short"] = (None, sum(share.units for share in event.short))
    return Act("floor.tell_short", "", "", changes)
