"""Asks must travel together, survive a host that moved or died, never hang, and be answered exactly once."""

import asyncio

import msgspec
import pytest
from msgspec.structs import replace

from actors.clock import SystemClock
from actors.domain.rows import StockRow
from actors.runtime import wire
from actors.runtime.codec import to_msgpack
from actors.runtime.errors import HostUnreachable
from actors.runtime.gateway import Ask, Gateway
from actors.runtime.limits import Limits
from actors.runtime.ports import ShardMap
from actors.runtime.sharding import mask_of
from actors.runtime.wire import UNHEARD, Call, Downlink, HostStats, LiveEvent, Reply
from tests.unit.runtime.counter import Add, Total
from tests.unit.runtime.rig import until

STATS = HostStats("h0", 1, b"\x01", 0, 0.0, 0, 5000, 0, 0, 0, 0.0, "ok", "ok")


class Wire:
    """A transport whose hosts are played by the test: `reply(host, envelope)` gives each answer."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[wire.Envelope]]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.faults: list[Exception] = []
        self.reply = lambda host, envelope: Reply(wire.OK, envelope.entity_id.encode())
        self.map = ShardMap(1, ["h0"])
        self.reads = 0
        self.links: asyncio.Queue[Downlink] = asyncio.Queue()
        self.polls: list[tuple[int, bool]] = []

    async def call(self, host: str, payload: bytes) -> bytes:
        call = msgspec.msgpack.decode(payload, type=Call)
        self.calls.append((host, call.envelopes))
        await self.gate.wait()
        if self.faults:
            raise self.faults.pop(0)
        return to_msgpack([self.reply(host, envelope) for envelope in call.envelopes])

    async def listen(self, host: str, gateway_id: str, cursor: int, live: bool) -> bytes:
        self.polls.append((cursor, live))
        return to_msgpack(await self.links.get())

    async def source(self) -> ShardMap:
        self.reads += 1
        return self.map

    def sizes(self) -> list[int]:
        return [len(envelopes) for _, envelopes in self.calls]


class MovedClock(SystemClock):
    """Goes `ahead_s` ahead of the machine's."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


def gateway_on(line: Wire, clock: SystemClock | None = None, **limits) -> Gateway:
    quick = {"retry_pause_s": 0.005, "call_timeout_s": 0.05, "request_timeout_s": 20.0, "listen_max_s": 1.0}
    return Gateway("g", line, line.source, clock or SystemClock(), Limits(**quick | limits))


@pytest.fixture
async def line() -> Wire:
    return Wire()


async def ready(line: Wire, clock: SystemClock | None = None, **limits) -> Gateway:
    """A gateway that has read its map."""
    gateway = gateway_on(line, clock, **limits)
    await add(gateway, "first")
    line.calls.clear()
    return gateway


async def add(gateway: Gateway, entity_id: str, **options) -> Reply:
    return await gateway.ask("counter", entity_id, Add(1), command_id=f"c-{entity_id}", digest=1, **options)


async def test_asks_that_gather_during_a_call_do_not_each_cost_a_call(line):
    gateway = await ready(line, call_timeout_s=5.0)
    line.gate.clear()
    first = asyncio.create_task(add(gateway, "a"))
    await until(lambda: line.calls)
    others = [asyncio.create_task(add(gateway, f"b{n}")) for n in range(100)]
    await asyncio.sleep(0)
    line.gate.set()
    replies = await asyncio.gather(first, *others)
    assert line.sizes() == [1, 100]
    assert [reply.body.decode() for reply in replies] == ["a", *(f"b{n}" for n in range(100))]


async def test_asks_of_one_moment_go_together_without_waiting_for_anything(line):
    gateway = await ready(line)
    await asyncio.gather(*(add(gateway, str(n)) for n in range(50)))
    assert line.sizes() == [50]


async def test_a_call_never_carries_more_than_the_limit(line):
    gateway = await ready(line, batch_max=8)
    await asyncio.gather(*(add(gateway, str(n)) for n in range(20)))
    assert line.sizes() == [8, 8, 4]


async def test_a_slow_host_does_not_keep_asks_to_another_one_waiting(line):
    line.map = ShardMap(1, ["slow", "fast"])
    gateway = await ready(line, call_timeout_s=5.0, request_timeout_s=5.0)
    stuck, call = asyncio.Event(), line.call

    async def slow(host: str, payload: bytes) -> bytes:
        if host == "slow":
            await stuck.wait()
        return await call(host, payload)

    line.call = slow
    done = []
    tasks = [asyncio.create_task(add(gateway, str(n))) for n in range(20)]
    for task in tasks:
        task.add_done_callback(lambda task: done.append(task.result().body))
    await until(lambda: line.calls and len(done) == len(line.calls[0][1]))
    assert 0 < len(done) < 20
    stuck.set()
    await asyncio.gather(*tasks)


async def test_a_shard_that_moved_is_found_at_its_new_host_with_the_same_command_id(line):
    gateway = await ready(line)
    line.reply = lambda host, envelope: Reply(wire.OK if host == "h1" else wire.NOT_OWNER)
    line.map = ShardMap(2, ["h1"])
    assert (await add(gateway, "a")).status == wire.OK
    assert [host for host, _ in line.calls] == ["h0", "h1"]
    assert line.calls[0][1] == line.calls[1][1]


async def test_an_older_map_does_not_replace_a_newer_one(line):
    line.map = ShardMap(5, ["h0"])
    gateway = await ready(line)
    line.reply = lambda host, envelope: Reply(wire.NOT_OWNER if len(line.calls) < 3 else wire.OK)
    line.map = ShardMap(4, ["old"])
    assert (await add(gateway, "a")).status == wire.OK
    assert {host for host, _ in line.calls} == {"h0"}


async def test_a_map_that_cannot_be_read_for_a_while_is_a_delay_and_not_an_error(line):
    gateway = gateway_on(line)
    faults = [HostUnreachable("supervisor"), ValueError("a map that can't be decoded")]
    source = line.source

    async def faulty() -> ShardMap:
        if faults:
            raise faults.pop()
        return await source()

    gateway._source = faulty
    assert (await add(gateway, "a")).status == wire.OK


@pytest.mark.parametrize("fault", [HostUnreachable("h0"), RuntimeError("a driver's own fault")])
async def test_a_call_that_fails_is_asked_again_with_the_same_command_ids(line, fault):
    gateway = await ready(line)
    line.faults = [fault]
    replies = await asyncio.gather(*(add(gateway, str(n)) for n in range(3)))
    assert [reply.status for reply in replies] == [wire.OK] * 3
    assert line.sizes() == [3, 3]
    assert line.calls[0][1] == line.calls[1][1]


async def test_an_answer_with_too_few_replies_leaves_no_caller_hanging(line):
    gateway = await ready(line)
    call = line.call

    async def short(host: str, payload: bytes) -> bytes:
        replies = msgspec.msgpack.decode(await call(host, payload), type=list[Reply])
        return to_msgpack(replies[:-1] if len(line.calls) == 1 else replies)

    line.call = short
    replies = await asyncio.gather(*(add(gateway, str(n)) for n in range(3)))
    assert [reply.status for reply in replies] == [wire.OK] * 3


async def test_a_call_that_hangs_times_out_and_the_batch_is_asked_again(line):
    gateway = await ready(line, request_timeout_s=5.0)
    line.gate.clear()
    asks = [asyncio.create_task(add(gateway, str(n))) for n in range(3)]
    await until(lambda: len(line.calls) >= 2)
    line.gate.set()
    assert [reply.status for reply in await asyncio.gather(*asks)] == [wire.OK] * 3
    assert all(envelopes == line.calls[0][1] for _, envelopes in line.calls)


@pytest.mark.parametrize("answer", [wire.NOT_OWNER, wire.UNAVAILABLE])
async def test_a_caller_is_told_to_come_back_at_the_deadline_instead_of_waiting_for_ever(line, answer):
    clock = MovedClock()
    gateway = await ready(line, clock, request_timeout_s=60.0)

    def refuse(host, envelope):
        clock.ahead_s = 20.0 * len(line.calls)
        return Reply(answer)

    line.reply = refuse
    async with asyncio.timeout(30):
        reply = await add(gateway, "a")
    assert reply.status == wire.UNAVAILABLE
    assert msgspec.json.decode(reply.body)["code"] == wire.CODE_UNAVAILABLE
    assert len(line.calls) == 3
    assert gateway._waiting == 0


async def test_shards_that_nobody_owns_do_not_hang_their_callers(line):
    line.map = ShardMap(1, [""])
    gateway = gateway_on(line, request_timeout_s=0.05)
    assert (await add(gateway, "a")).status == wire.UNAVAILABLE
    assert gateway.unowned_shards() == 1
    assert line.calls == []
    assert line.reads < 50  # no busy loop


async def test_one_part_that_has_to_be_asked_again_does_not_ask_the_others_again(line):
    gateway = await ready(line)
    line.reply = lambda host, envelope: Reply(
        wire.NOT_OWNER if envelope.entity_id == "b" and len(line.calls) == 1 else wire.OK, envelope.entity_id.encode()
    )
    asks = [Ask("counter", name, Add(1), name, 1) for name in "abc"]
    replies = await gateway.ask_many(asks)
    assert [reply.body for reply in replies] == [b"a", b"b", b"c"]
    assert line.sizes() == [3, 1]


async def test_commands_of_one_body_to_one_entity_go_in_another_order(line):
    gateway = await ready(line, batch_max=3)
    asks = [Ask("counter", "a", Add(n), f"c{n}", n) for n in range(7)]
    line.reply = lambda host, envelope: Reply(wire.OK, envelope.command_id.encode())
    replies = await gateway.ask_many(asks)
    sent = [envelope.command_id for _, envelopes in line.calls for envelope in envelopes]
    assert line.sizes() == [3, 3, 1]
    assert sent == [reply.body.decode() for reply in replies] == [ask.command_id for ask in asks]


async def test_an_empty_body_of_many_does_not_hang(line):
    assert await gateway_on(line).ask_many([]) == []


@pytest.mark.parametrize("status", [wire.BUSY, wire.REFUSED, wire.KEY_REUSED, wire.FAULT])
async def test_an_answer_that_is_one_is_not_asked_for_again(line, status):
    gateway = await ready(line)
    line.reply = lambda host, envelope: Reply(status, b"{}")
    assert (await add(gateway, "a")).status == status
    assert line.sizes() == [1]


async def test_too_many_waiting_asks_are_refused_at_once_and_not_piled_up(line):
    gateway = await ready(line, inbox_max=10, call_timeout_s=5.0)
    line.gate.clear()
    waiting = [asyncio.create_task(add(gateway, str(n))) for n in range(10)]
    await until(lambda: line.calls)
    reply = await add(gateway, "one too many")
    assert (reply.status, msgspec.json.decode(reply.body)["code"]) == (wire.BUSY, wire.CODE_BUSY)
    line.gate.set()
    await asyncio.gather(*waiting)
    assert (await add(gateway, "room again")).status == wire.OK


async def test_who_waits_gets_the_final_answer_and_not_the_provisional_one(line):
    gateway = gateway_on(line)
    await gateway.start()
    line.reply = lambda host, envelope: Reply(wire.PENDING, b"provisional")
    asked = asyncio.create_task(add(gateway, "a", wait_ms=5000))
    await until(lambda: line.calls)
    envelope = line.calls[0][1][0]
    assert envelope.wait
    line.links.put_nowait(Downlink(1, True, [(envelope.ticket, Reply(wire.OK, b"final"))], [], [], STATS))
    assert await asked == Reply(wire.OK, b"final")
    assert not gateway._final
    await gateway.close()


async def test_a_final_answer_that_overtakes_the_provisional_one_is_not_lost(line):
    gateway = await ready(line, call_timeout_s=5.0)
    await gateway.start()
    line.gate.clear()
    line.reply = lambda host, envelope: Reply(wire.PENDING, b"provisional")
    asked = asyncio.create_task(add(gateway, "a", wait_ms=5000))
    await until(lambda: line.calls)
    line.links.put_nowait(Downlink(1, True, [(line.calls[0][1][0].ticket, Reply(wire.OK, b"final"))], [], [], STATS))
    await until(gateway.stats)
    line.gate.set()
    assert (await asked).body == b"final"
    await gateway.close()


async def test_a_final_answer_that_does_not_come_in_time_leaves_the_provisional_one(line):
    gateway = await ready(line)
    line.reply = lambda host, envelope: Reply(wire.PENDING, b"provisional")
    assert await add(gateway, "a", wait_ms=20) == Reply(wire.PENDING, b"provisional")
    assert not gateway._final


async def test_who_does_not_wait_asks_for_nothing_to_be_kept(line):
    gateway = await ready(line)
    await add(gateway, "a")
    assert not line.calls[0][1][0].wait


async def test_a_closed_gateway_leaves_nobody_hanging(line):
    gateway = await ready(line, call_timeout_s=60.0, batch_max=1)
    line.gate.clear()
    asks = [asyncio.create_task(add(gateway, str(n))) for n in range(3)]  # one is on its way, two wait
    await until(lambda: line.calls)
    await gateway.close()
    async with asyncio.timeout(30):
        assert [reply.status for reply in await asyncio.gather(*asks)] == [wire.UNAVAILABLE] * 3


class Heard:
    def __init__(self) -> None:
        self.story: list = []

    def reset(self, host: str) -> None:
        self.story.append(("reset", host))

    def rows(self, rows) -> None:
        self.story.append(("rows", rows))

    def live(self, event) -> None:
        self.story.append(("live", event.version))


async def test_listeners_hear_rows_before_the_reset_or_one_of_a_host_that_is_new(line):
    gateway, heard = gateway_on(line), Heard()
    gateway.subscribe(heard)
    await gateway.start()
    row = StockRow("us-wh", "A", 1, 0, 0)
    live = LiveEvent("order", "us-1", 4, 0, b"[]")
    for cursor in (1, 2):
        line.links.put_nowait(Downlink(cursor, True, [], [("stock", to_msgpack(row))], [live], STATS))
    await until(lambda: len(heard.story) == 5)
    assert heard.story == [("rows", [row]), ("live", 4), ("reset", "h0"), ("rows", [row]), ("live", 4)]
    assert gateway.stats() == [STATS]
    await gateway.close()


async def test_a_host_leaves_with_what_it_had_not_told_and_nobody_hears_of_it(line):
    gateway, heard = gateway_on(line), Heard()
    gateway.subscribe(heard)
    await gateway.start()
    line.links.put_nowait(Downlink(1, True, [], [], [], STATS))
    await until(gateway.stats)
    line.map = ShardMap(2, ["h1"])
    gateway._refresh()
    await until(lambda: heard.story)
    line.links.put_nowait(Downlink(1, True, [], [], [], STATS))
    await until(gateway.heard_all)
    assert heard.story == [("reset", "h0"), ("reset", "h1")]  # the new one may have worked before it was heard
    await gateway.close()


async def test_polls_go_on_from_the_cursor_and_say_whether_there_are_screens(line):
    gateway = gateway_on(line)
    await gateway.start()
    gateway.want_live(True)
    line.links.put_nowait(Downlink(17, True, [], [], [], STATS))
    await until(lambda: len(line.polls) == 2)
    assert line.polls[1] == (17, True)
    await gateway.close()


async def test_a_listener_that_crashes_does_not_end_the_feed(line):
    gateway, heard = gateway_on(line), Heard()

    class Crashing(Heard):
        def rows(self, rows) -> None:
            raise ZeroDivisionError

    gateway.subscribe(Crashing())
    gateway.subscribe(heard)
    await gateway.start()
    row = ("stock", to_msgpack(StockRow("us-wh", "A", 1, 0, 0)))
    line.links.put_nowait(Downlink(1, False, [], [row], [], STATS))
    line.links.put_nowait(Downlink(2, True, [], [row], [], STATS))
    await until(lambda: len(line.polls) == 3)
    assert line.polls[1][0] == -1  # from the beginning: what the listener missed is unknown
    await gateway.close()


async def test_a_host_that_left_the_map_is_not_shown_any_more(line):
    gateway = gateway_on(line)
    await gateway.start()
    line.links.put_nowait(Downlink(1, True, [], [], [], STATS))
    await until(gateway.stats)
    line.map = ShardMap(2, ["h1"])
    gateway._refresh()
    await until(lambda: list(gateway._listening) == ["h1"])
    assert gateway.stats() == []
    await gateway.close()


async def test_lists_are_said_to_be_fresh_while_a_host_has_not_told_or_tells_of_other_shards(line):
    line.map = ShardMap(1, ["h0", "h1"])
    gateway = gateway_on(line)
    await gateway.start()
    assert gateway.fresh_ms() is None
    told = {
        name: replace(STATS, name=name, owned=mask_of([shard]), fresh_ms=at_ms)
        for name, shard, at_ms in (("h0", 0, 5000), ("h1", 1, 7000))
    }
    gateway._received("h0", Downlink(1, True, [], [], [], told["h0"]))
    await until(lambda: len(gateway._map.owners) == 2)
    assert gateway.fresh_ms() is None
    gateway._received("h1", Downlink(1, True, [], [], [], told["h1"]))
    assert gateway.fresh_ms() == 5000
    # One of its shards is being recovered, or it has another one: what the map's acknowledged is nowhere in its figures.
    for owned in ([], [0], [0, 1]):
        gateway._received("h1", Downlink(2, True, [], [], [], replace(told["h1"], owned=mask_of(owned))))
        assert gateway.fresh_ms() is None
    await gateway.close()


async def test_reads_are_not_remembered_as_commands(line):
    gateway = await ready(line)
    await gateway.view("counter", "a", Total())
    await gateway.history("counter", "a", 3, 50)
    view, history = (envelopes[0] for _, envelopes in line.calls)
    assert (view.mode, view.command_id) == (wire.VIEW, "")
    assert (history.mode, msgspec.msgpack.decode(history.body)) == (wire.HISTORY, [3, 50])


async def test_all_is_said_to_be_heard_before_every_owner_has_told_what_it_has(line):
    line.map = ShardMap(1, ["h0", "h1"])
    links = {"h0": asyncio.Queue(), "h1": asyncio.Queue()}

    async def listen(host: str, gateway_id: str, cursor: int, live: bool) -> bytes:
        line.polls.append((cursor, live))
        return to_msgpack(await links[host].get())

    line.listen = listen
    gateway = gateway_on(line)
    assert not gateway.heard_all()
    await gateway.start()
    await until(lambda: len(line.polls) == 2)
    assert not gateway.heard_all()
    links["h0"].put_nowait(Downlink(1, True, [], [], [], STATS))
    await until(lambda: len(line.polls) == 3)
    assert not gateway.heard_all()
    # It can't tell: nobody says whose its shards are.
    links["h1"].put_nowait(Downlink(UNHEARD, False, [], [], [], STATS))
    await until(lambda: len(line.polls) == 4)
    assert line.polls[-1] == (UNHEARD, False)
    assert not gateway.heard_all()
    links["h1"].put_nowait(Downlink(1, True, [], [], [], STATS))
    await until(gateway.heard_all)
    # What nobody owns has told nothing, and a host that comes back begins anew.
    for version, owners in ((2, ["h0", ""]), (3, ["h0", "h1"])):
        line.map = ShardMap(version, owners)
        gateway._refresh()
        await until(lambda version=version: gateway._map.version == version)
        assert not gateway.heard_all()
    links["h1"].put_nowait(Downlink(1, True, [], [], [], STATS))
    await until(gateway.heard_all)
    await gateway.close()


async def test_what_a_host_that_comes_later_did_before_it_was_heard_is_missed_without_a_word(line):
    gateway, heard = gateway_on(line), Heard()
    gateway.subscribe(heard)
    await gateway.start()
    line.links.put_nowait(Downlink(1, True, [], [], [], STATS))
    await until(gateway.heard_all)
    assert heard.story == []
    line.map = ShardMap(2, ["h0", "h1"])
    gateway._refresh()
    # Whoever has asked for longest is told: first the one that was there, then the other, once the first has asked again.
    for asked in (3, 4):
        await until(lambda asked=asked: len(line.polls) == asked)
        line.links.put_nowait(Downlink(1, True, [], [], [], STATS))
    await until(gateway.heard_all)
    assert ("reset", "h1") in heard.story
    await gateway.close()


async def test_a_host_counts_as_heard_although_what_it_told_could_not_be_taken(line):
    class Crashing(Heard):
        def rows(self, rows) -> None:
            raise ZeroDivisionError

    gateway = gateway_on(line)
    gateway.subscribe(Crashing())
    await gateway.start()
    row = ("stock", to_msgpack(StockRow("us-wh", "A", 1, 0, 0)))
    line.links.put_nowait(Downlink(1, True, [], [row], [], STATS))
    await until(lambda: len(line.polls) == 2)
    assert not gateway.heard_all()
    await gateway.close()
