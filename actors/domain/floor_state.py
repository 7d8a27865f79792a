"""What is known of a building's floor. The rules are in `floor.py`, how what happens changes
it in `floor_evolve.py`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.floor_commands import FloorUpdate, ReviseWork, Share
from actors.domain.floor_events import (
    ShortUnits,
)
from actors.domain.floor_service import Agenda, ServiceMarks
from actors.domain.personal_notes import APPROVER
from actors.domain.wave_terms import Method

WorkStatus = Literal["waiting", "planned", "picking", "picked", "blocked", "held", "put_back"]
# (bin id, SKU, lot)
Place = tuple[str, str, str]
# (SKU, lot)
Goods = tuple[str, str]


class Line(msgspec.Struct, array_like=True, gc=False):
    """Units of a SKU of a fulfilment. Each is in one of these places, or waits."""

    wanted: int
    planned: int = 0
    picked: int = 0
    short: int = 0

    @property
    def waiting(self) -> int:
        """On no trip, and not done with."""
        return self.wanted - self.planned - self.picked - self.short

    @property
    def settled(self) -> bool:
        """Nothing is to be picked any more."""
        return self.wanted == self.picked + self.short


class Work(msgspec.Struct):
    """A fulfilment. started: the order knows that it is being picked; asked: what the order was asked for and has not
    answered, "" for nothing; missing: what was not found and is in its bin yet, as far as the books know; short: what
    the order has to be told is missing, of which it was asked about the first `telling`; problem: why it is blocked;
    picked: units in hands by (SKU, lot); ended: it was cancelled, and these go back; putting: of them, those that the
    location is asked to take; put_problem: why it did not; mark: how late it is (`floor_service.py`); turn: of the
    order's last word; held: it says that the work is to lie; less: units that it does not want any more since it came;
    handling: how the goods are to be treated."""

    lines: dict[str, Line]
    priority: int
    due_ms: int
    placed_at_ms: int
    started: bool = False
    asked: FloorUpdate | Literal[""] = ""
    missing: list[ShortUnits] = []
    short: list[ShortUnits] = []
    telling: int = 0
    problem: str = ""
    picked: dict[Goods, int] = {}
    ended: bool = False
    putting: dict[Goods, int] = {}
    put_problem: str = ""
    mark: int = 0
    turn: int = 0
    held: bool = False
    less: dict[str, int] = {}
    handling: list[str] = []

    @property
    def settled(self) -> bool:
        """Nothing is to be picked any more."""
        return all(line.settled for line in self.lines.values())

    @property
    def planned(self) -> bool:
        """Something of it is on a trip."""
        return any(line.planned for line in self.lines.values())

    @property
    def waiting(self) -> list[tuple[str, int]]:
        """Units per SKU that are on no trip."""
        return [(sku, units) for sku, line in self.lines.items() if (units := line.waiting)]

    @property
    def urgency(self) -> tuple[int, int, int]:
        """Rises as it may wait."""
        return self.due_ms, -self.priority, self.placed_at_ms


class Task(msgspec.Struct):
    """Units to be taken from a bin. wanted: at first; shares: for whom units are left; problem: what
    the books say against it."""

    bin_id: str
    sku: str
    lot: str
    expires_on: int | None
    wanted: int
    shares: list[Share]
    problem: str = ""

    @property
    def left(self) -> int:
        """Units that are still to be picked."""
        return sum(share.units for share in self.shares)


class Trip(msgspec.Struct):
    """A trip that is not over. A task's number is its place, from 1; picker: "" for nobody yet."""

    method: Method
    due_ms: int
    walk_dm: int
    exact: bool
    tasks: list[Task]
    picker: Annotated[str, APPROVER] = ""
    paused: bool = False
    claimed_at_ms: int | None = None

    @property
    def works(self) -> list[str]:
        """For whom something is left, each once."""
        return list(dict.fromkeys(share.fulfilment_id for task in self.tasks for share in task.shares))


class Dispute(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Books and floor differ, for this reason: units, and when that was (UTC ms)."""

    code: str
    units: int
    at_ms: int


class Floor(msgspec.Struct):
    """The state. works: by fulfilment id; trips: by number; ended_early: fulfilments whose end came before their
    beginning, and when (UTC ms). marks, agenda: when work is told to be late, and of which next; looked_ms: when that
    was looked at last (UTC ms); revised_early: words about work that is not here yet."""

    works: dict[str, Work] = {}
    trips: dict[int, Trip] = {}
    next_trip: int = 1
    disputes: dict[Place, Dispute] = {}
    ended_early: dict[str, int] = {}
    marks: ServiceMarks = ServiceMarks()
    looked_ms: int = 0
    agenda: Agenda = msgspec.field(default_factory=Agenda)
    revised_early: dict[str, ReviseWork] = {}

    def trip_of(self, picker: str) -> int | None:
        """The number of the picker's open trip."""
        return next((number for number, trip in self.trips.items() if trip.picker == picker), None)


def status_of(work: Work) -> WorkStatus:
    """How far it is."""
    if work.ended:
        return "put_back"
    if work.problem:
        return "blocked"
    if work.held:
        return "held"
    # Asked of the whole queue at once, so the lines are looked at only once.
    wanted = planned = done = 0
    for line in work.lines.values():
        wanted += line.wanted
        planned += line.planned
        done += line.picked + line.short
    if done == wanted:
        return "picked"
    if done or (planned and work.started):
        return "picking"
    return "planned" if planned else "waiting"


def put_back_left(work: Work, goods: Goods) -> int:
    """Units that are still in hands, and that no bin is asked to take."""
    return work.picked.get(goods, 0) - work.putting.get(goods, 0)
