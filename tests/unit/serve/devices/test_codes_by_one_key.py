"""Codes are made from the call's key. Who takes the same key for another call is given another code."""

from tests.unit.serve.post_office import coded
from tests.unit.serve.scanner import Scanner, enrol


async def test_a_code_that_was_used_is_good_again_once_a_new_one_was_asked_for_by_its_key(cell):
    scanner = Scanner(cell, (await enrol(cell, "scanner-42")).json())
    await scanner.claimed()
    path = f"/v1/devices/{scanner.device_id}/changes"
    renewed = await cell.post(path, {"change": "renew_code"}, "scanner-42", **cell.bearer())
    assert renewed.status_code == 200, renewed.text
    assert coded(await scanner.claim()) == (401, "code.refused")
    again = await cell.post(path, {"change": "renew_code"}, "scanner-42", **cell.bearer())
    assert again.json() == renewed.json()
    assert (await scanner.claim(renewed.json()["code"])).status_code == 200
