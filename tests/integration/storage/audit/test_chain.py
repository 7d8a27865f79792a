"""The audit in PostgreSQL: lines come once and in order, nobody changes one unnoticed, and what is
dropped is written down."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import psycopg
import pytest

from actors.domain.audit import Act, Audited, Who
from actors.runtime.errors import StoreUnavailable
from actors.runtime.wire import OK, Turn
from actors.storage.audit_check import Break, anchors, verify
from actors.storage.audit_keeping import _LOCK, Dropped, Held, anchor, drop_old, dropped_months, hold, lift
from actors.storage.grants import grant, may_alter_audit
from actors.storage.postgres_store import PostgresStore
from tests.integration.storage.audit.lines import NOON, audited, breaks, drained, forge, is_signed, ms, sign, turn

pytestmark = pytest.mark.real


async def test_a_line_says_who_did_what_to_which_version_and_when(store, owner):
    await drained(store, 1, 1, turn(4))
    row = owner.execute(
        "SELECT shard, number, at, version, subject, role, session_id, address, request_id, action, outcome, location_id,"
        " kind, entity_id, why, changes FROM audit"
    ).fetchone()
    assert row == (
        1, 1, NOON, 4, "us-acct-mia", "manager", "s-1", "a-77", "r-1", "order.ship", "", "us-st-austin",
        "order", "us-1", "damage", '{"A.on_hand":[3,null]}',
    )  # fmt: skip


async def test_lines_of_many_drains_make_one_unbroken_chain_a_shard(store, owner):
    await drained(store, 1, 1, turn(1), turn(2, lines=3))
    await drained(store, 2, 1, turn(1))
    await drained(store, 1, 2, turn(3, ms(NOON) - 60_000))  # the clock of another host is behind
    numbers = owner.execute("SELECT shard, number FROM audit ORDER BY shard, number").fetchall()
    assert numbers == [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (2, 1)]
    checked = verify(owner, "us", is_signed)
    assert (checked.lines, checked.breaks) == (6, [])


async def test_a_replica_whose_clock_is_ahead_dates_nobodys_lines_ahead(store, owner):
    midnight = ms(datetime(2026, 4, 1, tzinfo=UTC))
    noted = msgspec.structs.replace(
        turn(1, midnight - 1000), audited=[audited("order.read", request_id="r-2", at_ms=midnight + 3 * 86_400_000)]
    )
    await drained(store, 1, 1, noted, turn(2, midnight - 900))  # nobody has made April
    assert [at for (at,) in owner.execute("SELECT at FROM audit ORDER BY number")] == [
        datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 3, 31, 23, 59, 59, 100_000, tzinfo=UTC)
    ]  # fmt: skip
    assert breaks(owner) == []


async def test_a_drain_that_is_done_again_adds_no_line_twice(store, owner):
    await drained(store, 1, 1, turn(1))
    with pytest.raises(StoreUnavailable):
        await drained(store, 1, 1, turn(1))
    assert verify(owner, "us", is_signed)[:1] == (1,)
    assert breaks(owner) == []


@pytest.mark.parametrize(
    ("statement", "number", "what"),
    [
        ("UPDATE audit SET subject = 'us-acct-sam' WHERE number = 2", 2, "was changed"),
        ("UPDATE audit SET at = at + interval '1 s' WHERE number = 3", 3, "was changed"),
        ("UPDATE audit SET at = at - interval '1 s' WHERE number = 4", 4, "was changed"),
        ("UPDATE audit SET at = at + interval '10 d' WHERE number = 2", 2, "was changed"),
        ("UPDATE audit SET chain = sha256('x') WHERE number = 2", 2, "was changed"),
        ("DELETE FROM audit WHERE number = 2", 2, "is missing"),
        ("DELETE FROM audit WHERE number = 4", 4, "are gone"),
        ("INSERT INTO audit SELECT * FROM audit WHERE number = 3", 3, "is there twice"),
        ("UPDATE shards SET audit_number = 3 WHERE shard = 1", 4, "not the end"),
    ],
)
async def test_a_forged_line_is_named(store, owner, statement, number, what):
    await drained(store, 1, 1, turn(1), turn(2), turn(3), turn(4))
    forge(owner, statement)
    [found] = breaks(owner)
    assert (found.shard, found.number) == (1, number)
    assert what in found.what


async def test_a_forged_line_hides_what_is_wrong_in_another_shard(store, owner):
    for shard in (1, 2):
        await drained(store, shard, 1, turn(1), turn(2, ms(NOON) + 1), turn(3, ms(NOON) + 2))
    forge(owner, "DELETE FROM audit WHERE shard = 1 AND number = 1; DELETE FROM audit WHERE shard = 2 AND number = 2")
    assert [(found.shard, found.number) for found in breaks(owner)] == [(1, 1), (2, 2)]


async def test_a_chain_that_was_made_anew_is_not_what_was_anchored(store, owner, clean_url):
    await drained(store, 1, 1, turn(1), turn(2))
    [made] = anchor(owner, "us", date(2026, 3, 15), sign)
    assert (made.day, made.shard, made.number) == ("2026-03-14", 1, 2)
    assert anchor(owner, "us", date(2026, 3, 15), sign) == []
    assert anchors(owner) == [made]
    assert verify(owner, "us", is_signed).anchors == 1
    forge(owner, "DELETE FROM audit")
    owner.execute("UPDATE shards SET audit_number = 0, audit_chain = '', audit_at = 'epoch'")
    assert breaks(owner) == [Break(1, 1, "lines 1 to 2 are gone: they are anchored")]
    await drained(store, 1, 2, turn(3), turn(4))  # the same number of lines, a right chain
    assert breaks(owner) == [Break(1, 2, "lines up to 2 were made anew: they are not what was anchored on 2026-03-14")]


async def test_an_anchor_is_made_at_a_line_of_today_or_none_of_a_shard_that_is_quiet(store, owner):
    midnight = ms(datetime(2026, 3, 15, tzinfo=UTC))
    await drained(store, 1, 1, turn(1), turn(2, midnight - 1), turn(3, midnight), turn(4, midnight + 5))
    await drained(store, 2, 1, turn(1), turn(2))
    made = anchor(owner, "us", date(2026, 3, 15), sign)
    assert sorted((one.shard, one.number) for one in made) == [(1, 2), (2, 2)]
    checked = verify(owner, "us", is_signed)
    assert (checked.anchors, checked.breaks) == (2, [])


async def test_anchors_that_were_taken_away_or_made_anew_are_missed(store, owner):
    await drained(store, 1, 1, turn(1))
    await drained(store, 2, 1, turn(1))
    record = {(one.day, one.shard): one.signature for one in anchor(owner, "us", date(2026, 3, 15), sign)}
    assert verify(owner, "us", is_signed, record).breaks == []
    owner.execute("DELETE FROM audit_anchors WHERE shard = 1")
    assert verify(owner, "us", is_signed).breaks == []  # that is why they are recorded elsewhere
    assert verify(owner, "us", is_signed, record).breaks == [Break(1, 0, "the anchor of 2026-03-14 was taken away")]
    # The keeper would sign whatever stands there now.
    forge(owner, "DELETE FROM audit WHERE shard = 1")
    owner.execute("UPDATE shards SET audit_number = 0, audit_chain = '', audit_at = 'epoch' WHERE shard = 1")
    await drained(store, 1, 2, turn(2))
    anchor(owner, "us", date(2026, 3, 15), sign)
    assert verify(owner, "us", is_signed).breaks == []
    [found] = verify(owner, "us", is_signed, record).breaks
    assert "is another than the one that was made" in found.what


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("us-client-shop", "subject"),
        ("a-net.77", "address"),
        ("a-net", "address"),
        ("order.ship", "action"),
        ("order", "noun"),
        ("us-st-austin", "location"),
    ],
)
async def test_a_line_that_no_search_would_find_any_more_is_named(store, owner, value, field):
    machine = audited(who=Who("us-client-shop", "", "s-1", "a-net.77"))
    await drained(store, 1, 1, msgspec.structs.replace(turn(1), audited=[machine]))
    assert breaks(owner) == []
    forge(owner, f"DELETE FROM audit_seconds WHERE key = audit_key('{field}', '{value}')")
    [found] = breaks(owner)
    assert (found.shard, found.number) == (1, 1)
    assert f"not found by its {field}" in found.what


async def test_nobody_empties_the_audit_or_a_month_of_it_by_mistake(store, owner):
    await drained(store, 1, 1, turn(1))
    for table in ("audit", "audit_2026_03", "audit_seconds", "audit_seconds_2026_03"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute(f"TRUNCATE {table}")
    assert breaks(owner) == []


async def test_an_anchor_of_somebody_else_does_not_count(store, owner):
    await drained(store, 1, 1, turn(1))
    anchor(owner, "us", date(2026, 3, 15), lambda message: "0" * 64)
    assert [found.what for found in breaks(owner)] == ["the anchor of 2026-03-14 is not signed by this cell"]


async def test_what_is_dropped_is_written_down_and_the_chain_goes_on_after_it(store, owner):
    await drained(store, 1, 1, turn(1), turn(2))
    await drained(store, 2, 1, turn(1))
    await drained(store, 1, 2, turn(3, ms(datetime(2026, 4, 2, tzinfo=UTC))))
    assert drop_old(owner, "us", date(2026, 4, 30), 30, sign) == []
    assert drop_old(owner, "us", date(2026, 5, 1), 30, sign) == [Dropped(date(2026, 3, 1), 3)]
    checked = verify(owner, "us", is_signed)
    assert (checked.lines, checked.breaks) == (1, [])
    ((month, when, lines),) = dropped_months(owner)
    assert (month, lines) == (date(2026, 3, 1), 3)
    assert abs((datetime.now(UTC) - when).total_seconds()) < 3600
    await drained(store, 2, 2, turn(2, ms(datetime(2026, 4, 3, tzinfo=UTC))))
    assert breaks(owner) == []
    owner.execute("UPDATE audit_drops SET cut = '{}'")
    assert "not signed" in breaks(owner)[0].what


async def test_after_a_second_month_is_dropped_the_chain_seems_to_begin_after_the_first(store, owner):
    await drained(store, 1, 1, turn(1), turn(2, ms(datetime(2026, 4, 2, tzinfo=UTC))))
    await drained(store, 1, 2, turn(3, ms(datetime(2026, 5, 2, tzinfo=UTC))))
    assert drop_old(owner, "us", date(2026, 5, 1), 30, sign) == [Dropped(date(2026, 3, 1), 1)]
    assert drop_old(owner, "us", date(2026, 6, 1), 30, sign) == [Dropped(date(2026, 4, 1), 1)]
    checked = verify(owner, "us", is_signed)
    assert (checked.lines, checked.breaks) == (1, [])


@pytest.mark.parametrize("known_by", ["its end", "its anchor"])
async def test_all_lines_of_a_shard_are_gone_and_nobody_is_told(store, owner, known_by):
    await drained(store, 1, 1, turn(1), turn(2))
    if known_by == "its anchor":
        anchor(owner, "us", date(2026, 3, 15), sign)
        owner.execute("DELETE FROM shards WHERE shard = 1")
    forge(owner, "DELETE FROM audit WHERE shard = 1")
    [found] = breaks(owner)
    assert (found.shard, found.number) == (1, 1)
    assert "lines 1 to 2 are gone" in found.what


async def test_lines_of_a_shard_that_there_is_not_are_taken_for_right(store, owner):
    await drained(store, 1, 1, turn(1))
    owner.execute("DELETE FROM shards WHERE shard = 1")
    [found] = breaks(owner)
    assert (found.shard, found.number) == (1, 1)
    assert "not the end" in found.what


async def test_a_hold_is_confirmed_while_a_month_is_being_dropped(owner, clean_url):
    with psycopg.connect(clean_url) as dropping:
        dropping.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        owner.execute("SET lock_timeout = '300ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            hold(owner, "case-7", "a court asked")
    assert hold(owner, "case-7", "a court asked")


async def test_nothing_is_dropped_while_a_hold_stands(store, owner):
    await drained(store, 1, 1, turn(1))
    assert hold(owner, "case-7", "a court asked")
    assert not hold(owner, "case-7", "again")
    with pytest.raises(Held, match="case-7") as held:
        drop_old(owner, "us", date(2030, 1, 1), 30, sign)
    assert held.value.months[0] == date(2026, 3, 1)
    assert dropped_months(owner) == []
    assert owner.execute("SELECT count(*) FROM audit").fetchone() == (1,)
    assert lift(owner, "case-7")
    assert not lift(owner, "case-7")
    assert Dropped(date(2026, 3, 1), 1) in drop_old(owner, "us", date(2030, 1, 1), 30, sign)


async def test_the_role_that_the_cell_runs_as_adds_lines_and_can_neither_change_nor_remove_any(clean_url, owner):
    owner.execute("DROP ROLE IF EXISTS cell_role_of_a_test")
    owner.execute("CREATE ROLE cell_role_of_a_test LOGIN")
    grant(clean_url, "cell_role_of_a_test")
    url = clean_url.replace("://", "://cell_role_of_a_test@", 1) if "@" not in clean_url else (
        clean_url.split("://")[0] + "://cell_role_of_a_test@" + clean_url.split("@", 1)[1]
    )  # fmt: skip
    assert may_alter_audit(clean_url)
    assert not may_alter_audit(url)
    store = PostgresStore(url)
    try:
        await store.lease("h0", [1], 7)
        # Also in a month that nobody has made yet.
        await drained(store, 1, 1, turn(1), turn(2, ms(datetime(2031, 5, 1, tzinfo=UTC))))
    finally:
        await store.close()
    assert verify(owner, "us", is_signed)[:1] == (2,)
    with psycopg.connect(url, autocommit=True) as cell:
        for statement in (
            "UPDATE audit SET subject = ''",
            "DELETE FROM audit",
            "TRUNCATE audit",
            "DELETE FROM audit_2031_05",
            "DROP TABLE audit_2031_05",
            "DELETE FROM audit_seconds",
            "TRUNCATE audit_seconds_2031_05",
            "UPDATE history SET entity_id = ''",
            "DELETE FROM history_2031_05",
            "ALTER TABLE audit DISABLE TRIGGER ALL",
            "DELETE FROM audit_anchors",
            "UPDATE audit_holds SET lifted_at = now()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                cell.execute(statement)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("UPDATE audit SET subject = ''")  # nor does the owner, by mistake


async def test_a_character_that_postgres_cannot_store_does_not_break_the_chain(store, owner):
    odd = Audited(Who("us-acct-\0"), Act("order.ship", "", "", {"a\0": ("\0", 1)}), request_id="r")
    await drained(store, 1, 1, Turn("order", "us-1", 1, ms(NOON), "c", 1, 0, "", b"[]", OK, b"{}", audited=[odd]))
    assert owner.execute("SELECT subject FROM audit").fetchone() == ("us-acct-\ufffd",)
    assert breaks(owner) == []
