"""What the read model tells of the past, of the fake and of PostgreSQL: both must tell the same."""

from __future__ import annotations

import random

import msgspec
import pytest

from actors.domain import simulations
from actors.domain.ids import first_order_id, new_order_id
from actors.domain.kind import Context
from actors.domain.order_events import OrderPlaced
from actors.domain.order_state import Line, ShipTo
from actors.domain.outlook import DemandRate, Outlook, encoded
from actors.domain.rows import LedgerRow, StockRow
from actors.domain.rows_of_promises import PromiseRow
from actors.domain.simulations import SIMULATIONS, BeginSimulation, Question
from actors.domain.sourcing_policy import Policy
from actors.domain.what_if_terms import PastMove, PastStock
from actors.runtime.ports import Store
from actors.runtime.read_model import PlacedDecision, PlacedOrder, PromiseFound, ReadModel
from tests.integration.storage.samples import NOW_MS, batch, drained, order_row, turn

HOUR, DAY = 3_600_000, 86_400_000


async def keep(store: Store, *turns, **rows: list) -> None:
    await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, max(1, len(turns)))}, drained(1, 1, *(turns or (turn(1),))), rows))


def entry(version, sku="A", at=NOW_MS, place="us-a", on_hand=0, allocated=0, aside=None, reason="receipt", cause=""):
    state, delta = aside or (None, None)
    return LedgerRow(
        place, version, 0, at, sku, reason, 1, on_hand, allocated, 0, 0, cause, "", None, None, state, delta, 0 if aside else None
    )  # fmt: skip


async def test_orders_of_other_times_and_channels_are_told_and_samples_differ_from_call_to_call(
    store: Store, read_model: ReadModel
):
    ids = [new_order_id("us", NOW_MS + n * HOUR, f"k{n}") for n in range(40)]
    rows = [
        order_row(one, channel="store" if n % 4 == 0 else "online", placed_at=NOW_MS + n * HOUR)
        for n, one in enumerate(ids)
    ]
    await keep(store, orders=rows)
    first, end = first_order_id("us", NOW_MS + 5 * HOUR), first_order_id("us", NOW_MS + 15 * HOUR)
    everything = ids[5:15]
    assert await read_model.count_orders(first, end, "", 99) == 10
    assert await read_model.count_orders(first, end, "", 7) == 7
    assert await read_model.count_orders(first, end, "store", 99) == 2
    found = await read_model.placed_orders(first, end, "", below="", after="", limit=99)
    assert found == [PlacedOrder(one, NOW_MS + n * HOUR, rows[n].state) for n, one in enumerate(ids)][5:15]
    page = await read_model.placed_orders(first, end, "online", below="", after=everything[2], limit=3)
    assert [one.order_id for one in page] == [one for n, one in enumerate(ids) if n % 4 and 7 < n < 15][:3]
    for below in ("0g0", "g00", "zzz"):
        sampled = await read_model.placed_orders(first, end, "", below=below, after="", limit=99)
        assert [one.order_id for one in sampled] == [one for one in everything if one[-3:] < below]


async def test_a_decision_of_another_order_or_of_a_later_event_is_told(store: Store, read_model: ReadModel):
    def placed(number, order_id, **more):
        event = OrderPlaced("", "online", "", "US", ShipTo("US"), "USD", [Line("A", 1, 1)], [], "k", **more)
        events = msgspec.json.encode([event, {"type": "AllocationAsked", "sourcing": "bm8="}])
        return turn(number, order_id, events=events, at_ms=NOW_MS)

    later = turn(4, "us-a", events=b'[{"type":"FulfilmentsMoved","to":"shipped"}]', at_ms=NOW_MS)
    await keep(
        store, placed(1, "us-a", sourcing=b"\x00one"), placed(2, "us-b", sourcing=b"two", sealed=b"s"), placed(3, "us-c"), later,
        placed(5, "us-d", sourcing=b"other"),
    )  # fmt: skip
    found = await read_model.placed_decisions(["us-c", "us-b", "us-a", "us-z"], NOW_MS - 1, NOW_MS + 1)
    assert found == [PlacedDecision("us-a", b"\x00one", False), PlacedDecision("us-b", b"two", True)]
    assert await read_model.placed_decisions(["us-a"], NOW_MS + 1, NOW_MS + 9) == []


async def test_stock_of_then_is_not_what_is_there_now_less_what_happened_since(store: Store, read_model: ReadModel):
    rng = random.Random(7)
    units = {(place, sku): 0 for place in ("us-a", "us-b") for sku in "ABC"}
    then, ledger = {}, []
    for version in range(120):
        if version == 60:
            then = dict(units)
        place, sku = rng.choice(sorted(units))
        kind = rng.choice(("receipt", "allocate", "reserve", "ship"))
        n = rng.randrange(1, 5)
        change = {
            "receipt": {"on_hand": n}, "allocate": {"allocated": n}, "reserve": {"aside": ("reserved", n)},
            "ship": {"on_hand": -n, "allocated": -n},
        }[kind]  # fmt: skip
        units[place, sku] += {"receipt": n, "allocate": -n, "reserve": -n, "ship": 0}[kind]
        ledger.append(
            entry(version, sku, NOW_MS + version * 1000, place, reason=kind, cause=f"us-o{version}.2", **change)
        )
    rate = DemandRate(1_500, 20_400, 20_489, "measured")
    outlook = encoded(Outlook(rate, ((20_500, 1),)))
    stock = [
        StockRow(place, sku, n, 0, 2, buffers="online:1" if sku == "B" else "", outlook=outlook if sku == "A" else b"")
        for (place, sku), n in units.items()
    ]
    cut = NOW_MS + 60_000
    # A level that is set later moves no units.
    levels = [entry(200 + n, "A", cut + n, aside=("safety_stock", 5), reason="other") for n in range(3)]
    await keep(store, ledger=[*ledger, *levels], stock=stock)
    found = await read_model.past_stock(["A", "B"], cut, 99)
    assert found == [
        PastStock(place, sku, then[place, sku], 2, {"online": 1} if sku == "B" else {}, rate if sku == "A" else None)
        for sku in "AB" for place in ("us-a", "us-b")
    ]  # fmt: skip
    assert len(await read_model.past_stock(["A", "B"], cut, 3)) == 3
    pages, offset = [], None
    while page := await read_model.past_moves(["A", "C"], ["us-a"], cut, NOW_MS + 110_000, offset=offset, limit=4):
        pages += [move for _, move in page]
        offset = page[-1][0]
    wanted = [
        PastMove(
            e.at,
            "us-a",
            e.sku,
            e.on_hand_delta - e.allocated_delta - (e.aside_delta or 0),
            e.reason,
            f"us-o{e.version}",
        )
        for e in ledger[60:110]
        if e.location_id == "us-a" and e.sku in "AC" and e.reason != "ship"
    ]
    assert pages == wanted
    assert len(wanted) > 8


async def test_promises_lose_steps_or_tell_those_of_others(store: Store, read_model: ReadModel):
    def step(order_id, what, at, number=1, promised=NOW_MS, channel="online", place="us-a"):
        return PromiseRow(order_id, number, what, at, promised, channel, place, DAY if order_id == "us-1" else None)

    steps = [
        step("us-1", "allocated", 1), step("us-1", "shipped", NOW_MS - 5), step("us-1", "delivered", NOW_MS + 5),
        step("us-1", "allocated", 2, 2, NOW_MS + 1, place="us-b"), step("us-2", "allocated", 1, channel="store"),
        step("us-2", "cancelled", NOW_MS, channel="store"), step("us-3", "allocated", 1, promised=NOW_MS + HOUR),
    ]  # fmt: skip
    await keep(store, promise_steps=steps)
    one = PromiseFound("us-1", 1, "us-a", "online", NOW_MS, NOW_MS - 5, NOW_MS + 5, None, DAY)
    two = PromiseFound("us-1", 2, "us-b", "online", NOW_MS + 1, None, None, None, DAY)
    three = PromiseFound("us-2", 1, "us-a", "store", NOW_MS, None, None, NOW_MS)
    ask = {"channel": "", "locations": None, "after": None, "limit": 9}
    until = NOW_MS + HOUR
    assert await read_model.promises(NOW_MS, until, **ask) == [one, three, two]
    assert await read_model.promises(NOW_MS, until, **ask | {"after": (NOW_MS, "us-1", 1), "limit": 1}) == [three]
    assert await read_model.promises(NOW_MS, until, **ask | {"after": (NOW_MS, "us-2", 1), "limit": 1}) == [two]
    assert await read_model.promises(NOW_MS, until, **ask | {"channel": "store"}) == [three]
    assert await read_model.promises(NOW_MS, until, **ask | {"locations": ["us-b"]}) == [two]
    assert await read_model.promises(NOW_MS + 1, until, **ask) == [two]


@pytest.mark.parametrize("number", [3, simulations.KEPT_MAX + 2])
async def test_what_ifs_are_lost_with_their_host_or_kept_for_ever(store: Store, number):
    state, version, rows = None, 0, {}
    for n in range(number):
        context = Context("us-simulations", "k", NOW_MS + n * 16 * 60_000)
        begin = BeginSimulation(f"us-whatif-{n:03}", Question(Policy(), "", 0, 1, 10), "r", "")
        events = simulations.decide(state, begin, context).events
        for event in events:
            state = simulations.evolve(state, event, context)
        version += len(events)
        for row in simulations.rows(state, version, events, context):
            rows.setdefault(n + 1, []).append(row)
    await store.lease("host-0", [1], 1)
    for position, changed in rows.items():
        await store.drain(batch({1: (1, position)}, drained(1, position, turn(position)), {"simulations": changed}))
    assert await store.resident(SIMULATIONS) == ["us-simulations"]
    stored = (await store.load(SIMULATIONS, ["us-simulations"]))["us-simulations"].rows
    assert simulations.restore("us-simulations", stored) == (state, version)
    assert len(state.all) == min(number, simulations.KEPT_MAX)
