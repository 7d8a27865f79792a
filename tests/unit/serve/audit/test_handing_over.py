"""Lines on their way to the cell: none is lost, none stands there twice, and nobody waits for one for ever."""

from __future__ import annotations

import asyncio

import pytest

from actors.domain.audit import Act, Who
from actors.runtime.mailbox import UNAVAILABLE
from serve.audit import trail
from serve.context import REQUEST_ID, WHO
from serve.problems import Problem
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.small_cell import order


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    monkeypatch.setattr(trail, "GATHER_S", 0.0)
    monkeypatch.setattr(trail, "CLOSE_S", 60.0)  # what waits is to be seen on a slow machine, too
    async with furnished(tmp_path) as made:
        await made.services.trail.close()
        made.gateway.audited.clear()
        yield made


async def placed(cell):
    answer = await cell.post("/v1/orders", order(("A1", 1)), **cell.bearer())
    cell.gateway.audited.clear()
    return answer.json()["order_id"]


async def test_whoever_reads_waits_for_ever_when_handing_over_breaks(cell, monkeypatch):
    monkeypatch.setattr(trail, "NOTES_MAX", 2)
    order_id, ask = await placed(cell), cell.gateway.ask

    async def broken(kind, *args, **named):
        if kind == "trail":
            raise RuntimeError("a fault of ours")
        return await ask(kind, *args, **named)

    cell.gateway.ask = broken
    path = f"/v1/orders/{order_id}"
    async with asyncio.timeout(60):
        several = await asyncio.gather(*[cell.http.get(path, headers=cell.bearer()) for _ in range(3)])
    assert {(answer.status_code, answer.json()["code"]) for answer in several} == {(503, "audit.unavailable")}
    cell.gateway.ask = ask
    assert (await cell.http.get(path, headers=cell.bearer())).status_code == 200


async def test_refusals_are_lost_when_handing_over_breaks(cell):
    ask, broken = cell.gateway.ask, []

    async def breaks_once(kind, *args, **named):
        if kind == "trail" and not broken:
            broken.append(kind)
            raise RuntimeError("a fault of ours")
        return await ask(kind, *args, **named)

    cell.gateway.ask = breaks_once
    await refused(cell, "/v1/alerts")
    await cell.services.trail.close()
    assert (broken, kept(cell)) == (["trail"], [(FORBIDDEN, "GET /v1/alerts")])


async def test_who_reads_as_a_replica_ends_waits_for_ever(cell, monkeypatch):
    monkeypatch.setattr(trail, "NOTES_MAX", 1)
    monkeypatch.setattr(trail, "CLOSE_S", 0.0)
    order_id, ask = await placed(cell), cell.gateway.ask
    handed = asyncio.Event()

    async def hangs(kind, *args, **named):
        if kind == "trail":
            handed.set()
            await asyncio.Event().wait()
        return await ask(kind, *args, **named)

    cell.gateway.ask = hangs
    reads = [asyncio.create_task(cell.http.get(f"/v1/orders/{order_id}", headers=cell.bearer())) for _ in range(3)]
    async with asyncio.timeout(60):
        await handed.wait()
        for _ in range(1000):
            if len(cell.services.trail._reads) == 2:
                break
            await asyncio.sleep(0)
        await cell.services.trail.close()
        answers = await asyncio.gather(*reads)
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "audit.unavailable")}


def listen(cell, answer=None):
    """The numbers of lines of each note that is handed over; `answer`: what is made of each reply, in turn."""
    sizes, ask, answers = [], cell.gateway.ask, iter(answer or [])

    async def heard(kind, entity_id, command, **named):
        reply = await ask(kind, entity_id, command, **named)
        if kind != "trail":
            return reply
        sizes.append(len(command.lines))
        return next(answers, reply)

    cell.gateway.ask = heard
    return sizes


async def refused(cell, *paths, sub="us-acct-tom"):
    for path in paths:
        assert (await cell.http.get(path, headers=cell.of_role("driver", sub=sub))).status_code == 403


def kept(cell):
    return [(line.outcome, line.act.changes.get("endpoint", (None, ""))[1]) for line in cell.gateway.audited]


FORBIDDEN = "auth.forbidden"


async def test_more_is_handed_over_at_once_than_a_trail_takes(cell, monkeypatch):
    order_id, sizes = await placed(cell), listen(cell)
    monkeypatch.setattr(trail, "NOTES_MAX", 2)
    path = f"/v1/orders/{order_id}"
    answers = await asyncio.gather(*[cell.http.get(path, headers=cell.bearer()) for _ in range(5)])
    assert {answer.status_code for answer in answers} == {200}
    monkeypatch.setattr(trail, "GATHER_S", 0.02)
    await refused(cell, "/v1/alerts", "/v1/approvals", "/v1/audit")
    for number in range(3):
        cell.services.trail.note(Act("keyring.look"), f"keyring.{number}")
    await cell.services.trail.close()
    assert max(sizes) == 2
    assert len(cell.gateway.audited) == sum(sizes) == 5 + 6


async def test_lines_whose_answer_was_lost_stand_there_twice(cell):
    sizes = listen(cell, [UNAVAILABLE, UNAVAILABLE])
    await refused(cell, "/v1/alerts")
    await cell.services.trail.close()
    assert sizes == [1, 1, 1]
    assert kept(cell) == [(FORBIDDEN, "GET /v1/alerts")]


async def test_what_comes_while_others_are_handed_over_waits_for_the_next_refusal(cell):
    cell.gateway.fault = UNAVAILABLE
    await refused(cell, "/v1/alerts")
    for _ in range(20):
        await asyncio.sleep(0)  # they are on their way
    await refused(cell, "/v1/audit")
    cell.gateway.fault = None
    async with asyncio.timeout(60):
        await cell.services.trail._refusing
    assert kept(cell) == [(FORBIDDEN, "GET /v1/alerts"), (FORBIDDEN, "GET /v1/audit")]


async def test_what_the_cell_met_by_itself_fills_the_memory_or_is_not_even_counted(cell, monkeypatch):
    monkeypatch.setattr(trail, "WAITING_MAX", 2)
    monkeypatch.setattr(trail, "NOTES_MAX", 2)
    sizes = listen(cell)
    for number in range(5):
        cell.services.trail.note(Act("keyring.look"), f"keyring.{number}")
    await cell.services.trail.close()
    assert sizes == [2, 1], "what says how many there were has its place, too"
    assert [(line.outcome, line.act.changes) for line in cell.gateway.audited] == [
        ("audit.overflow", {"times": (None, 3)}), ("keyring.0", {}), ("keyring.1", {}),
    ]  # fmt: skip
    cell.services.trail.note(Act("keyring.look"), "keyring.5")
    await cell.services.trail.close()
    assert [line.outcome for line in cell.gateway.audited][3:] == ["keyring.5"], "what is told is counted no more"


async def test_a_replica_that_ends_while_nothing_can_be_written_does_not_end_or_leaves_readers_waiting(
    cell, monkeypatch
):
    order_id, ask, hangs = await placed(cell), cell.gateway.ask, asyncio.Event()

    async def hanging(kind, *args, **named):
        if kind == "trail":
            await hangs.wait()
        return await ask(kind, *args, **named)

    cell.gateway.ask = hanging
    monkeypatch.setattr(trail, "CLOSE_S", 0.01)
    reading = asyncio.ensure_future(cell.http.get(f"/v1/orders/{order_id}", headers=cell.bearer()))
    await refused(cell, "/v1/alerts")
    for _ in range(20):
        await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await cell.services.trail.close()
        assert (await reading).json()["code"] == "audit.unavailable"
    left = [task for task in (cell.services.trail._reading, cell.services.trail._refusing) if not task.done()]
    assert left == []
    cell.gateway.ask = ask


async def test_too_many_tries_of_somebody_known_or_a_cell_that_is_away_are_taken_for_one_another(cell):
    who = {WHO: Who("us-acct-tom"), REQUEST_ID: "r-1"}
    for code in ("auth.too_often", "cell.unavailable"):
        cell.services.trail.refused(who, Problem(code, ""), "POST /v1/orders")
    await cell.services.trail.close()
    assert kept(cell) == [("auth.too_often", "POST /v1/orders")]


async def test_a_refusal_is_dated_by_when_it_was_told(cell, monkeypatch):
    monkeypatch.setattr(trail, "GATHER_S", 0.02)
    at_ms = cell.clock.now
    await refused(cell, "/v1/alerts")
    cell.clock.now += 5_000
    await cell.services.trail.close()
    assert [line.at_ms for line in cell.gateway.audited] == [at_ms]


async def test_a_reader_who_goes_away_keeps_those_waiting_who_read_at_the_same_time(cell):
    order_id, ask, goes_on = await placed(cell), cell.gateway.ask, asyncio.Event()

    async def slow(kind, *args, **named):
        if kind == "trail":
            await goes_on.wait()
        return await ask(kind, *args, **named)

    cell.gateway.ask = slow
    path = f"/v1/orders/{order_id}"
    gone, waiting = (asyncio.ensure_future(cell.http.get(path, headers=cell.bearer())) for _ in range(2))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not cell.services.trail._reads, "both are on their way"
    gone.cancel()
    await asyncio.sleep(0)
    goes_on.set()
    async with asyncio.timeout(60):
        assert (await waiting).status_code == 200
    assert gone.cancelled()


async def test_who_was_counted_minutes_ago_is_remembered_while_nobody_else_is_refused(cell):
    told = cell.services.trail
    for path in ("/v1/skus", "/v1/locations"):
        assert (await cell.http.get(path)).status_code == 401
    for left in (1, 0):
        assert told._minute is not None
        told._minute.cancel()
        told._minute_is_over()
        assert len(told._strangers) == left
    assert told._minute is None
