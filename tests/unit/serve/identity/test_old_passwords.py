"""A password ends by itself (ASVS 5.0.0, 6.2.10)."""

from actors.domain.times import DAY_MS
from tests.unit.serve.guarded_cell import furnished


async def test_a_password_of_five_years_signs_nobody_in_or_asks_for_a_new_one(tmp_path):
    async with furnished(tmp_path) as cell:
        mia = await cell.enrolled("mia", "manager")
        cell.clock.now += 5 * 365 * DAY_MS
        answer = await mia.sign_in()
        assert answer.status_code in (200, 201), answer.text
        told = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert (await cell.http.get("/v1/sessions/current", headers=told)).status_code == 200


async def test_a_forgotten_password_s_reset_goes_around_the_second_factor(tmp_path):
    """ASVS 5.0.0, 6.4.3."""
    async with furnished(tmp_path) as cell:
        mia = await cell.enrolled("mia", "manager")
        fresh, changes = "nine brown kettles hum", f"/v1/accounts/{mia.account_id}/changes"
        changed = await cell.post(changes, {"change": "password", "password": fresh}, **cell.bearer())
        assert changed.status_code == 200, changed.text
        alone = await cell.plain("/v1/sessions", {"login": "mia", "password": fresh})
        assert alone.status_code == 401
        assert "enrolment" not in alone.json(), "the factor is still hers"
        code = cell.next_code(mia.secret)
        both = {"login": "mia", "password": fresh, "code": code, "new_password": "six blue kettles hum"}
        assert (await cell.plain("/v1/sessions", both)).status_code == 200
