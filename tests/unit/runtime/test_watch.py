"""The monitor's runner: what is read, raised and remembered when things go wrong around it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from actors.anomalies.monitor import Monitor
from actors.anomalies.record import Record
from actors.anomalies.settings import AnomalySettings
from actors.domain.alert import AlertView, ViewAlert
from actors.runtime.alerts import Kept, Position, Read
from actors.runtime.errors import StoreUnavailable
from actors.runtime.mailbox import UNAVAILABLE
from actors.runtime.watch import SAVE_S, STALE_MS, Watch
from tests.unit.serve.fake_gateway import FakeClock, FakeGateway

TOM = f"us-acct-{'0' * 26}"


class Stream:
    """An audit of one shard, and the monitor's memory."""

    def __init__(self) -> None:
        self.lines: list[Record] = []
        self.kept: Kept | None = None
        self.away = False
        self.asked: list[int] = []

    async def since(self, cursor, limit):
        if self.away:
            raise StoreUnavailable
        self.asked.append(cursor.get(0, Position(0, 0)).number)
        found = [line for line in self.lines if line.number > self.asked[-1]][:limit]
        cursor = {0: Position(found[-1].number, found[-1].at_ms)} if found else {}
        return Read(found, cursor, len(found) >= limit)

    async def load(self):
        return self.kept

    async def save(self, kept, now_ms):
        if self.away:
            raise StoreUnavailable
        self.kept = kept


class Rig:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.gateway = FakeGateway(self.clock)
        self.stream = Stream()
        self.watch = self.started()

    def started(self) -> Watch:
        return Watch(
            "us",
            lambda: Monitor("us", AnomalySettings(lookups=100)),
            self.stream,
            self.stream,
            self.gateway,
            self.clock,
        )

    def snoop(self, number=110, late_ms=0):
        for _ in range(number):
            count = len(self.stream.lines) + 1
            self.stream.lines.append(
                Record(
                    0, count, self.clock.now - late_ms + count, TOM, "support", "order.read", session_id="s1",
                    address="a", kind="order", entity_id=f"o{count}", request_id=f"r{count}",
                )
            )  # fmt: skip

    def alerts(self):
        return [state for (kind, _), (state, _) in self.gateway.entities.items() if kind == "alert"]


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_misuse_is_not_told_within_a_round(rig):
    rig.snoop()
    await rig.watch.round()
    (alert,) = rig.alerts()
    assert (alert.finding.about, alert.finding.rules, alert.status) == (TOM, ["lookups"], "open")
    assert alert.finding.evidence[-1] == (0, 100)
    await rig.watch.round()
    assert len(rig.alerts()) == 1
    assert rig.stream.asked == [0, 110]


async def test_who_goes_on_after_the_alert_is_judged_by_its_first_minute(rig):
    rig.snoop(300)
    await rig.watch.round()
    (alert,) = rig.alerts()
    assert (alert.version, alert.news_version, alert.finding.lines) == (3, 3, 240)
    # A crash: all of it is read again, and is no news.
    await rig.started().round()
    assert [alert.version for alert in rig.alerts()] == [3]


async def test_an_alert_is_lost_while_the_cell_takes_nothing(rig):
    rig.snoop()
    rig.gateway.fault = UNAVAILABLE
    await rig.watch.round()
    rig.clock.now += int(SAVE_S * 2000)
    await rig.watch.round()
    assert rig.stream.kept is None, "what was read is not done with while its alerts wait"
    rig.gateway.fault = None
    await rig.watch.round()
    assert len(rig.alerts()) == 1
    assert rig.stream.kept.cursor == {0: Position(110, rig.stream.lines[-1].at_ms)}


async def test_half_of_what_a_round_read_that_failed_stays_with_the_monitor(rig, monkeypatch):
    rig.snoop(60)
    see, seen, monitors = rig.watch._see, [], []

    def fails_once(record):
        see(record)
        seen.append(record.number)
        monitors.append(rig.watch._monitor)
        if len(seen) == 55:
            raise ValueError("a fault of ours")

    async def pauses(seconds):
        if len(seen) > 55:
            raise asyncio.CancelledError

    monkeypatch.setattr(rig.watch, "_see", fails_once)
    monkeypatch.setattr(rig.clock, "sleep", pauses)
    with pytest.raises(asyncio.CancelledError):
        await rig.watch.run()
    assert seen == [*range(1, 56), *range(1, 61)]
    assert monitors[54] is not monitors[55]


async def test_a_crash_makes_two_alerts_of_one_or_none(rig):
    rig.snoop(60)
    await rig.watch.round()
    rig.clock.now += int(SAVE_S * 1000)
    rig.snoop(10)
    await rig.watch.round()
    assert rig.stream.kept is not None
    rig.snoop(50)
    await rig.watch.round()
    again = rig.started()
    await again.round()
    assert rig.stream.asked[-1] == 70
    assert len(rig.alerts()) == 1


async def test_a_store_that_is_away_ends_the_monitor(rig):
    rig.stream.away = True
    with pytest.raises(StoreUnavailable):
        await rig.watch.round()
    rig.stream.away = False
    rig.snoop()
    await rig.watch.round()
    assert len(rig.alerts()) == 1


async def test_nothing_is_found_while_the_memory_can_t_be_kept(rig):
    async def fails(kept, now_ms):
        raise StoreUnavailable

    await rig.watch.round()
    rig.stream.save = fails
    rig.clock.now += int(SAVE_S * 2000)
    rig.snoop()
    with pytest.raises(StoreUnavailable):
        await rig.watch.round()
    assert len(rig.alerts()) == 1


async def test_somebody_s_session_is_ended_for_what_was_done_last_week(rig):
    rig.snoop(late_ms=2 * STALE_MS)
    await rig.watch.round()
    assert rig.alerts() == []
    assert rig.watch.records == 110


async def test_a_memory_of_another_version_stops_the_monitor(rig):
    rig.stream.kept = Kept({0: Position(100, 1)}, b"old")
    rig.snoop()
    await rig.watch.round()
    assert len(rig.alerts()) == 1


async def test_the_monitor_watches_itself(rig):
    for number in range(1, 600):
        rig.stream.lines.append(
            Record(0, number, rig.clock.now + number, "us-monitor", "", "alert.raise", kind="alert", entity_id="x")
        )
    assert await rig.watch.round()  # there is more
    assert not await rig.watch.round()
    assert rig.alerts() == []


async def test_an_alert_is_told_otherwise_than_it_was_found(rig):
    rig.snoop()
    await rig.watch.round()
    ((_, identity),) = [key for key in rig.gateway.entities if key[0] == "alert"]
    reply = await rig.gateway.view("alert", identity, ViewAlert(identity))
    view = msgspec.json.decode(reply.body, type=AlertView)
    assert (view.alert_id, view.finding.action, view.finding.session_id) == (identity, "end_session", "s1")
