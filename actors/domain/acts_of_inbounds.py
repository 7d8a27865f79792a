"""What the audit calls what is done to inbounds. See `acts.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.domain.acts_of_stock import units_changed
from actors.domain.audit import Act, Changes
from actors.domain.inbound_commands import (
    AnnounceInbound,
    CancelInbound,
    ChangeInbound,
    CloseInbound,
    LocationAnswered,
    ReceiveGoods,
)
from actors.domain.inbound_events import GoodsReceived
from actors.domain.inbound_state import Inbound, status_of


def of_inbound(state: Inbound | None, command: Any, events: Sequence[Any]) -> Act:
    """`inbound.announce`, `inbound.change`, `inbound.receive` with what came, `inbound.close` with what did not,
    `inbound.cancel`; `inbound.answered` is the location's."""
    if type(command) is AnnounceInbound:
        announced = ((line.sku, line.units) for line in command.lines)
        return Act("inbound.announce", command.location_id, "", units_changed("announced", announced) if events else {})
    place = "" if state is None else state.location_id
    if type(command) is ChangeInbound:
        lines = ((line.sku, line.units) for line in command.lines)
        return Act("inbound.change", place, "", units_changed("announced", lines) if events else {})
    if type(command) is ReceiveGoods:
        came = ((one.sku, one.units) for event in events if type(event) is GoodsReceived for one in event.lines)
        return Act("inbound.receive", place, "", units_changed("received", came))
    if type(command) is CloseInbound:
        return Act("inbound.close", place, "", units_changed("short", command.shortages) if events else {})
    if type(command) is CancelInbound:
        changes: Changes = {"status": ("" if state is None else status_of(state), "cancelled")} if events else {}
        return Act("inbound.cancel", place, "", changes)
    assert type(command) is LocationAnswered
    return Act("inbound.answered", place)
