"""What the audit calls what is done to stock. See `acts.py`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from actors.domain.acts_changes import few, in_units, in_words, with_totals
from actors.domain.allocation import need_of
from actors.domain.audit import Act, Changed, Changes
from actors.domain.count_commands import BeginSpots, CloseCount, OpenCount, SubmitSpot
from actors.domain.count_state import Count
from actors.domain.location_commands import AdjustStock, ChangeCondition, OpenLocation, ReceiveStock, SetLevels
from actors.domain.location_profile import Profile, SetProfile
from actors.domain.location_state import CountedSpot, Location, Stock
from actors.domain.reservation_commands import ExtendReservation, MakeReservation, ReleaseReservation

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def plain(kind: str, command: type) -> Act:
    """`<kind>.<command>`: where there is nothing more to say."""
    return _named(kind, command.__name__)


@cache
def _named(kind: str, command: str) -> Act:
    return Act(f"{kind}.{_WORD.sub('_', command).lower()}")


def units_changed(what: str, lines: Iterable[tuple[str, int]]) -> Changes:
    """`<SKU>.<what>` with its units, of the SKUs with the most."""
    return few(in_units(what, lines))


def of_location(state: Location | None, command: Any, events: Sequence[Any]) -> Act:
    """`location.adjust` and `location.set_safety_stock` with counts before and after: they override what the system
    believes; so do the levels; `location.set_profile` with the fields that change."""
    if type(command) is OpenLocation:
        before = None if state is None else state.particulars.name
        return Act("location.open", "", "", {"name": (before, command.name)} if events else {})
    if type(command) is ReceiveStock:
        return Act("location.receive")
    stock = state.stock if state is not None else {}
    if type(command) is AdjustStock:
        return _of_adjustment(stock, command)
    if type(command) is SetLevels:
        return Act("location.set_levels", "", "", few({}, _levels(stock, command)))
    if type(command) is ChangeCondition:
        # A SKU may be named by several lines.
        moved = need_of((f"{line.sku}.{line.now}_delta", line.quantity) for line in command.lines)
        changes: Changes = {name: (None, units) for name, units in moved.items()}
        return Act("location.change_condition", "", "", few(changes) if events else {})
    if type(command) is SetProfile:
        return Act("location.set_profile", "", "", _profiled(state, command.profile) if events else {})
    return plain("location", type(command))


_RESERVATION_STEPS: Mapping[type, Act] = {
    MakeReservation: Act("reservation.make"), ExtendReservation: Act("reservation.extend"), ReleaseReservation: Act("reservation.release"),
}  # fmt: skip


def of_reservation(state: Any, command: Any, events: Sequence[Any]) -> Act:
    """`reservation.make`, `reservation.extend`, `reservation.release`."""
    return _RESERVATION_STEPS.get(type(command)) or plain("reservation", type(command))


def of_count(state: Count | None, command: Any, events: Sequence[Any]) -> Act:
    """`count.open`, `count.begin`, `count.submit` with what the books were last known to have there and what was
    counted, `count.close`."""
    if type(command) is OpenCount:
        spots: Changes = {"spots": (None, len(command.spots))} if events else {}
        return Act("count.open", command.location_id, command.reason, spots)
    location_id = "" if state is None else state.location_id
    if type(command) is BeginSpots:
        return Act("count.begin", location_id, "", {"spots": (None, len(command.spots))} if events else {})
    if type(command) is SubmitSpot:
        bin_id, sku = command.spot
        found = sum(units for _, _, units in command.lines)
        counted: Changes = {bin_id or sku: (_booked(state, command.spot), found)} if events else {}
        return Act("count.submit", location_id, "", counted)
    if type(command) is CloseCount:
        return Act("count.close", location_id)
    return plain("count", type(command))


def _booked(count: Count | None, spot: CountedSpot) -> int | None:
    """Units that should have been there when it was counted before; at first what whoever counts was
    told; None when nobody was."""
    one = None if count is None else count.spots.get(spot)
    if count is None or one is None:
        return None
    if one.attempts:
        return sum(line[2] for line in one.attempts[-1].lines)
    return None if count.blind else sum(units for _, _, units in one.book)


def _of_adjustment(known: dict[str, Stock], command: AdjustStock) -> Act:
    counts, thresholds = dict[str, Changed](), dict[str, Changed]()
    reasons, of_levels = dict[str, None](), dict[str, None]()
    for line in command.lines:
        stock = known.get(line.sku) or Stock()
        if line.quantity:
            reasons[line.reason] = None
            name = f"{line.sku}.on_hand"
            # A SKU may be named by several lines.
            first, last = counts.get(name, (stock.on_hand, stock.on_hand))
            counts[name] = (first, last + line.quantity)  # type: ignore[operator]
        if line.safety_stock is not None:
            of_levels[line.reason] = None
            thresholds[f"{line.sku}.safety_stock"] = (stock.safety_stock, line.safety_stock)
    if not counts:
        return Act("location.set_safety_stock", "", ",".join(of_levels), few({}, thresholds))
    return Act("location.adjust", "", ",".join(reasons), with_totals(counts, thresholds))


def _profiled(location: Location | None, now: Profile) -> Changes:
    """The fields that become others. Without a profile a location does everything, as an empty one says."""
    before = (None if location is None else location.profile) or Profile()
    return {
        field: (in_words(was), in_words(value))
        for field in Profile.__struct_fields__
        if (value := getattr(now, field)) != (was := getattr(before, field))
    }


def _levels(known: dict[str, Stock], command: SetLevels) -> Changes:
    changes: Changes = {}
    for levels in command.levels:
        stock = known.get(levels.sku) or Stock()
        if levels.safety_stock is not None:
            changes[f"{levels.sku}.safety_stock"] = (stock.safety_stock, levels.safety_stock)
        if levels.reorder_point is not None:
            changes[f"{levels.sku}.reorder_point"] = (stock.reorder_point, levels.reorder_point)
        for channel, units in (levels.buffers or {}).items():
            changes[f"{levels.sku}.buffer.{channel}"] = (dict(stock.buffers).get(channel, 0), units)
        if levels.rate is not None:
            known_rate = 0 if stock.rate is None else stock.rate.milli_a_day
            changes[f"{levels.sku}.demand_milli_a_day"] = (known_rate, levels.rate.milli_a_day)
    return changes
