"""Devices that somebody has nothing to do with: those of other regions and places."""

from tests.unit.serve.post_office import coded
from tests.unit.serve.scanner import in_use


async def test_a_device_of_another_region_is_read_or_changed_because_it_lies_here(cell):
    scanner = await in_use(cell)
    elsewhere = "eu" + scanner.device_id[2:]
    cell.gateway.entities["device", elsewhere] = cell.gateway.entities["device", scanner.device_id]
    path = f"/v1/devices/{elsewhere}"
    cell.gateway.calls.clear()
    assert coded(await cell.http.get(path, headers=cell.bearer())) == (404, "device.unknown")
    for change in ("revoke", "renew_code"):
        refused = await cell.post(f"{path}/changes", {"change": change}, **cell.bearer())
        assert coded(refused) == (404, "device.unknown")
    assert cell.gateway.calls == []


async def test_the_audit_does_not_know_which_device_somebody_was_refused(cell):
    device_id, away = (await in_use(cell)).device_id, cell.of_role("manager", locs=("us-wh-newark",))
    path = f"/v1/devices/{device_id}"
    assert (await cell.http.get(path, headers=away)).status_code == 403
    assert (await cell.post(f"{path}/changes", {"change": "revoke"}, **away)).status_code == 403
    await cell.services.trail.close()
    refused = [line for line in cell.gateway.audited if line.act.action == "request.refused"]
    assert [(line.outcome, line.entity_id) for line in refused] == [("auth.location_forbidden", device_id)] * 2
