"""The floor under anything: several pickers, messages in any order and more than once, memory that is dropped at any
time. Beside it a plain count of what the floor said of each pick."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.domain.errors import Refused
from actors.domain.floor_commands import (
    AbandonTrip,
    Elsewhere,
    HandOver,
    NewTask,
    NewTrip,
    PauseTrip,
    PlanTrips,
    PutBack,
    RetryWork,
    Share,
    TellLost,
    TellShort,
)
from actors.domain.floor_events import UnitsLost, UnitsPicked, UnitsShort
from actors.domain.floor_state import put_back_left, status_of
from actors.domain.location_commands import MoveLine, MoveUnits, ReceiptLine
from tests.unit.domain.floor_world import BINS, PLACE, TODAY, World

PICKERS = ("mia", "tom", "ann")
SKUS = ("a", "b", "m")


def code_of(run) -> str:
    """Why it was refused; "" when it was not."""
    try:
        run()
    except Refused as refused:
        return refused.body.code
    return ""


class Building(World):
    """With what the floor said when people did something: units picked and missing, by fulfilment and SKU. That the
    order holds the same is looked at in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.picked: Counter[tuple[str, str]] = Counter()
        self.short: Counter[tuple[str, str]] = Counter()
        self.receive(
            ReceiptLine("a", 9, bin="A-01"), ReceiptLine("a", 5, bin="B-01"), ReceiptLine("a", 3), ReceiptLine("b", 8, bin="A-02"),
            ReceiptLine("m", 5, lot="soon", expires_on=TODAY + 30, bin="B-01"), ReceiptLine("m", 9, lot="late", bin="A-02"),
        )  # fmt: skip

    def _store(self, key, rows) -> None:
        super()._store(key, rows)
        if key[0] == "floor":
            self.check()
            # Memory may be dropped at any moment.
            self.restart("floor", PLACE)

    def attempt(self, command) -> None:
        """What is refused changes nothing (`do` sees to that)."""
        code = code_of(lambda: self.do("floor", PLACE, command))
        assert not code or code.startswith("floor.")

    def happened(self, event) -> None:
        """Counts what an event tells: the state has to come to the same by its own way."""
        if type(event) is UnitsPicked:
            for share in event.shares:
                self.picked[share.fulfilment_id, event.sku] += share.units
        elif type(event) is UnitsShort:
            for share in event.short:
                self.short[share.fulfilment_id, event.sku] += share.units
        elif type(event) is UnitsLost:
            for one in event.lost:
                self.picked[event.fulfilment_id, one.sku] -= one.units
                self.short[event.fulfilment_id, one.sku] += one.units

    def check(self) -> None:
        """Every unit is in exactly one place."""
        floor = self.floor()
        on_trips: Counter[tuple[str, str]] = Counter()
        for trip in floor.trips.values():
            assert any(task.shares for task in trip.tasks), "a trip is over and still there"
            for task in trip.tasks:
                assert all(share.units > 0 for share in task.shares)
                for share in task.shares:
                    on_trips[share.fulfilment_id, task.sku] += share.units
        for name, work in floor.works.items():
            for sku, line in work.lines.items():
                assert min(line.planned, line.picked, line.short, line.waiting) >= 0, (name, line)
                assert line.planned == on_trips.pop((name, sku), 0), (name, sku, line)
        assert not on_trips, "a trip carries what nobody wants"
        pickers = [trip.picker for trip in floor.trips.values() if trip.picker]
        assert len(pickers) == len(set(pickers)), "somebody has two trips"


class Script:
    """One run."""

    def __init__(self, data) -> None:
        self.data = data
        self.world = Building()
        # Some of the day has passed.
        self.world.names += [
            self.world.order(("a", 2), ("m", 6)),
            self.world.order(("b", 1)),
            self.world.order(("a", 4)),
        ]
        self.world.settle()
        self.world.plan(self.one_of("single", "cluster"))

    def one_of(self, *options):
        return self.data.draw(st.sampled_from(options))

    def step(self) -> None:
        chosen = self.one_of(
            self.order, self.order, self.plan, self.plan, self.claim, self.claim, self.pick, self.pick, self.pick, self.pick, self.short, self.lose,
            self.change, self.end, self.put_back, self.message, self.message, self.message, self.message, self.restart, self.meddle,
        )  # fmt: skip
        chosen()

    def order(self) -> None:
        skus = self.data.draw(st.lists(st.sampled_from(SKUS), min_size=1, max_size=3, unique=True))
        self.world.names.append(self.world.order(*((sku, self.data.draw(st.integers(1, 4))) for sku in skus)))
        # Allocated at once; what the floor has to know of it may come late.
        if self.data.draw(st.booleans()):
            self.world.settle()
        while told := [name for name in self.world.waiting if self.world.sent[name].message.kind != "floor"]:
            self.world.deliver(told[0])

    def plan(self) -> None:
        if not self.data.draw(st.booleans()):
            self.world.plan(self.one_of("single", "batch", "cluster", "zone"))
            return
        # A proposal that is nonsense, late, or both.
        names = self.world.names or ["us-x"]
        shares = st.builds(Share, st.sampled_from(names), st.integers(0, 5), st.integers(0, 2))
        tasks = st.builds(
            NewTask, st.sampled_from(["", *BINS]), st.sampled_from(SKUS), st.just(""), st.none(),
            st.lists(shares, min_size=1, max_size=3).map(tuple),
        )  # fmt: skip
        trips = st.builds(
            NewTrip, st.just("batch"), st.just(1), st.just(0), st.just(True), st.lists(tasks, max_size=3).map(tuple)
        )
        self.world.attempt(PlanTrips(self.data.draw(st.lists(trips, max_size=2))))

    def claim(self) -> None:
        picker = self.one_of(*PICKERS)
        before = {number: trip.picker for number, trip in self.world.floor().trips.items()}
        try:
            told = self.world.claim(picker)
        except Refused:
            return
        assert before[told.trip] in ("", picker), "somebody else had the trip"

    def _task(self):
        trips = sorted(self.world.floor().trips)
        number = self.data.draw(st.sampled_from(trips)) if trips else 1
        task = self.data.draw(st.integers(1, 3))
        return number, task

    def pick(self) -> None:
        number, task = self._task()
        trip = self.world.floor().trips.get(number)
        if trip is None or task > len(trip.tasks):
            return
        units = self.data.draw(st.integers(1, 4))
        picker = self.one_of(trip.picker or "mia", *PICKERS)
        code = code_of(lambda: self.world.pick(picker, number, task, units))
        assert not code or code.startswith("floor.")

    def short(self) -> None:
        number, task = self._task()
        others = self.data.draw(
            st.lists(st.builds(Elsewhere, st.sampled_from(["", *BINS]), st.integers(0, 4)), max_size=3)
        )
        self.world.attempt(TellShort(number, task, self.data.draw(st.integers(1, 3)), others))

    def lose(self) -> None:
        name = self.data.draw(st.sampled_from(self.world.names))
        sku, units = self.one_of(*SKUS), self.data.draw(st.integers(1, 3))
        lots = [(sku, self.one_of("soon", "late", ""), 1)] if self.data.draw(st.booleans()) else []
        held = [(sku, units)] if self.data.draw(st.booleans()) else None
        self.world.attempt(TellLost(name, [(sku, units)], lots, held))

    def change(self) -> None:
        number, _ = self._task()
        picker = self.one_of(*PICKERS)
        names = self.world.names or ["us-x"]
        self.world.attempt(
            self.one_of(
                PauseTrip(number, paused=self.data.draw(st.booleans()), by=""), HandOver(number, picker, "", senior=True),
                AbandonTrip(number, picker), RetryWork(self.data.draw(st.sampled_from(names))),
            )
        )  # fmt: skip

    def end(self) -> None:
        if not self.world.names:
            return
        name = self.data.draw(st.sampled_from(self.world.names))
        update = self.one_of("pack", "cancel", "pause_picking", "start_picking", "ship")
        code = code_of(lambda: self.world.update(name, update))
        assert code in ("", "order.illegal_transition", "order.fulfilment_unknown")

    def put_back(self) -> None:
        for name, work in sorted(self.world.floor().works.items()):
            if work.ended:
                for sku, lot in list(work.picked):
                    units = self.data.draw(st.integers(1, 3))
                    self.world.attempt(PutBack(name, sku, lot, units, self.one_of("", "A-01", "NO-BIN")))
                return

    def meddle(self) -> None:
        """Somebody moves goods without a word, or they come in."""
        bins = self.world.in_bins("a")
        if bins:
            bin_id = self.data.draw(st.sampled_from(sorted(bins)))
            to = self.one_of(*(other for other in ("", *BINS) if other != bin_id))
            self.world.do("location", PLACE, MoveUnits([MoveLine("a", 1, bin_id, to)]))

    def message(self) -> None:
        if self.world.waiting:
            name = self.data.draw(st.sampled_from(self.world.waiting))
            # The receiver has it, and the answer is lost: it comes again.
            (self.world.apply if self.data.draw(st.booleans()) else self.world.deliver)(name)

    def restart(self) -> None:
        self.world.restart("location", PLACE)

    # --- the end of the day
    def finish(self) -> None:
        """All that can be done is done: then nothing may be left over."""
        world = self.world
        world.settle()
        self._pick_the_rest()
        for name in world.names:
            self._check_counts(name)
        # What was not found is allocated anew, as another part of the order; and what one gives
        # back, the next in line gets.
        for _ in range(ROUNDS_MAX):
            theirs = [*world.names, *(name for name in world.floor().works if name not in world.names)]
            open_ = [name for name in theirs if int(name.rpartition(".")[2]) in world.bought(name).at_floors]
            if not open_:
                break
            for name in open_:
                picking = name in world.floor().works and world.status(name) == "picking"
                world.update(name, "pack" if picking else "cancel")
            world.settle()
        for name, work in sorted(world.floor().works.items()):
            assert status_of(work) == "put_back", (name, work)
            for sku, lot in list(work.picked):
                world.do("floor", PLACE, PutBack(name, sku, lot, put_back_left(work, (sku, lot)), ""))
        assert world.floor().works == {}
        assert world.floor().trips == {}
        assert world.floor().ended_early == {}
        assert world.parked == []
        assert all(not world.bought(name).at_floors for name in world.names)
        self._check_books()

    def _pick_the_rest(self) -> None:
        world = self.world
        for number in list(world.floor().trips):
            world.do("floor", PLACE, AbandonTrip(number, "", senior=True))
        for name, work in list(world.floor().works.items()):
            if work.problem:
                world.do("floor", PLACE, RetryWork(name))
        world.settle()
        world.plan()
        world.pick_all("mia")
        world.settle()
        for work in world.floor().works.values():
            assert work.ended or work.settled, work
            assert not work.asked, work
            assert not work.missing, work

    def _check_counts(self, name: str) -> None:
        work = self.world.floor().works.get(name)
        if work is None or work.ended:
            return
        for sku, line in work.lines.items():
            assert (line.picked, line.short) == (self.world.picked[name, sku], self.world.short[name, sku])
            held = dict(next(f.lines for f in self.world.bought(name).fulfilments if f.number == 1))
            if not work.problem:
                assert held.get(sku, 0) == line.picked, "the order and the floor differ about what is in the box"

    def _check_books(self) -> None:
        place = self.world.place()
        for sku in SKUS:
            held = sum(
                units
                for name in self.world.names
                for f in self.world.bought(name).fulfilments
                if f.location_id == PLACE and f.status not in ("cancelled", "shipped", "delivered", "reserving")
                for of, units in f.lines
                if of == sku
            )
            assert place.stock[sku].allocated == held
            assert min(self.world.in_bins(sku).values(), default=0) >= 0
            assert sum(self.world.in_bins(sku).values()) <= place.stock[sku].on_hand


# Each order can get something from a line once for each that gives something back.
ROUNDS_MAX = 60


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_a_unit_is_in_two_places_picked_twice_or_lost(data):
    script = Script(data)
    for _ in range(data.draw(st.integers(5, 40))):
        script.step()
    script.finish()
