"""What the monitor makes of refunds as the API's audit has them: somebody who keeps just under the threshold, or far
under it all day, and nobody is told."""

from __future__ import annotations

import pytest

from actors.anomalies.monitor import Monitor
from actors.anomalies.record import Record
from actors.anomalies.settings import AnomalySettings
from actors.domain.ids import account_id
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with, order

SUE = account_id("us", b"s" * 16)
THRESHOLD, HOUR_MS = 1000, 3_600_000


@pytest.fixture
async def cell(tmp_path):
    made = GuardedCell(tmp_path, approval_refund_minor=THRESHOLD)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()


@pytest.mark.parametrize(
    ("amounts", "statuses", "told"),
    [
        ((950, 1000, 980, 999, 910), {201}, True),
        ((300, 450, 20, 500, 640), {201}, False),
        # A day of many halves, and ten cents that hide nothing.
        ((600,) * 24, {201}, False),
        ((600,) * 25, {201}, True),
        ((950, *(1,) * 10, 1000, 980, 999), {201}, True),
        # Of these somebody else knows.
        ((1001, 1500, 1100, 1050, 1001), {202}, False),
        # Nothing was given.
        ((950, 1000, 980, 999, 910), {409}, False),
    ],
)
async def test_refunds_just_under_the_threshold_are_not_told_or_others_are(cell, amounts, statuses, told):
    monitor, alerts = Monitor("us", AnomalySettings(refund_threshold_minor=THRESHOLD)), []
    found = set()
    for number, amount in enumerate(amounts):
        placed = await cell.post("/v1/orders", order(("A1", 2)), **cell.bearer())
        cell.gateway.run_outbox()
        order_id = placed.json()["order_id"]
        if 409 in statuses:
            await cell.post(f"/v1/orders/{order_id}/updates", {"update": "cancel"}, **cell.bearer())
        before = len(cell.gateway.audited)
        body = {"amount": {"amount": amount, "currency": "USD"}, "reason": "goodwill"}
        headers = cell.of_role("support", sub=SUE)
        found.add((await cell.post(f"/v1/orders/{order_id}/refunds", body, **headers)).status_code)
        for place, line in enumerate(cell.gateway.audited[before:]):
            who, act = line.who, line.act
            assert who.subject == SUE
            record = Record(
                0, 10 * number + place, cell.clock.now, who.subject, who.role, act.action, line.outcome, who.session_id,
                who.address, kind="order", entity_id=order_id, location_id=act.location_id, why=act.why, changes=act.changes,
            )  # fmt: skip
            alerts += monitor.see(record)
        cell.clock.now += HOUR_MS // 2
    assert found == statuses
    assert [alert.rules for alert in alerts] == ([["refunds"]] if told else [])
