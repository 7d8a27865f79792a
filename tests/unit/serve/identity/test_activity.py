"""A session ends when nobody works in it, though a page renews its tokens; and it goes on while somebody does,
whichever replica he asks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from actors.runtime.errors import JournalUnavailable
from serve.app import build
from serve.identity import activity as module
from serve.identity.activity import EVERY_MS, TASK, Activity, MemoryActivity
from serve.services import Services
from tests.unit.serve.fake_gateway import FakeClock
from tests.unit.serve.guarded_cell import GuardedCell, furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import bearer

MINUTE_MS = 60_000


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def renewed(cell, tokens):
    return await cell.plain("/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})


async def renews_each(cell, tokens, minutes, *, until, then=None):
    """A page that renews its tokens: the minutes after which that was refused, `until` if it never was. `then`: what it
    does besides, each time."""
    for minute in range(minutes, until + 1, minutes):
        cell.clock.now += minutes * MINUTE_MS
        answer = await renewed(cell, tokens)
        if answer.status_code != 200:
            assert (answer.status_code, answer.json()["code"]) == (401, "session.ended"), answer.text
            return minute
        tokens = answer.json()
        if then is not None:
            await then(tokens)
    return until


@pytest.mark.parametrize(("role", "ends"), [("manager", 16), ("associate", 60)])
async def test_a_page_that_renews_its_tokens_keeps_an_empty_desk_signed_in(cell, role, ends):
    tokens = await (await cell.enrolled("mia", role)).tokens()
    assert await renews_each(cell, tokens, 4, until=80) == ends


async def test_who_works_is_signed_out_because_renewals_count_for_nothing(cell):
    tokens = await (await cell.enrolled("mia", "manager")).tokens()

    async def works(fresh):
        assert (await cell.http.get("/v1/skus", headers=bearer(fresh))).status_code == 200

    assert await renews_each(cell, tokens, 4, until=80, then=works) == 80


async def test_a_refused_call_is_no_work(cell):
    tokens = await (await cell.enrolled("mia", "manager")).tokens()

    async def tries(fresh):
        assert (await cell.http.get("/v1/privacy-requests", headers=bearer(fresh))).status_code == 403

    assert await renews_each(cell, tokens, 4, until=80, then=tries) == 80


async def test_a_live_stream_that_a_page_opens_again_keeps_an_empty_desk_signed_in(cell):
    tokens = await (await cell.enrolled("mia", "manager")).tokens()

    async def looks(fresh):
        # Refused for what it asks, once it is known who asks.
        answer = await cell.http.get("/v1/live?kinds=nothing", headers=bearer(fresh))
        assert answer.status_code == 422, answer.text

    assert await renews_each(cell, tokens, 4, until=80, then=looks) == 16


async def test_a_token_that_was_renewed_at_the_last_moment_works_after_the_idle_limit(cell):
    tokens = await (await cell.enrolled("mia", "manager")).tokens()
    cell.clock.now += 13 * MINUTE_MS
    last = (await renewed(cell, tokens)).json()
    assert last["expires_in"] == 120
    cell.clock.now += 2 * MINUTE_MS - 1000
    assert (await cell.http.get("/v1/skus", headers=bearer(last))).status_code == 200
    after = await renewed(cell, last)
    assert after.json()["expires_in"] == 300
    cell.clock.now += 15 * MINUTE_MS
    assert (await renewed(cell, after.json())).json()["code"] == "session.ended"


@pytest.mark.parametrize("tells", [True, False])
async def test_work_at_another_replica_is_unknown_where_the_token_is_renewed(cell, tells):
    other = another_replica(cell)
    tokens = await (await cell.enrolled("mia", "manager")).tokens()

    async def works(fresh):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(build(other)), base_url="http://other") as http:
            assert (await http.get("/v1/skus", headers=bearer(fresh))).status_code == 200
        if tells:
            await other.activity.tell()

    # Without a word of the other it would end: the renewals are all here.
    assert await renews_each(cell, tokens, 4, until=60, then=works) == (60 if tells else 16)


def another_replica(cell: GuardedCell) -> Services:
    mine = cell.services
    return Services(
        mine.settings, cell.gateway, cell.read_model, cell.clock, audit=cell.audit, alerts=cell.alerts,
        shared_activity=mine.shared_activity,
    )  # fmt: skip


class Away(MemoryActivity):
    """A Redis that takes nothing and tells nothing, while `away`."""

    def __init__(self) -> None:
        super().__init__()
        self.away, self.calls = True, 0

    async def later(self, session_id: str, used_ms: int) -> int:
        if self.away:
            raise JournalUnavailable("Redis: away")
        return await super().later(session_id, used_ms)

    async def tell(self, used: Mapping[str, int], now_ms: int) -> None:
        self.calls += 1
        if self.away:
            raise JournalUnavailable("Redis: away")
        await super().tell(used, now_ms)


async def test_people_are_signed_out_because_redis_is_away_or_nobody_ever_is(cell, monkeypatch):
    tokens = await (await cell.enrolled("mia", "manager")).tokens()
    monkeypatch.setattr(cell.services.activity, "_shared", Away())
    assert await renews_each(cell, tokens, 4, until=80) == 80
    # Who does not even renew is idle all the same.
    tokens = await (await cell.enrolled("ann", "manager")).tokens()
    assert await renews_each(cell, tokens, 16, until=80) == 16


async def test_machines_and_customers_take_the_room_of_people(cell):
    for headers in (cell.bearer(), cell.of_role("customer", sub="us-cust-x")):
        await cell.http.get("/v1/skus", headers=headers)
    assert (cell.services.activity._fresh, cell.services.activity._waiting) == ({}, {})


class Shared(MemoryActivity):
    """Keeps what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[dict[str, int]] = []

    async def tell(self, used: Mapping[str, int], now_ms: int) -> None:
        self.calls.append(dict(used))
        await super().tell(used, now_ms)


async def test_each_request_costs_a_call_to_redis_or_the_last_one_is_never_told():
    shared, clock = Shared(), FakeClock()
    activity, begun = Activity(shared, clock), clock.now
    for second in range(125):
        if second < 62:
            for step in range(3):
                activity.note("s1", clock.now + step)
        await activity.tell()
        clock.now += 1_000
    assert shared.calls == [{"s1": begun + 2}, {"s1": begun + EVERY_MS + 2}, {"s1": begun + 61_002}]


async def test_a_session_that_was_quiet_waits_for_its_turn_to_be_told():
    shared, clock = Shared(), FakeClock()
    activity = Activity(shared, clock)
    activity.note("s1", clock.now)
    await activity.tell()
    clock.now += EVERY_MS
    activity.note("s1", clock.now)
    await activity.tell()
    assert await Activity(shared, clock).last_ms("s1") == clock.now


async def test_a_replica_that_closes_takes_along_what_it_has_not_told():
    shared, clock = Shared(), FakeClock()
    activity = Activity(shared, clock)
    activity.start()
    for _ in range(2):
        clock.now += 1
        activity.note("s1", clock.now)
        await activity.tell()
    assert shared.calls == [{"s1": clock.now - 1}]
    await activity.close()
    assert shared.calls[1:] == [{"s1": clock.now}]
    await asyncio.sleep(0)
    assert TASK not in {task.get_name() for task in asyncio.all_tasks()}, "it goes on telling"


async def test_a_use_that_is_told_late_makes_a_session_older():
    shared, clock = Shared(), FakeClock()
    one, other = Activity(shared, clock), Activity(shared, clock)
    one.note("s1", clock.now)
    other.note("s1", clock.now + 5)
    await other.tell()
    await one.tell()
    assert (await one.last_ms("s1"), await other.last_ms("s1")) == (clock.now + 5, clock.now + 5)


async def test_what_could_not_be_told_is_lost_or_fills_the_log(caplog):
    shared, clock = Away(), FakeClock()
    activity = Activity(shared, clock)
    activity.note("s1", clock.now)
    for _ in range(3):
        await activity.tell()
    assert [record.message for record in caplog.records] == ["activity.untold"]
    assert await activity.last_ms("s1") is None
    shared.away = False
    await activity.tell()
    assert await Activity(shared, clock).last_ms("s1") == clock.now
    await activity.tell()
    assert shared.calls == 4


async def test_so_many_sessions_are_used_that_a_replica_is_full_of_them(monkeypatch):
    monkeypatch.setattr(module, "WAITING_MAX", 10)
    monkeypatch.setattr(module, "BATCH_MAX", 4)
    shared, clock = Shared(), FakeClock()
    activity = Activity(shared, clock)
    for number in range(25):
        activity.note(f"s{number}", clock.now)
    assert len(activity._fresh) + len(activity._waiting) <= 2 * 10
    await activity.tell()
    # Those that came last, in calls of a size that Redis does not stand still for.
    assert [len(call) for call in shared.calls] == [4, 4, 2]
    assert "s24" in shared.calls[-1]
    assert await activity.last_ms("s0") == 0
    assert (activity._fresh, activity._waiting) == ({}, {})


async def test_an_api_without_a_cell_remembers_every_session_that_there_ever_was(monkeypatch):
    monkeypatch.setattr(module, "WAITING_MAX", 3)
    memory = MemoryActivity()
    await memory.tell({f"s{number}": 1 + number for number in range(5)}, 0)
    assert [await memory.later(f"s{number}", 0) for number in range(5)] == [0, 0, 3, 4, 5]
