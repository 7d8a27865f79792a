"""Stock and money that leave under somebody's hands: the misuse that each rule must tell of, and the honest day next
to it that it must not."""

from __future__ import annotations

import random

import pytest

from actors.anomalies.habits import Habit, Habits
from actors.anomalies.record import Record
from actors.anomalies.rules import Rules
from actors.anomalies.settings import AnomalySettings
from actors.domain.ids import device_id
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


def hidden(totals=True):
    """The line of 50 finds of one unit each, behind which 449 of another SKU are written off."""
    found = {f"S{number}.on_hand": (10, 11) for number in range(50)}
    return found | ({"lines": (None, 51), "units_down": (None, 449), "units_up": (None, 50)} if totals else {})


@pytest.mark.parametrize(("why", "times"), [("found,loss", 10), ("count", 22)])
def test_what_is_taken_hides_behind_many_small_finds(why, times):
    shop, old = Shop(), Shop()
    for minute in range(30):
        act = {"role": "manager", "why": why, "location_id": "us-st-1"}
        shop.act(START + minute * MINUTE_MS, "mia", "location.adjust", changes=hidden(), **act)
        old.act(START + minute * MINUTE_MS, "mia", "location.adjust", changes=hidden(totals=False), **act)
    assert shop.rules() == ["overrides"]
    assert len(shop.alerts[0].evidence) == min(20, times)
    assert old.alerts == [], "lines of before there were totals are read as they were"


@pytest.mark.parametrize(
    ("action", "change"),
    [
        ("order.short_pick", "missing"),
        ("transfer.short_pick", "missing"),
        ("transfer.close", "lost"),
        ("floor.tell_short", "short"),
        ("floor.tell_lost", "lost"),
        ("shipment.tell_missing", "missing"),
    ],
)
def test_stock_is_written_off_by_transfers_floors_or_packing_and_nobody_is_told(action, change):
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


def test_a_warehouse_system_that_tells_what_all_its_pickers_miss_is_taken_for_one_who_steals():
    shop = Shop()
    for minute in range(55):
        for number in range(2):
            changes = {f"S{minute}.missing": (None, 1)}
            shop.act(START + minute * MINUTE_MS + number, "us-client-wms", "order.short_pick", role="", changes=changes)
        assert bool(shop.alerts) == (2 * (minute + 1) >= 100)


def test_a_thief_writes_off_ten_times_as_much_because_his_handheld_does_it():
    shop, device = Shop(), device_id("us", START, "handheld")
    for minute in range(12):
        changes = {f"S{minute}.missing": (None, 1)}
        shop.act(START + minute * MINUTE_MS, device, "order.short_pick", role="", device=device, changes=changes)
        assert bool(shop.alerts) == (minute + 1 >= 10)


def test_a_bin_that_is_empty_while_another_has_the_units_is_a_loss():
    shop = Shop()
    for number in range(40):
        changes = {f"S{number}.missing": (None, 6), f"S{number}.short": (None, 0)}
        shop.act(
            START + number * MINUTE_MS, "mia", "floor.tell_short", role="fulfilment", kind="floor", changes=changes
        )
    assert shop.alerts == []


@pytest.mark.parametrize(("found", "told"), [((45, 45), True), ((45, 55), False), ((50, 50), False)])
def test_cycle_counts_that_find_only_too_little_are_not_told_apart_from_honest_ones(found, told):
    shop = Shop()
    for minute in range(50):
        for before in (None, 50):
            changes = {f"A-{minute}": (before, found[minute % 2])}
            shop.act(START + minute * MINUTE_MS, "mia", "count.submit", role="fulfilment", changes=changes)
    assert shop.rules() == (["overrides"] if told else [])


@pytest.mark.parametrize(("rule", "action"), [("voids", "order.cancel"), ("overrides", "order.short_pick")])
def test_who_usually_does_much_may_do_more_than_a_window_keeps_and_nobody_is_told(rule, action):
    """It has room for 400, and he usually does 300 an hour."""
    rules, habit, told = Rules(AnomalySettings(), Habits()), Habit(hours=[1.0] * 24), []
    for number in range(400):
        changes = {"S.missing": (None, 1)} if rule == "overrides" else {}
        record = Record(
            0, number, START + number * 1_000, "tom", role="manager", action=action, kind="order", entity_id=f"o{number}",
            changes=changes, session_id="s",
        )  # fmt: skip
        told.append([one.rule for one in rules.see(record, habit, lambda act: 300.0 if act == action else 0.0)])
    assert told == [[]] * 399 + [[rule]]


def test_cancelling_orders_in_a_burst_is_not_seen_or_is_seen_in_a_slow_day():
    shop = Shop()
    for number in range(9):
        shop.act(START + number * HOUR_MS // 4, "tom", "order.cancel", kind="order", entity_id=f"o{number}")
    assert shop.alerts == []
    for number in range(12):
        shop.act(START + DAY_MS + number * MINUTE_MS, "tom", "order.cancel", kind="order", entity_id=f"p{number}")
    assert shop.rules() == ["voids"]


@pytest.mark.parametrize(("amount", "told"), [(9_500, True), (10_000, True), (10_001, False), (4_000, False)])
def test_refunds_that_stay_just_under_the_threshold_are_not_told_apart_from_others(amount, told):
    shop = Shop(AnomalySettings(refund_threshold_minor=10_000))
    for number in range(6):
        changes = {"amount_minor": (None, amount)}
        shop.act(START + number * HOUR_MS, "tom", "refund.give", kind="order", entity_id=f"o{number}", changes=changes)
    assert shop.rules() == (["refunds"] if told else [])


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


@pytest.mark.parametrize("skus", [4, 20, 200])
def test_somebody_takes_a_little_of_everything_and_counts_it_away_bin_by_bin(skus):
    """Each SKU is tolerated by itself: a bin with 200 of them loses 400 units in one counting."""
    shop = Shop()
    for number in range(5):
        changes = {f"S{sku}": (50 - number, 48 - number) for sku in range(skus)}
        shop.act(
            START + number * DAY_MS, "mia", "count.compare", role="", changes=changes, entity_id=f"us-count-{number}"
        )
    assert [(alert.about, alert.rules) for alert in shop.alerts[:1]] == [("mia", ["nibbles"])]
    assert {number for _, number in shop.alerts[0].evidence} == {1, 2, 3, 4}


def test_one_sku_that_is_found_hides_what_is_taken_of_the_others():
    shop = Shop()
    for number in range(6):
        changes = {f"S{sku}": (50, 48) for sku in range(8)} | {"T": (50, 51)}
        shop.act(
            START + number * DAY_MS, "mia", "count.compare", role="", changes=changes, entity_id=f"us-count-{number}"
        )
    assert set(shop.rules()) == {"nibbles"}


def test_who_counts_honestly_and_finds_plundered_bins_is_taken_for_the_thief():
    shop = Shop()
    for number in range(100):
        nibble(shop, number, "mia", 50, 51)
    for number in range(4):
        changes = {f"S{sku}": (50, 48) for sku in range(90)}
        shop.act(
            START + 20 * DAY_MS + number, "mia", "count.compare", role="", changes=changes, entity_id=f"us-bin-{number}"
        )
    assert shop.alerts == []


@pytest.mark.parametrize(
    ("less", "skus", "alike"), [(0.55, 9, 0), (0.6, 5, 0), (0.8, 20, 0), (0.6, 5, 0.1), (0.8, 20, 0.1)]
)
def test_who_counts_spots_of_many_skus_is_taken_for_a_thief_by_chance(less, skus, alike):
    """alike: how much the SKUs of one spot have in common, as when somebody else has been there."""
    accused = set()
    for seed in range(4):
        shop, chance = Shop(), random.Random(seed)
        for number in range(20 * 20):
            by, spread = f"w{number % 20}", (1 - alike) / alike if alike else 0
            here = chance.betavariate(less * spread, (1 - less) * spread) if alike else less
            changes = {f"S{number}-{sku}": (50, 49 if chance.random() < here else 51) for sku in range(skus)}
            at_ms = START + number // 20 * DAY_MS + number % 20 * MINUTE_MS
            shop.act(at_ms, by, "count.compare", role="", changes=changes, entity_id=f"us-count-{number}")
        accused |= {(seed, alert.about) for alert in shop.alerts}
    assert len(accused) <= 1, "of eighty"


def test_a_thief_among_many_honest_counters_is_taken_for_one_of_them():
    shop, chance = Shop(), random.Random(1)
    for number in range(20 * 12):
        stolen = number % 20 == 7
        less = {f"S{number}-{sku}": (50, 49 if stolen or chance.random() < 0.6 else 51) for sku in range(9)}
        at_ms = START + number // 20 * DAY_MS + number % 20 * MINUTE_MS
        shop.act(at_ms, f"w{number % 20}", "count.compare", role="", changes=less, entity_id=f"us-count-{number}")
    assert {alert.about for alert in shop.alerts} == {"w7"}


@pytest.mark.parametrize("countings", [1, 3])
def test_who_finds_a_bin_that_others_have_plundered_is_taken_for_the_thief(countings):
    shop = Shop()
    for number in range(countings):
        changes = {f"S{sku}": (50, 48) for sku in range(60)}
        shop.act(
            START + number * DAY_MS, "mia", "count.compare", role="", changes=changes, entity_id=f"us-count-{number}"
        )
    assert shop.alerts == []


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


def refund(shop, at_ms, amount, currency="USD", **more):
    changes = {"amount_minor": (None, amount), "currency": (None, currency)}
    return shop.act(at_ms, "tom", "refund.give", kind="order", entity_id=f"o{shop.number}", changes=changes, **more)


@pytest.mark.parametrize(("tiny", "amount"), [(0, 1), (10, 1), (500, 1), (10, 150)])
def test_refunds_of_a_cent_hide_those_just_under_the_threshold(tiny, amount):
    shop = Shop()
    for number in range(4):
        for cent in range(tiny):
            refund(shop, START + number * HOUR_MS + cent, amount)
        refund(shop, START + number * HOUR_MS + MINUTE_MS, 9_500)
    assert shop.rules() == ["refunds"]


@pytest.mark.parametrize(("number", "told"), [(24, False), (25, True)])
def test_who_stays_far_under_the_threshold_all_day_is_not_told_or_an_honest_day_is(number, told):
    shop = Shop()
    for minute in range(number):
        refund(shop, START + minute * 15 * MINUTE_MS, 6_000)
    assert shop.rules() == (["refunds"] if told else [])
    assert not told or "150000 minor units USD" in shop.alerts[0].reasons[0]


def test_sums_of_two_currencies_or_of_two_days_are_one():
    shop = Shop()
    for minute in range(28):
        refund(shop, START + minute * 15 * MINUTE_MS, 6_000, ("USD", "CAD")[minute % 2])
    for minute in range(20):
        refund(shop, START + 2 * DAY_MS + minute * 15 * MINUTE_MS, 6_000)
        refund(shop, START + 4 * DAY_MS + minute * 15 * MINUTE_MS, 6_000)
    assert shop.alerts == []


def day_of(shop, day, refunds, amount, looks):
    """So many refunds in eight hours, and so many looks at orders that he works on as well in each."""
    for hour in range(8):
        for number in range(looks):
            at_ms = START + day * DAY_MS + hour * HOUR_MS + number * MINUTE_MS
            shop.act(at_ms, "tom", "order.read", kind="order", entity_id=f"o{number % 9}")
        for _ in range(refunds // 8):
            refund(shop, START + day * DAY_MS + hour * HOUR_MS + 59 * MINUTE_MS, amount)


@pytest.mark.parametrize(
    ("amount", "looks", "told"),
    [
        (500, 20, True),
        # It is what he does all day.
        (5_000, 20, False),
        # Work of other kinds makes nothing usual of what is much for any.
        (500, 50, True),
    ],
)
def test_much_of_one_who_gives_little_back_is_taken_for_his_work_or_the_work_of_another_for_misuse(amount, looks, told):
    shop = Shop()
    for day in range(6):
        day_of(shop, day, 8, amount, 20)
    day_of(shop, 8, 40, 6_000, looks)
    assert ("refunds" in shop.rules()) is told


def test_what_an_auditor_has_judged_is_told_of_again_or_taken_from_what_is_usual():
    shop = Shop()
    for minute in range(25):
        refund(shop, START + minute * 15 * MINUTE_MS, 6_000)
    (alert,) = shop.alerts
    shop.closed(START + 7 * HOUR_MS, alert)
    assert refund(shop, START + 8 * HOUR_MS, 6_000) == []
    # 150,000 were his day, and nobody minded.
    for minute in range(30):
        refund(shop, START + 2 * DAY_MS + minute * 15 * MINUTE_MS, 6_000)
    assert shop.alerts == [alert]
