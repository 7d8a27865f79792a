"""The comparison systems keep the same rules as OCEFS; otherwise their figures would be for less work."""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from cells.postgres import EmbeddedPostgres
from perf.compare import database, rules, wire
from perf.compare.batched import Batched, Collector
from perf.compare.tuned import Tuned
from perf.compare.usual import Usual
from perf.goods import PLACES

EAST, WEST = PLACES[0][0], PLACES[1][0]
SYSTEMS: dict[str, Callable[[str], wire.Backend]] = {"usual": Usual, "tuned": Tuned, "batched": Batched}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="oc-"))
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder / "postgres", folder / "s")
    try:
        address = server.start()
        database.install(address)
        yield address
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=SYSTEMS)
async def system(request: pytest.FixtureRequest, url: str) -> AsyncIterator[wire.Backend]:
    database.fill(url, ["us-1", "us-2"], {"A": 10, "B": 3})
    backend = SYSTEMS[request.param](url)
    await backend.open()
    yield backend
    await backend.close()


def locked_out(url: str) -> bool:
    """Does anybody wait for a lock?"""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
    return found is not None


async def test_what_a_round_left_under_way_meets_the_emptying_of_its_tables(url: str) -> None:
    with psycopg.connect(url) as left:
        left.execute(
            "INSERT INTO compare.history (order_id, version, event, cause) VALUES ('us-9', 1, 'placed', 'left')"
        )
        filling = asyncio.create_task(asyncio.to_thread(database.fill, url, ["us-1"], {"A": 1}))
        looks = 0
        while looks < 25 and not await asyncio.to_thread(locked_out, url):
            looks += 1
            await asyncio.sleep(database.LOOK_S)
        assert not filling.done()
        left.execute("UPDATE compare.orders SET version = 2")  # each would wait for the other
        left.commit()
        await asyncio.wait_for(filling, 60)
        assert left.execute("SELECT order_id FROM compare.history").fetchall() == [("us-1",)]


def update(order: str, name: str, key: str | None = None, mark: int = 1) -> wire.Command:
    return wire.Command(order, name, key or secrets.token_hex(16), mark)


def placement(*lines: tuple[str, int], lat: float = 40.7, lon: float = -74.0) -> wire.Placement:
    price = wire.Money(500, "USD")
    return wire.Placement(
        "ref",
        "online",
        wire.Customer("c", "US"),
        wire.ShipTo("US", lat, lon),
        [wire.Line(s, q, price) for s, q in lines],
    )


async def place(system: wire.Backend, *lines: tuple[str, int], key: str | None = None, mark: int = 1) -> wire.Placed:
    return await system.place(placement(*lines), key or secrets.token_hex(16), mark)


def reserved(placed: wire.Placed) -> list[tuple[str, str, int]]:
    order = msgspec.json.decode(placed.reply)
    return sorted((f["location_id"], ln["sku"], ln["quantity"]) for f in order["fulfilments"] for ln in f["lines"])


@pytest.mark.real
async def test_an_order_goes_through_its_life_and_no_step_is_skipped(system: wire.Backend) -> None:
    steps = ["start_picking", "pause_picking", "start_picking", "pack", "ship", "deliver"]
    outcomes = [await system.update(update("us-1", step)) for step in steps]
    assert [o.status for o in outcomes] == ["picking", "allocated", "picking", "packed", "shipped", "delivered"]
    assert [o.version for o in outcomes] == [2, 3, 4, 5, 6, 7]


@pytest.mark.real
async def test_an_illegal_step_is_refused_and_changes_nothing(system: wire.Backend) -> None:
    assert await system.update(update("us-1", "ship")) == (rules.ILLEGAL_TRANSITION, 1, "allocated")
    assert await system.update(update("us-1", "start_picking")) == (rules.OK, 2, "picking")


@pytest.mark.real
async def test_an_unknown_order_is_refused(system: wire.Backend) -> None:
    assert (await system.update(update("us-none", "ship"))).code == rules.UNKNOWN_ORDER


@pytest.mark.real
async def test_a_repeated_key_gives_the_first_answer_and_moves_nothing(system: wire.Backend) -> None:
    first = await system.update(update("us-1", "start_picking", "k"))
    await system.update(update("us-1", "pause_picking"))
    assert await system.update(update("us-1", "start_picking", "k")) == first
    assert await system.update(update("us-1", "start_picking")) == (rules.OK, 4, "picking")


@pytest.mark.real
async def test_a_key_with_another_body_is_refused(system: wire.Backend) -> None:
    await system.update(update("us-1", "start_picking", "k", 1))
    assert (await system.update(update("us-1", "pause_picking", "k", 2))).code == rules.KEY_REUSED
    await place(system, ("A", 1), key="p", mark=1)
    assert (await place(system, ("A", 2), key="p", mark=2)).code == rules.KEY_REUSED


@pytest.mark.real
async def test_a_key_sent_twice_at_once_is_applied_once(system: wire.Backend) -> None:
    commands = [update("us-1", "start_picking", "k") for _ in range(8)]
    outcomes = await asyncio.gather(*map(system.update, commands))
    assert set(outcomes) == {(rules.OK, 2, "picking")}


@pytest.mark.real
async def test_one_bad_item_of_a_body_does_not_harm_the_others(system: wire.Backend) -> None:
    items = [update("us-1", "start_picking"), update("us-none", "ship"), update("us-2", "deliver")]
    items += [update("us-2", "start_picking")]
    codes = [outcome.code for outcome in await system.update_many(items)]
    assert codes == [rules.OK, rules.UNKNOWN_ORDER, rules.ILLEGAL_TRANSITION, rules.OK]


@pytest.mark.real
async def test_the_nearest_place_that_has_all_serves_and_else_the_order_is_split(system: wire.Backend) -> None:
    assert reserved(await place(system, ("A", 2), ("B", 1))) == [(EAST, "A", 2), (EAST, "B", 1)]
    assert reserved(await place(system, ("B", 3))) == [(WEST, "B", 3)]
    assert reserved(await place(system, ("B", 9))) == [(EAST, "B", 2)]
    assert reserved(await place(system, ("B", 1))) == []


@pytest.mark.real
async def test_no_unit_is_promised_twice_under_concurrent_demand(system: wire.Backend, url: str) -> None:
    placed = await asyncio.gather(*(place(system, ("A", 1 + n % 3), ("B", 1)) for n in range(40)))
    units = {"A": 0, "B": 0}
    for answer in placed:
        assert answer.code == rules.OK
        for _, sku, quantity in reserved(answer):
            units[sku] += quantity
    assert units == {"A": 20, "B": 6}
    assert database.promised_twice(url) == []


@pytest.mark.real
async def test_a_repeated_placement_gives_the_first_order_again(system: wire.Backend) -> None:
    first = await place(system, ("A", 2), key="p")
    again, other = await asyncio.gather(place(system, ("A", 2), key="p"), place(system, ("A", 1)))
    order, repeated = msgspec.json.decode(first.reply), msgspec.json.decode(again.reply)
    assert (repeated["order_id"], repeated["status"]) == (order["order_id"], "allocated")
    assert reserved(again) == reserved(first)
    assert other.code == rules.OK


async def test_a_batch_never_carries_two_commands_to_one_order_nor_changes_their_order() -> None:
    batches: list[list[tuple[str, int]]] = []

    async def send(items: list[tuple[str, int]]) -> list[int]:
        batches.append(items)
        await asyncio.sleep(0)
        return [n for _, n in items]

    collector: Collector[tuple[str, int], int] = Collector(send, lambda item: (item[0],))
    items = [("a", 0), ("a", 1), ("b", 2), ("a", 3), ("b", 4)]
    assert await asyncio.gather(*map(collector.ask, items)) == [0, 1, 2, 3, 4]
    assert batches == [[("a", 0), ("b", 2)], [("a", 1), ("b", 4)], [("a", 3)]]


async def test_a_failed_batch_fails_its_callers_and_not_the_next_batch() -> None:
    async def send(items: list[int]) -> list[int]:
        if 1 in items:
            raise OSError("database away")
        return items

    collector: Collector[int, int] = Collector(send, lambda item: (item,))
    with pytest.raises(OSError, match="away"):
        await collector.ask(1)
    assert await collector.ask(2) == 2


@pytest.mark.real
async def test_the_check_of_the_stock_finds_a_unit_promised_twice(system: wire.Backend, url: str) -> None:
    await place(system, ("A", 2))
    assert database.promised_twice(url) == []
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE compare.stock SET reserved = 1 WHERE sku = 'A' AND location_id = %s", [EAST])
    assert database.promised_twice(url) == [f"A at {EAST}: on hand 10, reserved 1, in fulfilments 2, in ledger 2"]
