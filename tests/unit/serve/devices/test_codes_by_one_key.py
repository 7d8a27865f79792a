"""Codes are made from the call's key. Who takes the same key for another call is given another code."""

import hmac

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


async def test_who_reads_the_database_knows_codes_or_another_release_gives_others(cell):
    """The ids of calls stand there. A repeated call gives the same code, from this release on at any replica."""
    scanner = Scanner(cell, (await enrol(cell, "reg-1")).json())
    path = f"/v1/devices/{scanner.device_id}/changes"
    renewed = (await cell.post(path, {"change": "renew_code"}, "renew-1", **cell.bearer())).json()
    calls = [command_id for kind, _, command_id in cell.gateway.remembered if kind == "device"]
    for code, drawn_by in zip((scanner.code, renewed["code"]), (calls[0], f"renewed\0{calls[1]}"), strict=True):
        text = f"device-code\0{scanner.device_id}\0{drawn_by}".encode()
        made = hmac.digest(cell.keys.lookup_key, text, "sha256")
        assert code == f"{int.from_bytes(made, 'big') % 10**8:08}"
