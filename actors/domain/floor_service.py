"""How much of its time a work has used up, and what follows from that: marks, of which each is told once. The rules of
the floor are in `floor.py`.

    placed ──────────── warn_percent ────── urgent_percent ────── due
                            warn                 urgent          breach       each raises the priority by raise_by

The floor has one timer, for the next mark of all its work: a heap in memory (`Agenda`) that is made anew from the works
when the floor comes back. What has to be told when the timer goes off is told in one event, at most MARKED_MAX works of
it, and the rest SPACING_MS later: a queue that is late as a whole makes no storm. Of work of which nothing is left to
pick, nothing is told. Who gets another due time has not had the marks that lie ahead of it then.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from actors.domain.errors import Refused

if TYPE_CHECKING:
    from actors.domain.floor_state import Floor, Work

Mark = Literal["", "warn", "urgent", "breach"]
MARKS: tuple[Mark, ...] = get_args(Mark)
MARKED_MAX = 200
SPACING_MS = 1_000
# As far as a person may go, so that work which was raised can still be put in front by one.
PRIORITY_MAX = 1_000


class ServiceMarks(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Shares of the time from the order's placing to the due time. raise_by: what each mark adds to the
    priority, 0 for nothing."""

    warn_percent: int = 50
    urgent_percent: int = 80
    raise_by: int = 100


class SetMarks(msgspec.Struct, frozen=True, tag=True, gc=False):
    """From now on these."""

    marks: ServiceMarks


class LookAtWork(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The floor's timer went off."""


class MarksSet(msgspec.Struct, frozen=True, tag=True, gc=False):
    """From now on these."""

    marks: ServiceMarks


class Marked(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A work has come to its `mark` (1 warn, 2 urgent, 3 breach) and is of that priority now."""

    fulfilment_id: str
    mark: int
    priority: int
    due_ms: int


class WorkMarked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Works have come to marks. `at_ms`: as of then."""

    works: list[Marked]
    at_ms: int


class ViewMarks(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The floor's marks."""

    location_id: str


class MarksView(msgspec.Struct, frozen=True, gc=False):
    """The marks. at_risk: works by their mark, of which something is yet to be picked."""

    location_id: str
    version: int
    marks: ServiceMarks
    at_risk: dict[str, int]


class Agenda:
    """(when, whose next mark), soonest first; outdated ones are dropped when they come up. Follows from the works: two
    are never different for what it says."""

    __slots__ = ("_heap",)

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Agenda)

    __hash__ = None  # type: ignore[assignment]

    def put(self, name: str, work: Work, marks: ServiceMarks) -> None:
        """The work's next mark, if it has one."""
        at_ms = next_mark_ms(work, marks)
        if at_ms is not None:
            heapq.heappush(self._heap, (at_ms, name))

    def clean(self, works: Mapping[str, Work], marks: ServiceMarks) -> None:
        """What comes first is so, from now on."""
        heap = self._heap
        while heap:
            at_ms, name = heap[0]
            work = works.get(name)
            if work is not None and next_mark_ms(work, marks) == at_ms:
                break
            heapq.heappop(heap)
        if len(heap) > _SLACK + 2 * len(works):
            self.fill(works, marks)

    def fill(self, works: Mapping[str, Work], marks: ServiceMarks) -> None:
        """Anew from all works."""
        marked = ((next_mark_ms(work, marks), name) for name, work in works.items())
        self._heap = [(at_ms, name) for at_ms, name in marked if at_ms is not None]
        heapq.heapify(self._heap)

    @property
    def next_ms(self) -> int | None:
        """When the first is due."""
        return self._heap[0][0] if self._heap else None

    def due(self, until_ms: int) -> Iterator[str]:
        """Whose mark is due, soonest first; some perhaps twice, or not any more."""
        copy = list(self._heap)
        while copy and copy[0][0] <= until_ms:
            yield heapq.heappop(copy)[1]


# Outdated entries that are not worth the trouble.
_SLACK = 1_000


def _marks_ms(work: Work, marks: ServiceMarks) -> tuple[int, int, int]:
    begin_ms = min(work.placed_at_ms, work.due_ms)
    span_ms = work.due_ms - begin_ms
    return begin_ms + span_ms * marks.warn_percent // 100, begin_ms + span_ms * marks.urgent_percent // 100, work.due_ms


def next_mark_ms(work: Work, marks: ServiceMarks) -> int | None:
    """When the work comes to its next mark; None when there is none, or nothing is left to pick."""
    if work.mark >= len(MARKS) - 1 or work.ended or work.settled:
        return None
    return _marks_ms(work, marks)[work.mark]


def passed(work: Work, marks: ServiceMarks, until_ms: int) -> int:
    """The last mark that the work has come to by then."""
    return sum(at_ms <= until_ms for at_ms in _marks_ms(work, marks))


# --- decide -----------------------------------------------------------------------------------------------------------
def set_marks(floor: Floor, command: SetMarks) -> list[MarksSet]:
    """Raises Refused `floor.marks_out_of_order`."""
    marks = command.marks
    if not 0 < marks.warn_percent < marks.urgent_percent < 100 or not 0 <= marks.raise_by <= PRIORITY_MAX:
        raise Refused(
            "floor.marks_out_of_order", "A work is warned of before it is urgent, and urgent before it is due."
        )
    return [MarksSet(marks)] if marks != floor.marks else []


def look(floor: Floor, now_ms: int) -> list[WorkMarked]:
    """What has come to a mark by now: of several at once the last is told."""
    due_ms = due(floor)
    if due_ms is None:
        return []
    # A clock may go back between a timer and its work.
    at_ms = max(now_ms, due_ms)
    found: dict[str, Marked] = {}
    for name in floor.agenda.due(at_ms):
        work = floor.works.get(name)
        if work is None or name in found or next_mark_ms(work, floor.marks) is None:
            continue
        mark = passed(work, floor.marks, at_ms)
        if mark <= work.mark:
            continue
        raised = min(PRIORITY_MAX, work.priority + floor.marks.raise_by * (mark - work.mark))
        found[name] = Marked(name, mark, max(work.priority, raised), work.due_ms)
        if len(found) == MARKED_MAX:
            break
    return [WorkMarked(list(found.values()), at_ms)] if found else []


def due(floor: Floor) -> int | None:
    """When the floor wants to be woken: for its next mark, and not at once again."""
    next_ms = floor.agenda.next_ms
    return None if next_ms is None else max(next_ms, floor.looked_ms + SPACING_MS)


# --- evolve -----------------------------------------------------------------------------------------------------------
def marked(floor: Floor, event: WorkMarked) -> None:
    """The works have their marks."""
    floor.looked_ms = event.at_ms
    for one in event.works:
        work = floor.works[one.fulfilment_id]
        work.mark, work.priority = one.mark, one.priority
        floor.agenda.put(one.fulfilment_id, work, floor.marks)


def marks_set(floor: Floor, event: MarksSet) -> None:
    """What was told stays told."""
    floor.marks = event.marks
    floor.agenda.fill(floor.works, floor.marks)


def due_changed(floor: Floor, name: str, now_ms: int) -> None:
    """The work has another due time: what lies ahead of it will be told, and what it has passed was."""
    work = floor.works[name]
    work.mark = min(work.mark, passed(work, floor.marks, now_ms))
    floor.agenda.put(name, work, floor.marks)


def marks_view(floor: Floor, query: ViewMarks, version: int) -> MarksView:
    """Looks at each work once."""
    at_risk: dict[str, int] = {mark: 0 for mark in MARKS if mark}
    for work in floor.works.values():
        if work.mark and not work.ended and not work.settled:
            at_risk[MARKS[work.mark]] += 1
    return MarksView(query.location_id, version, floor.marks, at_risk)


def warns(event: object) -> str:
    """What operators find in the log: a due time has passed."""
    if type(event) is WorkMarked and any(one.mark == len(MARKS) - 1 for one in event.works):
        return "work on a floor was not picked in time"
    return ""
