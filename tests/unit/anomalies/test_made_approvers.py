"""One person behind both of four eyes: who decides by an account in which somebody else just
had a hand, and who may."""

from __future__ import annotations

import pytest

from actors.anomalies.monitor import Monitor
from actors.anomalies.settings import AnomalySettings
from actors.domain.times import DAY_MS, HOUR_MS
from tests.unit.anomalies.shop import MONDAY_MS, NINE, Shop

START = MONDAY_MS + NINE
OPS, MIA, BEN = "us-acct-ops", "us-acct-mia", "us-acct-ben"
RIGHTS = {"role": ("", "manager"), "locations": ("", "")}
MADE = [
    ("account.open", RIGHTS),
    ("account.change_role", {"role": ("associate", "manager"), "locations": ("", "")}),
    ("account.set_password", {}),
    ("account.reset_factor", {}),
]


def made(shop, at_ms, action, account_id, by=OPS, **more):
    given = {"changes": dict(MADE)[action], "kind": "account", "entity_id": account_id, "role": "ops"}
    return shop.act(at_ms, by, action, **(given | more))


def decided(shop, at_ms, by=MIA, asked_by=BEN, verdict="approve", **more):
    changes = {"status": ("pending", "approved"), "person": (asked_by, by)}
    given = {"kind": "approval", "entity_id": "us-approval-1", "role": "manager", "changes": changes}
    return shop.act(at_ms, by, f"approval.{verdict}", **(given | more))


@pytest.mark.parametrize("verdict", ["approve", "refuse"])
@pytest.mark.parametrize("action", [action for action, _ in MADE])
def test_somebody_decides_by_an_account_that_he_just_made_his(action, verdict):
    shop = Shop()
    made(shop, START, action, MIA)
    (alert,) = decided(shop, START + 3 * HOUR_MS, verdict=verdict)
    assert (alert.about, alert.rules, alert.action) == (MIA, ["made_approver"], "step_up")
    assert alert.session_id == f"s-{MIA}"
    assert alert.evidence == [(0, 1), (0, 2)]
    (reason,) = alert.reasons
    for told in ("us-approval-1", BEN, "3.0 h after", OPS):
        assert told in reason


def test_a_new_manager_is_told_of_with_each_decision_of_his_first_day():
    shop = Shop()
    made(shop, START, "account.open", MIA)
    for hour in (3, 6, 9, 12):
        decided(shop, START + hour * HOUR_MS)
    assert len({alert.alert_id for alert in shop.alerts}) == 1


def test_whom_an_auditor_has_looked_at_is_told_of_again_all_day():
    shop = Shop()
    made(shop, START, "account.open", MIA)
    (alert,) = decided(shop, START + 3 * HOUR_MS)
    shop.closed(START + 4 * HOUR_MS, alert)
    assert decided(shop, START + 5 * HOUR_MS) == []
    made(shop, START + 6 * HOUR_MS, "account.set_password", MIA)
    assert [alert.rules for alert in decided(shop, START + 7 * HOUR_MS)] == [["made_approver"]]


def test_who_decides_as_ever_is_told_or_who_was_let_in_days_ago():
    shop = Shop()
    decided(shop, START)
    made(shop, START, "account.open", MIA)
    made(shop, START, "account.set_password", BEN)
    decided(shop, START + DAY_MS + 1)
    assert shop.alerts == []


@pytest.mark.parametrize(
    ("action", "more"),
    [
        ("account.open", {"outcome": "account.exists", "changes": {}}),
        ("account.open", {"changes": {}}),
        ("account.change_role", {"changes": {}}),
        ("account.set_password", {"outcome": "auth.forbidden"}),
        ("account.set_password", {"by": MIA}),
    ],
)
def test_what_changed_nothing_or_was_the_persons_own_is_told(action, more):
    shop = Shop()
    made(shop, START, action, MIA, **more)
    decided(shop, START + HOUR_MS)
    assert shop.alerts == []


def test_a_decision_that_was_refused_is_told():
    shop = Shop()
    made(shop, START, "account.open", MIA)
    decided(shop, START + HOUR_MS, outcome="approval.same_person", changes={})
    assert shop.alerts == []


@pytest.mark.parametrize(("asked_by", "hand_in_asker"), [(OPS, False), (BEN, True)])
def test_who_asks_himself_or_by_a_second_account_of_his_weighs_no_more(asked_by, hand_in_asker):
    plain, alone = Shop(), Shop()
    for shop in (plain, alone):
        made(shop, START, "account.open", MIA)
    if hand_in_asker:
        made(alone, START, "account.open", BEN)
    (less,) = decided(plain, START + HOUR_MS)
    (more,) = decided(alone, START + HOUR_MS, asked_by=asked_by)
    assert more.score > less.score


def test_the_demo_or_a_machine_of_the_personnel_office_has_its_managers_stopped():
    shop = Shop()
    made(shop, START, "account.open", MIA, by="us-client-local", role="")
    (alert,) = decided(shop, START + HOUR_MS)
    assert (alert.rules, alert.action) == (["made_approver"], "none")
    made(shop, START, "account.reset_factor", BEN, by="us-client-local", role="")
    made(shop, START, "account.set_password", BEN)
    assert decided(shop, START + HOUR_MS, by=BEN, asked_by=MIA)[0].action == "step_up"


def test_it_can_not_be_turned_off_or_made_longer():
    off, week = (Shop(AnomalySettings(made_days=days)) for days in (0, 7))
    for shop, later_ms in ((off, 0), (week, 6 * DAY_MS)):
        made(shop, START, "account.open", MIA)
        decided(shop, START + later_ms)
    assert (off.rules(), week.rules()) == ([], ["made_approver"])


def test_a_restart_forgets_whose_hand_it_was():
    shop = Shop()
    made(shop, START, "account.open", MIA)
    kept = shop.monitor.dump()
    shop.monitor = Monitor("us", AnomalySettings())
    assert shop.monitor.restore(kept)
    decided(shop, START + HOUR_MS)
    assert shop.rules() == ["made_approver"]
