"""What managers do with devices, and how a device claims its place. What the device decides is in
tests/unit/domain/test_device.py."""

import asyncio
import re

import pytest

from actors.domain.device import CODE_MS
from actors.domain.one_time_code import TRIES_MAX
from serve.devices import claiming
from serve.identity.limits import BY_ADDRESS, TRIES_BY_PERSON
from serve.permissions import PERMISSIONS
from tests.unit.serve.scanner import HERE, SCOPES, Scanner, enrol, enrolled, in_use, jwk_of

THERE = "us-wh-newark"
NOBODY = "us-device-01kah2v3nq7h3k2m9qk4t1x0ab"
NEW = {"name": "dock 3", "model": "scanner", "location_id": HERE, "scopes": SCOPES}


def coded(answer):
    return answer.status_code, answer.json()["code"]


async def change(cell, device_id, headers=None, key=None, **body):
    return await cell.post(f"/v1/devices/{device_id}/changes", body, key, **(headers or cell.bearer()))


def wrong(code):
    return f"{(int(code) + 1) % 10**8:08}"


async def test_the_place_of_claims_is_taken_for_a_device_called_claim(cell):
    answer = await cell.write("PUT", "/v1/devices/claim", {}, **cell.bearer())
    assert coded(answer) == (405, "request.method_not_allowed")
    assert answer.headers["allow"] == "POST"


# --- enrolling
async def test_a_device_is_enrolled_claimed_and_read_otherwise_than_it_was_asked_for(cell):
    made = (await enrol(cell)).json()
    assert re.fullmatch(r"us-device-[0-9a-hjkmnp-tv-z]{26}", made["device_id"])
    assert re.fullmatch(r"[0-9]{8}", made["code"])
    assert made["code_expires_at"] == "2026-01-01T00:15:00Z"
    scanner = Scanner(cell, made)
    told = (await scanner.claim(f"{made['code'][:4]} {made['code'][4:]}")).json()
    assert told == {
        "device_id": scanner.device_id, "name": "dock 3", "location_id": HERE, "scopes": SCOPES, "audience": "ocefs:us",
    }  # fmt: skip
    seen = (await cell.http.get(f"/v1/devices/{scanner.device_id}", headers=cell.bearer())).json()
    assert seen == {
        "device_id": scanner.device_id, "version": 2, "name": "dock 3", "model": "scanner", "location_id": HERE, "scopes": SCOPES,
        "status": "enrolled", "code_expires_at": None, "enrolled_at": "2026-01-01T00:00:00Z", "seen_at": None,
    }  # fmt: skip


async def test_a_repeated_enrolment_makes_a_second_device_or_gives_another_code(cell):
    first = await enrol(cell, "reg-1")
    cell.clock.now += 1
    again = await enrol(cell, "reg-1")
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert len([kind for kind, _ in cell.gateway.entities if kind == "device"]) == 1
    assert (await enrol(cell, "reg-2")).json()["device_id"] != first.json()["device_id"]
    assert coded(await enrol(cell, "reg-1", name="dock 4")) == (422, "idempotency.key_reused")
    assert (await Scanner(cell, again.json()).claim()).status_code == 200


async def test_a_code_stands_somewhere_in_the_clear(cell):
    scanner = await enrolled(cell)
    kept = repr((cell.gateway.entities, cell.gateway.remembered, cell.gateway.events, cell.gateway.audited))
    assert scanner.code not in kept


async def test_a_device_is_given_more_than_devices_may_do(cell):
    for scope in ["root", *sorted({*PERMISSIONS} - {*SCOPES})]:
        before = cell.state()
        assert coded(await enrol(cell, scopes=["stock.read", scope])) == (422, "device.scope_forbidden"), scope
        assert cell.state() == before


async def test_somebody_gives_a_device_more_than_he_may_himself(cell):
    ops = cell.of_role("ops")
    refused = await cell.post("/v1/devices", NEW, **ops)
    assert coded(refused) == (403, "device.beyond_rights")
    assert "orders.update" in refused.json()["detail"]
    narrow = await cell.post("/v1/devices", NEW | {"scopes": ["stock.read"]}, **ops)
    assert narrow.status_code == 201
    # Whoever claims a code has the device's rights: so a code for a stronger device is as much.
    strong = (await in_use(cell)).device_id
    assert coded(await change(cell, strong, ops, change="renew_code")) == (403, "device.beyond_rights")
    assert coded(await change(cell, strong, ops, change="move", location_id=THERE)) == (403, "device.beyond_rights")
    # To take rights away needs none.
    assert (await change(cell, strong, ops, change="revoke")).status_code == 200


async def test_a_manager_reaches_devices_of_other_locations(cell):
    mine = cell.of_role("manager", locs=(HERE,))
    away = await cell.post("/v1/devices", NEW | {"location_id": THERE}, **mine)
    assert coded(away) == (403, "auth.location_forbidden")
    other = (await in_use(cell, location_id=THERE)).device_id
    for body in ({"change": "revoke"}, {"change": "renew_code"}, {"change": "move", "location_id": HERE}):
        assert coded(await change(cell, other, mine, **body)) == (403, "auth.location_forbidden")
    assert coded(await cell.http.get(f"/v1/devices/{other}", headers=mine)) == (403, "auth.location_forbidden")
    listed = await cell.http.get(f"/v1/devices?location_id={THERE}", headers=mine)
    assert coded(listed) == (403, "auth.location_forbidden")
    own = await cell.post("/v1/devices", NEW, **mine)
    assert own.status_code == 201
    away = await change(cell, own.json()["device_id"], mine, change="move", location_id=THERE)
    assert coded(away) == (403, "auth.location_forbidden")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"location_id": "us-wh-nowhere"}, 404, "location.unknown"),
        ({"location_id": "eu-wh-berlin"}, 421, "region.misdirected"),
        ({"location_id": "Seattle"}, 422, "body.invalid"),
        ({"model": "toaster"}, 422, "body.invalid"),
        ({"name": ""}, 422, "body.invalid"),
        ({"name": "a\nb"}, 422, "body.invalid"),
        ({"code": "12345678"}, 422, "body.unknown_field"),
    ],
)
async def test_a_device_that_can_not_be_is_enrolled(cell, body, status, code):
    before = cell.state()
    assert coded(await enrol(cell, **body)) == (status, code)
    assert cell.state() == before


@pytest.mark.parametrize("device_id", [NOBODY, "eu" + NOBODY[2:], "us-device-x", "claim", "us-wh-seattle"])
async def test_what_is_no_device_of_ours_is_read_or_changed(cell, device_id):
    assert coded(await cell.http.get(f"/v1/devices/{device_id}", headers=cell.bearer())) == (404, "device.unknown")
    assert coded(await change(cell, device_id, change="revoke")) == (404, "device.unknown")


async def test_a_move_needs_no_place(cell):
    scanner = await in_use(cell)
    assert coded(await change(cell, scanner.device_id, change="move")) == (422, "body.missing_field")
    nowhere = await change(cell, scanner.device_id, change="move", location_id="us-wh-nowhere")
    assert coded(nowhere) == (404, "location.unknown")


async def test_a_location_s_devices_are_not_all_listed_or_those_of_others_too(cell):
    made = []
    for number in range(3):
        cell.clock.now += 1
        made.append((await enrolled(cell, name=f"dock {number}")).device_id)
    await enrolled(cell, location_id=THERE)
    first = (await cell.http.get(f"/v1/devices?location_id={HERE}&limit=2", headers=cell.bearer())).json()
    assert [device["name"] for device in first["devices"]] == ["dock 2", "dock 1"]
    assert {device["status"] for device in first["devices"]} == {"waiting"}
    cursor = first["next_cursor"]
    second = await cell.http.get(f"/v1/devices?location_id={HERE}&limit=2&cursor={cursor}", headers=cell.bearer())
    assert [device["device_id"] for device in second.json()["devices"]] == [made[0]]
    assert second.json()["next_cursor"] is None
    other = await cell.http.get(f"/v1/devices?location_id={THERE}&cursor={cursor}", headers=cell.bearer())
    assert coded(other) == (400, "cursor.invalid")
    cell.read_model.away = True
    away = await cell.http.get(f"/v1/devices?location_id={HERE}", headers=cell.bearer())
    assert coded(away) == (503, "cell.store_unavailable")


# --- claiming
async def test_a_code_is_good_after_five_wrong_ones(cell):
    scanner = await enrolled(cell)
    for _ in range(TRIES_MAX):
        assert coded(await scanner.claim(wrong(scanner.code))) == (401, "code.refused")
    assert coded(await scanner.claim()) == (401, "code.refused")
    renewed = (await change(cell, scanner.device_id, change="renew_code")).json()
    assert renewed["code"] != scanner.code
    assert (await scanner.claim(renewed["code"])).status_code == 200


async def test_a_renewed_code_is_another_one_when_it_is_asked_for_again(cell):
    device_id = (await in_use(cell)).device_id
    first = await change(cell, device_id, key="renew-1", change="renew_code")
    again = await change(cell, device_id, key="renew-1", change="renew_code")
    assert (again.status_code, again.json()) == (200, first.json())
    revoked = (await change(cell, device_id, change="revoke")).json()
    assert (revoked["code"], revoked["code_expires_at"]) == ("", None)
    assert coded(await change(cell, device_id, change="renew_code")) == (409, "device.revoked")


async def test_why_a_claim_was_refused_is_told(cell):
    waiting, used, late, gone, other = [await enrolled(cell) for _ in range(5)]
    cell.clock.now += CODE_MS
    fresh = (await change(cell, waiting.device_id, change="renew_code")).json()["code"]
    used.code = (await change(cell, used.device_id, change="renew_code")).json()["code"]
    await used.claimed()
    await change(cell, gone.device_id, change="revoke")
    answers = [
        await waiting.claim(wrong(fresh)),
        await waiting.claim(other.code),
        await used.claim(),
        await late.claim(),
        await gone.claim(),
        await waiting.claim(device_id=NOBODY),
        await waiting.claim(device_id="eu" + waiting.device_id[2:]),
        await waiting.claim(device_id="../x"),
    ]
    bodies = [{name: value for name, value in answer.json().items() if name != "request_id"} for answer in answers]
    assert {answer.status_code for answer in answers} == {401}
    assert bodies == [bodies[0]] * len(bodies)
    assert {tuple(sorted(answer.headers)) for answer in answers} == {tuple(sorted(answers[0].headers))}


@pytest.mark.parametrize("known", [True, False])
async def test_how_long_a_refusal_takes_shows_whether_there_is_such_a_device(cell, monkeypatch, known):
    scanner, due = await enrolled(cell), []

    async def noted(moment_s):
        due.append(moment_s)

    monkeypatch.setattr(claiming, "REFUSAL_S", 0.5)
    monkeypatch.setattr(claiming, "not_before", noted)
    begun = asyncio.get_running_loop().time()
    await scanner.claim(wrong(scanner.code), device_id=scanner.device_id if known else NOBODY)
    (moment_s,) = due
    assert moment_s - begun >= 0.5


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"d": "AA"}, "body.unknown_field"),
        ({"kty": "RSA"}, "body.invalid"),
        ({"crv": "X25519"}, "body.invalid"),
        ({"x": "AA"}, "body.invalid"),
        ({"x": "+" * 43}, "body.invalid"),
        # Bits that stand for nothing: the same key, spelt otherwise.
        ({"x": "Q" * 42 + "B"}, "device.key_invalid"),
    ],
)
async def test_a_key_that_is_none_uses_a_try_up(cell, more, code):
    scanner = await enrolled(cell)
    for _ in range(TRIES_MAX):
        assert coded(await scanner.claim(public_key=jwk_of(scanner.key) | more)) == (422, code)
    assert (await scanner.claim()).status_code == 200


async def test_codes_are_tried_as_fast_as_the_machine_can(cell):
    scanner = await enrolled(cell)
    answers = [await scanner.claim(wrong(scanner.code)) for _ in range(TRIES_BY_PERSON.burst + 1)]
    assert [answer.status_code for answer in answers] == [401] * TRIES_BY_PERSON.burst + [429]
    # Which holds up nobody elsewhere, who has been given a new code.
    renewed = (await change(cell, scanner.device_id, change="renew_code")).json()["code"]
    body = {"device_id": scanner.device_id, "code": renewed, "public_key": jwk_of(scanner.key)}
    assert (await cell.plain("/v1/devices/claim", body, **{"X-Forwarded-For": "203.0.113.7"})).status_code == 200
    assert BY_ADDRESS.burst > TRIES_BY_PERSON.burst


# --- what is written down
async def test_the_audit_does_not_say_who_did_what_with_a_device(cell):
    scanner = await enrolled(cell)
    await scanner.claim(wrong(scanner.code))
    await scanner.claimed()
    await change(cell, scanner.device_id, change="renew_code")
    await change(cell, scanner.device_id, change="move", location_id=THERE)
    await change(cell, scanner.device_id, change="revoke")
    lines = [line for line in cell.gateway.audited if line.act.action.startswith("device.")]
    assert [(line.act.action, line.outcome, line.act.location_id, line.who.subject) for line in lines] == [
        ("device.enrol", "", HERE, "us-client-test"),
        ("device.claim", "code.refused", HERE, scanner.device_id),
        ("device.claim", "", HERE, scanner.device_id),
        ("device.renew_code", "", HERE, "us-client-test"),
        ("device.move", "", HERE, "us-client-test"),
        ("device.revoke", "", THERE, "us-client-test"),
    ]
    assert lines[0].act.changes == {"scopes": ("", ",".join(SCOPES))}
    assert lines[4].act.changes == {"location_id": (HERE, THERE)}
