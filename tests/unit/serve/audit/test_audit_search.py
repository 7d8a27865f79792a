"""Auditors find lines, and only they; what they take home can be read by a spreadsheet without harm."""

import csv
import io
from pathlib import Path

import msgspec
import pytest

from actors.domain import ids
from actors.domain.audit_address import network_in, stands_as, within
from actors.runtime.audit_lines import Filter, Place
from serve.audit.who import pseudonym
from tests.unit.serve.fake_audit import line
from tests.unit.serve.guarded_cell import GuardedCell

DEVICE = f"us-device-{'0' * 26}"
NOW_MS = 1_767_225_600_000


@pytest.fixture
def cell(tmp_path: Path) -> GuardedCell:
    return GuardedCell(tmp_path)


async def ask(cell: GuardedCell, query: str = "", role: str = "auditor", **claims):
    return await cell.http.get(f"/v1/audit{query}", headers=cell.of_role(role, **claims))


async def test_pages_go_on_where_they_ended_and_end(cell):
    first = (await ask(cell, "?limit=2")).json()
    assert [found["number"] for found in first["lines"]] == [5, 4]
    second = (await ask(cell, f"?limit=3&cursor={first['next_cursor']}")).json()
    assert [found["number"] for found in second["lines"]] == [3, 2, 1]
    assert second["next_cursor"] is None
    assert second["lines"][0]["changes"] == {"status": ["picking", "packed"]}


async def test_a_cursor_is_no_way_to_other_lines(cell):
    cursor = (await ask(cell, "?limit=2&subject=us-acct-mia")).json()["next_cursor"]
    assert (await ask(cell, f"?limit=2&subject=us-acct-sam&cursor={cursor}")).json()["code"] == "cursor.invalid"


async def test_what_is_looked_for_is_passed_on_whole_and_an_address_only_as_its_digest(cell):
    query = (
        "?subject=us-acct-mia&action=order.&entity_id=us-1&location_id=us-st-austin&address=203.0.113.7"
        "&since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00%2B01:00&text=damage"
        f"&device={DEVICE}&behalf=c-77"
    )
    assert (await ask(cell, query)).status_code == 200
    [(wanted, before, limit)] = cell.audit.asked
    assert before is None
    assert limit == 51
    assert wanted.address.startswith("a-")
    assert "203.0" not in wanted.address
    expected = Filter(
        "us-acct-mia", "order.", "us-1", "us-st-austin", wanted.address, 1_767_225_600_000, 1_767_308_400_000, "damage",
        DEVICE, pseudonym(cell.keys, "customer", "c-77"),
    )  # fmt: skip
    assert wanted == expected


@pytest.mark.parametrize(
    "query",
    [
        "?action=order.ship.x", "?action=';drop", "?action=order", "?action=.", "?action=.ship", "?limit=0", "?limit=501", "?format=csv&limit=10001", "?format=pdf",
        "?since=yesterday", "?since=2026-01-01T00:00:00", "?subject=%00", f"?text={'x' * 201}",
        "?since=0001-01-01T00:00:00%2B14:00", "?until=9999-12-31T23:59:59-14:00",
    ],
)  # fmt: skip
async def test_nonsense_is_refused_and_searches_nothing(cell, query):
    assert (await ask(cell, query)).status_code == 422
    assert cell.audit.asked == []


@pytest.mark.parametrize("role", ["associate", "fulfilment", "manager", "driver", "support", "privacy", "ops"])
async def test_the_audit_is_for_auditors(cell, role):
    assert (await ask(cell, role=role)).json()["code"] == "auth.forbidden"
    assert cell.audit.asked == []


async def test_an_auditor_of_one_store_sees_no_other(cell):
    assert (await ask(cell, locs=("us-st-austin",))).json()["code"] == "auth.location_forbidden"
    assert (await ask(cell, "?location_id=us-st-austin", locs=("us-st-austin",))).status_code == 200


async def test_that_the_audit_was_searched_stands_in_the_audit(cell):
    await ask(cell, sub="us-acct-ada")
    assert [(found.who.subject, found.act.action) for found in cell.gateway.audited] == [
        ("us-acct-ada", "audit.search")
    ]


async def test_without_the_store_it_says_so(cell):
    cell.audit.away = True
    assert (await ask(cell)).json()["code"] == "cell.store_unavailable"


async def test_lines_for_a_spreadsheet_run_nothing_there(cell):
    cell.audit.found = [line(2, subject="=HYPERLINK(1)", why="@x"), line(1)]
    answer = await ask(cell, "?format=csv&limit=1")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit-us.csv"'
    head, row = csv.reader(io.StringIO(answer.text))
    told = dict(zip(head, row, strict=True))
    assert (told["subject"], told["why"]) == ("'=HYPERLINK(1)", "'@x")
    assert answer.headers["x-next-cursor"]


async def test_an_export_of_the_largest_size_says_where_the_next_one_begins(cell):
    cell.audit.found = [line(number) for number in range(10_050, 0, -1)]
    answer = await ask(cell, "?format=ndjson&limit=10000")
    assert len(answer.text.splitlines()) == 10_000
    rest = await ask(cell, f"?format=ndjson&limit=10000&cursor={answer.headers['x-next-cursor']}")
    assert [msgspec.json.decode(text)["number"] for text in rest.text.splitlines()] == list(range(50, 0, -1))
    assert "x-next-cursor" not in rest.headers


async def test_a_search_that_was_broken_off_is_taken_for_one_that_found_all(cell):
    cell.audit.broken_off = Place(1_767_225_000_000, 0, 0)
    answer = await ask(cell, "?subject=us-acct-mia")
    assert len(answer.json()["lines"]) == 5
    await ask(cell, f"?subject=us-acct-mia&cursor={answer.json()['next_cursor']}")
    assert cell.audit.asked[-1][1] == Place(1_767_225_000_000, 0, 0)


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8::1", "2001:DB8:0::1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("192.0.2.1", "192.0.2.1")],
)
async def test_an_address_is_found_by_any_of_its_spellings(cell, one, other):
    await ask(cell, f"?address={one}")
    await ask(cell, f"?address={other}")
    (first, _, _), (second, _, _) = cell.audit.asked
    assert first.address == second.address
    assert first.address.startswith("a-")


async def test_whoever_has_a_network_of_ipv6_is_somebody_else_from_each_of_its_addresses(cell):
    for sought in ("2001:db8:1:2::1", "2001:db8:1:2:a::1", "2001:db8:1:3::1", "2001:DB8:1:2::9/64", "203.0.113.7"):
        await ask(cell, f"?address={sought}")
    one, other, elsewhere, network, four = (wanted.address for wanted, _, _ in cell.audit.asked)
    assert one != other
    assert network_in(one) == network_in(other) == network != network_in(elsewhere)
    assert one.startswith(within(network))
    assert network_in(four) == four, "of IPv4 the digest is what it was"
    # As it stands in lines of before what is around was kept, and of before there were networks.
    whole = pseudonym(cell.keys, "address", "2001:db8:1:2::1")
    assert stands_as(one) == (one, f"{within(network)}{whole.removeprefix('a-')}", whole)
    assert stands_as(four) == (four,)


@pytest.mark.parametrize("network", ["2001:db8::/48", "203.0.113.0/24", "2001:db8::1/", "/64"])
async def test_a_network_of_which_there_is_no_digest_is_looked_for_in_vain(cell, network):
    answer = await ask(cell, f"?address={network}")
    assert (answer.status_code, answer.json()["code"]) == (422, "request.parameter_invalid")
    assert cell.audit.asked == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?subject=mia.manager", "subject"),
        ("?subject=mia", "subject"),
        ("?subject=mia-manager", "subject"),
        ("?address=999.1.1.1", "address"),
        ("?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "until"),
        ("?since=2026-01-01T00:00:00Z&until=2026-01-01T01:00:00%2B01:00", "until"),
        ("?address=the+office", "address"),
        ("?device=till-3&action=order.ship", "device"),
        ("?behalf=mia@example.com&action=order.search", "behalf"),
        *((f"?location_id={wrong}", "location_id") for wrong in ("Seattle", "us-", "us", "mia.manager")),
        *(
            (f"?entity_id={wrong}", "entity_id")
            for wrong in ("mia.manager", "us", "us-", "us-Acct-X", "us-acct-x%20", "1")
        ),
        *(
            (f"?subject=us-acct-mia&text={signs}", "text")
            for signs in ("%22", "-", "---", ".", "[]", "%20", "%22%22", "-%22_%22", "%26%7C!()", "%E2%80%94")
        ),
    ],
)
async def test_what_can_stand_in_no_line_is_answered_as_if_nothing_had_been_done(cell, query, parameter):
    answer = await ask(cell, query)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.parameter_invalid")
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]
    assert cell.audit.asked == []


@pytest.mark.parametrize(
    "entity_id",
    [
        ids.new_order_id("us", NOW_MS, "k"),
        ids.reservation_id("us", NOW_MS, "k"),
        ids.approval_id("us", NOW_MS, "k"),
        ids.breach_id("us", NOW_MS, "k"),
        ids.privacy_request_id("us", NOW_MS, "k"),
        ids.transfer_id("us", NOW_MS, "k"),
        ids.count_id("us", NOW_MS, "k"),
        ids.inbound_id("us", NOW_MS, "k"),
        ids.shipment_id("us", NOW_MS, "k"),
        ids.shipment_of(ids.new_order_id("us", NOW_MS, "k"), 12),
        ids.dock_id(f"us-{'x' * 63}", "c" * 24),
        ids.sscc_series_id("us", "9521234", 0),
        ids.collection_id("us", NOW_MS, "o.1"),
        ids.consent_id("us", "0" * 32),
        ids.device_id("us", NOW_MS, "k"),
        ids.claim_id("us", "k"),
        ids.catalogue_id("us"),
        ids.account_id("us", bytes(16)),
        ids.customer_id("us", bytes(16)),
        ids.alert_id("us", NOW_MS, "found"),
        ids.notice_id("us", bytes(16)),
        ids.data_key_id("us", bytes(16)),
        ids.client_id("us", "c" * 41),
        ids.revocations_id("us"),
        ids.sourcing_policies_id("us"),
        ids.simulations_id("us"),
        ids.simulation_id("us", NOW_MS, "k"),
        "us-trail-00",
    ],
)
async def test_what_was_done_to_something_is_found_by_no_id_of_its_kind(cell, entity_id):
    assert (await ask(cell, f"?entity_id={entity_id}")).status_code == 200
    assert [wanted.entity_id for wanted, _, _ in cell.audit.asked] == [entity_id]


@pytest.mark.parametrize("text", ["7", "-damage", "[x]", "%22stock%20take%22", "%E6%97%A5%E6%9C%AC", "%C3%A9"])
async def test_a_word_among_signs_or_of_other_letters_is_not_looked_for(cell, text):
    assert (await ask(cell, f"?text={text}")).status_code == 200
    assert len(cell.audit.asked) == 1


@pytest.mark.parametrize("wanted", [f"device={DEVICE}", "behalf=c-77"])
async def test_years_are_read_for_a_terminal_or_a_customer_alone(cell, wanted):
    for span in ("", "&until=2026-01-02T00:00:00Z", "&since=2026-01-01T00:00:00Z&until=2026-01-08T00:00:01Z"):
        answer = await ask(cell, f"?{wanted}{span}")
        assert (answer.status_code, answer.json()["code"]) == (422, "request.parameter_invalid")
    assert cell.audit.asked == []
    week = "since=2026-01-01T00:00:00Z&until=2026-01-08T00:00:00Z"
    for beside in (week, "subject=us-acct-mia", "entity_id=us-1", "action=order.", "text=damage", "address=::1"):
        assert (await ask(cell, f"?{wanted}&{beside}")).status_code == 200


async def test_a_customer_is_found_by_the_reference_or_by_the_digest_of_a_line(cell):
    digest = pseudonym(cell.keys, "customer", "c-77")
    for sought in ("c-77", digest):
        await ask(cell, f"?behalf={sought}&action=order.search")
    assert [wanted.behalf for wanted, _, _ in cell.audit.asked] == [digest, digest]


async def test_lines_for_machines_are_one_json_each(cell):
    answer = await ask(cell, "?format=ndjson&limit=5000")
    told = [msgspec.json.decode(text) for text in answer.text.splitlines()]
    assert [found["number"] for found in told] == [5, 4, 3, 2, 1]
    assert "x-next-cursor" not in answer.headers
