"""Machines' routine steps have no index by their order: they are found by its turns in the history."""

from __future__ import annotations

import importlib

import psycopg
import pytest

from actors.domain.audit import Act, Audited, Who
from actors.runtime.audit_lines import Filter, Place
from actors.runtime.wire import OK, Turn
from actors.storage import audit_search
from actors.storage.audit_search import PostgresAudit
from actors.storage.postgres_store import PostgresStore
from tests.integration.storage.audit.lines import NOW, breaks, drained, forge, plan_of, scans_of

pytestmark = pytest.mark.real
ORDER, OTHER = f"us-{'0' * 25}1", f"us-{'0' * 25}2"
SHOP = Who("us-client-shop", "", "s-1", "a-77")
MIA = Who("us-acct-mia", "manager", "s-2", "a-78")
HOUR_MS = 3_600_000
MONTH_MS = 31 * 24 * HOUR_MS


def step(version: int, action: str, at_ms: int, who: Who = SHOP, order_id: str = ORDER, outcome: str = "") -> Turn:
    line = Audited(who, Act(action, "us-st-austin"), outcome)
    return Turn("order", order_id, version, at_ms, f"c{at_ms}", version, 0, "r-1", b"[]", OK, b"{}", audited=[line])


def read(at_ms: int) -> Turn:
    """A read of the order, in a turn of a trail."""
    line = Audited(MIA, Act("order.read"), "", "order", ORDER, 0, at_ms, "r-2")
    return Turn("trail", "us-trail-1", 0, at_ms, f"t{at_ms}", 0, 0, "", b"[]", OK, b"{}", audited=[line])


@pytest.fixture
async def search(clean_url):
    search = PostgresAudit(clean_url)
    yield search
    await search.close()


async def numbers(search: PostgresAudit, limit: int = 100, **wanted: object) -> list[int]:
    """Of all lines about the order, a page at a time."""
    seen: list[int] = []
    before = None
    while page := (await search.search(Filter(entity_id=ORDER, **wanted), before, limit)).lines:
        seen += [line.number for line in page]
        before = Place(page[-1].at, page[-1].shard, page[-1].number)
    return seen


async def life(store) -> None:
    """Two months of an order among another's, by a machine and a manager; the numbers of its lines
    are 1, 2, 4, 5, 7 and 8."""
    await drained(
        store, 1, 1,
        step(1, "order.place", NOW), step(2, "order.start_picking", NOW + 5),
        step(1, "order.place", NOW + 5, order_id=OTHER),
        step(2, "order.pack", NOW + HOUR_MS, outcome="order.illegal_transition"),
        step(3, "order.pack", NOW + HOUR_MS + 1, MIA),
        step(2, "order.pack", NOW + HOUR_MS + 1, order_id=OTHER),
        read(NOW + HOUR_MS + 2),
        step(4, "order.ship", NOW + MONTH_MS),
    )  # fmt: skip


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_every_step_of_an_order_is_found_by_it_once_and_newest_first(store, owner, search, limit):
    await life(store)
    assert await numbers(search, limit) == [8, 7, 5, 4, 2, 1]
    assert breaks(owner) == []


async def test_steps_of_an_order_are_found_with_what_else_is_wanted_of_them(store, search):
    await life(store)
    assert await numbers(search, subject=SHOP.subject) == [8, 4, 2, 1]
    assert await numbers(search, action="order.pack") == [5, 4]
    assert await numbers(search, action="order.ship") == [8]
    assert await numbers(search, location_id="us-st-reno") == []
    assert await numbers(search, since_ms=NOW + 5, until_ms=NOW + MONTH_MS) == [7, 5, 4, 2]
    assert await numbers(search, since_ms=NOW + 6, until_ms=NOW + HOUR_MS + 1) == [4]


async def test_a_step_is_found_whose_host_has_a_clock_behind_that_of_the_one_before(store, owner, search):
    await drained(store, 1, 1, step(1, "order.place", NOW + 90_000, order_id=OTHER))
    await drained(store, 1, 2, step(1, "order.place", NOW), step(2, "order.start_picking", NOW + 90_500))
    assert await numbers(search) == [3, 2]
    assert await numbers(search, since_ms=NOW + 90_000, until_ms=NOW + 90_001) == [2]
    assert breaks(owner) == []


async def test_two_steps_of_one_moment_are_two_lines(store, search):
    await drained(store, 1, 1, step(1, "order.place", NOW), step(2, "order.start_picking", NOW))
    assert await numbers(search, 1) == [2, 1]


async def test_a_step_whose_turn_was_taken_out_of_the_history_is_named(store, owner):
    await life(store)
    owner.execute("DELETE FROM history WHERE entity_id = %s AND version = 2 AND status = %s", [ORDER, OK])
    [found] = breaks(owner)
    assert (found.shard, found.number) == (1, 2)
    assert "not found by its order" in found.what


@pytest.mark.parametrize("month", ["history_2026_03", "audit_seconds_2026_03"])
@pytest.mark.parametrize("statement", ["DROP TABLE {}", "ALTER TABLE {} RENAME TO elsewhere"])
async def test_a_month_that_steps_are_found_by_is_gone(new_database, migrated, month, statement):
    with new_database(migrated) as url, psycopg.connect(url, autocommit=True) as owner:
        store = PostgresStore(url)
        await store.lease("h0", [1], 7)
        await life(store)
        await store.close()
        assert breaks(owner) == []
        owner.execute(f"ALTER TABLE {month.rsplit('_', 2)[0]} DETACH PARTITION {month}")
        [found] = breaks(owner)
        assert found.what.startswith(f"{month} is gone")
        owner.execute(statement.format(month))
        assert breaks(owner) == [found]


async def test_steps_are_looked_for_one_by_one_and_no_month_is_read(store, clean_url):
    await life(store)
    scans = [*scans_of(plan_of(clean_url, audit_search._of_entity(Filter(entity_id=ORDER), None, 51)))]
    of_march = {scan.get("Index Name") for scan in scans if scan["Relation Name"].endswith("2026_03")}
    assert of_march == {
        "audit_2026_03_entity_id_at_idx", "history_2026_03_entity_id_version_idx", "audit_2026_03_at_shard_number_idx",
        "audit_seconds_2026_03_key_second_idx",
    }  # fmt: skip


async def test_a_moved_step_of_whose_second_nothing_is_told_any_more_is_named(store, owner):
    await drained(store, 1, 1, step(1, "order.place", NOW + 90_000, order_id=OTHER))
    await drained(store, 1, 2, step(1, "order.place", NOW))
    forge(owner, f"DELETE FROM audit_seconds WHERE key = audit_key('entity', '{ORDER}')")
    [found] = breaks(owner)
    assert (found.shard, found.number) == (1, 2)


async def test_the_upgrade_makes_moved_steps_be_found(store, owner, search):
    await drained(store, 1, 1, step(1, "order.place", NOW + 90_000, order_id=OTHER))
    await drained(store, 1, 2, step(1, "order.place", NOW), step(2, "order.start_picking", NOW + 90_500))
    told = owner.execute("SELECT key, second FROM audit_seconds ORDER BY 1, 2").fetchall()
    forge(owner, f"DELETE FROM audit_seconds WHERE key = audit_key('entity', '{ORDER}')")
    assert await numbers(search) == [3]
    upgrade = importlib.import_module("actors.storage.migrations.versions.0037_steps_by_turns")
    owner.execute(upgrade.MOVED)
    assert owner.execute("SELECT key, second FROM audit_seconds ORDER BY 1, 2").fetchall() == told
    assert await numbers(search) == [3, 2]
