"""Whatever is done, read or refused leaves its line, and no line says more than it may."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from actors.domain.audit import Audited, Who
from actors.runtime.mailbox import UNAVAILABLE
from serve.audit import trail
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.problems import Problem
from tests.unit.serve.guarded_cell import PASSWORD, GuardedCell
from tests.unit.serve.post_office import bearer, joined, without_waiting
from tests.unit.serve.small_cell import Cell, furnish, furnish_with, order

FROM_THE_WEB = {"X_Forwarded_For": "203.0.113.7"}


@pytest.fixture
async def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GuardedCell]:
    monkeypatch.setattr(trail, "GATHER_S", 0.0)
    monkeypatch.setattr(trail, "CLOSE_S", 60.0)  # what waits is to be seen on a slow machine, too
    made = GuardedCell(tmp_path)
    await furnish_with(made, made.bearer())
    await forget(made)
    yield made
    await made.http.aclose()


async def forget(cell: GuardedCell) -> None:
    """What was kept so far."""
    await cell.services.trail.close()
    cell.gateway.audited.clear()


async def lines(cell: GuardedCell, count: int) -> list[Audited]:
    """What was kept since."""
    await cell.services.trail.close()
    assert len(cell.gateway.audited) == count, cell.gateway.audited
    return cell.gateway.audited


async def placed(cell: GuardedCell) -> str:
    answer = await cell.post("/v1/orders", order(("A1", 1)), **cell.bearer())
    assert answer.status_code == 201
    await forget(cell)
    order_id: str = answer.json()["order_id"]
    return order_id


async def test_an_update_says_who_did_it_in_which_role_and_session_and_what(cell):
    order_id = await placed(cell)
    mia = cell.of_role("manager", sub="us-acct-mia", sid="s-7")
    done = await cell.post(f"/v1/orders/{order_id}/updates", {"update": "start_picking"}, **mia, **FROM_THE_WEB)
    assert done.status_code == 200, done.text
    [line] = await lines(cell, 1)
    assert (line.who.subject, line.who.role, line.who.session_id) == ("us-acct-mia", "manager", "s-7")
    assert (line.act.action, line.act.location_id, line.outcome) == ("order.start_picking", "us-wh-seattle", "")


async def test_every_part_of_a_body_of_many_has_its_line(cell):
    order_id = await placed(cell)
    updates = [{"order_id": order_id, "update": update} for update in ("start_picking", "pack", "deliver")]
    updates.append({"order_id": "us-1", "update": "eat"})
    await cell.post("/v1/order-updates", {"updates": updates}, **cell.bearer())
    found = await lines(cell, 4)
    assert [(line.act.action, line.outcome, line.entity_id) for line in found] == [
        ("order.start_picking", "", ""),
        ("order.pack", "", ""),
        ("order.deliver", "order.illegal_transition", ""),
        ("request.refused", "body.invalid", "us-1"),
    ]


async def test_an_address_stands_nowhere_in_the_clear_and_is_still_the_same_one(cell):
    order_id = await placed(cell)
    for address in ("203.0.113.7", "203.0.113.7", "203.0.113.8"):
        await cell.http.get(f"/v1/orders/{order_id}", headers=cell.bearer() | {"X-Forwarded-For": address})
    first, second, third = await lines(cell, 3)
    assert first.who.address == second.who.address != third.who.address
    assert b"203.0.113" not in msgspec.json.encode(cell.gateway.audited)


@pytest.mark.parametrize(
    ("path", "action", "entity"),
    [
        ("/v1/orders/{}", "order.read", True),
        ("/v1/orders/{}/events", "order.read_history", True),
        ("/v1/orders?customer_ref=c-mia", "order.search", False),
    ],
)
async def test_personal_data_is_read_with_a_line_of_its_own(cell, path, action, entity):
    order_id = await placed(cell)
    answer = await cell.http.get(path.format(order_id), headers=cell.of_role("support", sub="us-acct-sam"))
    assert answer.status_code == 200, answer.text
    [line] = await lines(cell, 1)
    assert (line.who.subject, line.act.action, line.entity_id) == ("us-acct-sam", action, order_id if entity else "")
    assert line.request_id == answer.headers["x-request-id"]
    assert bool(line.who.behalf) != entity
    assert b"c-mia" not in msgspec.json.encode(line)


async def test_how_many_orders_a_list_tells_is_written_down_and_once(cell):
    for _ in range(3):
        await placed(cell)
    support, cursor = cell.of_role("support", sub="us-acct-sam"), ""
    for query, told, more in (
        ("?limit=2", 2, {}), ("?limit=2&cursor=", 1, {"page": (None, "next")}), ("?limit=500", 3, {}),
        ("?status=cancelled", 0, {"status": (None, "cancelled")}), ("?held=any", 0, {"held": (None, "any")}),
    ):  # fmt: skip
        answer = await cell.http.get(f"/v1/orders{query}{cursor if more else ''}", headers=support)
        assert len(answer.json()["orders"]) == told
        cursor = answer.json()["next_cursor"] or ""
        [line] = await lines(cell, 1)
        assert (line.act.action, line.who.behalf) == ("order.search", "")
        assert line.act.changes == {"orders": (None, told), **more}
        cell.gateway.audited.clear()


@pytest.mark.parametrize("path", ["/v1/orders/{}", "/v1/orders?customer_ref=c-mia"])
async def test_nothing_personal_is_told_while_it_cannot_be_written_down(cell, path):
    order_id = await placed(cell)
    cell.gateway.fault = UNAVAILABLE
    answer = await cell.http.get(path.format(order_id), headers=cell.bearer())
    assert (answer.status_code, answer.json()["code"]) == (503, "audit.unavailable")


async def test_reads_past_the_limit_are_refused_and_none_waits_for_ever(cell, monkeypatch):
    monkeypatch.setattr(trail, "WAITING_MAX", 0)
    order_id = await placed(cell)
    answer = await cell.http.get(f"/v1/orders/{order_id}", headers=cell.bearer())
    assert answer.json()["code"] == "audit.unavailable"


async def test_a_refusal_at_the_door_says_who_was_refused_what(cell):
    sam = cell.of_role("driver", sub="us-acct-sam")
    await cell.post("/v1/skus", {"skus": [{"sku": "X"}]}, **sam)
    [line] = await lines(cell, 1)
    assert (line.who.subject, line.act.action, line.outcome) == ("us-acct-sam", "request.refused", "auth.forbidden")
    assert line.act.changes == {"endpoint": (None, "POST /v1/skus")}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x.y.z"}])
async def test_who_has_no_good_token_is_known_by_address_only(cell, headers):
    await cell.http.get("/v1/skus", headers=headers)
    [line] = await lines(cell, 1)
    assert line.outcome in {"auth.token_missing", "auth.token_invalid"}
    assert line.who.subject == ""
    assert line.who.address


async def test_the_same_refusal_again_and_again_is_counted_not_repeated(cell, monkeypatch):
    monkeypatch.setattr(trail, "GATHER_S", 0.05)
    for _ in range(30):
        await cell.http.get("/v1/skus")
    [line] = await lines(cell, 1)
    assert line.act.changes["times"] == (None, 30)


async def test_refusals_beyond_the_limit_are_at_least_counted(cell, monkeypatch):
    monkeypatch.setattr(trail, "GATHER_S", 0.05)
    monkeypatch.setattr(trail, "WAITING_MAX", 1)
    for path in ("/v1/alerts", "/v1/approvals", "/v1/audit"):
        assert (await cell.http.get(path, headers=cell.of_role("driver"))).status_code == 403
    overflow, first = await lines(cell, 2)
    assert (overflow.outcome, overflow.act.changes) == ("audit.overflow", {"times": (None, 2)})
    assert first.act.changes == {"endpoint": (None, "GET /v1/alerts")}


async def test_what_an_operator_did_is_not_written_down_or_not_before_it_is_answered(cell):
    path, act = "/v1/audit/operator-acts", {"action": "keys.rotate_compromised", "what": "k-0123456789abcdef"}
    local = cell.bearer(sub="us-client-local", sid="local-1", scopes=("operators.note",))
    assert (await cell.plain(path, act, **local)).status_code == 204
    [line] = await lines(cell, 1)
    assert (line.who.subject, line.act.action, line.outcome) == ("us-client-local", "keys.rotate_compromised", "")
    assert line.act.changes == {"what": (None, "k-0123456789abcdef")}
    for words in ({"action": "coffee.make"}, act | {"what": "Mia Smith"}, act | {"what": "mia@example.org"}):
        assert (await cell.plain(path, words, **local)).status_code == 422
    cell.gateway.fault = UNAVAILABLE
    answer = await cell.plain(path, act, **local)
    assert (answer.status_code, answer.json()["code"]) == (503, "audit.unavailable")
    cell.gateway.fault = None


async def test_what_the_keeper_met_is_not_written_down_or_once_for_each_time_it_says_so(cell):
    path, act = "/v1/audit/keeper-acts", {"action": "cell.start", "at_ms": 1_767_225_600_000, "outcome": "keyring.missing", "what": "keyring.json"}  # fmt: skip
    local = cell.bearer(sub="us-client-local", sid="local-1", scopes=("operators.note",))
    cell.gateway.fault = UNAVAILABLE
    answer = await cell.post(path, act, "start-1", **local)
    assert (answer.status_code, answer.json()["code"]) == (503, "audit.unavailable")
    cell.gateway.fault = None
    for _ in range(3):
        cell.clock.now += 60_000
        assert (await cell.post(path, act, "start-1", **local)).status_code == 204
    [line] = await lines(cell, 1)
    assert (line.who, line.act.action, line.outcome) == (Who("us-keeper"), "cell.start", "keyring.missing")
    assert line.act.changes == {"at": (None, "2026-01-01T00:00:00+00:00"), "what": (None, "keyring.json")}
    await forget(cell)
    dropped = {"action": "audit.drop", "at_ms": 0, "what": "2022-12", "lines": 7}
    assert (await cell.post(path, dropped, "drop-1", **local)).status_code == 204
    [line] = await lines(cell, 1)
    assert (line.outcome, line.act.changes["lines"]) == ("", (None, 7))
    for words in ({"action": "coffee.make"}, act | {"what": "secrets/keyring.json"}, act | {"outcome": "Mia Smith"}):
        assert (await cell.post(path, act | words, **local)).status_code == 422
    assert (await cell.post(path, act, **cell.of_role("ops"))).status_code == 403


@pytest.mark.parametrize("wrong", ["missing", "open_permissions"])
async def test_a_key_file_that_is_gone_or_open_to_others_leaves_no_line_or_one_for_each_look(cell, wrong):
    path, moved = cell.keyring_path, cell.keyring_path.with_name("moved")
    if wrong == "missing":
        path.rename(moved)
    else:
        path.chmod(0o644)
    for _ in range(5):
        cell.clock.now += 2000
        # Nothing is held up by it: the keys that were good are those of the cell.
        assert (await cell.http.get("/v1/skus", headers=cell.bearer())).status_code == 200
    [line] = await lines(cell, 1)
    assert (line.act.action, line.outcome, line.who) == ("keyring.look", f"keyring.{wrong}", Who())
    assert line.act.changes == {"wrong": ("", wrong)}
    assert str(path.parent) not in msgspec.json.encode(line).decode()
    await forget(cell)
    if wrong == "missing":
        moved.rename(path)
    else:
        path.chmod(0o600)
    cell.clock.now += 2000
    await cell.http.get("/healthz")
    [line] = await lines(cell, 1)
    assert (line.outcome, line.act.changes) == ("", {"wrong": (wrong, "")})


async def test_a_line_about_the_key_file_is_lost_while_nothing_can_be_written(cell):
    cell.gateway.fault = UNAVAILABLE
    cell.keyring_path.chmod(0o644)
    cell.clock.now += 2000
    assert (await cell.http.get("/v1/skus", headers=cell.bearer())).status_code == 200
    await asyncio.sleep(0.01)
    assert cell.gateway.audited == []
    cell.gateway.fault = None
    [line] = await lines(cell, 1)
    assert line.outcome == "keyring.open_permissions"


async def test_what_an_entity_refused_is_not_told_twice(cell):
    order_id = await placed(cell)
    refused = await cell.post(f"/v1/orders/{order_id}/updates", {"update": "deliver"}, **cell.bearer())
    assert refused.json()["code"] == "order.illegal_transition"
    [line] = await lines(cell, 1)
    assert line.outcome == "order.illegal_transition"


async def test_asking_for_what_does_not_exist_leaves_a_line_too(cell):
    unknown = "us-01kah2v3nq7h3k2m9qk4t1x0ab"
    assert (await cell.post(f"/v1/orders/{unknown}/updates", {"update": "pack"}, **cell.bearer())).status_code == 404
    [line] = await lines(cell, 1)
    assert (line.outcome, line.entity_id) == ("order.unknown", unknown)


NEWARK = {"role": "fulfilment", "sub": "us-acct-tom", "locs": ("us-wh-newark",)}
MOVED = {
    "source_id": "us-wh-seattle", "destination_id": "us-st-portland", "lines": [{"sku": "A1", "quantity": 1}],
    "expected_at": "2026-01-02T00:00:00Z",
}  # fmt: skip
DELIVERED = {
    "location_id": "us-wh-seattle", "expected_at": "2026-01-02T00:00:00Z", "lines": [{"line": 1, "sku": "A1", "quantity": 1}],
}  # fmt: skip
COUNTED = {"location_id": "us-wh-seattle", "spots": [{"sku": "A1"}]}


def told(found: list[Audited]) -> list[tuple[str, str, str, str]]:
    """Who was refused what, of which entity."""
    return [(line.who.subject, line.act.action, line.outcome, line.entity_id) for line in found]


@pytest.mark.parametrize(("noun", "body"), [("transfer", MOVED), ("inbound", DELIVERED), ("count", COUNTED)])
async def test_who_looks_at_another_place_s_or_takes_a_step_there_is_not_known(cell, noun, body):
    made = await cell.post(f"/v1/{noun}s", body, **cell.bearer())
    assert made.status_code == 201, made.text
    path, identity = made.headers["location"], made.json()[f"{noun}_id"]
    await forget(cell)
    tom, refused = cell.of_role(**NEWARK), f"{noun}.location_forbidden"
    # A view has no turn that could say it.
    assert (await cell.http.get(path, headers=tom)).json()["code"] == refused
    assert told(await lines(cell, 1)) == [("us-acct-tom", "request.refused", refused, identity)]
    assert (await cell.http.get(path, headers=cell.bearer())).status_code == 200
    await forget(cell)
    step = {"transfer": "picking", "inbound": "closure", "count": "closure"}[noun]
    assert (await cell.post(f"{path}/{step}", {}, **tom)).json()["code"] == refused
    ((who, _, outcome, _),) = told(await lines(cell, 1))
    assert (who, outcome) == ("us-acct-tom", refused)


@pytest.mark.parametrize("path", ["/v1/locations/us-wh-seattle/stock", "/v1/transfers?location_id=us-wh-seattle"])
async def test_at_which_place_somebody_was_refused_is_not_known(cell, path):
    assert (await cell.http.get(path, headers=cell.of_role(**NEWARK))).status_code == 403
    expected = ("us-acct-tom", "request.refused", "auth.location_forbidden", "us-wh-seattle")
    assert told(await lines(cell, 1)) == [expected]


@pytest.mark.parametrize(("noun", "body"), [("transfer", MOVED), ("inbound", DELIVERED)])
async def test_what_was_refused_before_it_existed_leaves_no_line(cell, noun, body):
    answer = await cell.post(f"/v1/{noun}s", body, "key-1", **cell.of_role(**NEWARK))
    assert answer.json()["code"] == f"{noun}.location_forbidden"
    ((who, action, outcome, _),) = told(await lines(cell, 1))
    assert (who, action, outcome) == ("us-acct-tom", "request.refused", f"{noun}.location_forbidden")


async def test_a_key_that_was_used_for_something_else_leaves_no_line(cell):
    order_id = await placed(cell)
    path = f"/v1/orders/{order_id}/updates"
    assert (await cell.post(path, {"update": "start_picking"}, "key-1", **cell.bearer())).status_code == 200
    await forget(cell)
    answer = await cell.post(path, {"update": "pack"}, "key-1", **cell.bearer())
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency.key_reused")
    assert told(await lines(cell, 1)) == [("us-client-test", "request.refused", "idempotency.key_reused", order_id)]


async def test_a_refusal_that_is_called_for_again_has_no_line_or_two(cell):
    path = f"/v1/orders/{await placed(cell)}/updates"
    for _ in range(2):
        assert (await cell.post(path, {"update": "deliver"}, "key-1", **cell.bearer())).status_code == 409
    [line] = await lines(cell, 1)
    assert line.outcome == "order.illegal_transition"


async def test_another_customer_s_order_is_refused_twice_in_the_audit(cell, monkeypatch):
    without_waiting(monkeypatch)
    order_id, mia = await placed(cell), await joined(cell)
    await forget(cell)
    path = f"/v1/orders/{order_id}/updates"
    answer = await cell.post(path, {"update": "cancel"}, **bearer(mia))
    assert answer.json()["code"] == "order.unknown"
    # As of an order that there is not: it was looked at, and asked nothing.
    [line] = await lines(cell, 1)
    assert (line.act.action, line.outcome, line.entity_id) == ("request.refused", "order.unknown", order_id)


@pytest.mark.parametrize(
    "typed",
    ["mia@example.org", "us-mia@example.org", "eu-mia@example.org", "4111111111111111", "us-4111-1111-1111-1111", "Mia", "us-", "us-Mia Smith", "mia-smith"],
)  # fmt: skip
async def test_what_somebody_types_for_an_id_is_kept_for_ever(cell, typed):
    for answer in (
        await cell.http.get(f"/v1/orders/{typed}", headers=cell.bearer()),
        await cell.http.get(f"/v1/orders/{typed}/events", headers=cell.bearer()),
        await cell.post(f"/v1/orders/{typed}/updates", {"update": "pack"}, **cell.bearer()),
        await cell.post("/v1/order-updates", {"updates": [{"order_id": typed, "update": "eat"}]}, **cell.bearer()),
        await cell.http.get(f"/v1/clients/{typed}", headers=cell.bearer()),
        await cell.plain("/v1/guest/codes", {"order_id": typed, "email": "mia@example.org"}),
    ):
        assert answer.status_code < 500, answer.text
    await cell.services.trail.close()
    assert cell.gateway.audited
    assert {line.entity_id for line in cell.gateway.audited} == ({"", "eu-"} if typed.startswith("eu-") else {""})


@pytest.mark.parametrize(
    "kept",
    [
        "us-01kah2v3nq7h3k2m9qk4t1x0ab", "us-wh-seattle", "us-1", "us-client-erp-bridge", "us-acct-0h3k2m9qk4t1x0ab0h3k2m9qk4",
        "us-shipment-01kah2v3nq7h3k2m9qk4t1x0ab.12", "us-wh-seattle.post", "us-sscc-0-9521234", "us-catalogue", "us-" + "7" * 26,
        "us-" + "w" * 63,
    ],
)  # fmt: skip
async def test_an_id_of_ours_is_not_kept(cell, kept):
    scope = {WHO: Who("us-acct-x"), ENTITY_ID: kept, REQUEST_ID: "r-1"}
    cell.services.trail.refused(scope, Problem("order.unknown", ""), "GET /")
    [line] = await lines(cell, 1)
    assert line.entity_id == kept


async def test_a_sign_in_and_a_failed_one_name_the_account_and_nothing_secret(cell):
    mia = await cell.enrolled("mia.manager")
    await forget(cell)
    shift = (await mia.tokens())["shift"]
    await mia.sign_in(password="wrong guess of hers", code="000000")
    await cell.plain("/v1/sessions", {"login": "nobody.here", "password": PASSWORD, "code": "123456"})
    found = await lines(cell, 3)
    assert [(line.act.action, line.outcome) for line in found] == [
        ("session.open", ""),
        ("session.open", "session.refused"),
        ("request.refused", "session.refused"),
    ]
    assert found[0].who.subject == found[1].who.subject == mia.account_id
    assert (found[0].who.role, found[0].who.session_id) == ("manager", shift["session_id"])
    assert (found[1].who.role, found[1].who.session_id) == ("", ""), "nobody has proved to be her"
    told = msgspec.json.encode(found)
    assert not any(secret in told for secret in (b"mia.manager", b"wrong guess", PASSWORD.encode(), b"nobody.here"))


async def test_a_refused_code_has_no_line_or_two(cell, monkeypatch):
    without_waiting(monkeypatch)
    unasked, email = await placed(cell), "mia@example.org"
    asked = await cell.post("/v1/orders", order(("A1", 1), customer={"email": email}), **cell.bearer())
    order_id = asked.json()["order_id"]
    assert (await cell.plain("/v1/guest/codes", {"order_id": order_id, "email": email})).status_code == 202
    await joined(cell, email)
    await forget(cell)
    for path, sent, action in (
        ("/v1/guest/sessions", {"order_id": order_id, "code": "12345678"}, "session.open"),
        # Nobody asked for a code, so there is no guest whose turn could say it.
        ("/v1/guest/sessions", {"order_id": unasked, "code": "12345678"}, "request.refused"),
        ("/v1/guest/sessions", {"order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab", "code": "12345678"}, "request.refused"),
        ("/v1/customers/sessions", {"email": email, "code": "12345678"}, "session.open"),
        ("/v1/customers/sessions", {"email": "nobody@example.org", "code": "12345678"}, "request.refused"),
    ):
        assert (await cell.plain(path, sent)).status_code == 401
        [line] = await lines(cell, 1)
        assert (line.act.action, line.outcome or line.act.refused) == (action, "code.refused")
        await forget(cell)


async def test_changed_rights_are_told_with_what_they_were(cell):
    mia = await cell.enrolled("mia.manager", "associate", ["us-st-portland"])
    await forget(cell)
    change = {"change": "role", "role": "manager", "locations": []}
    answer = await cell.post(f"/v1/accounts/{mia.account_id}/changes", change, **cell.bearer())
    assert answer.status_code == 200, answer.text
    [line] = await lines(cell, 1)
    assert line.act.changes == {"role": ("associate", "manager"), "locations": ("us-st-portland", "")}


async def test_a_count_that_is_overridden_is_told_with_what_the_system_believed(cell):
    lines_sent = [
        {"sku": "A1", "quantity": -2, "reason": "damage", "safety_stock": 5},
        {"sku": "A1", "quantity": 3, "reason": "found"},
    ]
    answer = await cell.post(
        "/v1/locations/us-wh-seattle/adjustments", {"lines": lines_sent}, **cell.of_role("manager")
    )
    assert answer.status_code == 200, answer.text
    line = (await lines(cell, 1))[0]
    assert (line.act.action, line.act.why) == ("location.adjust", "damage,found")
    totals = {"lines": (None, 2), "units_down": (None, 0), "units_up": (None, 1)}
    assert line.act.changes == {"A1.on_hand": (100, 101), "A1.safety_stock": (0, 5), **totals}


async def test_a_cell_without_identity_keeps_no_audit():
    cell = Cell()
    await furnish(cell)
    await cell.placed(("A1", 1))
    await cell.get("/v1/orders")
    await cell.get("/v1/orders/us-01kah2v3nq7h3k2m9qk4t1x0ab")
    assert cell.gateway.audited == []
