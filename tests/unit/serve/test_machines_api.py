"""Machines as callers: how they are registered, get tokens for their scopes, and are shut out."""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from actors.domain.audit import Audited
from actors.domain.client import Client, RegisterClient, SetClientScopes
from serve.audit import trail
from serve.endpoint_needs import NEEDS
from serve.identity.limits import BY_ADDRESS, BY_CLIENT
from serve.permissions import FOR_PEOPLE, OWN
from tests.unit.serve.guarded_cell import GuardedCell, furnished
from tests.unit.serve.identity_rig import refused_at_once
from tests.unit.serve.post_office import bearer
from tests.unit.serve.scanner import in_use
from tests.unit.serve.small_cell import order


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    refused_at_once(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def test_two_callers_with_the_same_key_meet_each_other_s_answers(cell):
    one, other = cell.bearer(sub="us-client-one"), cell.bearer(sub="us-client-other")
    first = await cell.post("/v1/orders", order(), "order-1", **one)
    second = await cell.post("/v1/orders", order(), "order-1", **other)
    again = await cell.post("/v1/orders", order(), "order-1", **one)
    assert first.json()["order_id"] == again.json()["order_id"] != second.json()["order_id"]
    elsewhere = await cell.post("/v1/orders", order(("C3", 1)), "order-1", **cell.bearer(sub="us-client-third"))
    assert elsewhere.status_code == 201


# What takes a fresh second factor of people, and what is about them.
PEOPLES = [
    "accounts.write", "clients.write", "devices.write", "approvals.decide", "privacy.handle", "sourcing.write", "sourcing.simulate",
    "keys.rotate", "audit.read", "alerts.handle", "orders.hold_risk", "pickups.identify", "operators.note",
]  # fmt: skip


@pytest.mark.parametrize("scope", PEOPLES)
async def test_a_machine_gives_rights_without_a_second_factor(cell, scope):
    answer = await cell.post("/v1/clients", {"name": "shop", "scopes": ["orders.read", scope]}, **cell.bearer())
    assert (answer.status_code, answer.json()["code"]) == (422, "client.scope_forbidden")
    assert answer.json()["errors"][0]["pointer"] == "/scopes/1"
    client = await registered(cell, ["orders.read"])
    change = {"change": "scopes", "scopes": [scope], "locations": []}
    answer = await cell.post(f"/v1/clients/{client['client_id']}/changes", change, **cell.bearer())
    assert (answer.status_code, answer.json()["code"]) == (422, "client.scope_forbidden")


def test_an_endpoint_is_declared_whose_second_factor_a_machine_gets_around():
    proved = {need.permission for need in NEEDS.values() if need.step_up and need.permission}
    assert proved - FOR_PEOPLE == {"stock.adjust", "catalogue.write"}
    assert {*PEOPLES} | OWN == FOR_PEOPLE


async def test_a_client_of_an_earlier_release_keeps_what_is_for_people_now(cell):
    client = await registered(cell, ["orders.read"])
    given = SetClientScopes(["orders.read", "audit.read"], [])
    await cell.gateway.ask("client", client["client_id"], given, command_id="as before", digest=0)
    assert (await token_of(cell, client)).json()["scope"] == "orders.read"
    assert (await token_of(cell, client, scope="audit.read")).json()["error"] == "invalid_scope"


@pytest.mark.parametrize("scope", ["stock.adjust", "alerts.read", "approvals.read"])
async def test_ops_may_by_a_machine_of_their_own_what_ops_may_not(cell, scope):
    ops, both = cell.of_role("ops"), cell.bearer(scopes=("clients.write", scope))
    new = {"name": "erp", "scopes": [scope]}
    assert (await cell.post("/v1/clients", new, **ops)).json()["code"] == "client.beyond_rights"
    assert (await cell.post("/v1/clients", new, **both)).status_code == 201
    path = "/v1/clients/us-client-erp/changes"
    # By a new secret as little as by scopes: who is told it may do what the client may.
    for change in ({"change": "rotate_secret"}, {"change": "scopes", "scopes": [scope], "locations": []}):
        refused = await cell.post(path, change, **ops)
        assert (refused.status_code, refused.json()["code"]) == (403, "client.beyond_rights")
    assert (await cell.post(path, {"change": "rotate_secret"}, **both)).status_code == 200
    # To take rights away needs none.
    narrow = {"change": "scopes", "scopes": ["orders.read"], "locations": []}
    for change in ({"change": "disable"}, narrow):
        assert (await cell.post(path, change, **ops)).status_code == 200


async def test_who_is_bound_to_locations_changes_a_machine_that_reaches_others_or_lets_one_reach_them(cell):
    bound = cell.of_role("ops", locs=("us-st-austin",))
    for name, locations in (("all", []), ("till", ["us-st-austin"])):
        new = {"name": name, "scopes": ["orders.read"], "locations": locations}
        assert (await cell.post("/v1/clients", new, **cell.bearer())).status_code == 201
    wider = {"change": "scopes", "scopes": ["orders.read"], "locations": ["us-st-austin", "us-wh-seattle"]}
    # Of one that reaches further he takes no rights away either.
    for name, change in (("all", {"change": "disable"}), ("all", {"change": "rotate_secret"}), ("till", wider)):
        refused = await cell.post(f"/v1/clients/us-client-{name}/changes", change, **bound)
        assert (refused.status_code, refused.json()["code"]) == (403, "account.beyond_rights")
    assert (await cell.post("/v1/clients/us-client-till/changes", {"change": "disable"}, **bound)).status_code == 200


async def test_a_machine_is_given_a_right_that_there_is_not_or_one_of_another_region_is_changed(cell):
    for scopes, at in ((["orders.raed"], 0), (["orders.read", "*"], 1)):
        answer = await cell.post("/v1/clients", {"name": "shop", "scopes": scopes}, **cell.bearer())
        assert (answer.status_code, answer.json()["code"]) == (422, "client.scope_unknown")
        assert answer.json()["errors"][0]["pointer"] == f"/scopes/{at}"
    await cell.gateway.ask(
        "client", "eu-client-shop", RegisterClient(["orders.read"], [], "h", "d"), command_id="c", digest=0
    )
    for change in ({"change": "disable"}, {"change": "rotate_secret"}):
        answer = await cell.post("/v1/clients/eu-client-shop/changes", change, **cell.bearer())
        assert (answer.status_code, answer.json()["code"]) == (404, "client.unknown")


async def test_ops_can_not_register_the_machines_of_a_shop(cell):
    scopes = ["orders.place", "orders.update", "stock.read", "stock.receive", "catalogue.write", "notices.deliver"]
    answer = await cell.post("/v1/clients", {"name": "web", "scopes": scopes}, **cell.of_role("ops"))
    assert answer.status_code == 201, answer.text


async def token_of(cell: GuardedCell, client: dict[str, str], **form: str):
    fields = {"grant_type": "client_credentials", **client, **form}
    return await cell.http.post("/v1/oauth/token", data=fields)


async def registered(cell: GuardedCell, scopes: list[str], key: str = "reg-1") -> dict[str, str]:
    answer = await cell.post("/v1/clients", {"name": "shop", "scopes": scopes}, key, **cell.bearer())
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


@pytest.mark.parametrize("missing", ["scopes", "locations"])
async def test_a_change_of_scopes_that_leaves_something_out_gives_the_whole_region_or_takes_all(cell, missing):
    new = {"name": "till", "scopes": ["orders.read"], "locations": ["us-st-austin"]}
    client = (await cell.post("/v1/clients", new, **cell.bearer())).json()["client_id"]
    before, change = cell.state(), {"change": "scopes", "scopes": ["orders.read"], "locations": ["us-st-austin"]}
    del change[missing]
    answer = await cell.post(f"/v1/clients/{client}/changes", change, **cell.bearer())
    assert (answer.status_code, answer.json()["code"]) == (422, "body.missing_field")
    assert answer.json()["errors"][0]["pointer"] == f"/{missing}"
    assert cell.state() == before


async def test_a_machine_gets_a_token_for_its_scopes_and_no_more(cell):
    client = await registered(cell, ["orders.place", "orders.read"])
    token = (await token_of(cell, client)).json()
    assert token["scope"] == "orders.place orders.read"
    assert (await cell.post("/v1/orders", order(), **bearer(token))).status_code == 201
    assert (await cell.http.get("/v1/skus", headers=bearer(token))).status_code == 403
    narrow = (await token_of(cell, client, scope="orders.read")).json()
    assert (await cell.post("/v1/orders", order(), **bearer(narrow))).status_code == 403
    # Nor beside one that it has.
    for more in ("stock.adjust", "orders.read stock.adjust"):
        assert (await token_of(cell, client, scope=more)).json()["error"] == "invalid_scope"


def told_already(answer) -> bool:
    return (answer.status_code, answer.json()["code"]) == (
        409,
        "client.secret_told",
    ) and "client_secret" not in answer.json()


async def test_a_repeated_registration_tells_a_secret_that_is_not_the_client_s(cell):
    client, new = await registered(cell, ["orders.read"]), {"name": "shop", "scopes": ["orders.read"]}
    again = await cell.post("/v1/clients", new, "reg-1", **cell.bearer())
    assert told_already(again)
    assert again.json()["client_id"] == client["client_id"]
    assert (await token_of(cell, client)).status_code == 200
    # Whoever lost it asks for a new one.
    path = f"/v1/clients/{client['client_id']}/changes"
    fresh = (await cell.post(path, {"change": "rotate_secret"}, **cell.bearer())).json()
    assert (await token_of(cell, fresh)).status_code == 200


async def test_a_repeated_new_secret_replaces_the_one_that_was_told(cell):
    client, change = await registered(cell, ["orders.read"]), {"change": "rotate_secret", "grace_s": 0}
    path = f"/v1/clients/{client['client_id']}/changes"
    fresh = (await cell.post(path, change, "new-1", **cell.bearer())).json()
    assert told_already(await cell.post(path, change, "new-1", **cell.bearer()))
    assert (await token_of(cell, fresh)).status_code == 200
    off = {"change": "disable"}
    first, again = [(await cell.post(path, off, "off-1", **cell.bearer())).json() for _ in range(2)]
    assert first == again == {"client_id": client["client_id"], "client_secret": ""}


async def test_a_new_secret_after_a_lost_one_stops_the_machine_that_works_with_the_old_one(cell):
    client, change = await registered(cell, ["orders.read"]), {"change": "rotate_secret", "grace_s": 86_400}
    path = f"/v1/clients/{client['client_id']}/changes"
    assert (await cell.post(path, change, "lost-1", **cell.bearer())).status_code == 200
    again = await cell.post(path, change, "lost-1", **cell.bearer())
    assert told_already(again)
    assert "secret in use stays good" in again.json()["detail"]
    fresh = (await cell.post(path, change, "new-1", **cell.bearer())).json()
    for good in (client, fresh):
        assert (await token_of(cell, good)).status_code == 200


async def test_a_leaked_older_secret_signs_in_until_its_end_or_takes_the_one_in_use_along(cell):
    leaked = await registered(cell, ["orders.read"])
    path, week_s = f"/v1/clients/{leaked['client_id']}/changes", 604_800

    async def rotated(key: str, **more: Any) -> dict[str, Any]:
        answer = await cell.post(path, {"change": "rotate_secret", **more}, key, **cell.bearer())
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def secret(told: dict[str, Any]) -> dict[str, str]:
        return {name: told[name] for name in ("client_id", "client_secret")}

    between, now = await rotated("new-1", grace_s=week_s), cell.clock.now
    used = await rotated("new-2", grace_s=3600)
    assert (used["old_until_ms"], used["older_until_ms"]) == (now + 3_600_000, now + week_s * 1000)
    assert (await token_of(cell, leaked)).status_code == 200
    fresh = await rotated("new-3", grace_s=3600, end_older=True)
    assert (fresh["old_until_ms"], fresh["older_until_ms"]) == (now + 3_600_000, 0)
    tried = [(await token_of(cell, secret(one))).status_code for one in (leaked, between, used, fresh)]
    assert tried == [401, 401, 200, 200]
    again = {"change": "rotate_secret", "grace_s": 3600, "end_older": True}
    assert told_already(await cell.post(path, again, "new-3", **cell.bearer()))
    assert (await token_of(cell, secret(used))).status_code == 200
    rotations = [line.act.changes for line in cell.gateway.audited if line.act.action == "client.rotate_secret"]
    assert rotations == [{}, {}, {"older_secrets": (None, "ended")}]


async def test_who_has_the_key_file_and_the_database_makes_a_machine_s_secret(cell):
    """Neither what is remembered of the call nor what the entity keeps, with any key of the file, gives it."""
    client = await registered(cell, ["orders.read"])
    told, identity = client["client_secret"], client["client_id"]
    keys = [command_id for kind, _, command_id in cell.gateway.remembered if kind == "client"]
    assert keys
    for key in (*keys, "reg-1"):
        made = hmac.digest(cell.keys.lookup_key, f"client-secret\0{identity}\0{key}".encode(), "sha256")
        assert base64.urlsafe_b64encode(made).decode().rstrip("=") != told
    state, _ = cell.gateway.entities["client", identity]
    replies = b"".join(reply.body for _, reply in cell.gateway.remembered.values())
    assert told.encode() not in msgspec.json.encode(state) + replies
    assert len(base64.urlsafe_b64decode(told + "=")) == 32


async def test_a_machine_of_an_earlier_release_is_kept_out(cell):
    """Its secret was made from the key of its registration."""
    made = hmac.digest(cell.keys.lookup_key, b"client-secret\0us-client-old\0reg-1", "sha256")
    old = base64.urlsafe_b64encode(made).decode().rstrip("=")
    cell.gateway.entities["client", "us-client-old"] = (
        Client("us-client-old", ["orders.read"], [], [(hashlib.sha256(old.encode()).hexdigest(), 0)]),
        1,
    )
    assert (await token_of(cell, {"client_id": "us-client-old", "client_secret": old})).status_code == 200


async def test_a_field_that_is_given_twice_is_taken_once(cell):
    client = await registered(cell, ["orders.read", "orders.place"])
    pairs = [("grant_type", "client_credentials"), *client.items(), ("scope", "orders.read"), ("scope", "orders.place")]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    twice = await cell.http.post("/v1/oauth/token", content=urlencode(pairs), headers=form)
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")  # RFC 6749, 3.2
    once = await cell.http.post("/v1/oauth/token", content=urlencode(pairs[:-1]), headers=form)
    assert (once.status_code, once.json()["scope"]) == (200, "orders.read")


async def test_a_machine_may_name_itself_by_basic_but_not_twice(cell):
    client = await registered(cell, ["orders.read"])
    pair = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    form = {"grant_type": "client_credentials"}
    for kind in ("basic", "Basic"):
        basic = {"Authorization": f"{kind} {pair}"}
        assert (await cell.http.post("/v1/oauth/token", data=form, headers=basic)).status_code == 200
    twice = await cell.http.post("/v1/oauth/token", data=form | client, headers=basic)
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")
    assert "www-authenticate" not in twice.headers
    # RFC 6749, 5.2
    unknown = await cell.http.post("/v1/oauth/token", data=form, headers={"Authorization": "Basic dXM6eA=="})
    assert (unknown.status_code, unknown.headers["www-authenticate"]) == (401, 'Basic realm="ocefs"')


@pytest.mark.parametrize(
    "client",
    [
        {"client_id": "us-client-shop", "client_secret": "wrong"},
        {"client_id": "us-client-nobody", "client_secret": "x"},
        {"client_id": "eu-client-shop", "client_secret": "x"},
        {"client_id": "../../x", "client_secret": "x"},
        {},
    ],
)
async def test_an_unknown_machine_and_a_wrong_secret_are_refused_alike(cell, client):
    await registered(cell, ["orders.read"])
    answer = await token_of(cell, client)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_repeated_scope_makes_a_token_too_long(cell):
    client = await registered(cell, ["orders.read"])
    token = await token_of(cell, client, scope=" ".join(["orders.read"] * 300))
    assert (token.status_code, token.json()["scope"]) == (200, "orders.read")


@pytest.mark.parametrize("header", ["Basic \u00e9", "Basic x", "Basic eA==", "Basic ", "Digest x"])
async def test_credentials_that_are_none_are_a_fault_of_ours(cell, header):
    form = {"grant_type": "client_credentials"}
    answer = await cell.http.post("/v1/oauth/token", data=form, headers={"Authorization": header.encode()})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_the_operator_s_own_name_is_given_to_a_machine(cell):
    answer = await cell.post("/v1/clients", {"name": "local", "scopes": ["orders.read"]}, **cell.bearer())
    assert (answer.status_code, answer.json()["code"]) == (409, "client.exists")


async def test_a_rotated_secret_replaces_the_old_one_after_its_grace(cell):
    client = await registered(cell, ["orders.read"])
    change = {"change": "rotate_secret", "grace_s": 60}
    fresh = (await cell.post(f"/v1/clients/{client['client_id']}/changes", change, **cell.bearer())).json()
    assert (await token_of(cell, client)).status_code == 200
    assert (await token_of(cell, fresh)).status_code == 200
    cell.clock.now += 60_001
    assert (await token_of(cell, client)).status_code == 401
    assert (await token_of(cell, fresh)).status_code == 200


async def test_who_knows_a_machine_s_id_keeps_it_out(cell):
    client = await registered(cell, ["orders.read"])
    wrong = [await token_of(cell, client | {"client_secret": "wrong"}) for _ in range(BY_ADDRESS.burst + 1)]
    assert [answer.status_code for answer in wrong] == [401] * BY_ADDRESS.burst + [429]
    # Neither its own tries are gone nor those of its address.
    assert (await token_of(cell, client)).status_code == 200


async def test_one_machine_keeps_the_cell_busy(cell):
    client = await registered(cell, ["orders.read"])
    told = [(await token_of(cell, client)).status_code for _ in range(BY_CLIENT.burst + 1)]
    assert told == [200] * BY_CLIENT.burst + [429]


async def test_a_disabled_machine_s_tokens_are_worthless_at_once(cell):
    client = await registered(cell, ["orders.read"])
    token = (await token_of(cell, client)).json()
    path = f"/v1/clients/{client['client_id']}/changes"
    assert (await cell.post(path, {"change": "disable"}, **cell.bearer())).status_code == 200
    assert (await cell.http.get("/v1/orders", headers=bearer(token))).json()["code"] == "auth.session_ended"
    assert (await token_of(cell, client)).status_code == 401


async def test_a_machine_is_told_that_its_tokens_are_worthless_and_they_are_not(cell):
    client, scanner = await registered(cell, ["orders.read"]), await in_use(cell)
    for headers in (bearer((await token_of(cell, client)).json()), await scanner.bearer()):
        answer = await cell.http.delete("/v1/sessions/current", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")
        assert (await cell.http.get("/v1/sessions/current", headers=headers)).status_code == 200


async def noted(cell: GuardedCell) -> list[Audited]:
    """What the audit has of it, but for what was done before."""
    await cell.services.trail.close()
    found = [line for line in cell.gateway.audited if line.act.action in {"request.refused", "client.sign_in"}]
    cell.gateway.audited.clear()
    return found


@pytest.mark.parametrize(
    ("sent", "status", "outcome", "who"),
    [
        ({"client_secret": "wrong"}, 401, "client.refused", ""),
        ({"scope": "stock.adjust"}, 400, "client.scope_refused", "us-client-shop"),
        ({"grant_type": "password"}, 400, "body.invalid", ""),
        ({"client_assertion_type": "none"}, 400, "body.invalid", ""),
    ],
)
async def test_a_machine_that_was_refused_leaves_no_trace(cell, sent, status, outcome, who):
    client = await registered(cell, ["orders.read"])
    assert (await token_of(cell, client | sent)).status_code == status
    (line,) = await noted(cell)
    assert (line.act.action, line.outcome, line.who.subject) == ("request.refused", outcome, who)
    assert line.act.changes == {"endpoint": (None, "POST /v1/oauth/token")}
    # Whoever has sent a form that is none has named nobody.
    assert line.entity_id == ("" if outcome == "body.invalid" else client["client_id"])


async def test_a_machine_signs_in_and_nobody_knows(cell):
    client = await registered(cell, ["orders.read"])
    answer = await token_of(cell, client)
    assert answer.status_code == 200
    (line,) = await noted(cell)
    assert (line.act.action, line.outcome, line.kind, line.entity_id) == (
        "client.sign_in",
        "",
        "client",
        client["client_id"],
    )
    assert (line.who.subject, line.who.session_id) == (client["client_id"], f"{client['client_id']}.1")
    assert line.who.address
    assert line.request_id == answer.headers["x-request-id"]
    assert client["client_secret"].encode() not in msgspec.json.encode(line)


async def test_a_machine_gets_a_token_that_cannot_be_written_down(cell, monkeypatch):
    client = await registered(cell, ["orders.read"])
    monkeypatch.setattr(trail, "WAITING_MAX", 0)
    answer = await token_of(cell, client)
    assert (answer.status_code, answer.json()["code"]) == (503, "audit.unavailable")
