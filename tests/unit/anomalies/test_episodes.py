"""One episode is one alert; what is kept of it has limits; and who is not judged at all."""

from __future__ import annotations

import msgspec
import pytest

from actors.anomalies.monitor import STATE_VERSION, Monitor, State
from actors.anomalies.record import Record
from actors.anomalies.settings import AnomalySettings
from actors.domain.times import HOUR_MS
from tests.unit.anomalies.shop import MINUTE_MS, MONDAY_MS, NINE, SETTINGS, Shop

START = MONDAY_MS + NINE


def reads(shop, at_ms, number, who="tom"):
    for index in range(number):
        shop.act(at_ms + index * 10_000, who, "order.read", kind="order", entity_id=f"{at_ms}-{index}")


def test_one_episode_is_told_again_and_again():
    shop = Shop()
    reads(shop, START, 300)
    # A finding names its newest 20, so a hundred count as 60; 60 more, and 120 more after these, are news.
    assert [alert.lines for alert in shop.alerts] == [60, 120, 240]
    reads(shop, START + 6 * HOUR_MS, 150)
    assert shop.rules() == ["lookups", "lookups"]
    assert [alert.lines for alert in shop.alerts[3:]] == [60]
    assert len({alert.alert_id for alert in shop.alerts}) == 2


def test_an_episode_that_goes_on_all_day_is_told_once_or_with_every_act():
    shop = Shop()
    for number in range(400):
        shop.act(
            START + number * 5 * MINUTE_MS, "tom", "request.refused", outcome="auth.forbidden",
            changes={"endpoint": (None, f"door{number % 5}")},
        )  # fmt: skip
    assert [alert.lines for alert in shop.alerts] == [4, 8, 16, 32, 64, 128, 256]
    assert len({alert.alert_id for alert in shop.alerts}) == 1


def test_another_rule_in_the_same_episode_is_another_alert_or_is_not_told():
    shop = Shop()
    reads(shop, START, 120)
    for number in range(14):
        shop.act(START + 30 * MINUTE_MS + number * 20_000, "tom", "order.cancel", kind="order", entity_id=f"c{number}")
    assert [alert.rules for alert in shop.alerts] == [["lookups"], ["lookups", "voids"]]
    first, more = shop.alerts
    assert (first.alert_id, more.score > first.score, len(more.reasons)) == (more.alert_id, True, 2)


def test_a_session_is_ended_for_what_an_earlier_one_did():
    shop = Shop()
    reads(shop, START, 110)
    later = START + 100 * MINUTE_MS
    for number in range(4):
        shop.act(
            later + number, "tom", "request.refused", outcome="auth.forbidden", session_id="s2",
            changes={"endpoint": (None, f"door{number}")},
        )  # fmt: skip
    assert [(alert.session_id, alert.action) for alert in shop.alerts] == [("s-tom", "end_session"), ("s2", "step_up")]
    assert len({alert.alert_id for alert in shop.alerts}) == 1
    # And it does end for what it does itself.
    for number in range(110):
        shop.act(later + number * 1000, "tom", "order.read", session_id="s2", kind="order", entity_id=f"p{number}")
    assert (shop.alerts[-1].session_id, shop.alerts[-1].action) == ("s2", "end_session")


def test_evidence_grows_without_end():
    shop = Shop()
    reads(shop, START, 350)
    for number in range(30):
        shop.act(START + 59 * MINUTE_MS + number, "tom", "order.cancel", kind="order", entity_id=f"c{number}")
    assert shop.alerts
    assert all(len(alert.evidence) <= 60 and len(alert.requests) <= 60 for alert in shop.alerts)


def test_a_state_of_another_version_is_believed():
    state = msgspec.msgpack.decode(Monitor("us", SETTINGS).dump(), type=State)
    state.version += 1
    fresh = Monitor("us", SETTINGS)
    assert not fresh.restore(msgspec.msgpack.encode(state))
    assert msgspec.msgpack.decode(fresh.dump(), type=State).version == STATE_VERSION


@pytest.mark.parametrize("wrong", [{"voids": 1}, {"one_sided": 0}, {"quiet_minutes": "long"}, {"lokups": 9}])
def test_a_threshold_that_makes_no_sense_is_taken(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, AnomalySettings)


@pytest.mark.parametrize(("subject", "role"), [("us-client-erp", ""), ("us-cust-1", "customer"), ("us-1", "guest")])
def test_a_machine_or_a_customer_is_judged_by_what_is_usual_for_staff(subject, role):
    shop = Shop()
    for number in range(2000):
        shop.act(START + number * 1000, subject, "order.place", role=role, kind="order", entity_id=f"o{number}")
    assert shop.alerts == []


def test_nobody_in_particular_is_accused():
    monitor = Monitor("us", SETTINGS)
    for number in range(500):
        nobody = Record(0, number, START + number, "", "", "request.refused", outcome="auth.token_missing")
        assert monitor.see(nobody) == []
