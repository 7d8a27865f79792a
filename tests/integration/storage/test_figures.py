"""Figures on a real PostgreSQL: what is read of orders, ledger and floors that were really written
behind, and what is recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import psycopg
import pytest

from actors.domain.floor_commands import ClaimTrip, ConfirmPick, NewTask, NewTrip, PlanTrips, Share
from actors.domain.floor_terms import FloorTerms
from actors.domain.location_commands import RunFloor
from actors.domain.rows import OrderChange
from actors.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from actors.figures.minute import Flow, idle
from actors.runtime.collector import Collector
from actors.runtime.errors import StoreUnavailable
from actors.runtime.figures import Cut, Ends
from actors.runtime.ports import DrainBatch, DrainedTurn
from actors.runtime.sharding import shard_of
from actors.runtime.wire import OK, Turn
from actors.storage.figures import PostgresFigures
from actors.storage.postgres_store import PostgresStore
from tests.unit.serve.small_cell import Cell, furnish

pytestmark = pytest.mark.real
PLACE, OTHER = "us-wh-seattle", "us-wh-newark"
AT = 1_767_225_600_000


class Town:
    """A small cell whose turns are written behind into a real PostgreSQL."""

    def __init__(self, store: PostgresStore) -> None:
        self.cell, self.store = Cell(), store
        self._turns: list[Turn] = []
        self._rows: dict[str, list[Any]] = {}
        self._changes: dict[str, list[Any]] = {}
        self._position = 0
        told = self.cell.gateway._changed

        def changed(kind, entity_id, version, events, state, context):
            from actors.domain.kinds import KINDS

            number = len(self._turns) + 1
            self._turns.append(
                Turn(
                    kind,
                    entity_id,
                    version,
                    context.now_ms,
                    f"c{number}",
                    number,
                    0,
                    "",
                    msgspec.json.encode(events),
                    OK,
                    b"{}",
                )
            )
            for row in KINDS[kind].rows(state, version, events, context):
                kept = self._changes if isinstance(row, OrderChange) else self._rows
                rows = kept.setdefault(row.table, [])
                if not row.append_only:
                    key = [getattr(row, name) for name in row.key]
                    rows[:] = [one for one in rows if [getattr(one, name) for name in row.key] != key]
                rows.append(row)
            told(kind, entity_id, version, events, state, context)

        self.cell.gateway._changed = changed

    async def drain(self) -> None:
        self._position += 1
        turns = [DrainedTurn(self._shard(t), self._position, line, t) for line, t in enumerate(self._turns)]
        known = {row.order_id for row in self._rows.get("orders", ())}
        both = [row for row in self._changes.get("orders", ()) if row.order_id in known]
        assert not both, "drained between placing and changing, or the change would be lost"
        marks = dict.fromkeys(range(64), (7, self._position))
        await self.store.drain(DrainBatch("h0", marks, turns, self._rows, changes=self._changes))
        self._turns, self._rows, self._changes = [], {}, {}

    def _shard(self, turn: Turn) -> int:
        return shard_of(turn.kind, turn.entity_id, 64)

    async def placed(self, units: int) -> str:
        order_id: str = (await self.cell.placed(("A1", units)))["order_id"]
        await self.drain_order(order_id)
        return order_id

    async def drain_order(self, order_id: str) -> None:
        # A placement's row and its first change come in one turn of the fake: the last state is what is there.
        self._changes.pop("orders", None)
        self._rows["orders"] = [row for row in self.cell.gateway.orders.values() if row.order_id == order_id]
        await self.drain()

    async def update(self, order_id: str, *steps: str) -> None:
        for step in steps:
            answer = await self.cell.post(f"/v1/orders/{order_id}/updates", {"update": step})
            assert answer.status_code == 200, answer.text
        await self.drain()

    async def floor(self, command: Any, kind: str = "floor") -> None:
        number = self.cell.gateway.turns
        reply = await self.cell.gateway.ask(kind, PLACE, command, command_id=f"d-{number}", digest=number)
        assert reply.status == OK, reply.body
        await self.drain()


@pytest.fixture
async def figures(clean_url: str) -> AsyncIterator[PostgresFigures]:
    made = PostgresFigures(clean_url)
    yield made
    await made.close()


@pytest.fixture
async def town(clean_url: str) -> AsyncIterator[Town]:
    store = PostgresStore(clean_url)
    await store.lease("h0", list(range(64)), 7)
    made = Town(store)
    await furnish(made.cell)
    await made.drain()
    yield made
    await store.close()
    await made.cell.http.aclose()


async def minute(town: Town, collector: Collector, number: int) -> None:
    """Goes on to the end of that minute, and records it."""
    await collector.round()
    town.cell.clock.now = AT + (number + 1) * MINUTE_MS + 4_000
    await collector.round()


async def test_a_minute_tells_what_the_books_say_and_a_restart_finds_the_same(town, figures):
    collector = Collector("us", figures, town.cell.clock)
    await collector.round()
    first, second = await town.placed(2), await town.placed(3)
    await town.update(first, "start_picking", "pack")
    await minute(town, collector, 0)
    place = (await figures.last(0))[PLACE]
    assert (place.flow.arrived, place.flow.arrived_units, place.flow.packed, place.flow.picked_units) == (2, 5, 1, 2)
    assert [(level.state, level.works, level.units) for level in place.levels] == [
        ("allocated", 1, 3),
        ("packed", 1, 2),
    ]
    assert (place.backlog, place.backlog_units) == (1, 3)
    whole = (await figures.last(0))["us"]
    assert [(level.state, level.works, level.units) for level in whole.orders] == [
        ("allocated", 1, 3),
        ("packed", 1, 2),
    ]
    await town.update(first, "ship")
    await minute(town, collector, 1)
    told = await figures.figures(PLACE, AT, AT + DAY_MS, 100)
    assert [(one.flow.shipped, one.backlog) for one in told] == [(0, 1), (1, 1)]
    town.cell.clock.now = AT + 3 * MINUTE_MS
    again = Collector("us", figures, town.cell.clock)
    await again.round()
    await town.update(second, "cancel")
    await minute(town, again, 3)
    last = (await figures.last(0))[PLACE]
    assert (last.flow.cancelled, last.backlog, last.levels) == (1, 0, [])
    assert [(one.at - AT) // MINUTE_MS for one in await figures.figures("us", AT, AT + DAY_MS, 100)] == [0, 1, 3]


async def test_a_floor_tells_its_states_its_scans_and_its_due_times(town, figures):
    await town.floor(RunFloor(FloorTerms()), "location")
    collector = Collector("us", figures, town.cell.clock)
    await collector.round()
    first, _ = await town.placed(2), await town.placed(1)
    await town.floor(
        PlanTrips([NewTrip("single", AT, 0, True, (NewTask("", "A1", "", None, (Share(f"{first}.1", 2),)),))])
    )
    await town.floor(ClaimTrip("us-acct-ann"))
    await town.floor(ConfirmPick(1, 1, "", "A1", 2))
    await minute(town, collector, 0)
    place = (await figures.last(0))[PLACE]
    assert [(level.state, level.works, level.units) for level in place.levels] == [("waiting", 1, 1), ("picked", 1, 2)]
    assert (place.flow.picked_units, place.flow.picked_lines, place.flow.picker_minutes, place.backlog_units) == (
        2,
        1,
        1,
        1,
    )
    town.cell.clock.now = AT + 2 * MINUTE_MS
    again = Collector("us", figures, town.cell.clock)
    await again.round()
    await minute(town, again, 2)
    assert (await figures.last(0))[PLACE].backlog_units == 1
    for place in (PLACE, "us"):
        assert "ann" not in str(await figures.figures(place, AT, AT + DAY_MS, 100))


async def test_transfers_and_carts_are_no_orders(town, figures):
    reserved = await town.cell.post(
        "/v1/reservations",
        {"channel": "online", "lines": [{"sku": "A1", "quantity": 2}], "ship_to": {"country": "US"}},
    )
    moved = await town.cell.post(
        "/v1/transfers", {"source_id": PLACE, "destination_id": OTHER, "lines": [{"sku": "A1", "quantity": 2}]}
    )
    assert moved.status_code == 201, moved.text
    assert reserved.status_code == 201, reserved.text
    await town.drain()
    ends = await figures.ends()
    assert await figures.moves([Cut(PLACE, 0, ends[PLACE].stock)], 0, 100) == []


async def test_a_read_is_cut_off_between_turns_and_goes_on_there(town, figures):
    for units in (1, 2, 3):
        await town.placed(units)
    end = (await figures.ends())[PLACE]
    assert end == Ends(end.stock, 0)
    first = await figures.moves([Cut(PLACE, 0, end.stock)], 0, 2)
    rest = await figures.moves([Cut(PLACE, first[-1].version, end.stock)], 0, 2)
    assert [one.units for one in (*first, *rest)] == [1, 2, 3]
    assert await figures.moves([Cut(PLACE, 0, first[0].version)], 0, 9) == first[:1]
    assert await figures.moves([Cut(PLACE, 0, end.stock)], AT + DAY_MS, 9) == []


async def test_open_orders_come_page_by_page(town, figures):
    ids = sorted([await town.placed(1) for _ in range(3)])
    first = await figures.opened("", 2)
    assert [cause for _, cause, _ in first.found] == [f"{name}.1" for name in ids[:2]]
    rest = await figures.opened(first.after, 2)
    assert ([cause for _, cause, _ in rest.found], rest.after) == ([f"{ids[2]}.1"], None)


def region_minute(at: int, arrived: int = 0):
    return msgspec.structs.replace(idle("us", at), flow=Flow(arrived=arrived))


async def test_one_minute_is_recorded_once_and_hours_add_up(figures):
    for number in (0, 1, 1):
        at = AT + number * MINUTE_MS
        place = msgspec.structs.replace(idle(PLACE, at), backlog=number)
        done = await figures.record("us", [region_minute(at), place], {"us": 5, PLACE: 3})
    assert not done
    assert {(one.location_id, one.units, one.minutes) for one in await figures.hours(0)} == {
        ("us", 10, 2),
        (PLACE, 6, 2),
    }
    assert [one.backlog for one in await figures.latest(AT)] == [0, 1]
    assert await figures.latest(AT + MINUTE_MS) == []
    assert (await figures.last(0))[PLACE].backlog == 1


async def test_what_was_seen_is_told_of_another_place_or_past_its_end_or_out_of_order(figures):
    for number in (2, 0, 1, 3):
        at = AT + number * MINUTE_MS
        places = [] if number == 1 else [msgspec.structs.replace(idle(PLACE, at), backlog=number)]
        await figures.record("us", [region_minute(at, number), *places], {"us": 1})
    until = AT + 3 * MINUTE_MS
    assert await figures.seen("us", AT, until, 9) == [AT, AT + MINUTE_MS, AT + 2 * MINUTE_MS]
    assert await figures.seen("us", AT, until, 2) == [AT, AT + MINUTE_MS]
    assert await figures.seen(PLACE, AT + 1, until, 9) == [AT + 2 * MINUTE_MS]
    assert [one.backlog for one in await figures.figures(PLACE, AT, until, 9)] == [0, 2]
    assert [one.flow.arrived for one in await figures.figures("us", AT, until, 9)] == [0, 1, 2]


async def test_old_rows_go_and_no_others(figures):
    for at in (AT, AT + MINUTE_MS, AT + HOUR_MS):
        await figures.record("us", [region_minute(at)], {"us": 1})
    assert await figures.trim(AT + MINUTE_MS, AT + HOUR_MS) == 2
    assert [one.at for one in await figures.figures("us", 0, AT + DAY_MS, 9)] == [AT + MINUTE_MS, AT + HOUR_MS]
    assert [one.at for one in await figures.hours(0)] == [AT + HOUR_MS]
    assert await figures.trim(AT + MINUTE_MS, AT + HOUR_MS) == 0


async def test_reading_what_is_new_goes_by_an_index(town, figures, clean_url):
    await town.placed(1)
    with psycopg.connect(clean_url) as connection:
        connection.execute("SET enable_seqscan = off")
        for table, column in (("ledger", "location_id"), ("history", "entity_id")):
            plan = connection.execute(
                f"EXPLAIN SELECT 1 FROM {table} WHERE {column} = 'x' AND version > 5 AND version <= 9 ORDER BY version"
            ).fetchall()
            assert "Index" in str(plan)


async def test_a_store_that_is_away_is_told_as_that():
    gone = PostgresFigures("postgresql://nobody@127.0.0.1:1/none", timeout_s=0.2)
    with pytest.raises(StoreUnavailable):
        await gone.ends()
    await gone.close()
