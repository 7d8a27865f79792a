"""Anybody may give an address that is not his: what nobody proves goes by itself."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from actors.domain import customer
from actors.domain.customer_commands import ForgetUnproved
from actors.domain.customer_events import Event
from actors.domain.customer_state import UNPROVED_MS
from actors.domain.kind import Context
from actors.domain.one_time_code import CODE_MS, Codes
from actors.domain.times import HOUR_MS
from serve.app import build
from serve.keys.envelope import key_of
from serve.services import Services
from tests.unit.serve.guarded_cell import GuardedCell, furnished
from tests.unit.serve.post_office import joined, letters, without_waiting
from tests.unit.serve.small_cell import order


@pytest.fixture
async def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GuardedCell]:
    without_waiting(monkeypatch)
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


async def strangers(cell: GuardedCell, count: int) -> None:
    for n in range(count):
        answer = await cell.plain(
            "/v1/customers", {"email": f"nobody{n}@example.com"}, **{"X-Forwarded-For": f"2001:db8:{n:x}::1"}
        )
        assert answer.status_code == 202


def keys(cell: GuardedCell) -> Counter[bool]:
    """How many data keys can still be used, and can't."""
    return Counter(bool(state.wrapped) for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "data_key")


async def test_what_a_stranger_typed_is_kept_though_nobody_proved_it(cell):
    await strangers(cell, 3)
    assert (len(letters(cell)), keys(cell)) == (3, {True: 3})
    cell.clock.now += CODE_MS
    await cell.gateway.wake_due()
    notices = [state for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "notice"]
    assert {(one.sealed_address, one.sealed_content) for one in notices} == {(b"", b"")}
    assert keys(cell) == {True: 3}
    cell.clock.now += UNPROVED_MS
    await cell.gateway.wake_due()
    assert keys(cell) == {False: 3}
    accounts = [state for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "customer"]
    assert all(one.erased and not one.codes.digest for one in accounts)


async def test_who_proves_the_address_is_forgotten_with_those_who_did_not_or_can_not_come_back(cell):
    await strangers(cell, 1)
    mia = await joined(cell, "mia@example.com")
    cell.clock.now += CODE_MS + UNPROVED_MS
    await cell.gateway.wake_due()
    assert keys(cell) == {True: 2, False: 1}  # of the address, and of the codes from before it was proved
    again = await joined(cell, "mia@example.com")
    assert again["customer_id"] == mia["customer_id"]
    assert await joined(cell, "nobody0@example.com"), "who was forgotten can begin anew"


async def test_asking_for_a_code_to_sign_in_makes_a_key_for_an_address_that_is_nobody_s(cell):
    answer = await cell.plain("/v1/customers/codes", {"email": "nobody@example.com"})
    assert answer.status_code == 202
    assert not keys(cell)


async def at_another_replica(cell: GuardedCell, path: str, email: str) -> None:
    """That knows no key of the person's, while the store can't tell it of one."""
    mine, cell.read_model.away = cell.services, True
    other = Services(mine.settings, cell.gateway, cell.read_model, cell.clock, audit=cell.audit, alerts=cell.alerts)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(other)), base_url="http://other") as http:
        assert (await http.post(path, json={"email": email})).status_code == 202
    cell.read_model.away = False


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/customers/codes"])
async def test_a_key_that_another_replica_makes_for_a_code_stays_and_opens_the_address_in_the_history(cell, path):
    await strangers(cell, 1)
    await at_another_replica(cell, path, "nobody0@example.com")
    assert len(letters(cell)) == 2
    cell.clock.now += CODE_MS + UNPROVED_MS
    await cell.gateway.wake_due()
    assert set(keys(cell)) == {False}


async def test_who_joins_again_and_again_while_the_store_is_away_has_codes_under_keys_that_stay(cell, monkeypatch):
    monkeypatch.setattr(customer, "KEYS_MAX", 1)
    await strangers(cell, 1)
    await at_another_replica(cell, "/v1/customers", "nobody0@example.com")
    (account,) = (state for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "customer")
    notices = [state for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "notice"]
    assert [key_of(one.sealed_address) for one in notices] == account.code_key_ids * 2


async def by_a_guest(cell: GuardedCell) -> str:
    """An order that names nothing but the address."""
    body = order()
    body["customer"] = {"email": "gina@example.com"}
    body["ship_to"] = {**body["ship_to"], "street": "1 Elm", "recipient": "Gina Guest"}
    return (await cell.post("/v1/orders", body, **cell.bearer())).json()["order_id"]


@pytest.mark.parametrize("ordered_first", [True, False])
async def test_what_a_guest_ordered_is_lost_because_somebody_asked_for_a_code_with_his_address(
    tmp_path, monkeypatch, ordered_first
):
    without_waiting(monkeypatch)
    async with furnished(tmp_path) as cell:
        orders = [await by_a_guest(cell)] if ordered_first else []
        assert (await cell.plain("/v1/customers", {"email": "gina@example.com"})).status_code == 202
        cell.clock.now += HOUR_MS
        orders.append(await by_a_guest(cell))
        cell.clock.now += CODE_MS + UNPROVED_MS
        await cell.gateway.wake_due()
        assert keys(cell) == {True: 1, False: 1}
        for order_id in orders:
            told = (await cell.http.get(f"/v1/orders/{order_id}", headers=cell.bearer())).json()
            assert (told["ship_to"]["street"], told.get("withheld")) == ("1 Elm", None)


def test_keys_of_guests_that_were_kept_as_those_of_codes_are_destroyed_by_who_reads_them_now():
    context = Context("us-cust-1", "c", 1)
    kept = msgspec.msgpack.decode(
        msgspec.msgpack.encode({"type": "CodeKept", "codes": Codes(b"d" * 32, 1), "key_id": "us-key-guest"}),
        type=Event,
    )
    state = customer.evolve(None, kept, context)
    (row,) = customer.rows(state, 1, [kept], context)
    old = msgspec.msgpack.decode(row.state) | {"key_ids": ["us-key-guest"]}
    restored, _ = customer.restore(
        "us-cust-1", {"customers": [msgspec.structs.replace(row, state=msgspec.msgpack.encode(old))]}
    )
    over = Context("us-cust-1", "c", 2 * UNPROVED_MS)
    (event,) = customer.decide(restored, ForgetUnproved(), over).events
    assert not list(customer.messages("us-cust-1", event))
    before = msgspec.msgpack.decode(
        msgspec.msgpack.encode({"type": "UnprovedForgotten", "key_ids": ["us-key-guest"]}), type=Event
    )
    assert not list(customer.messages("us-cust-1", before))
