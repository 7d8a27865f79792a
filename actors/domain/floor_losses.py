"""Units that were picked and are not there any more, or are no good: lost or broken between the trip and the pack
station. The rules are in `floor.py`.

    picked ──TellLost──▶ short ──▶ OrderAsked(short_pick): they leave the books, and the order asks other places

They are outside of bins, in the books as well, so the order can be told at once. A shipment says what it takes the
floor to hold: when that is something else, somebody has told it already.
"""

from __future__ import annotations

from copy import deepcopy

from actors.domain.allocation import need_of
from actors.domain.errors import Refused
from actors.domain.floor_commands import TellLost
from actors.domain.floor_events import Event, ShortUnits, UnitsLost
from actors.domain.floor_evolve import lose
from actors.domain.floor_state import Floor, Work
from actors.domain.floor_work import known, next_step

_SHOWN_MAX = 20


def tell_lost(floor: Floor, command: TellLost) -> list[Event]:
    """Raises Refused `floor.work_unknown`, `floor.fulfilment_changed`, `floor.not_picked`,
    `floor.wrong_lot`, `floor.lot_required`."""
    name = command.fulfilment_id
    work = known(floor, name)
    if command.held is not None:
        _check_held(work, command)
    lost, packed = list[ShortUnits](), need_of(command.packed)
    for sku, units in sorted(need_of(command.lines).items()):
        picked = work.lines[sku].picked if sku in work.lines else 0
        if units > picked - packed.get(sku, 0):
            detail = f"{picked} units of {sku} are picked: what is yet to be picked is told on its trip."
            raise Refused("floor.not_picked", detail, sku=sku, picked=picked, packed=packed.get(sku, 0))
        lost += _goods(work, command, sku, units)
    event = UnitsLost(name, lost)
    after = deepcopy(work)
    lose(after, event)
    return [event, *next_step(name, after)]


def _check_held(work: Work, command: TellLost) -> None:
    held = sorted((sku, units) for sku, line in work.lines.items() if (units := line.wanted - line.short))
    if held != sorted(command.held or ()):
        detail = "The floor has something else for it by now than what was to be packed."
        raise Refused("floor.fulfilment_changed", detail, lines=[list(line) for line in held])


def _goods(work: Work, command: TellLost, sku: str, units: int) -> list[ShortUnits]:
    """Of which lots they are: those that are named, or else those that were picked, if it can be no others."""
    picked = {lot: n for (of, lot), n in sorted(work.picked.items()) if of == sku}
    lost = need_of((lot, n) for of, lot, n in command.lots if of == sku)
    for lot, n in lost.items():
        if n > picked.get(lot, 0):
            detail = f"{picked.get(lot, 0)} units of {sku} were picked of lot {lot}."
            raise Refused("floor.wrong_lot", detail, sku=sku, expected_lots=list(picked)[:_SHOWN_MAX])
    others = {lot: left for lot, n in picked.items() if (left := n - lost.get(lot, 0))}
    rest = units - sum(lost.values())
    if len(others) > 1 and 0 < rest < sum(others.values()):
        detail = f"{sku} was picked of several lots: say of which {rest} units are lost."
        raise Refused("floor.lot_required", detail, sku=sku, expected_lots=list(others)[:_SHOWN_MAX])
    for lot, n in others.items():
        more = max(0, min(n, rest))
        lost[lot] = lost.get(lot, 0) + more
        rest -= more
    return [ShortUnits(sku, n, "", lot) for lot, n in lost.items() if n]
