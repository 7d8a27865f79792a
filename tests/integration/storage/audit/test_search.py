"""What is looked for in the audit is found: all of it, nothing else, a page at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest

from actors.runtime.audit_lines import LINES_MAX, Filter, Place
from actors.storage import audit_search
from actors.storage.audit_keeping import Dropped, drop_old
from actors.storage.audit_search import PostgresAudit
from tests.integration.storage.audit.lines import (
    NOON,
    NOW,
    acted,
    breaks,
    drained,
    forge,
    ms,
    plan_of,
    scans_of,
    sign,
    turn,
)

pytestmark = pytest.mark.real


@pytest.fixture
async def lines(store, clean_url):
    await drained(
        store, 1, 1,
        acted(1, "us-acct-mia", "order.ship", "us-st-austin"),
        acted(2, "us-acct-sam", "order.cancel"),
        acted(3, "us-acct-mia", "location.adjust", "us-st-austin", on_hand=7),
        acted(4, "us-acct-mia", "orders.export"),
        acted(5, "us-acct-sam", "order.ship", "us-st-reno"),
        acted(6, "us-acct-sam", "order.pack", why=""),
    )  # fmt: skip
    found = PostgresAudit(clean_url)
    yield found
    await found.close()


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Filter(), [6, 5, 4, 3, 2, 1]),
        (Filter(subject="us-acct-mia"), [4, 3, 1]),
        (Filter(action="order."), [6, 5, 2, 1]),
        (Filter(action="order.ship"), [5, 1]),
        (Filter(action="order"), []),
        (Filter(entity_id="us-3"), [3]),
        (Filter(location_id="us-st-austin"), [3, 1]),
        (Filter(address="a-sam"), [6, 5, 2]),
        (Filter(since_ms=NOW + 2000, until_ms=NOW + 4000), [3, 2]),
        (Filter(text="ship"), [5, 1]),
        # What says nothing but its action is found by that.
        (Filter(text="pack"), []),
        (Filter(action="order.pack"), [6]),
        (Filter(text='"stock take" -order'), [4, 3]),
        (Filter(text="on hand"), [3]),
        (Filter(text="' ; drop & | ! ((("), []),
        (Filter(subject="us-acct-mia", text="adjust"), [3]),
        (Filter(subject="\0"), []),
    ],
)
async def test_looking_for_something_finds_all_of_it_and_nothing_else(lines, wanted, numbers):
    found = (await lines.search(wanted, None, 100)).lines
    assert [line.number for line in found] == numbers


async def test_a_terminal_or_a_customer_is_looked_for_and_lines_of_others_are_found(store, clean_url):
    turns = []
    for number, (subject, device, behalf) in enumerate(
        [("us-acct-mia", "us-device-1", ""), ("us-acct-sam", "us-device-1", "c-1"), ("us-client-web", "", "c-1")], 1
    ):
        turn = acted(number, subject, "order.search")
        who = msgspec.structs.replace(turn.audited[0].who, device=device, behalf=behalf)
        turns.append(msgspec.structs.replace(turn, audited=[msgspec.structs.replace(turn.audited[0], who=who)]))
    await drained(store, 1, 1, *turns)
    search = PostgresAudit(clean_url)
    for wanted, numbers in (
        (Filter(device="us-device-1"), [2, 1]),
        (Filter(behalf="c-1"), [3, 2]),
        (Filter(device="us-device-1", behalf="c-1"), [2]),
        (Filter(subject="us-acct-mia", device="us-device-1"), [1]),
        (Filter(action="order.search", behalf="c-1"), [3, 2]),
        (Filter(subject="us-client-web", device="us-device-1"), []),
    ):
        assert [line.number for line in (await search.search(wanted, None, 100)).lines] == numbers
    await search.close()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("HOODIE-XL", [3, 1]),
        ("hoodie-xl.on_hand", [1]),
        ("XL-HOODIE", []),
        ("MUG-BLUE", [2]),
        ("auth.forbidden", [4]),
        ("location.adjust", [3, 2, 1]),
        ('"HOODIE-XL.on_hand"', [1]),
        ('"stock-take HOODIE-XL"', [3, 1]),
        ("adjust -HOODIE-XL", [2]),
        ('adjust -"hoodie-xl.on_hand"', [3, 2]),
        ("MUG-BLUE or auth.forbidden", [4, 2]),
        ('MUG"BLUE', [2]),
        ("... - {}", []),
    ],
)
async def test_what_an_auditor_copies_out_of_a_line_is_not_found_again(store, clean_url, text, numbers):
    """A SKU, a code, a field of a SKU: with the characters that separate words in a line."""
    refused = acted(4, "us-acct-mia", "order.ship", why="")
    line = msgspec.structs.replace(refused.audited[0], outcome="auth.forbidden")
    await drained(
        store, 1, 1,
        acted(1, "us-acct-mia", "location.adjust", **{"HOODIE-XL.on_hand": 7}),
        acted(2, "us-acct-mia", "location.adjust", **{"MUG-BLUE.on_hand": 2}),
        acted(3, "us-acct-mia", "location.adjust", **{"HOODIE-XL.safety_stock": 1}),
        msgspec.structs.replace(refused, audited=[line]),
    )  # fmt: skip
    search = PostgresAudit(clean_url)
    found = (await search.search(Filter(text=text), None, 100)).lines
    await search.close()
    assert [line.number for line in found] == numbers


async def test_an_ipv6_network_is_found_by_no_address_or_an_address_of_before_there_were_networks_is_not(
    store, owner, clean_url
):
    """As `audit_address.py` has them: two of one network, one of another, one of before, one that only begins alike,
    and one with what is around it."""
    addresses = ("a-net.one", "a-net.two", "a-other.one", "a-one", "a-net5", "a-net.one.wide")
    turns = []
    for number, address in enumerate(addresses, 1):
        turn = acted(number, "us-acct-mia", "order.ship")
        who = msgspec.structs.replace(turn.audited[0].who, address=address)
        turns.append(msgspec.structs.replace(turn, audited=[msgspec.structs.replace(turn.audited[0], who=who)]))
    await drained(store, 1, 1, *turns)
    search = PostgresAudit(clean_url)
    for wanted, numbers in (("a-net", [6, 2, 1]), ("a-net.one.wide", [6, 4, 1]), ("a-one", [4]), ("a-net5", [5])):
        for also in ("", "us-acct-mia"):
            found = await search.search(Filter(address=wanted, subject=also), None, 100)
            assert [line.number for line in found.lines] == numbers
    await search.close()
    assert breaks(owner) == []


async def test_a_page_of_the_largest_size_tells_that_there_is_more(store, clean_url):
    await drained(store, 1, 1, *[turn(version) for version in range(1, LINES_MAX + 2)])
    search = PostgresAudit(clean_url)
    for wanted in (Filter(), Filter(subject="us-acct-mia"), Filter(action="order.ship")):
        assert len((await search.search(wanted, None, LINES_MAX + 1)).lines) == LINES_MAX + 1
    await search.close()


@pytest.mark.parametrize("her", ["us-acct-mia", "us-client-web"])
async def test_what_is_looked_for_is_found_in_many_seconds_and_months_a_page_at_a_time(store, owner, clean_url, her):
    """A line of hers every 7 s for an hour, then months without any; others' between them."""
    hour = [acted(n, her if n % 7 == 0 else "us-acct-sam", f"order.{'ship' if n % 2 else 'pack'}") for n in range(3600)]
    await drained(store, 1, 1, *hour)
    late = msgspec.structs.replace(acted(0, her, "order.ship"), at_ms=ms(datetime(2027, 1, 1, tzinfo=UTC)))
    await drained(store, 1, 2, late)
    search = PostgresAudit(clean_url)
    hers = [number + 1 for number in range(3600) if number % 7 == 0]
    for wanted, numbers in (
        (Filter(subject=her), [*hers, 3601]),
        (Filter(subject=her, action="order.ship"), [*(number for number in hers if number % 2 == 0), 3601]),
        (Filter(subject=her, address="a-sam"), []),
        (Filter(address=f"a-{her[-3:]}", since_ms=NOW + 500, until_ms=NOW + 14_001), [8, 15]),
    ):
        seen: list[int] = []
        before = None
        while page := (await search.search(wanted, before, 100)).lines:
            seen += [line.number for line in page]
            before = Place(page[-1].at, page[-1].shard, page[-1].number)
        assert seen == numbers[::-1]
    await search.close()
    assert breaks(owner) == []


async def test_a_search_that_takes_long_gives_what_it_has_and_says_where_it_goes_on(
    store, owner, clean_url, monkeypatch
):
    await drained(store, 1, 1, *[acted(n, "us-acct-mia", "order.ship") for n in range(100)])
    monkeypatch.setattr(audit_search, "PATIENCE_S", -1.0)
    search = PostgresAudit(clean_url)
    seen: list[int] = []
    before: Place | None = None
    pages = 0
    while True:
        lines, before = await search.search(Filter(action="order.ship"), before, 1000)
        seen += [line.number for line in lines]
        pages += 1
        if before is None:
            break
        assert len(lines) == audit_search.SECONDS_FIRST - (
            pages > 1
        )  # the second where it was broken off is looked at again
    assert seen == list(range(100, 0, -1))
    await search.close()


async def test_a_month_can_be_dropped_while_a_search_is_under_way(store, owner, clean_url, monkeypatch):
    await drained(store, 1, 1, *[acted(n, "us-acct-mia", "order.ship") for n in range(40)])
    real, dropped = audit_search._lines_of, []

    def between(*arguments):
        if not dropped:
            dropped.append(drop_old(owner, "us", date(2030, 1, 1), 30, sign))
        return real(*arguments)

    monkeypatch.setattr(audit_search, "_lines_of", between)
    search = PostgresAudit(clean_url)
    assert (await search.search(Filter(action="order.ship"), None, 9)).lines == []
    assert Dropped(date(2026, 3, 1), 40) in dropped[0]
    await search.close()


async def test_the_same_thing_said_again_within_a_second_adds_no_row(store, owner):
    await drained(store, 1, 1, turn(1))
    [(rows,)] = owner.execute("SELECT count(*) FROM audit_seconds")
    await drained(store, 1, 2, turn(2), turn(3))
    assert list(owner.execute("SELECT count(*) FROM audit_seconds")) == [(rows,)]
    await drained(store, 1, 3, turn(4, ms(NOON) + 1000))
    assert list(owner.execute("SELECT count(*) FROM audit_seconds")) == [(2 * rows,)]


async def test_two_values_of_one_key_are_still_told_apart(store, owner, clean_url):
    await drained(store, 1, 1, acted(1, "us-client-web", "order.ship"), acted(1, "us-client-app", "order.ship"))
    forge(
        owner,
        "UPDATE audit_seconds SET key = audit_key('subject', 'us-client-web') WHERE key = audit_key('subject', 'us-client-app')",
    )
    search = PostgresAudit(clean_url)
    assert [line.number for line in (await search.search(Filter(subject="us-client-web"), None, 9)).lines] == [1]
    await search.close()


async def test_pages_leave_nothing_out_and_tell_nothing_twice_when_times_are_the_same(store, clean_url):
    same = [acted(1, "us-acct-mia", "order.ship") for _ in range(7)]
    await drained(store, 1, 1, *same)
    await drained(store, 2, 1, *same)
    search = PostgresAudit(clean_url)
    seen: list[tuple[int, int]] = []
    before = None
    while page := (await search.search(Filter(), before, 3)).lines:
        seen += [(line.shard, line.number) for line in page]
        before = Place(page[-1].at, page[-1].shard, page[-1].number)
    await search.close()
    assert sorted(seen) == [(shard, number) for shard in (1, 2) for number in range(1, 8)]
    assert len(seen) == 14


async def test_what_lies_between_the_seconds_of_something_seldom_is_not_read(store, owner, clean_url):
    """Something every 200 s, and for an hour something else each second."""
    hour = [acted(n, "us-acct-mia", "account.change_role" if n % 200 == 0 else "order.ship") for n in range(3600)]
    await drained(store, 1, 1, *hour)
    owner.execute("ANALYZE audit")
    seconds = [datetime.fromtimestamp(one.at_ms // 1000, UTC) for one in reversed(hour[::200])]
    query = audit_search._lines_of(seconds, Filter(action="account.change_role"), None, 51)
    read = [
        scan["Actual Loops"] * (scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0))
        for scan in scans_of(plan_of(clean_url, query)) if scan["Relation Name"].startswith("audit_")
    ]  # fmt: skip
    assert len(seconds) <= sum(read) <= 3 * len(seconds)
