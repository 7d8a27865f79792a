"""An alert was judged: what comes after that is found as if nothing had been, and what was
judged is not found again."""

from __future__ import annotations

import msgspec
import pytest

from actors.anomalies.model import Told
from actors.anomalies.monitor import UNLIKE, Monitor
from actors.anomalies.record import CLOSED
from actors.domain.acts import of_alert
from actors.domain.alert import Alert, AlertClosed, CloseAlert, Finding
from actors.domain.times import DAY_MS
from tests.unit.anomalies.shop import MINUTE_MS, MONDAY_MS, NINE, SETTINGS, Shop

START = MONDAY_MS + NINE


def reads(shop, at_ms, number, who="tom"):
    for index in range(number):
        shop.act(at_ms + index * 1_000, who, "order.read", kind="order", entity_id=f"{at_ms}-{index}")


def stored(shop):
    """The monitor after a restart."""
    again = Monitor("us", SETTINGS)
    assert again.restore(shop.monitor.dump())
    shop.monitor = again


def judged_shop():
    """Tom has looked at 100 orders; at START + 10 min an auditor is done with that."""
    shop = Shop()
    reads(shop, START, 100)
    (alert,) = shop.alerts
    shop.closed(START + 10 * MINUTE_MS, alert)
    return shop, shop.number


@pytest.mark.parametrize("restarted", [False, True])
def test_a_second_deed_of_the_same_kind_after_the_closing_is_never_looked_at(restarted):
    shop, last = judged_shop()
    if restarted:
        stored(shop)
    reads(shop, START + 15 * MINUTE_MS, 110)
    first, second = shop.alerts
    assert (second.rules, second.action, second.session_id) == (["lookups"], "end_session", "s-tom")
    assert second.alert_id != first.alert_id
    assert second.began_ms > START + 15 * MINUTE_MS
    assert second.evidence
    assert all(number > last for _, number in second.evidence), "what was judged is held against them again"
    assert not set(second.requests) & set(first.requests)


@pytest.mark.parametrize("restarted", [False, True])
def test_the_records_that_were_judged_raise_an_alert_again(restarted):
    shop, _ = judged_shop()
    if restarted:
        stored(shop)
    reads(shop, START + 15 * MINUTE_MS, 99)
    # Of the time that was judged, and only read now.
    reads(shop, START + MINUTE_MS, 30)
    assert len(shop.alerts) == 1
    reads(shop, START + 20 * MINUTE_MS, 1)
    assert len(shop.alerts) == 2


def test_an_auditor_who_was_refused_or_closed_another_alert_ends_the_episode():
    shop = Shop()
    reads(shop, START, 110)
    (alert,) = shop.alerts
    shop.closed(START + 10 * MINUTE_MS, alert, outcome="alert.illegal_transition")
    shop.closed(START + 10 * MINUTE_MS, msgspec.structs.replace(alert, alert_id="us-alert-another"))
    reads(shop, START + 15 * MINUTE_MS, 110)
    assert {alert.alert_id for alert in shop.alerts} == {alert.alert_id}


def test_what_another_rule_was_about_to_find_is_forgotten_with_what_was_judged():
    shop = Shop()
    for number in range(10):
        shop.act(START + number, "tom", "order.cancel", kind="order", entity_id=f"c{number}")
    reads(shop, START, 110)
    (alert,) = shop.alerts
    shop.closed(START + 10 * MINUTE_MS, alert)
    shop.act(START + 11 * MINUTE_MS, "tom", "order.cancel", kind="order", entity_id="c10")
    assert [alert.rules for alert in shop.alerts] == [["lookups"], ["voids"]]


@pytest.mark.parametrize("rule", ["write_offs", "counts", "guessing", "stuffing", "probing"])
def test_a_rule_goes_on_counting_from_what_was_judged(rule):
    shop = Shop()

    def deed(at_ms, number):
        for index in range(number):
            at, name = at_ms + index * 1_000, f"{at_ms}-{index}"
            changes = {"A1.on_hand": (9, 8)}
            if rule == "write_offs":
                shop.act(at, "tom", "location.adjust", kind="location", entity_id=name, why="damage", changes=changes)
            elif rule == "counts":
                shop.act(at, "tom", "location.adjust", kind="location", entity_id=name, why="count", changes=changes)
            elif rule == "probing":
                shop.act(at, "tom", "request.refused", outcome="auth.forbidden", changes={"endpoint": (None, name)})
            else:
                shop.refused(at, "us-acct-tom" if rule == "guessing" else name, "elsewhere")

    floor = {"write_offs": 10, "counts": 22, "guessing": 10, "stuffing": 8, "probing": 4}[rule]
    deed(START, floor)
    (alert,) = shop.alerts
    shop.closed(START + MINUTE_MS, alert)
    deed(START + 2 * MINUTE_MS, floor - 1)
    assert len(shop.alerts) == 1
    deed(START + 4 * MINUTE_MS, 1)
    assert len(shop.alerts) == 2


def test_a_session_on_a_strange_network_goes_on_counting_from_what_was_judged():
    shop = Shop()
    day = shop.weeks("tom", "ada") + NINE

    def both(at_ms, number):
        for index in range(number):
            for address in ("shop", "den"):
                at, name = at_ms + index * 10_000, f"{at_ms}-{index}"
                shop.act(at, "tom", "order.read", kind="order", entity_id=name, address=address)

    both(day, 5)
    alerts = [alert for alert in shop.alerts if "stolen_token" in alert.rules]
    assert alerts
    shop.closed(day + 5 * MINUTE_MS, alerts[-1])
    before = len(shop.alerts)
    both(day + 6 * MINUTE_MS, 4)
    assert len(shop.alerts) == before
    both(day + 8 * MINUTE_MS, 1)
    assert "stolen_token" in shop.alerts[-1].rules
    assert shop.alerts[-1].alert_id != alerts[-1].alert_id


def test_odd_work_that_was_judged_is_still_evidence_of_the_model(monkeypatch):
    shop = Shop()
    day = shop.weeks("tom", "ada", days=12)
    model = shop.monitor._model

    def at(at_ms):
        return shop.act(at_ms, "tom", "order.read", kind="order", entity_id=f"{at_ms}")

    with monkeypatch.context() as odd:
        odd.setattr(model, "see", lambda record: Told(9.0, 9.0, []))
        (alert,) = at(day + NINE)
    assert alert.rules == [UNLIKE]
    at(day + NINE + 1)
    model._evidence["tom"] = 4.0
    shop.closed(day + NINE + MINUTE_MS, msgspec.structs.replace(alert, last_ms=day + NINE + 2))
    assert "tom" not in model._evidence
    hour = model._workers["tom"].hour
    assert (hour.begins_ms, hour.acts) == (day + NINE + 2, {})
    monkeypatch.setattr(model, "see", lambda record: Told(9.0, 9.0, []))
    assert at(day + NINE + 2) == [], "it is of the time that was judged"
    (other,) = at(day + NINE + DAY_MS)
    assert (other.rules, other.alert_id != alert.alert_id) == ([UNLIKE], True)
    stored(shop)
    assert shop.monitor._episodes["tom"].alert_id == other.alert_id


def test_what_was_learned_before_closings_were_known_is_lost():
    shop = Shop()
    reads(shop, START, 110)
    kept = msgspec.msgpack.decode(shop.monitor.dump())
    kept["episodes"] = {about: alert[:12] for about, alert in kept["episodes"].items()}
    kept["rules"] = {
        rule: {key: window[:1] for key, window in windows.items()} for rule, windows in kept["rules"].items()
    }
    shop.monitor = Monitor("us", SETTINGS)
    assert shop.monitor.restore(msgspec.msgpack.encode(kept))
    shop.closed(START + 10 * MINUTE_MS, shop.alerts[0])
    reads(shop, START + 15 * MINUTE_MS, 110)
    assert [alert.rules for alert in shop.alerts] == [["lookups"], ["lookups"]]


def test_a_closing_is_called_otherwise_in_the_audit():
    found = Finding("tom", "support", "s1", 1, 17, ["voids", "lookups"], 0.5, [], [], [], "none")
    act = of_alert(Alert(found), CloseAlert("confirmed", "misuse"), [AlertClosed("confirmed", "misuse")])
    assert act.action == CLOSED
    assert (act.changes["rules"], act.changes["last_ms"]) == ((None, "voids,lookups"), (None, 17))
    assert of_alert(None, CloseAlert("confirmed", "misuse"), []).changes == {}


def refunds(shop, first, last):
    """Each a little under the threshold; the numbers of those at which an alert was told."""
    given = {"amount_minor": (None, 9_900), "currency": (None, "USD")}
    return [
        number
        for number in range(first, last + 1)
        if shop.act(START + number * MINUTE_MS, "tom", "refund.give", entity_id=f"o{number}", changes=given)
    ]


def test_an_auditor_judges_sixty_refunds_of_which_he_was_shown_four():
    shop = Shop()
    assert refunds(shop, 1, 60) == [4, 8, 16, 32]
    shown = shop.alerts[-1]
    assert (len(shown.evidence), shown.lines, shown.last_ms) == (32, 32, START + 32 * MINUTE_MS)
    assert shown.reasons == ["32 of 32 refunds in a day just under 10000 minor units"]
    shop.closed(START + 60 * MINUTE_MS, shown)
    assert refunds(shop, 61, 61) == [61], "of twenty-eight he saw nothing"
    other = shop.alerts[-1]
    assert other.alert_id != shown.alert_id
    assert not set(other.evidence) & set(shown.evidence)


@pytest.mark.parametrize(("by_earlier_release", "told"), [(False, [8]), (True, [11])])
def test_what_came_after_the_auditor_looked_is_judged_with_what_he_saw(by_earlier_release, told):
    shop = Shop()
    assert refunds(shop, 1, 7) == [4]
    first = shop.alerts[0]
    # A host of an earlier release does not say what was judged: all of it.
    shop.closed(
        START + 7 * MINUTE_MS + 1,
        first,
        **({"changes": {"verdict": (None, "false_alarm")}} if by_earlier_release else {}),
    )
    assert refunds(shop, 8, 11) == told
    assert not set(shop.alerts[-1].evidence) & set(first.evidence)


def test_a_rule_that_the_auditor_never_saw_is_judged_with_those_that_he_did():
    shop = Shop()
    reads(shop, START, 100)
    seen = shop.alerts[-1]
    for number in range(11):
        shop.act(START + 50_000 + number, "tom", "order.cancel", kind="order", entity_id=f"c{number}")
    assert shop.alerts[-1].rules == ["lookups", "voids"]
    # He closes the alert as it was before that; that opens it again, and the monitor goes on with another.
    shop.closed(START + 10 * MINUTE_MS, seen)
    shop.act(START + 11 * MINUTE_MS, "tom", "order.cancel", kind="order", entity_id="c11")
    assert (shop.alerts[-1].rules, shop.alerts[-1].alert_id != seen.alert_id) == (["voids"], True)


def test_an_episode_that_an_earlier_release_began_is_told_of_no_more():
    shop = Shop()
    refunds(shop, 1, 20)
    kept = msgspec.msgpack.decode(shop.monitor.dump())
    kept["episodes"] = {about: alert[:13] for about, alert in kept["episodes"].items()}
    shop.monitor = Monitor("us", SETTINGS)
    assert shop.monitor.restore(msgspec.msgpack.encode(kept))
    # Nobody knows how many of them were told, so once they are.
    assert refunds(shop, 21, 50) == [21, 42]
