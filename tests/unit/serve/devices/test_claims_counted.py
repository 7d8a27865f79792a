"""Claims are counted by the address, whatever they are of and before they are read, and by device; and each has one
line in the audit."""

from serve.identity.limits import BY_ADDRESS, TRIES_BY_PERSON
from tests.unit.serve.post_office import coded
from tests.unit.serve.scanner import enrolled, jwk_of

CLAIM = "/v1/devices/claim"


def unknown(number):
    return f"us-device-01kah2v3nq7h3k2m9qk4t1{number:04}"


async def test_codes_of_many_devices_are_guessed_from_one_address(cell):
    scanner = await enrolled(cell)
    told = [(await scanner.claim(device_id=unknown(number))).status_code for number in range(BY_ADDRESS.burst + 1)]
    assert told == [401] * BY_ADDRESS.burst + [429]
    assert coded(await scanner.claim()) == (429, "auth.too_often")
    body = {"device_id": scanner.device_id, "code": scanner.code, "public_key": jwk_of(scanner.key)}
    assert (await cell.plain(CLAIM, body, **{"X-Forwarded-For": "203.0.113.7"})).status_code == 200


async def test_bodies_of_claims_are_read_without_end(cell):
    told = [(await cell.plain(CLAIM, {})).status_code for _ in range(BY_ADDRESS.burst + 1)]
    assert told == [422] * BY_ADDRESS.burst + [429]


async def test_who_tries_one_device_s_codes_uses_up_those_of_another_beside_it(cell):
    tried, other = await enrolled(cell), await enrolled(cell)
    for _ in range(TRIES_BY_PERSON.burst + 1):
        refused = await tried.claim("00000000")
    assert coded(refused) == (429, "auth.too_often")
    assert (await other.claim()).status_code == 200


async def test_a_refused_claim_has_two_lines_in_the_audit_or_none(cell):
    scanner = await enrolled(cell)
    for sent in ({"code": "00000000"}, {"device_id": unknown(1)}):
        await cell.services.trail.close()
        cell.gateway.audited.clear()
        refused = await scanner.claim(**sent)
        assert coded(refused) == (401, "code.refused")
        assert refused.headers["www-authenticate"].startswith("Bearer")
        await cell.services.trail.close()
        (line,) = cell.gateway.audited
        known = "code" in sent
        assert (line.act.action, line.outcome) == ("device.claim" if known else "request.refused", "code.refused")
        assert known or line.entity_id == unknown(1)


async def test_somebody_looks_here_for_a_device_that_can_not_be_of_here(cell):
    scanner = await enrolled(cell)
    cell.gateway.calls.clear()
    for device_id in ("eu" + scanner.device_id[2:], f"{scanner.device_id}\n", "us-wh-seattle", "us-device-x", "../x"):
        assert coded(await scanner.claim(device_id=device_id)) == (401, "code.refused")
    assert [entity_id for kind, entity_id in cell.gateway.calls if kind == "device"] == []
