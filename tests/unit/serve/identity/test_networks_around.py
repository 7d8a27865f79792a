"""Who is given a /48 of IPv6 tries from each of its 65,536 networks, and is a stranger at each."""

import pytest

from actors.anomalies.monitor import Monitor
from actors.anomalies.record import Record
from actors.anomalies.settings import AnomalySettings
from actors.domain.audit_address import around_in, network_in
from serve.audit.who import address_digest
from serve.identity import limits
from serve.identity.limits import BY_ADDRESS, CODES_BY_ADDRESS, around
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.post_office import MIA, without_waiting

# How many of a /48 may try where each of its networks may once.
TIMES = 2


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    monkeypatch.setattr(limits, "AROUND_TIMES", TIMES)
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


async def sign_in_from(cell, address):
    headers = {"X-Forwarded-For": address, "Content-Type": "application/json"}
    return (await cell.http.post("/v1/sessions", content=b"x", headers=headers)).status_code


async def code_from(cell, address, number):
    body = {"order_id": f"us-01kah2v3nq7h3k2m9qk4t1x{number:03}", "email": MIA}
    return (await cell.plain("/v1/guest/codes", body, **{"X-Forwarded-For": address})).status_code


async def test_one_owner_tries_passwords_from_another_network_each_time(cell):
    told = [await sign_in_from(cell, f"2001:db8:1:{number:x}::1") for number in range(TIMES * BY_ADDRESS.burst + 1)]
    assert [status == 429 for status in told] == [False] * (len(told) - 1) + [True]
    assert await sign_in_from(cell, "2001:db8:2:1::1") != 429, "that is another owner's"


async def test_one_machine_tries_from_another_address_of_its_network_each_time(cell):
    told = [await sign_in_from(cell, f"2001:db8:1:1::{number:x}") for number in range(BY_ADDRESS.burst + 1)]
    assert [status == 429 for status in told] == [False] * BY_ADDRESS.burst + [True]
    assert await sign_in_from(cell, "2001:db8:1:2::1") != 429, "that is another network"


async def test_one_owner_asks_for_codes_from_another_network_each_time(cell):
    burst = TIMES * CODES_BY_ADDRESS.burst
    told = [await code_from(cell, f"2001:db8:1:{number:x}::1", number) for number in range(burst + 1)]
    assert told == [202] * burst + [429]


async def test_neighbours_of_ipv4_use_up_each_others_tries(cell):
    told = [await sign_in_from(cell, f"203.0.113.{number}") for number in range(TIMES * BY_ADDRESS.burst + 1)]
    assert 429 not in told


@pytest.mark.parametrize(
    ("address", "wide"),
    [("2001:DB8:7:ffff::1", "2001:db8:7::/48"), ("203.0.113.9", ""), ("::ffff:203.0.113.9", ""), ("unknown", ""), ("", "")],
)  # fmt: skip
def test_what_is_around_an_address_is_another_s(address, wide):
    assert around(address) == wide


@pytest.mark.parametrize(("address", "told"), [("2001:db8:1:{:x}::1", True), ("2001:db8:{:x}::1", False)])
async def test_the_monitor_does_not_see_that_many_accounts_are_tried_from_one_48(cell, address, told):
    monitor, alerts = Monitor("us", AnomalySettings(), voices=()), []
    for number in range(1, 90):
        account, digest = f"us-acct-{number:026}", address_digest(cell.keys, address.format(number))
        sign_in = {"action": "request.refused", "outcome": "session.refused", "entity_id": account, "address": digest}
        alerts += monitor.see(Record(1, number, 1_767_261_600_000 + 500 * number, "", "", request_id="r", **sign_in))
    assert [alert.rules for alert in alerts][:1] == ([["stuffing"]] if told else [])
    assert {alert.about for alert in alerts} <= {around_in(digest)}


async def test_an_address_is_no_longer_found_by_its_network_or_one_of_ipv4_gets_parts(cell):
    one, other = (address_digest(cell.keys, f"2001:db8:1:{number}::1") for number in (1, 2))
    assert network_in(one) != network_in(other)
    assert around_in(one) == around_in(other) not in (network_in(one), network_in(other))
    four = address_digest(cell.keys, "203.0.113.9")
    assert four == network_in(four) == around_in(four)
