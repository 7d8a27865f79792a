"""A location's book against a plain one that remembers everything and counts it all anew."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.domain.ids import new_order_id, order_time_ms
from actors.domain.order_floor import DUE_AFTER_MS
from actors.domain.times import HOUR_MS, MINUTE_MS
from actors.figures.books import AT_WORK_MS, Book, FloorStep, FloorTurn, StockMove, opened

AT = 1_772_366_400_000
PLACE = "us-wh"


def cause(number: int, placed_ms: int = AT) -> str:
    return f"{new_order_id('us', placed_ms, f'k{number}')}.1"


def move(reason: str, of: str, units: int, at: int = AT, lines: int = 1) -> StockMove:
    return StockMove(PLACE, 1, at, reason, of, units, lines)


def walk(at: int, *steps: FloorStep) -> FloorTurn:
    return FloorTurn(PLACE, 1, at, list(steps))


def queued(of: str, due_ms: int) -> FloorStep:
    return FloorStep("WorkQueued", of, due_ms)


def picked(trip: int, of: str, units: int) -> FloorStep:
    return FloorStep("UnitsPicked", trip=trip, shares=[(of, units, 0)])


def test_an_orders_id_tells_when_it_was_placed():
    assert order_time_ms(cause(1, AT + 7)) == AT + 7
    assert order_time_ms("us-short") == 0
    assert order_time_ms("us-UPPERCASE0") == 0


def test_what_is_known_from_the_orders_is_not_counted_again_when_the_ledger_tells_it():
    book, (one,) = Book(), opened("us-x", AT, [(1, PLACE, "allocated", 3, None)])
    book.begin(one[1], one[2])
    book.moved(move("allocate", one[1], 3), counts=True)
    assert book.queue() == [(AT + DUE_AFTER_MS, 3)]
    assert book.flow.arrived == 0


def test_of_an_order_at_the_start_only_what_has_not_left_is_open():
    parts = [
        (n, PLACE, status, 2, AT + 5)
        for n, status in enumerate(("allocated", "picking", "packed", "shipped", "cancelled"), 1)
    ]
    found = opened("us-x", AT, parts)
    assert [(name, one.packed) for _, name, one in found] == [("us-x.1", 0), ("us-x.2", 0), ("us-x.3", 2)]
    assert {one.due_ms for _, _, one in found} == {AT + 5}


def test_a_fulfilment_that_the_floor_knew_first_has_its_due_time():
    book, of = Book(), cause(1)
    book.walked(walk(AT, queued(of, AT + HOUR_MS)), counts=True)
    book.moved(move("allocate", of, 2), counts=True)
    assert book.queue() == [(AT + HOUR_MS, 2)]
    book.walked(walk(AT, FloorStep("WorkPrioritised", of, AT + 7)), counts=True)
    assert book.queue() == [(AT + 7, 2)]


def test_units_are_picked_once_where_a_floor_tells_of_its_scans():
    book, of = Book(), cause(1)
    book.moved(move("allocate", of, 2), counts=True)
    book.walked(walk(AT, queued(of, AT + HOUR_MS)), counts=True)
    book.walked(walk(AT, FloorStep("TripClaimed", trip=1, picker="ann"), picked(1, of, 2)), counts=True)
    assert book.queue() == []
    book.walked(walk(AT, FloorStep("WorkEnded", of)), counts=True)
    book.moved(move("pick", of, 2), counts=True)
    assert (book.flow.picked_units, book.flow.floor_units, book.flow.packed, book.flow.packed_in_time) == (2, 2, 1, 1)


def test_what_is_packed_late_is_told_late():
    book, of = Book(), cause(1)
    book.moved(move("allocate", of, 2), counts=True)
    book.moved(move("pick", of, 2, at=AT + DUE_AFTER_MS + 1), counts=True)
    book.moved(move("ship", of, 2, at=AT + DUE_AFTER_MS + 1), counts=True)
    assert (book.flow.packed, book.flow.packed_in_time, book.flow.shipped, book.flow.shipped_in_time) == (1, 0, 1, 0)


def test_a_pick_that_comes_after_its_shipment_opens_nothing():
    book, of = Book(), cause(1)
    book.moved(move("allocate", of, 2), counts=True)
    book.moved(move("ship", of, 2), counts=True)
    book.moved(move("pick", of, 2), counts=True)
    assert not book.open


def test_a_picker_is_at_work_for_as_long_as_he_was_seen():
    book = Book()
    book.walked(walk(AT, FloorStep("TripClaimed", trip=1, picker="ann"), picked(1, cause(1), 1)), counts=True)
    book.walked(
        walk(AT, FloorStep("TripClaimed", trip=2, picker="tom"), FloorStep("TripHandedOver", trip=2, to="ann")),
        counts=True,
    )
    book.walked(walk(AT, picked(2, cause(2), 1)), counts=True)
    assert book.ended(AT + MINUTE_MS).picker_minutes == 1
    assert book.ended(AT + AT_WORK_MS - 1).picker_minutes == 1
    assert book.ended(AT + AT_WORK_MS).picker_minutes == 0


def test_work_that_ended_without_the_ledgers_word_is_forgotten():
    book, of = Book(), cause(1)
    book.walked(walk(AT, queued(of, AT), FloorStep("WorkEnded", of)), counts=True)
    book.ended(AT + 2 * HOUR_MS)
    book.moved(move("allocate", of, 1), counts=True)
    assert not book.open[of].by_floor


class BookMachine(RuleBasedStateMachine):
    """Fulfilments of all ages live side by side; a second book is counted from all that ever happened."""

    @initialize()
    def begin(self):
        self.book, self.now, self.told = Book(), AT, []
        self.lives: dict[str, dict] = {}

    def tell(self, reason, of, units):
        self.told.append((reason, of, units, self.now))
        self.book.moved(move(reason, of, units, self.now), counts=True)

    @rule(units=st.integers(1, 5), age=st.integers(0, 30))
    def allocate(self, units, age):
        of = cause(len(self.lives), self.now - age * HOUR_MS)
        self.lives[of] = {"units": units, "packed": False}
        self.tell("allocate", of, units)

    def some(self, data, *, packed):
        names = sorted(name for name, life in self.lives.items() if life["units"] and life["packed"] in packed)
        return data.draw(st.sampled_from(names)) if names else None

    @rule(data=st.data())
    def pack(self, data):
        if of := self.some(data, packed=(False,)):
            self.lives[of]["packed"] = True
            self.tell("pick", of, self.lives[of]["units"])

    @rule(data=st.data())
    def ship(self, data):
        if of := self.some(data, packed=(True,)):
            self.tell("ship", of, self.lives[of]["units"])
            self.lives[of]["units"] = 0

    @rule(data=st.data())
    def release(self, data):
        if of := self.some(data, packed=(True, False)):
            self.tell("release", of, self.lives[of]["units"])
            self.lives[of]["units"] = 0

    @rule(data=st.data())
    def short_pick(self, data):
        if of := self.some(data, packed=(False,)):
            units = data.draw(st.integers(1, self.lives[of]["units"]))
            self.tell("short_pick", of, units)
            self.lives[of]["units"] -= units

    @precondition(lambda self: self.told)
    @rule(minutes=st.integers(1, 600))
    def end(self, minutes):
        def count(*reasons):
            return [units for reason, _, units, _ in self.told if reason in reasons]

        self.now += minutes * MINUTE_MS
        flow = self.book.ended(self.now)
        assert (flow.arrived, flow.arrived_units) == (len(count("allocate")), sum(count("allocate")))
        assert (flow.packed, flow.picked_units) == (len(count("pick")), sum(count("pick")))
        assert (flow.shipped, flow.cancelled) == (len(count("ship")), len(count("release")))
        assert flow.short_units == sum(count("short_pick"))
        in_time = [of for reason, of, _, at in self.told if reason == "pick" and at <= order_time_ms(of) + DUE_AFTER_MS]
        assert flow.packed_in_time == len(in_time)
        self.told = []

    @invariant()
    def the_levels_are_those_of_who_is_there(self):
        levels = self.book.levels(self.now)
        for state, packed in (("allocated", False), ("packed", True)):
            lives = [(of, life) for of, life in self.lives.items() if life["units"] and life["packed"] is packed]
            level = levels.get(state)
            assert (level.works if level else 0) == len(lives)
            assert (level.units if level else 0) == sum(life["units"] for _, life in lives)
            assert (sum(level.by_age) if level else 0) == len(lives)
            overdue = [of for of, _ in lives if order_time_ms(of) + DUE_AFTER_MS < self.now]
            assert (level.overdue if level else 0) == len(overdue)
        waiting = sorted(life["units"] for life in self.lives.values() if not life["packed"] and life["units"])
        assert sorted(units for _, units in self.book.queue()) == waiting


TestBook = BookMachine.TestCase
