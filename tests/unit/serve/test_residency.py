"""What belongs to another region is neither taken, kept nor given out by a cell; at the router:
`tests/system/test_router_residency.py`."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest

from actors.domain.ids import region_of
from serve.audit import trail
from serve.endpoint_needs import NEEDS
from serve.identity.tokens import issuer_of
from tests.unit.serve.guarded_cell import GuardedCell, furnished
from tests.unit.serve.small_cell import order

UNIQUE = "01kah2v3nq7h3k2m9qk4t1x0ab"
IDS = {
    "order_id": f"eu-{UNIQUE}", "location_id": "eu-wh-berlin", "account_id": f"eu-acct-{UNIQUE}", "client_id": f"eu-client-{UNIQUE}",
    "device_id": f"eu-device-{UNIQUE}", "alert_id": f"eu-alert-{UNIQUE}", "approval_id": f"eu-approval-{UNIQUE}",
    "notice_id": f"eu-notice-{UNIQUE}", "breach_id": f"eu-breach-{UNIQUE}", "request_id": f"eu-privacy-{UNIQUE}",
    "reservation_id": f"eu-resv-{UNIQUE}", "count_id": f"eu-count-{UNIQUE}",
    "transfer_id": f"eu-transfer-{UNIQUE}", "inbound_id": f"eu-inbound-{UNIQUE}", "shipment_id": f"eu-shipment-{UNIQUE}.1",
    "collection_id": f"eu-collection-{UNIQUE}",
}  # fmt: skip
# Bodies that would do something if the id were one of this cell's. A passkey's id names no region: it is looked
# for in the caller's account.
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/v1/orders/{order_id}/updates"): {"update": "cancel"},
    ("PUT", "/v1/locations/{location_id}"): {
        "type": "store", "name": "Berlin", "city": "Berlin", "country": "DE", "lat": 52.5, "lon": 13.4, "timezone": "Europe/Berlin",
    },
    ("POST", "/v1/locations/{location_id}/receipts"): {"reference": "a", "lines": [{"sku": "A1", "quantity": 1}]},
    ("POST", "/v1/locations/{location_id}/adjustments"): {
        "reference": "a", "lines": [{"sku": "A1", "quantity": 1, "reason": "found"}],
    },
    ("POST", "/v1/reservations/{reservation_id}/extensions"): {"ttl_s": 60},
    ("POST", "/v1/counts/{count_id}/begun"): {"spots": [{"sku": "A1"}]},
    ("POST", "/v1/counts/{count_id}/counted"): {"spot": {"sku": "A1"}, "lines": [], "counted_at": "2026-01-01T00:00:00Z"},
    ("POST", "/v1/alerts/{alert_id}/updates"): {"update": "assign", "assignee": f"us-acct-{UNIQUE}"},
    ("POST", "/v1/transfers/{transfer_id}/short-picks"): {"lines": [{"sku": "A1", "quantity": 1}]},
    ("POST", "/v1/transfers/{transfer_id}/dispatches"): {"packages": [{"lines": [{"sku": "A1", "quantity": 1}]}]},
    ("POST", "/v1/shipments/{shipment_id}/parcels"): {"length_mm": 1, "width_mm": 1, "height_mm": 1, "tare_g": 1},
    ("POST", "/v1/shipments/{shipment_id}/parcels/{parcel}/scans"): {"sku": "A1"},
    ("POST", "/v1/shipments/{shipment_id}/parcels/{parcel}/take-outs"): {"sku": "A1"},
    ("POST", "/v1/shipments/{shipment_id}/parcels/{parcel}/closure"): {"weight_g": 1},
    ("POST", "/v1/shipments/{shipment_id}/parcels/{parcel}/label"): {"carrier": "post", "service": "standard"},
    ("POST", "/v1/shipments/{shipment_id}/missing"): {"lines": [{"sku": "A1", "quantity": 1}]},
    ("POST", "/v1/locations/{location_id}/docks/{carrier}/manifests/{number}/scans"): {"code": "1"},
    ("POST", "/v1/orders/{order_id}/here"): {"spot": "bay 4"},
    ("POST", "/v1/collections/{collection_id}/located"): {"found": [{"sku": "A1", "quantity": 1}]},
    ("POST", "/v1/collections/{collection_id}/verification"): {"code": "12345678"},
    ("POST", "/v1/collections/{collection_id}/extension"): {"days": 3},
    ("POST", "/v1/collections/{collection_id}/end"): {"why": "expired"},
    ("POST", "/v1/approvals/{approval_id}/decision"): {"decision": "approve"},
    ("POST", "/v1/accounts/{account_id}/changes"): {"change": "disable"},
    ("POST", "/v1/orders/{order_id}/refunds"): {"amount": {"amount": 5, "currency": "USD"}, "reason": "late"},
    ("POST", "/v1/clients/{client_id}/changes"): {"change": "disable"},
    ("POST", "/v1/devices/{device_id}/changes"): {"change": "revoke"},
    ("POST", "/v1/privacy-requests/{request_id}/steps"): {"step": "erase"},
    ("POST", "/v1/breaches/{breach_id}/steps"): {"step": {"type": "close"}},
}  # fmt: skip
# What names no region: it is looked for in something that does, or is the same everywhere.
PLAIN = {
    "sku": "A1",
    "bin_id": "A-01",
    "trip": "1",
    "channel": "online",
    "parcel": "1",
    "carrier": "post",
    "number": "1",
}
QUERIES = {
    "/v1/locations/{location_id}/put-away-suggestions": "?sku=A1&units=1",
    "/v1/locations/{location_id}/level-suggestions": "?sku=A1",
}
TAKES_ID = [(method, template) for method, template in NEEDS if any(f"{{{name}}}" in template for name in IDS)]


def path_of(template: str) -> str:
    return template.format(**IDS, **PLAIN) + QUERIES.get(template, "")


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    monkeypatch.setattr(trail, "GATHER_S", 0.01)
    async with furnished(tmp_path) as made:
        yield made


async def kept(cell: GuardedCell) -> str:
    """Everything that the cell keeps: entities, history, answers, ledger, audit, and what waits for it."""
    await cell.services.trail.close()
    gateway = cell.gateway
    return repr(
        (gateway.entities, gateway.events, gateway.remembered, gateway.ledger, gateway.orders, gateway.audited, gateway.outbox)
    )  # fmt: skip


def from_berlin(**more: Any) -> dict[str, Any]:
    address = {
        "country": "DE", "postcode": "10999-SO36", "city": "Kreuzberg", "recipient": "Anna Residenz", "street": "Oranienstr. 1",
        "phone": "+49 30 5550100",
    }  # fmt: skip
    customer = {"customer_ref": "kunde-77", "country": "DE", "email": "anna@example.com"}
    return order(ship_to=address | more, customer=customer, order_ref="berlin-1")


TELLING = ("10999-SO36", "Kreuzberg", "Residenz", "Oranienstr", "5550100", "kunde-77", "anna@", "berlin-1")


@pytest.mark.parametrize(
    ("country", "status", "code"), [("DE", 421, "region.misdirected"), ("ZZ", 422, "country.not_served")]
)
async def test_something_of_an_order_that_another_region_serves_is_kept(cell, caplog, country, status, code):
    caplog.set_level(logging.DEBUG)
    before = await kept(cell)
    answer = await cell.post("/v1/orders", from_berlin(country=country), **cell.bearer(scopes=("orders.place",)))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    after = await kept(cell)
    assert after != before, "the refusal has to stand in the audit"
    assert cell.gateway.audited[-1].outcome == code
    for word in TELLING:
        assert word not in after
        assert word not in caplog.text
        assert word not in answer.text
    assert not [kind for kind, _ in cell.gateway.entities if kind in ("order", "data_key")]


async def test_an_order_that_is_taken_leaves_no_trace_in_this_test_either(cell):
    answer = await cell.post("/v1/orders", from_berlin(country="US"), **cell.bearer())
    assert answer.status_code == 201, answer.text
    assert {"order", "data_key"} <= {kind for kind, _ in cell.gateway.entities}


@pytest.mark.parametrize(("method", "template"), TAKES_ID)
async def test_an_id_of_another_region_is_taken_found_or_kept(cell, method, template):
    entities = dict(cell.gateway.entities)
    body = {} if method in ("GET", "DELETE") else BODIES.get((method, template), {})
    path = path_of(template)
    send = cell.http.request(method, path, headers=cell.bearer()) if method == "GET" else cell.write(
        method, path, body, **cell.bearer()
    )  # fmt: skip
    answer = await send
    assert answer.status_code in (403, 404, 421), answer.text
    if "{order_id}" in template or "{location_id}" in template:
        assert (answer.status_code, answer.json()["region"]) == (421, "eu")
    after = await kept(cell)
    assert cell.gateway.entities == entities
    assert UNIQUE not in after
    assert "eu-wh-berlin" not in after
    assert cell.gateway.audited[-1].outcome or cell.gateway.audited[-1].entity_id == "eu-", (
        "the audit has to say that it was tried"
    )


@pytest.mark.parametrize(("kind", "path"), [("account", "/v1/accounts"), ("client", "/v1/clients")])
async def test_who_belongs_to_another_region_is_told_or_changed_because_he_lies_here(cell, kind, path):
    """As after a backup was restored to the wrong cell."""
    if kind == "account":
        identity = await cell.opened("mia", "manager")
    else:
        registered = await cell.post("/v1/clients", {"name": "web", "scopes": ["stock.read"]}, **cell.bearer())
        identity = registered.json()["client_id"]
    stray = "eu" + identity[2:]
    cell.gateway.entities[kind, stray] = cell.gateway.entities[kind, identity]
    assert (await cell.http.get(f"{path}/{identity}", headers=cell.bearer())).status_code == 200
    for answer in (
        await cell.http.get(f"{path}/{stray}", headers=cell.bearer()),
        await cell.post(f"{path}/{stray}/changes", {"change": "disable"}, **cell.bearer()),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, f"{kind}.unknown")


async def test_an_update_of_many_moves_or_keeps_an_order_of_another_region(cell):
    items = {"updates": [{"order_id": IDS["order_id"], "update": "cancel"}]}
    answer = await cell.post("/v1/order-updates", items, **cell.bearer())
    assert answer.json()["results"][0]["error"]["code"] == "region.misdirected"
    assert UNIQUE not in await kept(cell)


async def test_a_guest_s_order_of_another_region_is_kept(cell):
    asked = {"order_id": IDS["order_id"], "email": "anna@example.com"}
    answer = await cell.plain("/v1/guest/codes", asked)
    assert answer.status_code == 421, answer.text
    after = await kept(cell)
    assert UNIQUE not in after
    assert "anna@" not in after


async def test_a_customer_of_another_region_is_asked_for_or_kept(cell):
    asked = {"law": "gdpr", "right": "access", "customer_id": f"eu-cust-{UNIQUE}"}
    answer = await cell.post("/v1/privacy-requests", asked, **cell.of_role("privacy"))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/customer_id")
    after = await kept(cell)
    assert UNIQUE not in after
    assert "privacy_request" not in {kind for kind, _ in cell.gateway.entities}


async def test_a_token_of_another_region_opens_something(cell):
    stranger = cell.bearer(iss=issuer_of("eu"), sub=IDS["account_id"])
    answer = await cell.http.get("/v1/orders", headers=stranger)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.token_invalid")
    assert UNIQUE not in await kept(cell)


@pytest.mark.parametrize("format_", ["json", "ndjson", "csv"])
@pytest.mark.parametrize("name", ["entity_id", "subject", "location_id"])
async def test_the_audit_is_exported_for_an_id_of_another_region(cell, name, format_):
    of_eu = {"entity_id": IDS["order_id"], "subject": IDS["account_id"], "location_id": IDS["location_id"]}[name]
    asking = {"params": {name: of_eu, "format": format_}, "headers": cell.of_role("auditor")}
    answer = await cell.http.get("/v1/audit", **asking)
    assert (answer.status_code, answer.json()["code"], answer.json()["region"]) == (421, "region.misdirected", "eu")
    assert cell.audit.asked == []
    asking["params"][name] = "us" + of_eu[2:]
    assert (await cell.http.get("/v1/audit", **asking)).status_code == 200


async def test_the_audit_has_lines_about_what_another_region_keeps(cell):
    """What an export could give out: whatever was tried with ids of another region, none of them is in a line."""
    for method, template in TAKES_ID:
        body = None if method == "GET" else msgspec.json.encode(BODIES.get((method, template), {}))
        headers = {**cell.bearer(), "Idempotency-Key": "k", "Content-Type": "application/json"}
        await cell.http.request(method, path_of(template), content=body, headers=headers)
    await cell.services.trail.close()
    assert len(cell.gateway.audited) > len(TAKES_ID)
    for line in cell.gateway.audited:
        for named in (line.who.subject, line.who.behalf, line.act.location_id):
            assert region_of(named) in ("", "us") or named.startswith(("a-", "c-")), line
        assert region_of(line.entity_id) in ("", "us") or line.entity_id == "eu-", line
