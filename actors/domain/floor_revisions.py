"""What an order says of work that a floor has already: let it lie, go on, it is more urgent, fewer units are wanted.
The rules are in `floor.py`.

    ReviseWork(turn) ──▶ known, and newer than the last word ──▶ WorkRevised      older ──▶ nothing
                     ──▶ not here yet                        ──▶ RevisionNoted ──QueueWork──▶ WorkQueued, WorkRevised

A word carries all that is so now, and a turn that counts up: so it may come in any order and more than once. What is to
lie is taken off trips, whoever has them; what is in hands stays there. Units that are not wanted any more are first
those on no trip, then those on trips, then those in hands, which become work of their own to be put back; and last
those that were not found: somebody should count these.
"""

from __future__ import annotations

from copy import deepcopy

import msgspec

from actors.domain.floor_commands import QueueWork, ReviseWork, Share
from actors.domain.floor_disputes import SHORT, disputed
from actors.domain.floor_events import Event, RevisionNoted, Unplanned, WorkRevised
from actors.domain.floor_revised import revised
from actors.domain.floor_state import Floor, Line, Work
from actors.domain.floor_work import next_step
from actors.domain.location_events import Units

# Words about work that is not here yet: it comes within moments, or has gone.
NOTES_MAX = 1_000


def revise(floor: Floor, command: ReviseWork) -> list[Event]:
    """Never refused."""
    name = command.fulfilment_id
    if name in floor.ended_early:
        return []
    work = floor.works.get(name)
    if work is not None:
        return [] if work.ended or command.turn <= work.turn else _revised(floor, name, work, command)
    noted = floor.revised_early.get(name)
    if noted is not None and command.turn <= noted.turn:
        return []
    oldest = list(floor.revised_early) if noted is None else []
    return [RevisionNoted(command, oldest[: max(0, len(oldest) + 1 - NOTES_MAX)])]


def queued(floor: Floor, command: QueueWork) -> list[Event]:
    """What has been said of it before it came."""
    noted = floor.revised_early.get(command.fulfilment_id)
    if noted is None:
        return []
    lines = {sku: Line(units) for sku, units in command.lines}
    work = Work(lines, command.priority, command.due_ms, command.placed_at_ms)
    return _revised(floor, command.fulfilment_id, work, noted)


def _revised(floor: Floor, name: str, work: Work, word: ReviseWork) -> list[Event]:
    after, tasks = deepcopy(work), _Trips(floor, name, planned=work.planned)
    picked, lost = list[tuple[str, str, int]](), list[Units]()
    less = []
    for sku, units in word.less:
        more = units - work.less.get(sku, 0)
        if more <= 0 or sku not in after.lines:
            continue
        less.append((sku, more))
        line = after.lines[sku]
        rest = more - min(more, line.waiting)
        rest -= tasks.take(sku, min(rest, line.planned))
        for goods, n in sorted(after.picked.items()):
            if goods[0] == sku and rest:
                picked.append((*goods, min(rest, n)))
                rest -= min(rest, n)
        if rest:
            lost.append((sku, rest))
    if word.held:
        for sku, line in after.lines.items():
            tasks.take(sku, line.planned)
    event = WorkRevised(name, word.turn, word.held, word.priority, word.due_ms, less, tasks.taken, picked, lost)
    odd = [disputed(floor, "", one.sku, one.lot, one.units, SHORT) for one in revised(after, event)]
    return [event, *odd, *next_step(name, after)]


class _Trips:
    """What of the work is on trips; those that nobody has yet come first."""

    def __init__(self, floor: Floor, name: str, *, planned: bool) -> None:
        self.taken: list[Unplanned] = []
        self._left: list[tuple[int, int, str, Share]] = []
        known = floor.trips if planned else {}
        for number in sorted(known, key=lambda number: (bool(known[number].picker), -number)):
            for at, task in enumerate(floor.trips[number].tasks, 1):
                self._left += [(number, at, task.sku, one) for one in task.shares if one.fulfilment_id == name]

    def take(self, sku: str, units: int) -> int:
        """Takes at most so many units off trips; how many it was."""
        rest, left = units, []
        for number, task, name, share in self._left:
            n = min(rest, share.units) if name == sku else 0
            rest -= n
            if n:
                self.taken.append(Unplanned(number, task, sku, n, share.tote))
            if share.units > n:
                left.append((number, task, name, msgspec.structs.replace(share, units=share.units - n)))
        self._left = left
        return units - rest
