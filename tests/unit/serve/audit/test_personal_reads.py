"""Whose answer holds what is personal is read with a line in the audit: walked over every GET, by the notes beside the
fields (`actors/domain/personal.py`)."""

import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from actors.domain.personal import CATEGORIES, Personal
from actors.runtime.mailbox import UNAVAILABLE
from serve import openapi
from serve.audit import trail
from serve.endpoint_needs import NEEDS
from tests.unit.serve.guarded_cell import GuardedCell, furnished
from tests.unit.serve.post_office import bearer, joined, without_waiting

# Ids of colleagues and sessions stand in most answers; what they stand for is read elsewhere.
TELLING = CATEGORIES.keys() - {"pseudonym", "session"}
# What there is of somebody here is his, whatever fields it has.
ONES_OWN = "/v1/customers/me/"
JSON = "application/json"
# GETs that hold a note, or are no JSON, and are read without a line: why.
NOT_OF_A_PERSON = {
    "/metrics": "figures",
    "/v1/reservations/{reservation_id}": "goods of a cart, and not whose it is",
    "/v1/shipments/{shipment_id}/parcels/{parcel}/sscc-label": "a number",
    "/v1/locations/{location_id}/docks/{carrier}/manifests/{number}/list.pdf": "numbers of parcels",
}
OWN = {
    "orders": "customer.read_orders",
    "sessions": "customer.read_sessions",
    "passkeys": "customer.read_passkeys",
    "consents": "consent.read",
    "privacy-requests": "privacy_request.search",
}


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    monkeypatch.setattr(trail, "GATHER_S", 0.0)
    without_waiting(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


def notes_of(kind: Any, seen: set[Any]) -> Iterator[Personal]:
    """Of a type and all that is in it."""
    if isinstance(kind, Personal):
        yield kind
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind not in seen:
            seen.add(kind)
            for field in typing.get_type_hints(kind, include_extras=True).values():
                yield from notes_of(field, seen)
    else:
        for part in (*getattr(kind, "__metadata__", ()), *typing.get_args(kind)):
            yield from notes_of(part, seen)


def tells(path: str, content: dict[str, Any]) -> bool:
    """Does the answer say something of a person, or is it a document in which nobody can look?"""
    names = [answer["schema"].get("$ref", "").rpartition("/")[2] for answer in content.values()]
    kinds = [openapi._types[name] for name in names if name]
    return (
        path.startswith(ONES_OWN)
        or any(media_type != JSON for media_type in content)
        or any(note.category in TELLING for kind in kinds for note in notes_of(kind, set()))
    )


async def test_what_is_personal_is_read_and_nobody_writes_it_down(cell):
    paths = (await cell.http.get("/openapi.json")).json()["paths"]
    telling = {
        path
        for path, methods in paths.items()
        if "get" in methods and tells(path, methods["get"]["responses"]["200"].get("content", {}))
    }
    # The walk finds what it has to, as far as anybody can see.
    assert {"/v1/orders/{order_id}", "/v1/orders", "/v1/passkeys", "/v1/breaches/{breach_id}"} <= telling
    assert {path for path in telling if not NEEDS["GET", path].reads} == NOT_OF_A_PERSON.keys()


async def noted(cell: GuardedCell) -> list[tuple[str, str, str, str]]:
    await cell.services.trail.close()
    found = [(line.who.subject, line.act.action, line.outcome, line.entity_id) for line in cell.gateway.audited]
    cell.gateway.audited.clear()
    return found


@pytest.mark.parametrize(("what", "action"), OWN.items())
async def test_a_customer_s_own_data_are_read_by_whoever_has_the_session_and_nobody_knows(cell, what, action):
    mia = await joined(cell)
    await noted(cell)
    assert (await cell.http.get(f"{ONES_OWN}{what}", headers=bearer(mia))).status_code == 200
    assert await noted(cell) == [(mia["customer_id"], action, "", "")]
    cell.gateway.fault = UNAVAILABLE
    answer = await cell.http.get(f"{ONES_OWN}{what}", headers=bearer(mia))
    assert (answer.status_code, answer.json()["code"]) == (503, "audit.unavailable")


async def test_a_customer_reads_an_answer_to_a_request_and_nobody_knows(cell):
    mia = await joined(cell)
    asked = await cell.post(f"{ONES_OWN}privacy-requests", {"law": "gdpr", "right": "access"}, **bearer(mia))
    assert asked.status_code == 201, asked.text
    request_id = asked.json()["request_id"]
    await noted(cell)
    answer = await cell.http.get(f"{ONES_OWN}privacy-requests/{request_id}", headers=bearer(mia))
    assert answer.status_code == 200, answer.text
    assert await noted(cell) == [(mia["customer_id"], "privacy_request.read", "", request_id)]


async def test_passkeys_of_staff_are_read_and_nobody_knows(cell):
    mia = await cell.enrolled("mia.manager")
    tokens = await mia.tokens()
    await noted(cell)
    assert (await cell.http.get("/v1/passkeys", headers=bearer(tokens))).status_code == 200
    assert await noted(cell) == [(mia.account_id, "account.read_passkeys", "", "")]
