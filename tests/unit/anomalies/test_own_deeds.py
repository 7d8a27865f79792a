"""Who was thrown out and has signed in anew is thrown out again for what the session before did, or whoever signs in
again and again is free for it. And sessions that take turns are news without end."""

from __future__ import annotations

import msgspec
import pytest

from actors.anomalies.findings import Finding
from actors.anomalies.model import Told
from actors.anomalies.monitor import SESSIONS_MAX, Alert, Monitor, _asks
from actors.anomalies.settings import AnomalySettings
from actors.domain.times import HOUR_MS
from tests.unit.anomalies.shop import MINUTE_MS, MONDAY_MS, NINE, SETTINGS, Shop

START = MONDAY_MS + NINE
DEEDS = ("write_offs", "counts", "voids", "refunds", "much_in_a_day", "lookups", "lists", "probing")


def deed(shop, rule, number, session):
    """So many of them, one a second, by one person in this session; what was told."""
    told = []
    for _ in range(number):
        at_ms, name, tom = START + shop.number * 1_000, f"o{shop.number}", {"session_id": session}
        if rule in {"write_offs", "counts"}:
            why, changes = "damage" if rule == "write_offs" else "count", {"A1.on_hand": (9, 8)}
            told += shop.act(at_ms, "tom", "location.adjust", kind="location", why=why, changes=changes, **tom)
        elif rule == "voids":
            told += shop.act(at_ms, "tom", "order.cancel", kind="order", entity_id=name, **tom)
        elif rule in {"refunds", "much_in_a_day"}:
            given = {"amount_minor": (None, 9_900 if rule == "refunds" else 5_000), "currency": (None, "USD")}
            told += shop.act(at_ms, "tom", "refund.give", entity_id=name, changes=given, **tom)
        elif rule == "lookups":
            told += shop.act(at_ms, "tom", "order.read", kind="order", entity_id=name, **tom)
        elif rule == "lists":
            page = {"orders": (None, 100), "page": (None, "next")}
            told += shop.act(at_ms, "tom", "order.search", changes=page, **tom)
        else:
            door = {"endpoint": (None, name)}
            told += shop.act(at_ms, "tom", "request.refused", outcome="auth.forbidden", changes=door, **tom)
    return [(alert.session_id, alert.action) for alert in told]


@pytest.mark.parametrize("rule", DEEDS)
def test_who_signs_in_anew_is_asked_again_for_what_the_session_before_did(rule):
    floors = {"write_offs": 10, "counts": 22, "voids": 11, "refunds": 4, "lookups": 100, "lists": 10, "probing": 4}
    floor, shop = floors.get(rule, 30), Shop()
    asked = "end_session" if rule in {"lookups", "lists"} else "step_up"
    assert deed(shop, rule, floor, "s1") == [("s1", asked)]
    # The alert goes on, and says so; to the session itself nothing is done until it has done as much.
    told = deed(shop, rule, floor - 1, "s2")
    assert told[0] == ("s2", "none")
    assert {action for _, action in told} == {"none"}
    assert deed(shop, rule, 1, "s2")[-1:] == [("s2", asked)]


def test_who_signs_in_anew_is_asked_for_how_long_a_list_was_before():
    shop = Shop()
    for session, orders in (("s1", 100), ("s2", 1)):
        for number in range(20):
            told = shop.act(
                START + shop.number * 1_000, "tom", "order.search", behalf=f"e-{number}", session_id=session,
                changes={"orders": (None, orders)},
            )  # fmt: skip
            assert session == "s1" or {alert.action for alert in told} <= {"none"}
    assert shop.alerts[0].action == "end_session"


def test_whoever_signs_in_before_he_is_thrown_out_is_told_of_no_more():
    shop = Shop()
    told = [one for number in range(8) for one in deed(shop, "lookups", 45, f"s{number}")]
    assert told[0] == ("s2", "none")
    assert {action for _, action in told} == {"none"}
    # By each session once, and as they double.
    assert [alert.lines for alert in shop.alerts][-1] >= 200
    assert len({alert.alert_id for alert in shop.alerts}) == 1


def places(shop, *visits):
    """(session, place), a minute each."""
    told = []
    for session, place in visits:
        at_ms = START + shop.number * MINUTE_MS
        said = {"session_id": session, "address": place, "kind": "order", "entity_id": "o1"}
        told += shop.act(at_ms, "tom", "order.read", **said)
    return [(alert.session_id, alert.action) for alert in told]


def test_the_owner_of_an_account_is_thrown_out_for_the_places_of_before():
    shop = Shop()
    for session, place in (("s1", "shop"), ("s2", "den")):
        shop.act(START, "tom", "session.open", session_id=session, address=place)
    told = places(shop, ("s1", "shop"), ("s2", "den"), ("s1", "shop"), ("s2", "den"), ("s1", "shop"))
    assert {("s1", "end_session"), ("s2", "end_session")} <= set(told)
    (back,) = shop.act(START + 6 * MINUTE_MS, "tom", "session.open", session_id="s3", address="shop")
    assert (back.session_id, back.action) == ("s3", "none")
    assert places(shop, *[("s3", "shop")] * 5) == []
    # The other one goes on from where he was, in a session of his own.
    assert ("s3", "end_session") in places(shop, ("s4", "den"), ("s3", "shop"), ("s4", "den"), ("s3", "shop"))


def test_work_in_the_night_is_asked_of_who_has_just_signed_in():
    shop = Shop()
    begins_ms = shop.weeks("tom", "ada") + 2 * HOUR_MS - shop.number

    def at_night(number, session):
        told = []
        for _ in range(number):
            told += shop.act(begins_ms + shop.number, "tom", "order.place", session_id=session, entity_id="n1")
        return [(alert.session_id, alert.action) for alert in told]

    assert at_night(4, "s1") == [("s1", "step_up")]
    assert at_night(3, "s2") == [("s2", "none")]
    assert at_night(1, "s2")[0] == ("s2", "step_up")


def test_evidence_of_hours_ago_is_asked_of_who_has_just_signed_in(monkeypatch):
    shop, evidence = Shop(), [6.0]
    monkeypatch.setattr(shop.monitor._model, "see", lambda record: Told(evidence[0], 3.0, []))
    assert deed(shop, "voids", 1, "s1") == [("s1", "step_up")]
    assert deed(shop, "voids", 2, "s2") == [("s2", "none")]
    evidence[0] = 7.0
    assert deed(shop, "voids", 2, "s2") == [("s2", "step_up")]


def test_two_sessions_that_take_turns_are_news_without_end():
    shop = Shop(SETTINGS)
    deed(shop, "voids", 11, "s1")
    told = [one for number in range(400) for one in deed(shop, "voids", 1, f"s{number % 2}")]
    # Each once, and once more when it has done as much; and as they double.
    assert len(told) <= 8
    assert ("s0", "step_up") in told


def test_sessions_of_an_episode_are_named_without_end():
    shop = Shop()
    deed(shop, "probing", 4, "s1")
    for number in range(SESSIONS_MAX * 3):
        deed(shop, "probing", 1, f"more-{number}")
    (alert,) = shop.monitor._episodes.values()
    assert len(alert.sessions) == SESSIONS_MAX
    assert len(shop.alerts) <= SESSIONS_MAX + 10
    # What deserves something gets it all the same.
    assert deed(shop, "probing", 4, "late")[-1] == ("late", "step_up")
    assert len(shop.monitor._episodes["tom"].sessions) == SESSIONS_MAX


def test_an_episode_that_an_earlier_release_kept_ends_the_session_that_it_has_ended():
    shop = Shop()
    deed(shop, "lookups", 100, "s1")
    kept = msgspec.msgpack.decode(shop.monitor.dump())
    kept["episodes"] = {about: alert[:15] for about, alert in kept["episodes"].items()}
    kept["rules"] = {
        rule: {key: [[entry[:5] for entry in window[0]], *window[1:]] for key, window in windows.items()}
        for rule, windows in kept["rules"].items()
    }
    shop.monitor = Monitor("us", AnomalySettings(lookups=100))
    assert shop.monitor.restore(msgspec.msgpack.encode(kept))
    assert deed(shop, "lookups", 2, "s2") == [("s2", "none")]


def test_what_was_odder_days_ago_frees_a_later_session_of_being_asked():
    """The model's evidence falls while nothing odd is done: what raises it again was done by whoever is in by now."""
    alert = Alert(
        "us-alert-x", "us-acct-mia", "support", "s1", 0, 0, ["unlike"], 0.7, ["r"], [(0, 1)], [], "step_up",
        sessions={"s1": "step_up"}, unlike=3.0,
    )  # fmt: skip
    for strength in (1.2, 2.9):
        _asks(alert, Finding("unlike", "us-acct-mia", 0, strength, "r", "step_up", "s2", [(0, 1)], []))
    assert alert.sessions == {"s1": "step_up", "s2": "step_up"}
    _asks(alert, Finding("unlike", "us-acct-mia", 0, 2.5, "r", "step_up", "s3", [(0, 1)], []))
    assert alert.sessions["s3"] == "none"
