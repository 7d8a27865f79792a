"""Marks of work that is late: by example, and against a plain watchman who looks at all work every second."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.domain.errors import Refused
from actors.domain.floor import FLOOR
from actors.domain.floor_commands import (
    ClaimTrip,
    ConfirmPick,
    EndWork,
    NewTask,
    NewTrip,
    PlanTrips,
    Prioritise,
    QueueWork,
    Share,
)
from actors.domain.floor_service import (
    MARKED_MAX,
    PRIORITY_MAX,
    SPACING_MS,
    LookAtWork,
    Marked,
    ServiceMarks,
    SetMarks,
    ViewMarks,
    WorkMarked,
    due,
    warns,
)
from actors.domain.floor_views import ViewPlannable, ViewQueue
from actors.domain.kind import Context

PLACE, T0 = "us-wh", 1_767_225_600_000
MINUTE_MS = 60_000


class Watched:
    """A floor with its timer. `told`: (fulfilment, mark) in order."""

    def __init__(self) -> None:
        self.state, self.version, self.now = None, 0, T0
        self.told: list[tuple[str, int]] = []
        self.wakes: list[int] = []
        self.rows: dict = {}

    def do(self, command) -> list:
        context = Context(PLACE, "c", self.now)
        decision = FLOOR.decide(self.state, command, context)
        for event in decision.events:
            self.state = FLOOR.evolve(self.state, event, context)
            self.version += 1
            if type(event) is WorkMarked:
                self.told += [(one.fulfilment_id, one.mark) for one in event.works]
        if decision.events:
            for row in FLOOR.rows(self.state, self.version, decision.events, context):
                key = (row.table, *(getattr(row, name) for name in row.key))
                if getattr(row, "gone", False):
                    self.rows.pop(key, None)
                else:
                    self.rows[key] = row
        return decision.events

    def queue(self, name: str, minutes: int, priority: int = 0, placed_ms: int | None = None) -> None:
        placed = self.now if placed_ms is None else placed_ms
        self.do(QueueWork(name, [("a", 2)], priority, placed + minutes * MINUTE_MS, placed))

    def restart(self) -> None:
        stored: dict[str, list] = {}
        for (table, *_), row in sorted(self.rows.items()):
            stored.setdefault(table, []).append(row)
        self.state, self.version = FLOOR.restore(PLACE, stored)

    def until(self, now_ms: int) -> None:
        """The timer does its work until then."""
        while self.state is not None and (at := due(self.state)) is not None and at <= now_ms:
            self.now = max(self.now, at)
            assert at not in self.wakes, "a wake-up of that name was answered already: nothing would happen"
            self.wakes.append(at)
            assert self.do(LookAtWork()), "it was woken for nothing"
        self.now = max(self.now, now_ms)

    def pick(self, name: str) -> None:
        self.do(PlanTrips([NewTrip("single", self.now, 0, True, (NewTask("", "a", "", None, (Share(name, 2),)),))]))
        trip = next(n for n, one in self.state.trips.items() if name in one.works)
        self.do(ClaimTrip("ann"))
        self.do(ConfirmPick(trip, 1, "", "a", 2))


@pytest.fixture
def floor() -> Watched:
    return Watched()


def test_each_mark_is_told_once_at_its_time_and_raises_the_work(floor):
    floor.queue("f", 100)
    for minutes, told, priority in (
        (49, 0, 0),
        (50, 1, 100),
        (79, 1, 100),
        (80, 2, 200),
        (99, 2, 200),
        (100, 3, 300),
        (500, 3, 300),
    ):
        floor.until(T0 + minutes * MINUTE_MS)
        assert [mark for _, mark in floor.told] == [1, 2, 3][:told]
        assert floor.state.works["f"].priority == priority
    assert due(floor.state) is None


def test_of_what_is_due_at_once_the_raised_one_is_planned_first(floor):
    floor.queue("young", 100)
    floor.queue("old", 120, placed_ms=T0 - 20 * MINUTE_MS)
    assert floor.state.works["old"].due_ms == floor.state.works["young"].due_ms
    floor.do(Prioritise("young", 50, floor.state.works["young"].due_ms))
    plannable = ViewPlannable(PLACE, 9, 99)
    assert [work.fulfilment_id for work in FLOOR.view(floor.state, plannable, 1).works] == ["young", "old"]
    floor.until(T0 + 45 * MINUTE_MS)
    assert floor.told == [("old", 1)]
    assert [work.fulfilment_id for work in FLOOR.view(floor.state, plannable, 1).works] == ["old", "young"]
    assert FLOOR.view(floor.state, ViewQueue(PLACE), 1).works[0].mark == "warn"


def test_nothing_is_told_of_work_that_is_picked_packed_or_cancelled_before(floor):
    for name in ("picked", "packed", "cancelled"):
        floor.queue(name, 100)
    floor.pick("picked")
    floor.do(EndWork("packed", "packed"))
    floor.do(EndWork("cancelled", "cancelled"))
    assert due(floor.state) is None
    floor.until(T0 + 500 * MINUTE_MS)
    assert floor.told == []


def test_a_queue_that_is_late_as_a_whole_is_told_in_bounded_parts(floor):
    names = [f"f{number:04}" for number in range(3 * MARKED_MAX + 7)]
    for name in names:
        floor.queue(name, 10)
    floor.now = T0 + 5 * MINUTE_MS
    parts = []
    while (at := due(floor.state)) is not None and at <= floor.now:
        (event,) = floor.do(LookAtWork())
        parts.append(len(event.works))
        floor.now += SPACING_MS
    assert parts == [MARKED_MAX] * 3 + [7]
    assert sorted(floor.told) == [(name, 1) for name in names]


def test_of_marks_that_were_passed_together_the_last_is_told(floor):
    floor.queue("f", 10, placed_ms=T0 - 100 * MINUTE_MS)
    floor.until(T0)
    assert floor.told == [("f", 3)]
    assert floor.state.works["f"].priority == 300


def test_another_due_time_is_another_promise(floor):
    floor.queue("f", 100)
    floor.until(T0 + 100 * MINUTE_MS)
    floor.do(Prioritise("f", 0, T0 + 1_000 * MINUTE_MS))
    floor.until(T0 + 499 * MINUTE_MS)
    assert [mark for _, mark in floor.told] == [1, 2, 3]
    floor.until(T0 + 500 * MINUTE_MS)
    assert [mark for _, mark in floor.told] == [1, 2, 3, 1]


def test_what_was_told_is_not_told_again_when_the_due_time_moves_a_little(floor):
    floor.queue("f", 100)
    floor.until(T0 + 85 * MINUTE_MS)
    floor.do(Prioritise("f", 0, T0 + 99 * MINUTE_MS))
    floor.until(T0 + 98 * MINUTE_MS)
    assert floor.told == [("f", 1), ("f", 2)]


def test_priority_has_an_end_and_a_persons_word_is_kept(floor):
    floor.queue("f", 100, priority=PRIORITY_MAX - 10)
    floor.queue("g", 100, priority=PRIORITY_MAX + 500)
    floor.until(T0 + 100 * MINUTE_MS)
    assert (floor.state.works["f"].priority, floor.state.works["g"].priority) == (PRIORITY_MAX, PRIORITY_MAX + 500)


def test_other_marks_hold_for_what_is_there_already(floor):
    floor.queue("f", 100)
    floor.until(T0 + 50 * MINUTE_MS)
    floor.do(SetMarks(ServiceMarks(10, 60, 0)))
    floor.until(T0 + 60 * MINUTE_MS)
    assert floor.told == [("f", 1), ("f", 2)]
    assert floor.state.works["f"].priority == 100
    assert floor.do(SetMarks(ServiceMarks(10, 60, 0))) == []
    assert FLOOR.view(floor.state, ViewMarks(PLACE), 4).at_risk == {"warn": 0, "urgent": 1, "breach": 0}


@pytest.mark.parametrize(
    "marks", [(0, 80, 1), (80, 80, 1), (90, 80, 1), (50, 100, 1), (50, 80, -1), (50, 80, PRIORITY_MAX + 1)]
)
def test_marks_that_are_out_of_order_change_nothing(floor, marks):
    with pytest.raises(Refused, match=r"floor\.marks_out_of_order|before"):
        floor.do(SetMarks(ServiceMarks(*marks)))
    assert floor.state is None


def test_a_clock_that_goes_back_leaves_nobody_untold(floor):
    floor.queue("f", 100)
    floor.now = T0
    # The timer said that it is time.
    (event,) = floor.do(LookAtWork())
    assert event.works == [Marked("f", 1, 100, T0 + 100 * MINUTE_MS)]


def test_operators_find_in_the_log_what_was_not_picked_in_time():
    assert warns(WorkMarked([Marked("f", 3, 0, 1)], 1))
    assert not warns(WorkMarked([Marked("f", 2, 0, 1)], 1))


class WatchMachine(RuleBasedStateMachine):
    """Beside the floor a watchman who knows of each work what it is due at, and looks at all of it each second."""

    @initialize()
    def begin(self):
        self.floor = Watched()
        self.works: dict[str, dict] = {}
        self.told: list[tuple[str, int]] = []

    def pass_time(self, until_ms):
        self.floor.until(until_ms)
        for name, work in self.works.items():
            if work["open"]:
                marks = self.plain(work, self.floor.now)
                if marks > work["mark"]:
                    work["mark"] = marks
                    self.told.append((name, marks))

    def plain(self, work, now):
        begin = min(work["placed"], work["due"])
        span = work["due"] - begin
        return sum(now >= at for at in (begin + span * 50 // 100, begin + span * 80 // 100, work["due"]))

    def some(self, data):
        names = sorted(name for name, work in self.works.items() if work["open"])
        return data.draw(st.sampled_from(names)) if names else None

    @rule(minutes=st.integers(-5, 40), age=st.integers(0, 30))
    def queue(self, minutes, age):
        name, placed = f"f{len(self.works)}", self.floor.now - age * MINUTE_MS
        due_ms = self.floor.now + minutes * MINUTE_MS
        self.floor.do(QueueWork(name, [("a", 2)], 0, due_ms, placed))
        self.works[name] = {"placed": placed, "due": due_ms, "open": True, "mark": 0}
        self.pass_time(self.floor.now + 2 * SPACING_MS)

    @rule(data=st.data(), minutes=st.integers(-5, 40))
    def promise_anew(self, data, minutes):
        if name := self.some(data):
            work = self.works[name]
            work["due"] = self.floor.now + minutes * MINUTE_MS
            self.floor.do(Prioritise(name, 7, work["due"]))
            work["mark"] = min(work["mark"], self.plain(work, self.floor.now))
            self.pass_time(self.floor.now + 2 * SPACING_MS)

    @rule(data=st.data())
    def pick(self, data):
        if name := self.some(data):
            self.floor.pick(name)
            self.works[name]["open"] = False

    @rule(data=st.data(), why=st.sampled_from(["packed", "cancelled"]))
    def end(self, data, why):
        if name := self.some(data):
            self.floor.do(EndWork(name, why))
            self.works[name]["open"] = False

    @rule()
    def restart(self):
        if self.floor.state is not None:
            before = due(self.floor.state)
            self.floor.restart()
            assert due(self.floor.state) == before
            assert self.floor.rows["floors", PLACE].due_at == before

    @rule(minutes=st.integers(1, 20))
    def wait(self, minutes):
        # As the watchman does: step by step, so that none of two marks is passed over.
        for _ in range(minutes * 2):
            self.pass_time(self.floor.now + MINUTE_MS // 2)

    @invariant()
    def both_told_the_same(self):
        if hasattr(self, "floor"):
            last = {}
            for name, mark in self.told:
                last.setdefault(name, []).append(mark)
            mine = {}
            for name, mark in self.floor.told:
                mine.setdefault(name, []).append(mark)
            # The floor may pass two marks between two looks of the watchman, and tells both.
            assert {name: marks[-1] for name, marks in mine.items()} == {
                name: marks[-1] for name, marks in last.items()
            }
            for name, marks in last.items():
                assert set(marks) <= set(mine[name])


TestWatch = WatchMachine.TestCase
TestWatch.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
