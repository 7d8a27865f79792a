"""The collector: what is counted in which minute, and what is a gap, when it is killed, paused, late or twice there."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.ids import new_order_id
from actors.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from actors.figures.books import StockMove, opened
from actors.figures.minute import Rates, idle
from actors.runtime import collector as module
from actors.runtime.collector import Collector
from actors.runtime.figures import HOURS_KEPT_DAYS, MINUTES_KEPT_DAYS
from tests.fakes.figures import MemoryFigures
from tests.unit.serve.fake_gateway import FakeClock

PLACE = "us-wh"


class Rig:
    def __init__(self) -> None:
        self.clock = FakeClock()
        # At a minute: the first one can be seen whole.
        self.begun = self.clock.now
        assert self.begun % MINUTE_MS == 0
        self.store = MemoryFigures()
        self.number = 0
        self.collector = self.started()

    def started(self) -> Collector:
        return Collector("us", self.store, self.clock)

    def tell(self, reason: str, of: str, units: int = 1, late_ms: int = 0) -> str:
        self.number += 1
        self.store.stock.append(StockMove(PLACE, self.number, self.clock.now - late_ms, reason, of, units, 1))
        return of

    def allocate(self, units: int = 1, late_ms: int = 0) -> str:
        of = f"{new_order_id('us', self.clock.now, str(self.number))}.1"
        return self.tell("allocate", of, units, late_ms)

    async def until(self, minutes: float) -> None:
        """Goes on till so long after the beginning."""
        end = self.begun + int(minutes * MINUTE_MS)
        while self.clock.now < end:
            while await self.collector.round():
                pass
            self.clock.now += min(5_000, end - self.clock.now)
        while await self.collector.round():
            pass

    def minutes(self, place: str = "us") -> dict[int, int]:
        """Which were recorded, and how many fulfilments came in each."""
        return {
            (at - self.begun) // MINUTE_MS: row.flow.arrived
            for (name, at), row in sorted(self.store.rows.items())
            if name == place
        }


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_each_minute_has_what_came_in_it(rig):
    await rig.until(0.5)
    rig.allocate()
    await rig.until(1.5)
    rig.allocate()
    rig.allocate()
    await rig.until(3.2)
    assert rig.minutes() == {0: 1, 1: 2, 2: 0}
    assert rig.minutes(PLACE) == {0: 1, 1: 2, 2: 0}
    last = rig.store.rows[PLACE, rig.begun + 2 * MINUTE_MS]
    assert (last.backlog, last.backlog_units, last.levels[0].state) == (3, 3, "allocated")


async def test_a_minute_that_was_not_seen_from_its_beginning_is_not_made_up(rig):
    rig.clock.now += 20_000
    await rig.collector.round()
    rig.allocate()
    await rig.until(2.2)
    assert rig.minutes() == {1: 0}
    assert rig.store.rows["us", rig.begun + MINUTE_MS].backlog == 1


async def test_after_a_kill_the_minutes_between_are_a_gap_and_nothing_is_counted_twice(rig):
    await rig.until(0.5)
    first = rig.allocate()
    await rig.until(1.2)
    # Killed; what came meanwhile is found among the open orders when it starts again.
    rig.clock.now = rig.begun + int(3.5 * MINUTE_MS)
    second = rig.allocate()
    rig.store.orders = {of: opened(of[:-2], rig.begun, [(1, PLACE, "allocated", 1, None)]) for of in (first, second)}
    rig.collector = rig.started()
    await rig.until(5.2)
    assert rig.minutes() == {0: 1, 4: 0}
    assert rig.store.rows["us", rig.begun + 4 * MINUTE_MS].backlog == 2


async def test_a_collector_that_was_paused_does_not_crowd_what_it_missed_into_a_minute(rig):
    await rig.until(0.5)
    of = rig.allocate()
    rig.store.orders = {of: opened(of[:-2], rig.begun, [(1, PLACE, "allocated", 1, None)])}
    rig.clock.now = rig.begun + 5 * MINUTE_MS + 10_000
    await rig.until(7.2)
    assert rig.minutes() == {6: 0}


async def test_while_the_store_is_away_there_is_a_gap(rig):
    await rig.until(1.2)
    rig.store.away = True
    with pytest.raises(module.StoreUnavailable):
        await rig.until(2.5)
    rig.clock.now = rig.begun + int(4.5 * MINUTE_MS)
    rig.store.away = False
    await rig.until(6.2)
    assert sorted(rig.minutes()) == [0, 5]


async def test_of_two_collectors_one_records_a_minute(rig):
    other = rig.started()
    await rig.until(0.5)
    await other.round()
    rig.allocate()
    await rig.until(1.2)
    await other.round()
    assert rig.minutes() == {0: 1}
    assert rig.store.hours_seen["us", rig.begun] == (1, 1)


async def test_what_is_drained_a_moment_late_counts_and_what_is_drained_much_later_only_moves_the_books(rig):
    await rig.until(3.5)
    rig.allocate(late_ms=MINUTE_MS)
    rig.allocate(late_ms=10 * MINUTE_MS)
    await rig.until(4.2)
    assert rig.minutes()[3] == 1
    assert rig.store.rows["us", rig.begun + 3 * MINUTE_MS].backlog == 2


async def test_more_than_fits_into_a_read_is_read_in_several_and_all_of_it(rig, monkeypatch):
    monkeypatch.setattr(module, "TURNS_MAX", 3)
    await rig.until(0.5)
    for _ in range(10):
        rig.allocate()
    await rig.until(1.2)
    assert rig.minutes() == {0: 10}


async def test_there_is_no_room_for_endless_orders_and_it_is_said(rig, monkeypatch):
    monkeypatch.setattr(module, "OPEN_MAX", 2)
    await rig.until(0.2)
    rig.allocate()
    rig.allocate()
    await rig.until(0.5)
    rig.allocate()
    await rig.until(1.2)
    row = rig.store.rows["us", rig.begun]
    assert (row.backlog, row.left_out) == (2, 1)


async def test_adding_up_all_orders_takes_a_small_part_of_the_time(rig):
    rig.store.slow_orders = True
    real = rig.store.order_levels

    async def slow(now_ms):
        rig.clock.now += 4_000
        return await real(now_ms)

    rig.store.order_levels = slow
    await rig.until(6.2)
    # 4 s of each 200 s and more.
    assert rig.store.asked_orders == 2
    assert rig.store.rows["us", rig.begun].orders is None


async def test_rates_go_on_after_a_restart_and_not_after_a_night(rig):
    before = msgspec.structs.replace(idle("us", rig.begun - MINUTE_MS), rates=Rates(600.0, 300.0))
    rig.store.rows["us", before.at] = before
    await rig.until(1.2)
    assert 500 < rig.store.rows["us", rig.begun].rates.arrivals < 600
    fresh = Rig()
    old = msgspec.structs.replace(before, at=fresh.begun - 3 * HOUR_MS)
    fresh.store.rows["us", old.at] = old
    await fresh.until(1.2)
    assert fresh.store.rows["us", fresh.begun].rates.arrivals == 0


async def test_the_forecast_knows_the_hours_of_the_weeks_before(rig):
    for week in range(1, 4):
        for hour in range(168):
            at = rig.begun - rig.begun % HOUR_MS - week * 7 * DAY_MS + hour * HOUR_MS
            rig.store.hours_seen["us", at] = (120, 60)
    await rig.until(1.2)
    told = rig.store.rows["us", rig.begun].forecast
    assert (told.method, told.arrivals) == ("weekly", 120.0)


async def test_old_minutes_go(rig):
    old = idle("us", rig.begun - (MINUTES_KEPT_DAYS * DAY_MS + MINUTE_MS))
    kept = idle("us", rig.begun - (MINUTES_KEPT_DAYS * DAY_MS - MINUTE_MS))
    rig.store.rows |= {("us", old.at): old, ("us", kept.at): kept}
    rig.store.hours_seen["us", rig.begun - (HOURS_KEPT_DAYS + 1) * DAY_MS] = (1, 1)
    await rig.collector.round()
    assert list(rig.store.rows) == [("us", kept.at)]
    assert not rig.store.hours_seen
