"""What the supervisor does about hosts that stop. Ray itself is not started here; with Ray: tests/system/cell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from ray.exceptions import RayError

from actors import ray_supervisor
from actors.ray_supervisor import Supervisor
from actors.runtime.errors import JournalLost, JournalUnavailable, Outdated
from actors.runtime.ports import ShardMap
from actors.runtime.wire import NOT_OWNER, OK, Envelope, Reply
from tests.unit.runtime.played_hosts import Wire, add, gateway_on
from tests.unit.runtime.rig import until
from tests.unit.runtime.supervised import (
    SHARDS,
    KeptScale,
    PlayedHost,
    at_rest,
    hurry,
    keep_scale,
    know,
    owners_of,
    supervised,
    two_hosts,
)  # fmt: skip

Method = Callable[..., Awaitable[Any]]


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> KeptScale:
    hurry(monkeypatch)
    return keep_scale(monkeypatch)


async def test_a_host_that_stops_while_it_takes_shards_over_keeps_them_from_all_others_until_the_deadline() -> None:
    first, second = PlayedHost("us/host-0"), PlayedHost("us/host-1")
    first.stopped = True
    with supervised(first, second) as supervisor:
        await until(lambda: owners_of(supervisor) == [second.name] * SHARDS)
    assert first.killed
    assert not second.killed
    assert [shards for shards, _ in first.took] == [[0, 2]]
    assert sorted(shard for shards, _ in second.took for shard in shards) == [0, 1, 2, 3]
    # What the stopped one may still do is fenced.
    assert second.took[-1][1] > first.took[0][1]


async def test_a_host_that_dies_while_another_takes_shards_over_is_not_noticed_until_that_is_done() -> None:
    slow, dying = PlayedHost("us/host-0"), PlayedHost("us/host-1")
    slow.may_take.clear()
    dying.serves = {1: 1, 3: 1}
    with supervised(slow, dying) as supervisor:
        await until(lambda: slow.took)
        supervisor._hosts[dying.name].dead = True
        await until(lambda: dying.killed)
        assert owners_of(supervisor) == [""] * SHARDS  # the slow one is at it still
        slow.may_take.set()
        await until(lambda: owners_of(supervisor) == [slow.name] * SHARDS)


@pytest.mark.parametrize("steps", range(6))
async def test_a_host_that_is_given_up_as_its_take_over_ends_has_the_shards_for_ever(steps: int) -> None:
    host, supervisor = PlayedHost("us/host-0"), at_rest()
    know(supervisor, host)
    host.may_take.clear()
    taking = asyncio.create_task(supervisor._take_over(host.name, [0, 1], 2))
    await until(lambda: host.took)
    host.may_take.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    if not taking.done():
        taking.cancel()
        await asyncio.wait({taking})
        assert taking.cancelled()
        assert owners_of(supervisor) == [""] * SHARDS


async def test_a_host_that_reads_a_long_tail_and_answers_late_is_taken_for_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_supervisor, "BUSY_SILENCE_S", 20.0)
    busy = PlayedHost("us/host-0")
    busy.late_s = 2 * ray_supervisor.SILENCE_S
    busy.may_take.clear()
    with supervised(busy) as supervisor:
        await until(lambda: busy.took)
        await asyncio.sleep(3 * ray_supervisor.SILENCE_S)
        busy.late_s = 0.0
        busy.may_take.set()
        await until(lambda: owners_of(supervisor) == [busy.name] * SHARDS)
    assert (busy.killed, len(busy.took)) == (False, 1)


async def test_a_host_that_stops_while_it_hands_shards_over_is_waited_for_until_the_deadline() -> None:
    full, empty = PlayedHost("us/host-0"), PlayedHost("us/host-1")
    full.serves = dict.fromkeys(range(SHARDS), 1)
    full.may_give.clear()
    with supervised(full, empty) as supervisor:
        await until(lambda: full.gave)
        full.stopped = True
        full.may_give.set()
        await until(lambda: owners_of(supervisor) == [empty.name] * SHARDS)
    assert full.killed
    assert [sorted(shards) for shards in full.gave] == [[2, 3]]


async def test_shards_move_to_a_host_that_is_new() -> None:
    full, empty = PlayedHost("us/host-0"), PlayedHost("us/host-1")
    full.serves = dict.fromkeys(range(SHARDS), 1)
    with supervised(full, empty) as supervisor:
        await until(lambda: sorted(owners_of(supervisor)) == [full.name] * 2 + [empty.name] * 2)
    assert (full.killed, empty.killed, len(empty.serves)) == (False, False, 2)


async def test_shards_of_a_host_that_dies_while_others_move_have_no_owner_until_all_have_moved() -> None:
    """Its orders would get 503 for as long as all moves that were planned take."""
    happened: list[tuple[str, list[int]]] = []

    class Noted(PlayedHost):
        async def take_over(self, shards: list[int], epoch: int) -> list[int]:
            happened.append(("take", shards))
            return await super().take_over(shards, epoch)

        async def hand_over(self, shards: list[int]) -> list[int]:
            happened.append(("give", shards))
            return await super().hand_over(shards)

    first, second, dying, empty = hosts = [Noted(f"us/host-{number}") for number in range(4)]
    first.serves, second.serves, dying.serves = dict.fromkeys((0, 1, 2), 1), dict.fromkeys((3, 4, 5), 1), {6: 1, 7: 1}
    for host in hosts:
        host.may_give.clear()
    with supervised(*hosts, shards=8) as supervisor:
        await until(lambda: happened)
        assert len(happened) == 1  # the first of two moves to the empty one
        dying.stopped = True
        await until(lambda: dying.killed)
        assert len(happened) == 1
        for host in hosts:
            host.may_give.set()
        await until(lambda: {6, 7} <= {shard for what, shards in happened if what == "take" for shard in shards})
        assert [what for what, _ in happened].count("give") == 1
        await until(lambda: "" not in owners_of(supervisor))
    assert empty.serves


async def test_callers_go_to_the_dead_when_the_supervisor_was_restarted_after_the_clock_stepped_back(
    line: Wire,
) -> None:
    first, second = two_hosts()
    asked: list[Supervisor] = []

    async def source() -> ShardMap:
        return msgspec.msgpack.decode(await asked[-1].shard_map(), type=ShardMap)

    gateway = gateway_on(line)
    gateway._source = source
    with supervised(first, second) as supervisor:
        asked.append(supervisor)
        for _ in range(1000):  # it has long been at work
            supervisor._known.freed([])
        assert {(await add(gateway, f"before-{number}")).status for number in range(2 * SHARDS)} == {OK}

    def reply(host: str, envelope: Envelope) -> Reply:
        return Reply(OK if host == second.name else NOT_OWNER)

    line.reply = reply
    with supervised(second) as restarted:
        asked.append(restarted)
        await until(lambda: owners_of(restarted) == [second.name] * SHARDS)
        assert {(await add(gateway, f"after-{number}")).status for number in range(2 * SHARDS)} == {OK}


async def test_a_supervisor_that_has_not_asked_the_hosts_yet_says_that_nobody_owns_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_supervisor, "SILENCE_S", 30.0)  # so long who asks for the map is let wait
    first, second = two_hosts()
    with supervised(first, second) as supervisor:
        find, may_find, asked = supervisor._find, asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            asked.set()
            await may_find.wait()
            await find()

        supervisor._find = slow  # type: ignore[method-assign]
        told = asyncio.create_task(supervisor.shard_map())
        await asyncio.wait_for(asked.wait(), 30)
        await asyncio.sleep(0)
        assert not told.done()
        may_find.set()
        known = msgspec.msgpack.decode(await told, type=ShardMap)
    assert known.owners == [first.name] * 2 + [second.name] * 2


async def test_a_pinned_shard_shares_its_host_or_is_lost_with_it() -> None:
    hosts = first, hot, empty = [PlayedHost(f"us/host-{number}") for number in range(3)]
    first.serves, hot.serves = {0: 1, 2: 1}, {1: 1, 3: 1}
    with supervised(*hosts, pinned=(3,)) as supervisor:
        await until(lambda: owners_of(supervisor) == [first.name, empty.name, first.name, hot.name])
        assert (await supervisor.status())["settled"]
        hot.stopped = True
        # With two left, everybody shares.
        await until(lambda: owners_of(supervisor) == [first.name, empty.name, first.name, empty.name])


async def test_a_shard_that_its_host_gave_up_or_lost_stays_without_an_owner() -> None:
    first, second = two_hosts()
    with supervised(first, second) as supervisor:
        await until(lambda: supervisor._hosts)
        del first.serves[1]
        await until(lambda: first.serves.get(1))
        await until(lambda: owners_of(supervisor) == [first.name] * 2 + [second.name] * 2)
    assert ([shards for shards, _ in first.took], second.took) == ([[1]], [])


async def test_callers_go_to_an_old_owner_because_a_take_over_was_answered_to_nobody() -> None:
    first, second = two_hosts()
    with supervised(first, second) as supervisor:
        await until(lambda: supervisor._hosts)
        first.serves, second.serves = {0: 1, 1: 1, 2: 9}, {1: 9, 2: 1, 3: 1}
        await until(lambda: owners_of(supervisor) == [first.name, second.name] * 2)
    assert (first.killed, second.killed, first.took, second.took) == (False, False, [], [])


async def test_what_a_host_said_before_it_took_shards_over_takes_them_away_again() -> None:
    host, supervisor = PlayedHost("us/host-0"), at_rest()
    [record] = know(supervisor, host)
    host.late_s = 0.05
    late = asyncio.create_task(supervisor._ping(record))
    await asyncio.sleep(0)
    await supervisor._take_over(host.name, [0, 1, 2, 3], 7)
    await late
    assert owners_of(supervisor) == [host.name] * SHARDS
    del host.serves[0]
    supervisor._busy = {host.name: late}
    await supervisor._ping(record)
    assert owners_of(supervisor) == [host.name] * SHARDS, "its shards change, so it is old at once"
    supervisor._busy = {}
    await supervisor._ping(record)
    assert owners_of(supervisor) == ["", *[host.name] * (SHARDS - 1)]


async def test_what_a_host_said_that_was_given_up_counts_for_its_successor_of_that_name() -> None:
    host, supervisor = PlayedHost("us/host-0"), at_rest()
    [record] = know(supervisor, host)
    know(supervisor, PlayedHost(host.name))
    host.serves = dict.fromkeys(range(SHARDS), 7)
    await supervisor._ping(record)
    assert owners_of(supervisor) == [""] * SHARDS


async def test_hosts_that_nobody_listened_to_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor's process was paused, or the whole machine was."""
    monkeypatch.setattr(ray_supervisor, "SILENCE_S", 30.0)
    host, supervisor = PlayedHost("us/host-0"), at_rest()
    [record] = know(supervisor, host)
    supervisor._watch()
    for paused in (True, False):
        record.heard_at -= 100.0
        supervisor._watched_at -= 100.0 * paused
        supervisor._watch()
        assert host.killed != paused


async def test_a_cell_without_hosts_gets_none_or_shards_without_an_owner_keep_them_from_being_started() -> None:
    with supervised(wanted=2) as supervisor:
        started: list[int] = []
        supervisor._start_missing = lambda: started.append(supervisor._wanted)  # type: ignore[method-assign]
        await until(lambda: started)
    assert set(started) == {2}


async def test_a_supervisor_that_was_restarted_does_nothing_because_nobody_wakes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_supervisor, "SILENCE_S", 30.0)
    first, second = two_hosts()
    with supervised(first, second) as supervisor:
        assert supervisor._loop is not None
        supervisor._loop.cancel()
        await until(supervisor._loop.done)
        supervisor._hosts.clear()
        supervisor._found.clear()
        told = msgspec.msgpack.decode(await supervisor.shard_map(), type=ShardMap)
    assert told.owners == [first.name] * 2 + [second.name] * 2


async def test_a_decision_is_no_newer_than_the_one_before_it_or_than_what_a_host_knows() -> None:
    class Elsewhere(PlayedHost):
        async def take_over(self, shards: list[int], epoch: int) -> list[int]:
            fault = RayError("it was told so by a host")
            fault.cause = Outdated(newest)  # type: ignore[attr-defined]
            raise fault

    supervisor = at_rest()
    know(supervisor, Elsewhere("us/host-0"))
    decisions = [supervisor._next_epoch() for _ in range(50)]  # several within a millisecond
    assert decisions == sorted(set(decisions))
    newest = decisions[-1] + 86_400_000
    await supervisor._take_over("us/host-0", [0], decisions[-1])
    assert (owners_of(supervisor), supervisor._next_epoch() > newest) == ([""] * SHARDS, True)


class Refused(PlayedHost):
    """Nothing can be taken over by it, for this reason. What it was given by a lost journal it keeps, and waits."""

    fault: Exception

    async def take_over(self, shards: list[int], epoch: int) -> list[int]:
        self.took.append((shards, epoch))
        if isinstance(self.fault, JournalLost):
            self.serves |= dict.fromkeys(shards, epoch)
        told = RayError("it was told so by a host")
        told.cause = self.fault  # type: ignore[attr-defined]
        raise told


async def test_a_lost_journal_costs_a_lease_and_a_line_in_the_log_each_round(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Refused("us/host-0")
    monkeypatch.setattr(ray_supervisor, "SILENCE_S", 60.0)
    host.late_s = ray_supervisor.SILENCE_S / 2  # so that many rounds pass before it says what it has
    rounds: list[int] = []
    host.fault = JournalLost("it was emptied")
    with supervised(host) as supervisor:
        supervisor._start_missing = lambda: rounds.append(1)  # type: ignore[method-assign]
        await until(lambda: host.took and len(rounds) > 5)
        assert owners_of(supervisor) == [host.name] * SHARDS, "callers would not hear from it why"
    assert (len(host.took), sum("it was emptied" in line for line in caplog.messages)) == (1, 1)


async def test_nobody_is_told_why_shards_have_no_owner_because_the_round_has_ended() -> None:
    host = Refused("us/host-0")
    host.fault = JournalUnavailable("refused")
    with supervised(host) as supervisor:
        await until(lambda: len(host.took) > 1)
        assert "JournalUnavailable: refused" in (await supervisor.status())["error"]


async def test_a_host_that_does_not_end_in_order_keeps_the_others_from_it() -> None:
    class Away(PlayedHost):
        async def hand_over(self, shards: list[int]) -> list[int]:
            raise RayError("away")

    away, other = Away("us/host-0"), PlayedHost("us/host-1")
    away.serves, other.serves = {0: 1, 1: 1}, {2: 1, 3: 1}
    with supervised(away, other) as supervisor:
        await until(lambda: supervisor._hosts)
        await supervisor.retire()
        assert (other.gave, other.serves) == ([[2, 3]], {})
        assert (away.killed, other.killed, owners_of(supervisor)) == (True, True, [""] * SHARDS)
        assert supervisor._loop is not None
        await until(supervisor._loop.done)
        await supervisor.status()
        assert supervisor._loop.done(), "it would start hosts again"
