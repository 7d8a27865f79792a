"""Goods that come in, are corrected, change their condition; and the levels that stock is steered by. The
rules are in `location.py`."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.location_alerts import level_crossed, levels_changed
from actors.domain.location_bins import check_room, leaves_from
from actors.domain.location_commands import (
    AdjustmentLine,
    AdjustStock,
    Allot,
    ChangeCondition,
    ReceiptLine,
    ReceiveStock,
    SetLevels,
)
from actors.domain.location_draft import Draft
from actors.domain.location_events import (
    AsideState,
    Condition,
    Entry,
    Event,
    Levels,
    LevelsSet,
    LotOpened,
    PromisesAtRisk,
    SafetyStockSet,
    StockChanged,
    Units,
)
from actors.domain.location_lots import today
from actors.domain.location_outlook import rate_of
from actors.domain.location_state import Counts, Location, Lot, Stock

_CONDITIONS: tuple[Condition, ...] = ("sellable", "damaged", "quality_hold")


def receive(location: Location, command: ReceiveStock, context: Context) -> list[Event]:
    """Raises Refused `stock.too_much`, `stock.lot_…`, `stock.serial_here`, `bins.unknown`, `bins.too_full`."""
    draft, added = Draft(location), dict[str, int]()
    for line in command.lines:
        _check_lot(draft, line, context)
        if line.bin:
            check_room(location, line.bin, line.quantity, added)
        n, aside = line.quantity, _aside(line.condition, line.quantity)
        draft.add(Entry(line.sku, n, n, 0, "receipt", line.value, aside, line.lot, line.bin, n if line.bin else 0))
    received = StockChanged(list(draft.entries), command.cause, command.reference)
    allotted = [] if command.allot is None else [_allotted(draft, command.allot)]
    return [*draft.opened, received, *allotted, *_levels_crossed(draft)]


def _allotted(draft: Draft, allot: Allot) -> StockChanged:
    """What has just come in is allocated before anybody else can have it."""
    entries = [Entry(sku, units, 0, units, "allocate", None, None, lot) for sku, lot, units in allot.lines]
    for entry in entries:
        draft.add(entry)
    return StockChanged(entries, allot.cause)


def _check_lot(draft: Draft, line: ReceiptLine, context: Context) -> None:
    if not line.lot:
        draft.counts(line.sku, "")
        return
    lot = draft.lots(line.sku).get(line.lot)
    if lot is not None and line.expires_on is not None and line.expires_on != lot.expires_on:
        detail = f"Lot {line.lot} of {line.sku} is here with another expiry date."
        raise Refused("stock.lot_expiry_differs", detail, sku=line.sku, lot=line.lot)
    _check_for_sale(line.sku, line.lot, lot.expires_on if lot is not None else line.expires_on, line.condition, context)
    if lot is None:
        draft.open_lot(LotOpened(line.sku, line.lot, line.expires_on, line.serial))
        lot = draft.lots(line.sku)[line.lot]
    if (lot.serial or line.serial) and lot.on_hand + line.quantity > 1:
        raise Refused("stock.serial_here", f"{line.lot} of {line.sku} is one unit.", sku=line.sku, serial=line.lot)


def _check_for_sale(sku: str, lot: str, expires_on: int | None, condition: Condition, context: Context) -> None:
    """Raises Refused: what has expired may be here on quality hold or damaged, not for sale."""
    if expires_on is not None and expires_on < today(context) and condition == "sellable":
        raise Refused("stock.lot_expired", f"Lot {lot} of {sku} has expired.", sku=sku, lot=lot)


def adjust(location: Location, command: AdjustStock, context: Context) -> list[Event]:
    """Raises Refused `stock.insufficient` (with what is free), `stock.too_much`, `stock.not_in_bin`,
    `stock.lot_…`, `bins.…`."""
    draft, added, at_risk = Draft(location), dict[str, int](), dict[str, int]()
    lines = _without_moved(draft, command.lines) if command.as_left else command.lines
    # Gains first: with losses first the books would pass through less on hand than is promised.
    for line in sorted(lines, key=lambda line: line.quantity < 0):
        if line.quantity > 0 and command.as_left and not _can_gain(draft, line):
            continue
        if line.quantity > 0 and command.as_far:
            _gain_as_found(draft, line, context)
        elif line.quantity > 0:
            _gain(draft, line, added, context)
        elif line.quantity < 0 and command.as_far:
            missed = _lose_as_left(draft, line) if command.as_left else _lose_as_far(draft, line)
            if missed:
                at_risk[line.sku] = at_risk.get(line.sku, 0) + missed
        elif line.quantity < 0:
            _lose(draft, line)
    events: list[Event] = []
    if draft.entries:
        events.append(StockChanged(draft.entries, command.cause, command.reference))
    levels = SafetyStockSet([], [], [], command.cause, command.reference)
    for line in command.lines:
        if line.safety_stock is not None:
            stock = draft.stock(line.sku)
            levels.levels.append((line.sku, line.safety_stock))
            levels.was.append(stock.safety_stock)
            levels.reasons.append(line.reason)
            stock.safety_stock = line.safety_stock
    if levels.levels:
        events.append(levels)
    events.extend(PromisesAtRisk(sku, units) for sku, units in at_risk.items())
    return [*events, *_levels_crossed(draft)]


def _gain(draft: Draft, line: AdjustmentLine, added: dict[str, int], context: Context) -> None:
    counts, n = draft.counts(line.sku, line.lot), line.quantity
    if isinstance(counts, Lot):
        _check_for_sale(line.sku, line.lot, counts.expires_on, line.condition, context)
    if line.bin:
        check_room(draft.location, line.bin, n, added)
    _add_gain(draft, line, counts)


def _without_moved(draft: Draft, lines: list[AdjustmentLine]) -> list[AdjustmentLine]:
    """Puts serial numbers that are missing in one place and found in another where they were found; gives the other
    lines. As a loss and a gain neither could go first: of one unit there would be two, or its lot would be over. So it
    also keeps its condition, and its promise."""
    serial = [line for line in lines if abs(line.quantity) == 1 and _is_serial(draft, line)]
    lost = {(line.sku, line.lot): line for line in serial if line.quantity < 0 and _lies_in(draft, line)}
    moved: set[int] = set()  # by identity: two lines may say the same
    for found in serial:
        gone = lost.pop((found.sku, found.lot), None) if found.quantity > 0 else None
        if gone is None:
            continue
        moved |= {id(gone), id(found)}
        for bin_id, delta in ((gone.bin, -1), (found.bin, 1)):
            if bin_id in draft.location.bins:
                draft.add(Entry(found.sku, 1, 0, 0, found.reason, None, None, found.lot, bin_id, delta))
    return [line for line in lines if id(line) not in moved]


def _is_serial(draft: Draft, line: AdjustmentLine) -> bool:
    lot = draft.lots(line.sku).get(line.lot)
    return lot is not None and lot.serial


def _lies_in(draft: Draft, line: AdjustmentLine) -> bool:
    """Does it lie where the line says, by the books?"""
    if line.bin:
        return draft.contents(line.sku, line.lot).get(line.bin, 0) > 0
    return draft.unplaced(line.sku, line.lot) > 0


def _can_gain(draft: Draft, line: AdjustmentLine) -> bool:
    """Do the books know what was found, and is it not somewhere else by them? What was counted may have
    left, or come, since then."""
    lots = draft.lots(line.sku)
    lot = lots.get(line.lot)
    if lot is None:
        return not line.lot and not lots
    return not lot.serial or lot.on_hand + line.quantity <= 1


def _gain_as_found(draft: Draft, line: AdjustmentLine, context: Context) -> None:
    """It is there, whatever should be: a bin that is full by the books has something else in it that is missing, one
    that is gone was a place, and of a lot that has ended there is one more on hold."""
    counts = draft.counts(line.sku, line.lot)
    ended = isinstance(counts, Lot) and not counts.good_on(today(context)) and line.condition == "sellable"
    if ended:
        line = replace(line, condition="quality_hold")
    if line.bin not in draft.location.bins:
        line = replace(line, bin="")
    _add_gain(draft, line, counts)


def _add_gain(draft: Draft, line: AdjustmentLine, counts: Counts) -> None:
    n = line.quantity
    if isinstance(counts, Lot) and counts.serial and counts.on_hand + n > 1:
        raise Refused("stock.serial_here", f"{line.lot} of {line.sku} is one unit.", sku=line.sku, serial=line.lot)
    bin_delta = n if line.bin else 0
    draft.add(
        Entry(line.sku, n, n, 0, line.reason, line.value, _aside(line.condition, n), line.lot, line.bin, bin_delta)
    )


def _lose_as_far(draft: Draft, line: AdjustmentLine) -> int:
    """Takes as many off as nobody was promised, sellable ones first: whoever counted saw units and not their condition.
    Gives how many are left."""
    counts, left = draft.counts(line.sku, line.lot), -line.quantity
    conditions = _CONDITIONS if line.condition == "sellable" else (line.condition,)
    for condition in conditions:
        units = min(left, _units_of(counts, condition))
        if units > 0:
            _lose(draft, replace(line, quantity=-units, condition=condition))
            left -= units
    return left


def _lose_as_left(draft: Draft, line: AdjustmentLine) -> int:
    """The same, of what still lies there by the books. Gives how many are left."""
    wanted, lots = -line.quantity, draft.lots(line.sku)
    if line.lot not in lots and (line.lot or lots):
        # The last of it has left since it was counted.
        return wanted
    there = min(wanted, draft.contents(line.sku, line.lot).get(line.bin, 0)) if line.bin else wanted
    return wanted - there + (_lose_as_far(draft, replace(line, quantity=-there)) if there else 0)


def _lose(draft: Draft, line: AdjustmentLine) -> None:
    """Takes the units off, all of them."""
    counts, wanted = draft.counts(line.sku, line.lot), -line.quantity
    there = _units_of(counts, line.condition)
    if there < wanted:
        raise Refused(
            "stock.insufficient",
            f"Only {max(0, there)} units of {line.sku} are {line.condition} and promised to nobody.",
            sku=line.sku, on_hand=counts.on_hand, allocated=counts.allocated, reserved=counts.reserved, wanted=wanted,
        )  # fmt: skip
    for bin_id, part in _parts(draft, line, wanted):
        aside = _aside(line.condition, -part)
        bin_delta = -part if bin_id else 0
        draft.add(Entry(line.sku, -part, -part, 0, line.reason, line.value, aside, line.lot, bin_id, bin_delta))


def _parts(draft: Draft, line: AdjustmentLine, units: int) -> list[Units]:
    if not line.bin:
        return leaves_from(draft, line.sku, line.lot, units)
    there = draft.contents(line.sku, line.lot).get(line.bin, 0)
    if there < units:
        detail = f"{there} units of {line.sku} are in {line.bin}."
        raise Refused("stock.not_in_bin", detail, sku=line.sku, bin_id=line.bin, units=there)
    return [(line.bin, units)]


def change_condition(location: Location, command: ChangeCondition, context: Context) -> list[Event]:
    """Raises Refused `stock.condition_same`, `stock.insufficient`, `stock.lot_…`."""
    draft = Draft(location)
    for line in command.lines:
        if line.was == line.now:
            raise Refused("stock.condition_same", f"{line.sku} is {line.was} already.", sku=line.sku)
        counts = draft.counts(line.sku, line.lot)
        if isinstance(counts, Lot):
            _check_for_sale(line.sku, line.lot, counts.expires_on, line.now, context)
        there = _units_of(counts, line.was)
        if there < line.quantity:
            detail = f"Only {max(0, there)} units of {line.sku} are {line.was} and promised to nobody."
            raise Refused("stock.insufficient", detail, sku=line.sku, on_hand=counts.on_hand, wanted=line.quantity)
        for aside in (_aside(line.was, -line.quantity), _aside(line.now, line.quantity)):
            if aside is not None:
                draft.add(Entry(line.sku, line.quantity, 0, 0, "condition", None, aside, line.lot))
    return [StockChanged(draft.entries, command.cause, command.reference), *_levels_crossed(draft)]


def set_levels(location: Location, command: SetLevels) -> list[Event]:
    """Only what is different becomes an event."""
    changed = [levels for levels in command.levels if _differs(location.stock.get(levels.sku) or Stock(), levels)]
    if not changed:
        return []
    was = [(location.stock.get(levels.sku) or Stock()).safety_stock for levels in changed]
    events: list[Event] = [LevelsSet(changed, was, command.cause)]
    for levels in changed:
        before = location.stock.get(levels.sku)
        if before is not None:
            events.extend(levels_changed(levels, before))
    return events


def _differs(stock: Stock, levels: Levels) -> bool:
    wanted = (levels.safety_stock, levels.reorder_point)
    if any(new is not None and new != old for new, old in zip(wanted, (stock.safety_stock, stock.reorder_point), strict=True)):  # fmt: skip
        return True
    if levels.rate is not None and rate_of(levels.rate) != stock.rate:
        return True
    return levels.buffers is not None and buffers_of(levels.buffers) != stock.buffers


def buffers_of(buffers: dict[str, int]) -> tuple[Units, ...]:
    """As `Stock` keeps them: sorted, without zeros."""
    return tuple(sorted((channel, units) for channel, units in buffers.items() if units))


def _aside(condition: Condition, delta: int) -> tuple[AsideState, int] | None:
    return None if condition == "sellable" else (condition, delta)


def _units_of(counts: Counts, condition: Condition) -> int:
    """Units in that condition that may be taken: promised ones are sellable and may not."""
    return counts.free if condition == "sellable" else getattr(counts, condition)


def _levels_crossed(draft: Draft) -> Iterable[Event]:
    for sku, after in draft.touched.items():
        before = draft.location.stock.get(sku)
        if before is not None:
            yield from level_crossed(sku, before, after.available)
