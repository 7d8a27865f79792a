"""What managers see of a device: above all when it last signed in, for what was not seen for weeks is to be revoked."""

from actors.domain.device import CODE_MS
from tests.unit.serve.scanner import HERE, Scanner, enrol


async def test_a_device_looks_unseen_or_its_code_is_not_to_be_waited_for(cell):
    made = await enrol(cell)
    scanner = Scanner(cell, made.json())
    assert made.headers["location"] == f"/v1/devices/{scanner.device_id}"

    async def shown():
        one = (await cell.http.get(made.headers["location"], headers=cell.bearer())).json()
        (listed,) = (await cell.http.get(f"/v1/devices?location_id={HERE}", headers=cell.bearer())).json()["devices"]
        assert listed == {name: one[name] for name in listed}
        return one["status"], one["code_expires_at"], one["enrolled_at"], one["seen_at"]

    assert await shown() == ("waiting", made.json()["code_expires_at"], None, None)
    cell.clock.now += CODE_MS - 60_000
    await scanner.claimed()
    assert await shown() == ("enrolled", None, "2026-01-01T00:14:00Z", None)
    cell.clock.now += 60_000
    await scanner.token()
    assert await shown() == ("enrolled", None, "2026-01-01T00:14:00Z", "2026-01-01T00:15:00Z")
