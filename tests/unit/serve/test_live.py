import asyncio
from itertools import pairwise

import msgspec
import pytest

from actors.domain.floor_events import TripClaimed, WorkQueued
from actors.domain.floor_service import Marked, WorkMarked
from actors.domain.location_events import (
    Entry,
    ExpiryNear,
    LotOpened,
    PromisesAtRisk,
    StockChanged,
    StockRanOut,
    StockRunsLow,
)
from actors.runtime.wire import LiveEvent
from serve.live.hub import CHANGES_MAX, DROPPED, HEARTBEAT, RECONNECT, RETRY_MS, RETRY_SPREAD_MS, LiveHub
from serve.problems import Problem

BOTH = frozenset({"order", "location"})


class Hub(LiveHub):
    def __init__(self, **limits) -> None:
        self.wanted: list[bool] = []
        defaults = {"clients_max": 2, "queue_max": 3, "heartbeat_s": 5.0, "stream_max_s": 60.0}
        self.told = True
        super().__init__(self.wanted.append, lambda: self.told, **(defaults | limits))


def event(kind: str = "order", version: int = 1, events: object = ()) -> LiveEvent:
    return LiveEvent(kind, "us-1", version, 17, msgspec.json.encode(events))


async def test_nobody_is_told_who_ordered_or_where_it_goes():
    hub = Hub()
    stream = hub.join(BOTH)
    frames = hub.frames(stream)
    await anext(frames)
    hub.live(
        event(events=[{"type": "OrderPlaced", "customer_ref": "c-17", "ship_to": {"city": "Paris"}, "order_ref": "w1"}])
    )
    text = await anext(frames)
    assert text.startswith(b"id: us-1.1\nevent: order\ndata: ")
    assert b"OrderPlaced" in text
    assert b"c-17" not in text
    assert b"Paris" not in text
    assert b"w1" not in text


async def test_a_screen_can_tell_an_erasure_from_a_correction():
    hub = Hub()
    frames = hub.frames(hub.join(BOTH))
    await anext(frames)
    told = []
    for name in ("PersonForgotten", "OrderRectified"):
        hub.live(event(events=[{"type": name, "sealed": "c-17"}]))
        told.append(await anext(frames))
    assert told[0] == told[1]
    assert b"OrderRectified" in told[0]


async def test_stock_changes_tell_sku_and_units():
    hub = Hub()
    frames = hub.frames(hub.join(frozenset({"location"})))
    await anext(frames)
    hub.live(event())
    hub.live(event("location", 2, [{"type": "StockChanged", "entries": [["A1", 2, -2, -2, "ship", None]]}]))
    text = (await anext(frames)).decode()
    assert text.count("event:") == 1
    data = msgspec.json.decode(text.split("data: ")[1])
    assert data["changes"] == [
        {"type": "StockChanged", "sku": "A1", "reason": "ship", "on_hand_delta": -2, "allocated_delta": -2}
    ]


async def told(*events):
    hub = Hub()
    frames = hub.frames(hub.join(frozenset({"location"})))
    await anext(frames)
    hub.live(LiveEvent("location", "us-1", 2, 17, msgspec.json.encode(events)))
    return msgspec.json.decode((await anext(frames)).decode().split("data: ")[1])


async def test_alerts_tell_what_has_to_be_looked_at():
    data = await told(
        StockChanged([Entry("A1", 2, 0, 2, "allocate")]), StockRunsLow("A1", 3, 5), StockRanOut("B2"), PromisesAtRisk("C3", 4),
        ExpiryNear("D4", "L-7", 12, 20_500), LotOpened("D4", "L-8", 20_600),
    )  # fmt: skip
    assert data["changes"] == [
        {"type": "StockRunsLow", "sku": "A1", "available": 3, "reorder_point": 5},
        {"type": "StockRanOut", "sku": "B2", "available": 0},
        {"type": "PromisesAtRisk", "sku": "C3", "units": 4},
        {"type": "ExpiryNear", "sku": "D4", "lot": "L-7", "units": 12, "expires_on": "2026-02-16"},
        {"type": "StockChanged", "sku": "A1", "reason": "allocate", "allocated_delta": 2},
    ]


async def test_an_alert_is_not_left_out_of_a_long_list():
    entries = [Entry(f"s{number}", 1, -1, 0, "loss") for number in range(CHANGES_MAX + 5)]
    data = await told(StockChanged(entries), StockRanOut("s9"))
    assert data["changes"][0] == {"type": "StockRanOut", "sku": "s9", "available": 0}
    assert (len(data["changes"]), data["more"]) == (CHANGES_MAX, 6)


async def test_work_that_is_late_is_told_with_its_mark():
    hub = Hub()
    near, far = (
        hub.join(frozenset({"floor"}), "", frozenset({"us-1"})),
        hub.join(frozenset({"floor"}), "", frozenset({"us-2"})),
    )
    frames = hub.frames(near)
    await anext(frames)
    # What pickers do is nobody else's business; a SKU may be called as it likes.
    queued = WorkQueued("us-y.1", [('"type":"WorkMarked"', 1)], 0, 0, 0)
    hub.live(LiveEvent("floor", "us-1", 6, 17, msgspec.json.encode([TripClaimed(1, "us-acct-ann"), queued])))
    at_risk = WorkMarked([Marked("us-x.1", 2, 200, 1_767_225_600_000)], 17)
    hub.live(LiveEvent("floor", "us-1", 8, 17, msgspec.json.encode([queued, at_risk])))
    text = (await anext(frames)).decode()
    assert text.startswith("id: us-1.8\nevent: floor\n")
    assert msgspec.json.decode(text.split("data: ")[1])["changes"] == [
        {
            "type": "WorkAtRisk", "fulfilment_id": "us-x.1", "mark": "urgent", "priority": 200, "due_at": "2026-01-01T00:00:00Z",
        }
    ]  # fmt: skip
    assert not far._pending


async def test_a_slow_client_is_dropped_and_told_so():
    hub = Hub()
    frames = hub.frames(hub.join(BOTH))
    await anext(frames)
    for version in range(5):
        hub.live(event(version=version))
    assert [frame async for frame in frames] == [DROPPED]


async def test_a_quiet_stream_beats_and_ends_with_reconnect():
    quiet, ending = Hub(heartbeat_s=0.01), Hub(stream_max_s=0.05)
    frames = quiet.frames(quiet.join(BOTH))
    await anext(frames)
    assert [await anext(frames) for _ in range(2)] == [HEARTBEAT] * 2
    assert [frame async for frame in ending.frames(ending.join(BOTH))][-1] == RECONNECT


async def test_streams_skip_what_happened_at_a_host_that_failed_and_stay_open():
    hub = Hub(clients_max=3)
    streams = [hub.join(BOTH), hub.join(frozenset({"floor", "figures"})), hub.join(frozenset({"figures"}))]
    hub.live(event(version=1))
    hub.reset("h0")
    hub.live(event(version=3))
    for stream in streams[:2]:
        assert [frame async for frame in hub.frames(stream)][1:] == [RECONNECT]
    assert not streams[2].last_words


async def test_hosts_stop_telling_while_those_who_were_sent_away_come_back():
    hub = Hub()
    stream = hub.join(BOTH)
    hub.reset("h0")
    hub.leave(stream)
    assert hub.wanted == [True]
    figures = hub.join(frozenset({"figures"}))
    assert hub.wanted == [True]
    stream = hub.join(BOTH)
    hub.leave(stream)
    assert hub.wanted == [True, False]
    hub.leave(figures)
    hub.reset("h0")
    assert hub.wanted == [True, False]


async def test_all_who_are_sent_away_come_back_at_once():
    hub = Hub(clients_max=100)
    beginnings = [await anext(hub.frames(hub.join(BOTH))) for _ in range(100)]
    waits = sorted(int(text.removeprefix(b"retry: ")) for text in beginnings)
    assert waits[0] >= RETRY_MS
    assert waits[-1] < RETRY_MS + RETRY_SPREAD_MS
    assert max(later - sooner for sooner, later in pairwise(waits)) < RETRY_SPREAD_MS / 20


async def test_a_closing_replica_sends_its_clients_away():
    hub = Hub()
    frames = hub.frames(hub.join(BOTH))
    await anext(frames)
    waiting = asyncio.ensure_future(anext(frames))
    await asyncio.sleep(0)
    hub.close()
    assert await waiting == RECONNECT


async def test_too_many_clients_are_refused_and_places_become_free():
    hub = Hub()
    first, second = hub.join(BOTH), hub.join(BOTH)
    with pytest.raises(Problem) as caught:
        hub.join(BOTH)
    assert caught.value.status == 429
    hub.leave(first)
    hub.leave(first)
    third = hub.join(BOTH)
    hub.leave(second)
    hub.leave(third)
    assert hub.clients == 0
    assert hub.wanted == [True, False]


async def test_a_first_screen_begins_before_all_hosts_tell_live_and_misses_what_happens_meanwhile(monkeypatch):
    monkeypatch.setattr("serve.live.hub.BEGIN_S_MAX", 60.0)
    hub = Hub()
    hub.told = False
    stream = hub.join(BOTH)
    begun = asyncio.create_task(hub.begun(stream))
    await asyncio.sleep(0.05)
    assert not begun.done()
    hub.live(event(events=[{"type": "OrderPlaced"}]))  # a host that has heard of it already
    hub.told = True
    await begun
    frames = hub.frames(stream)
    await anext(frames)
    assert b"OrderPlaced" in await anext(frames)


async def test_a_screen_that_waits_for_its_beginning_is_said_to_read_too_slowly(monkeypatch):
    monkeypatch.setattr("serve.live.hub.BEGIN_S_MAX", 60.0)
    hub = Hub(queue_max=3)
    hub.told = False
    stream = hub.join(BOTH)
    begun = asyncio.create_task(hub.begun(stream))
    for version in range(1, 9):
        hub.live(event(version=version, events=[{"type": "OrderPlaced"}]))
    hub.told = True
    await begun
    frames = hub.frames(stream)
    await anext(frames)
    told = await anext(frames)
    assert b"id: us-1.8\n" in told  # the last ones; whoever sees the beginning reads what was before
    for version in range(9, 13):
        hub.live(event(version=version, events=[{"type": "OrderPlaced"}]))
    assert await anext(frames) == DROPPED


async def test_a_stream_begins_although_a_host_hangs_or_never_ends(monkeypatch):
    monkeypatch.setattr("serve.live.hub.BEGIN_S_MAX", 0.05)
    hub = Hub()
    hub.told = False
    stream = hub.join(BOTH)
    async with asyncio.timeout(60):
        await hub.begun(stream)
    assert [frame async for frame in hub.frames(stream)][1:] == [RECONNECT]


async def test_a_stream_of_figures_alone_waits_for_hosts_that_tell_it_nothing():
    hub = Hub()
    hub.told = False
    stream = hub.join(frozenset({"figures"}))
    await hub.begun(stream)
    assert not stream.last_words
