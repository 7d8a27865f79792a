"""Listeners miss without a word what a host did, or lists are said to be fresh and complete when they are not."""

import asyncio

from msgspec.structs import replace

from actors.domain.rows import StockRow
from actors.runtime.codec import to_msgpack
from actors.runtime.ports import ShardMap
from actors.runtime.sharding import mask_of
from actors.runtime.wire import UNHEARD, Downlink, FedRow, LiveEvent
from tests.unit.runtime.played_hosts import STATS, gateway_on
from tests.unit.runtime.rig import until


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
        line.links.put_nowait(Downlink(cursor, True, [], [FedRow(0, 1, "stock", to_msgpack(row))], [live], STATS))
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
    row = FedRow(0, 1, "stock", to_msgpack(StockRow("us-wh", "A", 1, 0, 0)))
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
    await until(lambda: list(gateway._feeds._listening) == ["h1"])
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
    gateway._feeds._received("h0", Downlink(1, True, [], [], [], told["h0"]))
    await until(lambda: len(gateway._map.owners) == 2)
    assert gateway.fresh_ms() is None
    gateway._feeds._received("h1", Downlink(1, True, [], [], [], told["h1"]))
    assert gateway.fresh_ms() == 5000
    # One of its shards is being recovered, or it has another one: what the map's acknowledged
    # is nowhere in its figures.
    for owned in ([], [0], [0, 1]):
        gateway._feeds._received("h1", Downlink(2, True, [], [], [], replace(told["h1"], owned=mask_of(owned))))
        assert gateway.fresh_ms() is None
    await gateway.close()


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
    # Whoever has asked for longest is told: first the one that was there, then the other, once
    # the first has asked again.
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
    row = FedRow(0, 1, "stock", to_msgpack(StockRow("us-wh", "A", 1, 0, 0)))
    line.links.put_nowait(Downlink(1, True, [], [row], [], STATS))
    await until(lambda: len(line.polls) == 2)
    assert not gateway.heard_all()
    await gateway.close()


async def test_a_host_counts_as_heard_before_the_last_piece_of_what_it_has(line):
    gateway, heard = gateway_on(line), Heard()
    gateway.subscribe(heard)
    await gateway.start()
    pieces = [[StockRow("us-wh", sku, 1, 0, 0)] for sku in "ABC"]
    for cursor, piece in enumerate(pieces, 1):
        assert not gateway.heard_all()
        fed = [FedRow(0, 1, "stock", to_msgpack(row)) for row in piece]
        line.links.put_nowait(Downlink(cursor, cursor == 1, [], fed, [], STATS, cursor < len(pieces)))
        await until(lambda cursor=cursor: len(line.polls) == cursor + 1)
    assert gateway.heard_all()
    assert heard.story == [("rows", piece) for piece in pieces]
    await gateway.close()


async def test_a_row_that_comes_late_from_a_shards_last_owner_is_shown_instead_of_the_newer_one(line):
    gateway, heard = gateway_on(line), Heard()
    gateway.subscribe(heard)

    def told(shard: int, epoch: int, on_hand: int) -> None:
        row = to_msgpack(StockRow("us-wh", "A", on_hand, 0, 0))
        gateway._feeds._received("h0", Downlink(1, False, [], [FedRow(shard, epoch, "stock", row)], [], STATS))

    for shard, epoch, on_hand in ((7, 4, 10), (7, 5, 9), (7, 4, 10), (3, 4, 1), (7, 5, 8)):
        told(shard, epoch, on_hand)
    assert [row.on_hand for _, (row,) in heard.story] == [10, 9, 1, 8]


async def test_live_is_said_to_be_told_by_a_host_that_was_not_asked_for_it_or_fails(line):
    gateway = gateway_on(line)
    await gateway.start()
    await until(lambda: line.polls)

    async def answered(cursor: int) -> None:
        """The poll that is open, and the next one is sent."""
        sent = len(line.polls)
        line.links.put_nowait(Downlink(cursor, False, [], [], [], STATS))
        await until(lambda: len(line.polls) > sent)

    await answered(1)
    gateway.want_live(True)
    assert not gateway.is_told_live()
    await answered(2)  # it was sent before
    assert (line.polls[-1], gateway.is_told_live()) == ((2, True), False)
    await answered(3)
    assert gateway.is_told_live()
    # The last screen leaves and another comes, with a poll between them that wanted nothing.
    gateway.want_live(False)
    await answered(4)
    gateway.want_live(True)
    assert (line.polls[-1], gateway.is_told_live()) == ((4, False), False)
    await answered(5)
    await answered(6)
    assert gateway.is_told_live()
    line.links.put_nowait("no downlink")
    await until(lambda: not gateway.is_told_live())
    await gateway.close()


async def test_live_is_said_to_be_told_while_an_owner_has_not_answered_or_there_is_none(line):
    line.map = ShardMap(1, ["", ""])
    gateway = gateway_on(line)
    gateway.want_live(True)
    await gateway.start()
    await until(lambda: gateway._map.owners)
    assert not gateway.is_told_live()
    # Of the open polls the oldest is answered: of two hosts the first one's again, and then, when it has
    # asked once more, the other's.
    for version, owners, asked in ((2, ["h0", ""], [1]), (3, ["h0", "h1"], [3, 4])):
        line.map = ShardMap(version, owners)
        gateway._refresh()
        await until(lambda version=version: gateway._map.version == version)
        assert not gateway.is_told_live()
        for cursor, polls in enumerate(asked, start=1):
            await until(lambda polls=polls: len(line.polls) == polls)
            line.links.put_nowait(Downlink(cursor, True, [], [], [], STATS))
        await until(gateway.is_told_live)
    await gateway.close()


async def test_live_events_go_missing_without_a_word_when_the_pieces_begin_anew(line):
    gateway, heard = gateway_on(line), Heard()
    gateway.subscribe(heard)
    await gateway.start()
    for _ in range(2):
        line.links.put_nowait(Downlink(1, True, [], [], [], STATS, more=True))
    await until(lambda: len(line.polls) == 3)
    assert heard.story == [("reset", "h0")]
    assert not gateway.heard_all()
    # And when it leaves in the middle of them.
    line.map = ShardMap(2, ["h1"])
    gateway._refresh()
    await until(lambda: len(heard.story) == 2)
    assert heard.story[1] == ("reset", "h0")
    await gateway.close()
