"""Every role at every endpoint. The tables of what should be, EXPECTED and SENSITIVE, are written out here, by hand,
and not made from the code's."""

from pathlib import Path

import pytest

from actors.domain import account
from serve.endpoint_needs import NEEDS, OPEN
from serve.orders import own
from serve.permissions import CUSTOMERS, PERMISSIONS, ROLES, matrix, page, undeclared
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.kept_cell import KeptCell
from tests.unit.serve.small_cell import order

# The lists, as failures name them.
NEEDED, BY_ROLE, FRESH = "NEEDS (serve/endpoint_needs.py)", "EXPECTED (this file)", "SENSITIVE (this file)"
OWNERS = {"customer", "guest"}
EVERYBODY = {*ROLES} - OWNERS
SEE = EVERYBODY - {"driver", "privacy"}
FLOOR = {"associate", "fulfilment", "manager"}
PACKERS = {"associate", "fulfilment", "manager"}
EXPECTED: dict[tuple[str, str], set[str]] = {
    ("POST", "/v1/orders"): {"associate", "manager", "support", "customer"},
    ("GET", "/v1/orders"): EVERYBODY,
    ("POST", "/v1/order-searches"): EVERYBODY,
    ("GET", "/v1/orders/{order_id}"): EVERYBODY | OWNERS,
    ("GET", "/v1/orders/{order_id}/events"): EVERYBODY,
    ("GET", "/v1/orders/{order_id}/sourcing"): EVERYBODY,
    ("POST", "/v1/orders/{order_id}/updates"): {"fulfilment", "manager", "driver", "support"} | OWNERS,
    ("POST", "/v1/order-updates"): {"fulfilment", "manager", "driver", "support"},
    ("POST", "/v1/order-actions"): {"manager", "support"},
    ("POST", "/v1/orders/{order_id}/changes"): {"manager", "support", "customer"},
    ("POST", "/v1/orders/{order_id}/refunds"): {"manager", "support"},
    ("POST", "/v1/reservations"): {"associate", "manager", "support", "customer"},
    ("GET", "/v1/reservations/{reservation_id}"): {"associate", "manager", "support", "customer"},
    ("POST", "/v1/reservations/{reservation_id}/extensions"): {"associate", "manager", "support", "customer"},
    ("DELETE", "/v1/reservations/{reservation_id}"): {"associate", "manager", "support", "customer"},
    ("GET", "/v1/locations"): SEE,
    ("PUT", "/v1/locations/{location_id}"): {"ops"},
    ("GET", "/v1/locations/{location_id}/stock"): SEE,
    ("GET", "/v1/locations/{location_id}/ledger"): SEE,
    ("GET", "/v1/inventory/{sku}"): SEE,
    ("GET", "/v1/locations/{location_id}/stock/{sku}"): SEE,
    ("GET", "/v1/locations/{location_id}/bins"): SEE,
    ("GET", "/v1/locations/{location_id}/put-away-suggestions"): SEE,
    ("GET", "/v1/locations/{location_id}/level-suggestions"): SEE,
    ("PUT", "/v1/locations/{location_id}/levels"): {"manager"},
    ("PUT", "/v1/locations/{location_id}/demand-rates"): {"manager"},
    ("POST", "/v1/locations/{location_id}/demand-rates/measurements"): {"manager"},
    ("POST", "/v1/locations/{location_id}/conditions"): {"fulfilment", "manager"},
    ("POST", "/v1/locations/{location_id}/quality-releases"): {"manager"},
    ("POST", "/v1/locations/{location_id}/moves"): {"fulfilment", "manager"},
    ("PUT", "/v1/locations/{location_id}/bins"): {"manager"},
    ("DELETE", "/v1/locations/{location_id}/bins/{bin_id}"): {"manager"},
    ("POST", "/v1/locations/{location_id}/receipts"): {"fulfilment", "manager"},
    ("POST", "/v1/inbounds"): {"fulfilment", "manager"},
    ("GET", "/v1/inbounds"): SEE,
    ("GET", "/v1/inbounds/{inbound_id}"): SEE,
    ("POST", "/v1/inbounds/{inbound_id}/changes"): {"fulfilment", "manager"},
    ("POST", "/v1/inbounds/{inbound_id}/receipts"): {"fulfilment", "manager"},
    ("POST", "/v1/inbounds/{inbound_id}/closure"): {"fulfilment", "manager"},
    ("POST", "/v1/inbounds/{inbound_id}/cancellation"): {"fulfilment", "manager"},
    ("GET", "/v1/figures"): {"manager", "ops"},
    ("GET", "/v1/locations/{location_id}/figures"): {"manager", "ops"},
    ("PUT", "/v1/locations/{location_id}/floor"): {"manager"},
    ("GET", "/v1/locations/{location_id}/floor"): SEE,
    ("PUT", "/v1/locations/{location_id}/floor/marks"): {"manager"},
    ("GET", "/v1/locations/{location_id}/floor/marks"): FLOOR,
    ("GET", "/v1/locations/{location_id}/floor/queue"): FLOOR,
    ("GET", "/v1/locations/{location_id}/floor/figures"): FLOOR,
    ("GET", "/v1/locations/{location_id}/floor/trips/{trip}"): FLOOR,
    ("POST", "/v1/locations/{location_id}/floor/waves"): FLOOR,
    ("POST", "/v1/locations/{location_id}/floor/priorities"): FLOOR,
    ("POST", "/v1/locations/{location_id}/floor/retries"): FLOOR,
    ("POST", "/v1/locations/{location_id}/floor/claims"): FLOOR,
    ("POST", "/v1/locations/{location_id}/floor/trips/{trip}/picks"): FLOOR,
    ("POST", "/v1/locations/{location_id}/floor/trips/{trip}/short-picks"): FLOOR,
    ("POST", "/v1/locations/{location_id}/floor/trips/{trip}/pauses"): FLOOR,
    ("POST", "/v1/locations/{location_id}/floor/trips/{trip}/hand-overs"): FLOOR,
    ("POST", "/v1/locations/{location_id}/floor/trips/{trip}/abandonment"): FLOOR,
    ("POST", "/v1/locations/{location_id}/floor/put-backs"): FLOOR,
    ("POST", "/v1/locations/{location_id}/floor/losses"): FLOOR,
    ("POST", "/v1/locations/{location_id}/floor/dispute-closures"): FLOOR,
    ("POST", "/v1/counts"): {"fulfilment", "manager"},
    ("GET", "/v1/counts"): SEE,
    ("GET", "/v1/counts/{count_id}"): SEE,
    ("POST", "/v1/counts/{count_id}/begun"): {"fulfilment", "manager"},
    ("POST", "/v1/counts/{count_id}/counted"): {"fulfilment", "manager"},
    ("POST", "/v1/counts/{count_id}/closure"): {"fulfilment", "manager"},
    ("GET", "/v1/locations/{location_id}/count-suggestions"): SEE,
    ("POST", "/v1/locations/{location_id}/adjustments"): {"manager"},
    ("GET", "/v1/locations/{location_id}/profile"): SEE,
    ("PUT", "/v1/locations/{location_id}/profile"): {"manager", "ops"},
    ("GET", "/v1/sourcing/policies"): SEE,
    ("GET", "/v1/sourcing/policies/{channel}/versions"): SEE,
    ("PUT", "/v1/sourcing/policies/{channel}"): {"manager", "ops"},
    ("POST", "/v1/sourcing/simulations"): {"manager", "ops"},
    ("GET", "/v1/sourcing/simulations"): {"manager", "ops"},
    ("GET", "/v1/sourcing/simulations/{simulation_id}"): {"manager", "ops"},
    ("POST", "/v1/sourcing/simulations/{simulation_id}/cancellation"): {"manager", "ops"},
    ("GET", "/v1/sourcing/promises"): EVERYBODY,
    ("GET", "/v1/skus"): SEE,
    ("GET", "/v1/skus/{sku}"): SEE,
    ("POST", "/v1/skus"): {"manager", "ops"},
    ("GET", "/v1/live"): SEE,
    ("GET", "/v1/audit"): {"auditor"},
    ("GET", "/v1/alerts"): {"auditor"},
    ("GET", "/v1/alerts/{alert_id}"): {"auditor"},
    ("POST", "/v1/alerts/{alert_id}/updates"): {"auditor"},
    ("POST", "/v1/transfers"): {"fulfilment", "manager"},
    ("GET", "/v1/transfers"): SEE,
    ("GET", "/v1/transfers/{transfer_id}"): SEE,
    ("POST", "/v1/transfers/{transfer_id}/picking"): {"fulfilment", "manager"},
    ("POST", "/v1/transfers/{transfer_id}/short-picks"): {"manager"},
    ("POST", "/v1/transfers/{transfer_id}/dispatches"): {"fulfilment", "manager"},
    ("POST", "/v1/transfers/{transfer_id}/completion"): {"fulfilment", "manager"},
    ("POST", "/v1/transfers/{transfer_id}/receipts"): {"fulfilment", "manager"},
    ("POST", "/v1/transfers/{transfer_id}/closure"): {"manager"},
    ("POST", "/v1/transfers/{transfer_id}/cancellation"): {"fulfilment", "manager"},
    ("GET", "/v1/transfer-suggestions"): SEE,
    ("POST", "/v1/shipments"): PACKERS,
    ("GET", "/v1/shipments"): EVERYBODY,
    ("GET", "/v1/shipments/{shipment_id}"): EVERYBODY,
    ("GET", "/v1/shipments/{shipment_id}/proposal"): EVERYBODY,
    ("POST", "/v1/manual-shipments"): {"fulfilment", "manager"},
    ("POST", "/v1/shipments/{shipment_id}/cancellation"): {"fulfilment", "manager"},
    ("POST", "/v1/shipments/{shipment_id}/parcels"): PACKERS,
    ("DELETE", "/v1/shipments/{shipment_id}/parcels/{parcel}"): PACKERS,
    ("POST", "/v1/shipments/{shipment_id}/parcels/{parcel}/scans"): PACKERS,
    ("POST", "/v1/shipments/{shipment_id}/parcels/{parcel}/take-outs"): PACKERS,
    ("POST", "/v1/shipments/{shipment_id}/parcels/{parcel}/closure"): PACKERS,
    ("POST", "/v1/shipments/{shipment_id}/parcels/{parcel}/reopening"): PACKERS,
    ("POST", "/v1/shipments/{shipment_id}/missing"): PACKERS,
    ("POST", "/v1/shipments/{shipment_id}/completion"): PACKERS,
    ("POST", "/v1/shipments/{shipment_id}/unpacking"): PACKERS,
    ("GET", "/v1/shipments/{shipment_id}/parcels/{parcel}/quotes"): PACKERS,
    ("POST", "/v1/shipments/{shipment_id}/parcels/{parcel}/label"): PACKERS,
    ("DELETE", "/v1/shipments/{shipment_id}/parcels/{parcel}/label"): PACKERS,
    ("GET", "/v1/shipments/{shipment_id}/parcels/{parcel}/label"): PACKERS,
    ("GET", "/v1/shipments/{shipment_id}/parcels/{parcel}/slip.pdf"): PACKERS,
    ("GET", "/v1/shipments/{shipment_id}/parcels/{parcel}/customs"): PACKERS,
    ("GET", "/v1/shipments/{shipment_id}/parcels/{parcel}/customs.pdf"): PACKERS,
    ("GET", "/v1/shipments/{shipment_id}/parcels/{parcel}/sscc-label"): PACKERS,
    ("GET", "/v1/orders/{order_id}/shipments"): EVERYBODY | OWNERS,
    ("GET", "/v1/locations/{location_id}/docks/{carrier}"): PACKERS,
    ("GET", "/v1/locations/{location_id}/docks/{carrier}/manifests"): PACKERS,
    ("POST", "/v1/locations/{location_id}/docks/{carrier}/manifests"): PACKERS,
    ("GET", "/v1/locations/{location_id}/docks/{carrier}/manifests/{number}"): PACKERS,
    ("GET", "/v1/locations/{location_id}/docks/{carrier}/manifests/{number}/list.pdf"): PACKERS,
    ("POST", "/v1/locations/{location_id}/docks/{carrier}/manifests/{number}/scans"): PACKERS,
    ("POST", "/v1/locations/{location_id}/docks/{carrier}/manifests/{number}/hand-over"): PACKERS,
    ("GET", "/v1/collections"): EVERYBODY,
    ("GET", "/v1/collections/{collection_id}"): EVERYBODY,
    ("POST", "/v1/collections/{collection_id}/located"): FLOOR,
    ("POST", "/v1/collections/{collection_id}/ready"): FLOOR,
    ("POST", "/v1/collections/{collection_id}/verification"): FLOOR,
    ("POST", "/v1/collections/{collection_id}/identity-check"): {"manager"},
    ("POST", "/v1/collections/{collection_id}/code"): {"manager", "support", "customer", "guest"},
    ("POST", "/v1/collections/{collection_id}/hand-over"): FLOOR,
    ("POST", "/v1/collections/{collection_id}/extension"): FLOOR,
    ("POST", "/v1/collections/{collection_id}/end"): {"fulfilment", "manager"},
    ("POST", "/v1/orders/{order_id}/here"): FLOOR | {"customer", "guest"},
    ("GET", "/v1/approvals"): {"manager", "auditor"},
    # Who asked sees it, a machine too; of others' the approval judges.
    ("GET", "/v1/approvals/{approval_id}"): EVERYBODY,
    ("POST", "/v1/approvals/{approval_id}/decision"): {"manager"},
    # Who asked may withdraw it, a machine too.
    ("POST", "/v1/approvals/{approval_id}/withdrawal"): EVERYBODY,
    ("POST", "/v1/breaches"): {"privacy"},
    ("GET", "/v1/breaches"): {"privacy"},
    ("GET", "/v1/breaches/{breach_id}"): {"privacy"},
    ("POST", "/v1/breaches/{breach_id}/steps"): {"privacy"},
    ("GET", "/v1/sessions/current"): EVERYBODY,
    ("DELETE", "/v1/sessions/current"): EVERYBODY,
    ("POST", "/v1/sessions/current/proof"): EVERYBODY,
    ("POST", "/v1/sessions/current/passkey-options"): EVERYBODY,
    ("POST", "/v1/sessions/current/password"): EVERYBODY,
    ("GET", "/v1/passkeys"): EVERYBODY,
    ("POST", "/v1/passkey-options"): EVERYBODY,
    ("POST", "/v1/passkeys"): EVERYBODY,
    ("DELETE", "/v1/passkeys/{passkey_id}"): EVERYBODY,
    ("POST", "/v1/accounts"): {"ops"},
    ("POST", "/v1/account-searches"): {"manager", "auditor", "privacy", "ops"},
    ("GET", "/v1/accounts/{account_id}"): {"manager", "auditor", "privacy", "ops"},
    ("POST", "/v1/accounts/{account_id}/changes"): {"ops"},
    ("POST", "/v1/clients"): {"ops"},
    ("GET", "/v1/clients/{client_id}"): {"ops"},
    ("POST", "/v1/clients/{client_id}/changes"): {"ops"},
    ("POST", "/v1/devices"): {"manager", "ops"},
    ("GET", "/v1/devices"): {"manager", "ops"},
    ("GET", "/v1/devices/{device_id}"): {"manager", "ops"},
    ("POST", "/v1/devices/{device_id}/changes"): {"manager", "ops"},
    ("DELETE", "/v1/customers/sessions/current"): {"customer"},
    ("GET", "/v1/customers/me/sessions"): {"customer"},
    ("DELETE", "/v1/customers/me/sessions"): {"customer"},
    ("GET", "/v1/customers/me/orders"): {"customer"},
    ("GET", "/v1/customers/me/passkeys"): {"customer"},
    ("POST", "/v1/customers/me/passkey-options"): {"customer"},
    ("POST", "/v1/customers/me/passkeys"): {"customer"},
    ("DELETE", "/v1/customers/me/passkeys/{passkey_id}"): {"customer"},
    ("GET", "/v1/customers/me/consents"): {"customer"},
    ("PUT", "/v1/customers/me/consents"): {"customer"},
    ("GET", "/v1/customers/me/privacy-requests"): {"customer"},
    ("POST", "/v1/customers/me/privacy-requests"): {"customer"},
    ("GET", "/v1/customers/me/privacy-requests/{request_id}"): {"customer"},
    ("POST", "/v1/customers/me/data"): {"customer"},
    ("GET", "/v1/privacy-requests"): {"privacy"},
    ("POST", "/v1/privacy-requests"): {"privacy"},
    ("GET", "/v1/privacy-requests/{request_id}"): {"privacy"},
    ("POST", "/v1/privacy-requests/{request_id}/steps"): {"privacy"},
    ("POST", "/v1/privacy-requests/{request_id}/export"): {"privacy"},
    ("POST", "/v1/data-keys/rewraps"): {"ops"},
    # Programs', and no person's.
    ("POST", "/v1/audit/operator-acts"): set(),
    ("POST", "/v1/audit/keeper-acts"): set(),
    ("POST", "/v1/notices/{notice_id}/sent"): set(),
}
# What takes a fresh second factor.
SENSITIVE = {
    ("POST", "/v1/locations/{location_id}/adjustments"),
    ("PUT", "/v1/locations/{location_id}/levels"),
    ("PUT", "/v1/locations/{location_id}/demand-rates"),
    ("POST", "/v1/locations/{location_id}/demand-rates/measurements"),
    ("PUT", "/v1/locations/{location_id}/profile"),
    ("PUT", "/v1/sourcing/policies/{channel}"),
    ("POST", "/v1/skus"),
    ("POST", "/v1/sourcing/simulations"),
    ("POST", "/v1/locations/{location_id}/quality-releases"),
    ("POST", "/v1/transfers/{transfer_id}/closure"),
    ("POST", "/v1/collections/{collection_id}/identity-check"),
    ("POST", "/v1/transfers/{transfer_id}/short-picks"),
    ("POST", "/v1/approvals/{approval_id}/decision"),
    ("POST", "/v1/breaches"),
    ("POST", "/v1/breaches/{breach_id}/steps"),
    ("POST", "/v1/customers/me/privacy-requests"),
    ("POST", "/v1/customers/me/data"),
    ("POST", "/v1/privacy-requests/{request_id}/steps"),
    ("POST", "/v1/privacy-requests/{request_id}/export"),
    ("POST", "/v1/accounts"),
    ("POST", "/v1/accounts/{account_id}/changes"),
    ("POST", "/v1/clients"),
    ("POST", "/v1/clients/{client_id}/changes"),
    ("POST", "/v1/data-keys/rewraps"),
    ("POST", "/v1/devices"),
    ("POST", "/v1/devices/{device_id}/changes"),
    ("POST", "/v1/passkey-options"),
    ("POST", "/v1/passkeys"),
    ("POST", "/v1/sessions/current/password"),
    ("DELETE", "/v1/passkeys/{passkey_id}"),
    ("POST", "/v1/customers/me/passkey-options"),
    ("POST", "/v1/customers/me/passkeys"),
    ("DELETE", "/v1/customers/me/passkeys/{passkey_id}"),
    ("DELETE", "/v1/customers/me/sessions"),
}
PATH = {"order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab", "location_id": "us-wh-seattle", "account_id": "us-acct-x", "client_id": "us-client-x", "notice_id": "us-notice-x", "passkey_id": "x", "alert_id": "us-alert-x", "device_id": "us-device-x", "approval_id": "us-approval-x", "transfer_id": "us-transfer-x", "count_id": "us-count-x", "inbound_id": "us-inbound-x", "reservation_id": "us-resv-x", "breach_id": "us-breach-x", "request_id": "us-privacy-x", "sku": "A1", "bin_id": "A-01", "trip": "1", "channel": "all", "simulation_id": "us-whatif-x", "collection_id": "us-collection-x", "shipment_id": "us-shipment-x", "parcel": "1", "carrier": "post", "number": "1"}  # fmt: skip


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return KeptCell(tmp_path_factory.mktemp("cells"))


@pytest.fixture
async def cell(kept, monkeypatch):
    monkeypatch.setattr(own, "UNKNOWN_S", 0.0)
    return await kept.untouched()


async def call(cell: GuardedCell, method: str, template: str, headers: dict[str, str]):
    path = template.format(**PATH)
    if template == "/v1/live":
        # A stream has no end: a parameter that is wrong ends it, once the guard has let the caller pass.
        path += "?kinds=nothing"
    # Bodies are bad: the guard must have its say before anyone looks at them.
    sent = {} if method == "GET" else {"content": b"{", "headers": {"Content-Type": "application/json"}}
    sent = {**sent, "headers": {**sent.get("headers", {}), "Idempotency-Key": "k", **headers}}
    return await cell.http.request(method, path, **sent)


async def test_every_route_of_the_app_is_declared_and_every_declaration_has_a_route(cell):
    document = (await cell.http.get("/openapi.json")).json()
    routes = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    told = [
        *_differs(routes, "the app's routes", set(NEEDS), NEEDED),
        *_differs({endpoint for endpoint, need in NEEDS.items() if need != OPEN}, NEEDED, set(EXPECTED), BY_ROLE),
        *_differs(
            {endpoint for endpoint, need in NEEDS.items() if need.step_up}, f"{NEEDED}, step_up", SENSITIVE, FRESH
        ),
    ]
    assert not told, "\n".join(told)


def _differs(ones: set[tuple[str, str]], name: str, others: set[tuple[str, str]], other_name: str) -> list[str]:
    """What one of two lists has alone, and where it is missing."""
    return [
        f"{method} {path} is in {there}, and not in {lacking}"
        for there, lacking, alone in ((name, other_name, ones - others), (other_name, name, others - ones))
        for method, path in sorted(alone)
    ]


def _declared(method: str, template: str) -> str:
    """What of an endpoint stands where, for who reads that a test failed."""
    roles, fresh = sorted(EXPECTED[method, template]), (method, template) in SENSITIVE
    return f"{NEEDED} has {NEEDS.get((method, template))}; {BY_ROLE} has {roles}; in {FRESH}: {fresh}"


async def test_what_the_app_looks_at_when_it_starts_is_not_what_the_document_tells_of(cell):
    known = {(method, path) for path, methods in cell.app.methods_of.items() for method in methods}
    told = _differs(known, "what the app looks at", set(NEEDS), NEEDED)
    assert not told, "\n".join(told)


def test_a_role_that_accounts_know_has_no_rights_declared_or_the_other_way_round():
    assert set(ROLES) - OWNERS == set(account.ROLES)
    assert CUSTOMERS == OWNERS


def test_an_endpoint_that_nobody_declared_is_named():
    assert undeclared([("GET", "/v1/skus"), ("POST", "/v1/everything")]) == ["POST /v1/everything"]


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize(("method", "template"), sorted(EXPECTED))
async def test_a_role_may_do_what_it_should_and_nothing_else(cell, role, method, template):
    before = cell.state()
    answer = await call(cell, method, template, cell.of_role(role))
    code = "" if answer.status_code < 400 else answer.json()["code"]
    if role in EXPECTED[method, template]:
        assert not code.startswith("auth."), f"{answer.text}: {_declared(method, template)}"
    else:
        assert (answer.status_code, code) == (403, "auth.forbidden"), _declared(method, template)
        assert cell.state() == before


@pytest.mark.parametrize(("method", "template"), sorted(EXPECTED))
async def test_nobody_passes_without_a_token(cell, method, template):
    answer = await call(cell, method, template, {})
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.token_missing")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("permission", sorted(PERMISSIONS))
async def test_a_machine_may_do_what_its_scope_says_and_nothing_else(cell, permission):
    for (method, template), need in NEEDS.items():
        if need == OPEN or not need.permission:
            continue
        answer = await call(cell, method, template, cell.bearer(scopes=(permission,)))
        forbidden = answer.status_code == 403 and answer.json()["code"] == "auth.forbidden"
        assert forbidden == (permission not in (need.permission, need.own)), (method, template)


@pytest.mark.parametrize(("method", "template"), [endpoint for endpoint, need in NEEDS.items() if need.at_location])
async def test_rights_end_at_the_locations_that_they_are_bound_to(cell, method, template):
    elsewhere = await call(cell, method, template, cell.bearer(locs=("us-st-portland",)))
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "auth.location_forbidden")
    there = await call(cell, method, template, cell.bearer(locs=("us-st-portland", "us-wh-seattle")))
    assert there.status_code != 403


@pytest.mark.parametrize("role", ["", "root", "Manager", "manager "])
async def test_a_role_or_scope_that_does_not_exist_gives_nothing(cell, role):
    headers = cell.bearer(role=role, scopes=("*", "stock", "stock.read "))
    assert (await cell.http.get("/v1/skus", headers=headers)).status_code == 403


@pytest.mark.parametrize(("method", "template"), sorted(EXPECTED))
async def test_something_sensitive_is_done_without_a_fresh_second_factor(cell, method, template):
    if not EXPECTED[method, template]:
        return
    role = min(EXPECTED[method, template])
    stale = await call(cell, method, template, cell.of_role(role, auth_time=cell.clock.now // 1000 - 301))
    asked = stale.status_code == 401 and stale.json()["code"] == "auth.step_up_required"
    assert asked == ((method, template) in SENSITIVE), _declared(method, template)


async def test_what_is_open_needs_no_token(cell):
    for path in ("/healthz", "/readyz", "/metrics", "/v1/availability?sku=A1", "/docs", "/openapi.json"):
        assert (await cell.http.get(path)).status_code == 200, path


async def test_an_order_is_still_placed_and_moved_by_those_who_may(cell):
    placed = await cell.post("/v1/orders", order(), **cell.of_role("associate"))
    assert placed.status_code == 201
    path = f"/v1/orders/{placed.json()['order_id']}/updates"
    assert (await cell.post(path, {"update": "start_picking"}, **cell.of_role("associate"))).status_code == 403
    assert (await cell.post(path, {"update": "start_picking"}, **cell.of_role("fulfilment"))).status_code == 200


def test_the_matrix_has_every_endpoint_and_every_role():
    lines = matrix().splitlines()
    assert len(lines) == 2 + len(NEEDS)
    adjustments = next(line for line in lines if "adjustments" in line)
    assert [cell.strip() for cell in adjustments.split("|")[4:-1]] == ["", "", "2", "", "", "", "", "", "", ""]
    own = next(line for line in lines if "`POST /v1/customers/me/passkeys`" in line)
    assert [cell.strip() for cell in own.split("|")[4:-1]] == ["", "", "", "", "", "", "", "", "n", ""]


async def test_a_customers_or_a_guests_token_opens_something_that_is_not_their_own(cell):
    allowed = {endpoint for endpoint, roles in EXPECTED.items() if roles & OWNERS}
    assert len(allowed) == 25
    for role in OWNERS:
        for method, template in EXPECTED.keys() - allowed:
            before = cell.state()
            answer = await call(cell, method, template, cell.of_role(role, sub=PATH["order_id"]))
            assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden"), (role, method, template)
            assert cell.state() == before


def test_the_page_that_people_read_is_the_one_of_the_code():
    written = Path(__file__).parents[3] / "docs" / "security" / "permissions.md"
    assert written.read_text() == page(), "make pages writes it anew"


async def test_orders_are_moved_only_where_the_rights_reach(cell):
    placed = (await cell.post("/v1/orders", order(("A1", 2)), **cell.bearer())).json()
    assert [f["location_id"] for f in placed["fulfilments"]] == ["us-wh-seattle"]
    path, step = f"/v1/orders/{placed['order_id']}/updates", {"update": "start_picking"}
    elsewhere = cell.of_role("fulfilment", locs=("us-st-portland",))
    refused = await cell.post(path, step, **elsewhere)
    assert (refused.status_code, refused.json()["code"]) == (403, "order.location_forbidden")
    many = await cell.post("/v1/order-updates", {"updates": [{"order_id": placed["order_id"], **step}]}, **elsewhere)
    assert many.json()["results"][0]["error"]["code"] == "order.location_forbidden"
    there = cell.of_role("fulfilment", locs=("us-wh-seattle",))
    assert (await cell.post(path, step, **there)).status_code == 200
