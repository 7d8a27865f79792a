"""What the monitor makes of one person with the right to open accounts who is both of two people, by the
lines that the API leaves."""

from __future__ import annotations

import pytest

from actors.anomalies.monitor import Monitor
from actors.anomalies.record import Record
from actors.anomalies.settings import AnomalySettings
from actors.domain.ids import account_id
from tests.unit.serve.approvals.test_approvals_api import asked, decide, manager
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with

OPS = account_id("us", b"o" * 16)
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
CHANGES = [
    {"change": "password", "password": "another horse of hers"},
    {"change": "role", "role": "manager", "locations": []},
]


@pytest.fixture
async def cell(tmp_path):
    made = GuardedCell(tmp_path, approval_adjustment_units=500, approval_expires_hours=72)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()


class Watched:
    """What is audited goes to the monitor, after each step that leaves lines of one entity."""

    def __init__(self, cell):
        self._cell, self._monitor, self._read = cell, Monitor("us", AnomalySettings()), len(cell.gateway.audited)
        self.alerts = []

    def read_on(self, kind, entity_id):
        lines, first = self._cell.gateway.audited[self._read :], self._read
        self._read += len(lines)
        for number, line in enumerate(lines, first):
            who, act = line.who, line.act
            record = Record(
                0, number, self._cell.clock.now, who.subject, who.role, act.action, line.outcome, who.session_id,
                kind=kind, entity_id=entity_id, location_id=act.location_id, why=act.why, changes=act.changes,
            )  # fmt: skip
            self.alerts += self._monitor.see(record)


async def opened(cell, watched, login, role="manager"):
    body = {"login": login, "role": role, "password": f"correct horse of {login}"}
    answer = await cell.post("/v1/accounts", body, **cell.of_role("ops", sub=OPS))
    assert answer.status_code == 201, answer.text
    watched.read_on("account", answer.json()["account_id"])
    return answer.json()["account_id"]


@pytest.mark.parametrize("change", [None, *CHANGES])
@pytest.mark.parametrize("later_ms", [HOUR_MS, 2 * DAY_MS])
async def test_one_person_asks_and_approves_by_accounts_of_his_own_making_and_nobody_is_told(cell, change, later_ms):
    watched = Watched(cell)
    mia = await opened(cell, watched, "mia", "associate" if change == CHANGES[1] else "manager")
    ben = await opened(cell, watched, "ben")
    if change is not None:
        cell.clock.now += 2 * DAY_MS
        answer = await cell.post(f"/v1/accounts/{mia}/changes", change, **cell.of_role("ops", sub=OPS))
        assert answer.status_code == 200, answer.text
        watched.read_on("account", mia)
    cell.clock.now += later_ms
    identity = await asked(cell, **manager(cell, ben))
    assert (await decide(cell, identity, manager(cell, mia))).status_code == 200
    watched.read_on("approval", identity)
    if later_ms > DAY_MS:
        assert watched.alerts == []
    else:
        (alert,) = watched.alerts
        assert (alert.about, alert.rules, alert.action) == (mia, ["made_approver"], "step_up")
        assert OPS in alert.reasons[0]
        assert identity in alert.reasons[0]
        assert ben in alert.reasons[0]
