"""Each rule: the misuse that it must tell of, and the honest day next to it that it must not."""

from __future__ import annotations

import msgspec
import pytest

from actors.anomalies.habits import PEOPLE_MAX, Habit, Habits, Kept
from actors.anomalies.record import Record
from actors.anomalies.rules import PLACES_MAX
from actors.anomalies.settings import AnomalySettings
from actors.domain.times import DAY_MS, HOUR_MS
from tests.unit.anomalies.shop import MINUTE_MS, MONDAY_MS, NINE, Shop

START = MONDAY_MS + NINE


def adjust(shop, minute, why, *steps, subject="mia"):
    changes = {f"S{number}.on_hand": (50, 50 + step) for number, step in enumerate(steps)}
    return shop.act(
        START + minute * MINUTE_MS, subject, "location.adjust", role="manager", why=why, changes=changes, location_id="us-st-1"
    )  # fmt: skip


def test_stock_is_written_off_in_a_burst_and_nobody_is_told():
    shop = Shop()
    told = [adjust(shop, minute, "damage", -2) for minute in range(12)]
    assert [bool(alerts) for alerts in told] == [False] * 9 + [True] + [False] * 2
    (alert,) = shop.alerts
    assert (alert.about, alert.rules, alert.action) == ("mia", ["overrides"], "step_up")
    assert alert.evidence == [(0, number) for number in range(1, 11)]
    assert 0.5 <= alert.score <= 1


def test_a_stock_take_is_taken_for_theft_or_theft_for_a_stock_take():
    honest = Shop()
    for minute in range(59):
        adjust(honest, minute, "count", *((-1, 2) if minute % 2 else (-3,)))
    assert honest.alerts == []
    hidden = Shop()
    for minute in range(30):
        adjust(hidden, minute, "count", -2)
    assert hidden.rules() == ["overrides"]


@pytest.mark.parametrize(("action", "change"), [("transfer.short_pick", "missing"), ("transfer.close", "lost")])
def test_stock_is_written_off_by_transfers_and_nobody_is_told(action, change):
    shop, honest = Shop(), Shop()
    for minute in range(12):
        at_ms = START + minute * MINUTE_MS
        shop.act(at_ms, "mia", action, role="manager", changes={f"S{minute}.{change}": (None, 4)})
        honest.act(at_ms, "mia", action, role="manager", changes={f"S{minute}.found": (None, 4)})
        refused = {f"S{minute}.{change}": (None, 4)}
        honest.act(at_ms, "tom", action, role="manager", outcome="transfer.closed", changes=refused)
    (alert,) = shop.alerts
    assert (alert.about, alert.rules, alert.action) == ("mia", ["overrides"], "step_up")
    assert alert.evidence == [(0, number) for number in range(1, 11)]
    assert honest.alerts == []


@pytest.mark.parametrize(("found", "told"), [((45, 45), True), ((45, 55), False), ((50, 50), False)])
def test_cycle_counts_that_find_only_too_little_are_not_told_apart_from_honest_ones(found, told):
    shop = Shop()
    for minute in range(50):
        for before in (None, 50):
            changes = {f"A-{minute}": (before, found[minute % 2])}
            shop.act(START + minute * MINUTE_MS, "mia", "count.submit", role="fulfilment", changes=changes)
    assert shop.rules() == (["overrides"] if told else [])


def test_cancelling_orders_in_a_burst_is_not_seen_or_is_seen_in_a_slow_day():
    shop = Shop()
    for number in range(9):
        shop.act(START + number * HOUR_MS // 4, "tom", "order.cancel", kind="order", entity_id=f"o{number}")
    assert shop.alerts == []
    for number in range(12):
        shop.act(START + DAY_MS + number * MINUTE_MS, "tom", "order.cancel", kind="order", entity_id=f"p{number}")
    assert shop.rules() == ["voids"]


@pytest.mark.parametrize(("amount", "told"), [(9_500, True), (10_000, False), (4_000, False)])
def test_refunds_that_stay_just_under_the_threshold_are_not_told_apart_from_others(amount, told):
    shop = Shop(AnomalySettings(refund_threshold_minor=10_000))
    for number in range(6):
        changes = {"amount_minor": (None, amount)}
        shop.act(
            START + number * HOUR_MS, "tom", "refund.approve", kind="refund", entity_id=f"o{number}", changes=changes
        )
    assert shop.rules() == (["refunds"] if told else [])


def test_one_account_is_used_in_two_places_at_once():
    shop = Shop()
    for turn in range(6):
        place, session = ("shop", "s1") if turn % 2 else ("elsewhere", f"s{turn}")
        at_ms = START + turn * 4 * MINUTE_MS
        shop.act(at_ms, "ann", "session.open", address=place, session_id=session, role="associate")
        shop.act(
            at_ms + 1000,
            "ann",
            "order.read",
            address=place,
            session_id=session,
            role="associate",
            kind="order",
            entity_id="o1",
        )
    assert "two_places" in shop.rules()
    assert shop.alerts[-1].action == "end_session"


def test_a_driver_between_two_networks_is_taken_for_two_people():
    shop = Shop()
    shop.act(START, "dan", "session.open", role="driver", device="d1")
    for turn in range(8):
        at_ms, network = START + turn * 3 * MINUTE_MS, "mobile" if turn % 2 else "shop"
        shop.act(
            at_ms,
            "dan",
            "order.deliver",
            role="driver",
            device="d1",
            address=network,
            kind="order",
            entity_id=f"o{turn}",
        )
    assert shop.alerts == []


def test_a_token_is_used_by_somebody_else_while_its_owner_works_on():
    shop = Shop()
    day = shop.weeks("ann", "bob")
    for number in range(14):
        at_ms = day + 10 * HOUR_MS + number * 20_000
        place = "shop" if number % 3 == 0 else "thief"
        shop.act(at_ms, "ann", "order.read", address=place, kind="order", entity_id=f"x{number}")
    assert [alert.about for alert in shop.alerts] == ["ann"]
    assert "stolen_token" in shop.rules()


def customers(shop, at_ms, number):
    """Each once, each from an address of their own."""
    for count in range(number):
        shop.act(
            at_ms + count * 100, f"us-cust-{count}", "order.read", role="customer", address=f"c{count}", kind="order", entity_id="o1"
        )  # fmt: skip


def test_so_many_customers_come_that_staff_is_forgotten_and_robbed():
    shop = Shop()
    day = shop.weeks("ann", "bob")
    customers(shop, day, PEOPLE_MAX + 10)
    for number in range(14):
        place = "shop" if number % 3 == 0 else "thief"
        at_ms = day + 10 * HOUR_MS + number * 20_000
        shop.act(at_ms, "ann", "order.read", address=place, kind="order", entity_id=f"x{number}")
    assert "stolen_token" in shop.rules()
    assert {alert.about for alert in shop.alerts} == {"ann"}


def test_customers_push_out_who_is_at_work_and_a_new_provider_is_a_thief():
    shop = Shop()
    day = shop.weeks("ann", "bob")
    for number in range(3):
        shop.act(day + NINE + number, "bob", "order.read", address="new", kind="order", entity_id=f"b{number}")
    customers(shop, day + NINE + MINUTE_MS, PLACES_MAX + 10)
    for number in range(14):
        place = "shop" if number % 3 == 0 else "new"
        at_ms = day + NINE + 10 * MINUTE_MS + number * 20_000
        shop.act(at_ms, "ann", "order.read", address=place, kind="order", entity_id=f"x{number}")
    assert "stolen_token" not in shop.rules()


def test_a_thief_makes_his_network_a_colleague_s_by_being_a_customer_there():
    shop = Shop()
    day = shop.weeks("ann", "bob")
    for number in range(14):
        at_ms = day + 10 * HOUR_MS + number * 20_000
        shop.act(at_ms, "us-cust-1", "order.read", role="customer", address="thief", kind="order", entity_id="o1")
        place = "shop" if number % 3 == 0 else "thief"
        shop.act(at_ms + 1, "ann", "order.read", address=place, kind="order", entity_id=f"x{number}")
    assert "stolen_token" in shop.rules()


@pytest.mark.parametrize("kind", ["customer", "guest"])
def test_the_sign_in_of_a_customer_counts_as_one_of_staff(kind):
    sign_in = Record(0, 1, START, "us-1", "", "session.open", kind=kind)
    assert sign_in.visits
    assert not msgspec.structs.replace(sign_in, kind="account").visits
    assert not msgspec.structs.replace(sign_in, role="privacy", action="customer.erase").visits


def test_a_memory_of_before_keeps_customers_among_staff_or_is_lost():
    kept = msgspec.json.encode([{"ann": Habit("support"), "us-cust-1": Habit("customer")}, {}])
    habits = Habits()
    habits.restore(msgspec.json.decode(kept, type=Kept))
    after = habits.dump()
    assert (list(after.people), list(after.visitors)) == (["ann"], ["us-cust-1"])
    assert habits.of("us-cust-1") is not None


def test_a_branch_with_a_new_provider_is_a_branch_of_thieves():
    shop = Shop()
    day = shop.weeks("ann", "bob", "cid")
    for number in range(60):
        who, place = ("ann", "bob", "cid")[number % 3], "shop" if number < 12 else "new"
        shop.act(
            day + NINE + number * 4 * MINUTE_MS, who, "order.read", address=place, kind="order", entity_id=f"x{number}"
        )
    assert shop.alerts == []


def test_work_in_the_middle_of_the_night_is_not_seen():
    shop = Shop()
    day = shop.weeks("ann", "bob", "cid")
    for number in range(6):
        shop.act(
            day + 3 * HOUR_MS + number * MINUTE_MS,
            "ann",
            "order.place",
            address="home",
            kind="order",
            entity_id=f"n{number}",
        )
    assert shop.rules()[:1] == ["off_shift"]


def test_a_screen_that_was_left_on_works_off_shift():
    shop = Shop()
    day = shop.weeks("ann", "bob")
    for number in range(20):
        shop.act(day + 2 * HOUR_MS + number * 5 * MINUTE_MS, "ann", "session.refresh")
    assert shop.alerts == []


def test_one_order_after_the_other_is_looked_at():
    shop = Shop()
    for number in range(110):
        shop.act(START + number * 15_000, "tom", "order.read", kind="order", entity_id=f"o{number}")
    assert shop.rules() == ["lookups"]
    assert shop.alerts[0].action == "end_session"


def test_a_busy_packer_is_taken_for_somebody_who_snoops():
    shop = Shop()
    for number in range(150):
        at_ms = START + number * 20_000
        shop.act(at_ms, "pat", "order.read", role="fulfilment", kind="order", entity_id=f"o{number}")
        shop.act(at_ms + 1, "pat", "order.pack", role="fulfilment", kind="order", entity_id=f"o{number}")
    assert shop.alerts == []


def test_many_accounts_are_tried_from_one_address():
    shop = Shop()
    for number in range(12):
        shop.refused(START + number * 3000, f"us-acct-{number}", "evil")
    assert [(alert.about, alert.rules, alert.action) for alert in shop.alerts] == [("evil", ["stuffing"], "none")]


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


def nibble(shop, number, by, book, found):
    """One blind counting a working hour, for weeks."""
    at_ms = START + number // 8 * DAY_MS + number % 8 * HOUR_MS
    return shop.act(
        at_ms, by, "count.compare", role="", changes={f"S{number}": (book, found)}, entity_id=f"us-count-{number}"
    )


def test_somebody_who_takes_a_little_and_counts_it_away_is_never_told_of():
    shop = Shop()
    for number in range(40):
        nibble(shop, number, "mia", 50, 49)
        nibble(shop, number, "tom", 50, 51 if number % 3 else 49)
    (alert,) = shop.alerts[:1]
    assert (alert.about, alert.rules, alert.action) == ("mia", ["nibbles"], "none")
    assert {alert.about for alert in shop.alerts} == {"mia"}


def test_where_goods_get_lost_everybody_who_counts_is_taken_for_a_thief():
    shop = Shop()
    for number in range(120):
        # Everywhere nine of ten differences are losses.
        for by in ("mia", "tom", "ann", "bob"):
            nibble(shop, number, by, 50, 51 if number % 10 == 0 else 49)
    assert shop.alerts == []


def test_a_few_losses_in_a_row_are_taken_for_theft():
    shop = Shop()
    for number in range(15):
        nibble(shop, number, "mia", 50, 48)
    assert shop.alerts == []


def test_what_somebody_found_weeks_ago_is_held_against_him():
    shop = Shop()
    for number in range(15):
        nibble(shop, number, "mia", 50, 48)
    for number in range(8 * 40, 8 * 40 + 10):
        nibble(shop, number, "mia", 50, 48)
    assert shop.alerts == []


def test_a_counting_that_was_compared_later_says_where_somebody_is():
    shop = Shop()
    for number in range(20):
        nibble(shop, number, "mia", 50, 51)
    assert shop.monitor._habits.of("mia") is None
