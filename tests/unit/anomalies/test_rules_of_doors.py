"""Who wants in, or where he may not: the misuse that each rule must tell of, and the honest day next
to it that it must not."""

from __future__ import annotations

import pytest

from actors.anomalies.settings import AnomalySettings
from actors.anomalies.windows import ENTRIES_MAX
from actors.domain.times import DAY_MS
from tests.unit.anomalies.shop import MINUTE_MS, MONDAY_MS, NINE, Shop

START = MONDAY_MS + NINE


def test_many_accounts_are_tried_from_one_address():
    shop = Shop()
    for number in range(12):
        shop.refused(START + number * 3000, f"us-acct-{number}", "evil")
    assert [(alert.about, alert.rules, alert.action) for alert in shop.alerts] == [("evil", ["stuffing"], "none")]


@pytest.mark.parametrize(
    ("address", "told"),
    [("a-net.{}", "a-net"), ("a-{}", None), ("a-{0}.x{0}.wide", "a-wide"), ("a-{0}.x{0}.w{0}", None)],
)
def test_whoever_has_a_network_of_ipv6_tries_each_account_from_another_address(address, told):
    shop = Shop()
    for number in range(90):
        shop.refused(START + number * 3000, f"us-acct-{number}", address.format(number))
    assert {alert.about for alert in shop.alerts} == ({told} if told else set())
    assert shop.rules() == (["stuffing"] if told else [])


@pytest.mark.parametrize(
    ("address", "tries", "about"), [("evil", 70, "evil"), ("a-{0}.x{0}.wide", 6, "a-wide"), ("a-n.x{}.w", 70, "a-n")]
)
def test_whoever_tries_each_account_several_times_fills_the_window_with_a_few_and_is_not_seen(address, tries, about):
    shop = Shop()
    for number in range(tries * 90):
        shop.refused(START + number * 300, f"us-acct-{number // tries}", address.format(number))
    assert ["stuffing"] in [alert.rules for alert in shop.alerts if alert.about == about]


@pytest.mark.parametrize("stuffed_accounts", [41, ENTRIES_MAX])
def test_ten_times_as_many_in_a_48_are_more_than_a_window_keeps(stuffed_accounts):
    shop = Shop(AnomalySettings(stuffed_accounts=stuffed_accounts))
    for number in range(ENTRIES_MAX):
        shop.refused(START + number * 300, f"us-acct-{number}", f"a-{number}.x{number}.wide")
    assert [alert.about for alert in shop.alerts] == ["a-wide"]


def test_a_retailer_whose_shops_are_all_in_one_48_is_an_attack_when_some_mistype():
    shop = Shop()
    for number in range(20):
        shop.refused(START + number * 60_000, f"us-acct-{number}", f"a-{number % 8}.x{number}.org")
    assert shop.alerts == []


def test_a_shop_that_signs_in_on_monday_morning_is_an_attack():
    shop = Shop()
    for number in range(40):
        account = f"us-acct-{number % 6}"
        if number % 5 == 0:
            shop.refused(START + number * 9000, account, "shop")
        shop.act(START + number * 9000 + 1, account, "session.open", entity_id=account, kind="account")
    assert shop.alerts == []


# (action, outcome, whom it names: by number)
MACHINES = [
    ("request.refused", "client.refused", "us-client-{}"),
    ("request.refused", "client.refused", "us-device-{}"),
    ("device.sign_in", "client.refused", "us-device-{}"),
    ("device.claim", "code.refused", "us-device-{}"),
]
STUFFED = [
    *MACHINES,
    ("request.refused", "code.refused", "us-cust-{}"),
    ("request.refused", "session.refused", "us-acct-{}"),
]


def turned_away(shop, at_ms, action, outcome, whom, address="evil"):
    named = {"entity_id": whom, "address": address, "role": "", "session_id": "", "outcome": outcome}
    return shop.act(at_ms, "" if action == "request.refused" else whom, action, **named)


@pytest.mark.parametrize(("action", "outcome", "whom"), STUFFED)
def test_machines_or_codes_are_tried_one_after_the_other_from_one_address(action, outcome, whom):
    shop = Shop()
    for number in range(12):
        turned_away(shop, START + number * 3000, action, outcome, whom.format(number))
    assert [(alert.about, alert.rules, alert.action) for alert in shop.alerts] == [("evil", ["stuffing"], "none")]


def test_who_tries_a_little_of_everything_is_not_seen():
    shop = Shop()
    for number, (action, outcome, whom) in enumerate([*STUFFED, *STUFFED]):
        turned_away(shop, START + number * 3000, action, outcome, whom.format(number))
    assert [(alert.about, alert.rules) for alert in shop.alerts] == [("evil", ["stuffing"])]


@pytest.mark.parametrize(("action", "outcome", "whom"), MACHINES[:3])
def test_a_branch_whose_clock_is_wrong_is_an_attack(action, outcome, whom):
    shop = Shop()
    for day in range(2):
        for number in range(20):
            scanner = whom.format(number)
            shop.act(START + day * DAY_MS + number, scanner, "location.receive", role="", address="branch")
    for number in range(20):
        turned_away(shop, START + 2 * DAY_MS + number * 3000, action, outcome, whom.format(number), "branch")
    assert shop.alerts == []
    # Nobody of them has ever been there.
    for number in range(20):
        turned_away(shop, START + 2 * DAY_MS + number * 3000, action, outcome, whom.format(number))
    assert shop.rules() == ["stuffing"]


@pytest.mark.parametrize(("action", "outcome", "whom"), STUFFED[:5])
def test_a_machine_with_an_old_secret_or_a_code_that_nobody_asked_for_is_guessing(action, outcome, whom):
    shop = Shop()
    for number in range(30):
        turned_away(shop, START + number * 20_000, action, outcome, whom.format(1))
    assert shop.alerts == []


def test_a_refused_machine_makes_the_address_its_own():
    shop = Shop()
    turned_away(shop, START, "device.sign_in", "client.refused", "us-device-1")
    assert shop.monitor._habits.of("us-device-1") is None


def test_a_machine_that_signs_in_again_and_again_from_two_servers_is_two_people():
    shop = Shop()
    for number in range(30):
        at_ms, server = START + number * 60_000, f"server-{number % 2}"
        for action in ("client.sign_in", "order.read"):
            shop.act(at_ms, "us-client-shop", action, role="", address=server, session_id="us-client-shop.1")
    assert shop.alerts == []


def test_a_customer_s_account_is_guessed_from_networks_that_he_never_used():
    shop = Shop()
    for day in range(6):
        shop.act(START + day * DAY_MS, "us-cust-1", "order.read", role="customer", address="home", kind="order")
    for number in range(6):
        shop.refused(START + 6 * DAY_MS + number * 20_000, "us-cust-1", f"strange{number}")
    assert shop.rules() == ["guessing"]


def test_who_mistypes_at_home_with_another_address_each_time_is_a_stranger_there():
    shop = Shop()
    for day in range(6):
        shop.act(
            START + day * DAY_MS, "us-cust-1", "order.read", role="customer", address=f"a-home.{day}", kind="order"
        )
    for number in range(6):
        shop.refused(START + 6 * DAY_MS + number * 20_000, "us-cust-1", f"a-home.x{number}")
    assert shop.rules() == []


@pytest.mark.parametrize(("times", "told"), [(5, False), (12, True)])
def test_one_account_is_guessed_or_its_owner_has_forgotten_the_password(times, told):
    shop = Shop()
    for number in range(times):
        shop.refused(START + number * 20_000, "us-acct-1", "somewhere")
    assert shop.rules() == (["guessing"] if told else [])


def test_somebody_tries_one_closed_door_after_the_other():
    shop = Shop()
    doors = ("GET /v1/accounts/{account_id}", "POST /v1/clients", "POST /v1/skus", "GET /v1/audit")
    for number, door in enumerate(doors):
        told = shop.act(
            START + number * MINUTE_MS, "tom", "request.refused", outcome="auth.forbidden", changes={"endpoint": (None, door)}
        )  # fmt: skip
    assert [alert.rules for alert in told] == [["probing"]]
    same = Shop()
    for number in range(20):
        same.act(
            START + number * MINUTE_MS, "tom", "request.refused", outcome="auth.forbidden", changes={"endpoint": (None, doors[0])}
        )  # fmt: skip
    assert same.alerts == []


def test_who_tries_each_closed_door_hundreds_of_times_is_never_seen():
    shop = Shop()
    for number in range(4 * 200):
        changes = {"endpoint": (None, f"GET /v1/{number // 200}")}
        shop.act(START + number * 1000, "tom", "request.refused", outcome="auth.forbidden", changes=changes)
    assert shop.rules() == ["probing"]


def forbidden(shop, number, outcome, entity="", door="GET /x", **more):
    said = {"role": "associate", "entity_id": entity, "changes": {"endpoint": (None, door)}} | more
    return shop.act(START + number * MINUTE_MS, "tom", "request.refused", outcome=outcome, **said)


def test_somebody_tries_one_place_after_the_other():
    shop = Shop()
    for number in range(4):
        told = forbidden(shop, number, "auth.location_forbidden", f"us-st-{number}")
    assert [(alert.about, alert.rules, alert.action) for alert in told] == [("tom", ["probing"], "step_up")]


def test_somebody_tries_what_lies_elsewhere_one_thing_after_the_other():
    shop = Shop()
    for number, noun in enumerate(("transfer", "count", "inbound")):
        forbidden(shop, number, f"{noun}.location_forbidden", f"us-{noun}-1")
    assert shop.alerts == []
    # An update that the order itself refused, by its turn.
    told = shop.act(
        START + 3 * MINUTE_MS, "tom", "order.pack", outcome="order.location_forbidden", entity_id="us-1", kind="order"
    )
    assert [alert.rules for alert in told] == [["probing"]]


def test_a_page_of_another_place_is_one_door_after_the_other():
    shop = Shop()
    for number in range(40):
        forbidden(shop, number, "auth.location_forbidden", "us-st-1", f"GET /v1/locations/{{location_id}}/{number % 8}")
    assert shop.alerts == []


def test_orders_that_have_gone_to_another_place_meanwhile_are_doors():
    shop = Shop()
    for number in range(50):
        step = ("order.start_picking", "order.pack", "order.ship", "order.deliver", "order.pause_picking")[number % 5]
        shop.act(
            START + number * 1000, "us-client-3pl", step, role="", outcome="order.location_forbidden", entity_id=f"us-{number}", kind="order"
        )  # fmt: skip
    assert shop.alerts == []


def test_a_machine_that_asks_for_all_places_it_knows_of_tries_doors():
    shop = Shop()
    for number in range(40):
        forbidden(shop, number, "auth.location_forbidden", f"us-st-{number}", role="")
    assert shop.alerts == []
