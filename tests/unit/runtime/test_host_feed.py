"""A gateway that begins to listen to a host misses stock, or is told of stock that is another host's."""

import asyncio

import msgspec
from msgspec.structs import replace

from actors.domain.catalogue import DefineSkus
from actors.domain.rows import StockRow
from actors.runtime import wire
from actors.runtime.errors import JournalUnavailable
from tests.unit.runtime.rig import ask, envelope, listen, until
from tests.unit.runtime.stocked_warehouse import OPEN, opened, receive, stock_heard, stock_of


async def test_a_snapshot_never_hides_what_happened_after_it_in_the_same_group(cell):
    host = await cell.host()
    await opened(host)
    cell.journal.gate.clear()
    first = asyncio.create_task(ask(host, receive(1, "r1")))
    await until(lambda: len(cell.journal.appended) == 2)
    new = asyncio.create_task(listen(host, gateway_id="new"))
    await until(lambda: host.waiting() == 0)
    second = asyncio.create_task(ask(host, receive(5, "r2")))
    await until(lambda: host.waiting() == 0)
    cell.journal.gate.set()
    await asyncio.gather(first, second)
    assert stock_of(await new) == [16]


async def test_a_host_that_was_succeeded_tells_a_new_gateway_nothing_of_its_old_shards(cell):
    old = await cell.host("h0")
    await opened(old)
    await until(lambda: not old.drain.waiting())
    new = await cell.host("h1")
    await ask(new, receive(5, "r1"))
    assert await stock_heard(new) == [15]
    assert await stock_heard(old) == []
    assert old.shards == {}


async def test_a_new_gateway_is_told_of_no_rows_while_nobody_says_whose_they_are(cell, monkeypatch):
    host = await cell.host()
    await opened(host)

    async def away(epochs):
        raise JournalUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(cell.journal, "superseded", away)
        link = await listen(host)
        assert (link.cursor, link.reset, link.rows, link.stats.journal) == (wire.UNHEARD, False, [], "away")
    link = await listen(host)
    assert (link.reset, stock_of(link)) == (True, [10])


async def test_one_piece_that_nobody_proves_throws_away_all_that_was_told(cell, monkeypatch):
    cell.limits = replace(cell.limits, feed_piece_max=1)
    host = await cell.host()
    await opened(host)
    first = await listen(host)

    async def away(epochs):
        raise JournalUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(cell.journal, "superseded", away)
        link = await listen(host, first.cursor)
        assert (link.rows, link.reset, link.more) == ([], False, True)
    stock: list[int] = []
    while link.more:
        link = await listen(host, link.cursor)
        assert not link.reset
        stock += stock_of(link)
    assert stock == [10]


async def test_a_residents_stock_is_in_the_feed_of_its_next_owner_before_anybody_asks(cell):
    old = await cell.host("h0")
    await opened(old)
    await ask(old, envelope("us-catalogue", DefineSkus([("A", "a thing")]), "sku", kind="catalogue", creates=True))
    await old.hand_over([0, 1, 2, 3])
    await old.close()
    del cell.hosts["h0"]
    new, heard, cursor = await cell.host("h1"), [], -1
    async with asyncio.timeout(30):
        while {"stock", "locations", "skus"} - set(heard):
            link = await listen(new, cursor)
            cursor = link.cursor
            heard.extend(fed.table for fed in link.rows)


async def test_a_screen_shows_for_ever_what_was_before_the_last_turns_of_a_killed_host(cell):
    old = await cell.host("h0", [0, 1, 2, 3])
    new = await cell.host("h1", [])
    await opened(old)
    link = await listen(new, live=True)
    assert (await listen(new, link.cursor, live=True)).reset is False
    link = await listen(new, link.cursor + 1, live=True)
    await old.close()
    del cell.hosts["h0"]
    cell.epoch += 1
    await new.take_over([0, 1, 2, 3], cell.epoch)
    assert (await listen(new, link.cursor, live=True)).reset


async def test_a_host_with_many_rows_tells_a_new_gateway_all_at_once_or_hides_what_changed_between_two_pieces(cell):
    cell.limits = replace(cell.limits, feed_piece_max=1)
    host = await cell.host()
    await opened(host)
    names = [f"us-wh-{number}" for number in range(8)]
    for name in names:
        await ask(host, envelope(name, OPEN, "open", kind="location"), receive(1, "r", name))
    cursor, shown, pieces = -1, {}, 0
    async with asyncio.timeout(30):
        while True:
            link = await listen(host, cursor)
            cursor, pieces = link.cursor, pieces + 1
            rows = [msgspec.msgpack.decode(fed.row, type=StockRow) for fed in link.rows if fed.table == "stock"]
            shown |= {row.location_id: row.on_hand for row in rows}
            assert len(link.rows) <= 1
            if pieces == 1:
                for name in names:
                    await ask(host, receive(4, "r2", name))
            if not link.more:
                break
    assert shown == dict.fromkeys(names, 5) | {"us-wh-seattle": 10}
    assert pieces > len(names)
