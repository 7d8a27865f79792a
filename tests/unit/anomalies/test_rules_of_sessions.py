"""Who works in a session, where, when and at what: the misuse that each rule must tell of, and the honest day next
to it that it must not."""

from __future__ import annotations

import msgspec
import pytest

from actors.anomalies.habits import PEOPLE_MAX, Habit, Habits, Kept
from actors.anomalies.presence import PLACES_MAX
from actors.anomalies.record import Record
from actors.anomalies.rules import READS, Rules
from actors.anomalies.settings import AnomalySettings
from actors.anomalies.windows import ENTRIES_MAX
from actors.domain.ids import shipment_of
from actors.domain.times import DAY_MS, HOUR_MS
from tests.unit.anomalies.shop import MINUTE_MS, MONDAY_MS, NINE, Shop

START = MONDAY_MS + NINE


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
    assert ("s1", "end_session") in [(alert.session_id, alert.action) for alert in shop.alerts]


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


def test_a_telephone_that_finds_another_network_each_time_is_a_thief():
    shop = Shop()
    day = shop.weeks("ann", "bob")
    places = ["shop", "street", "shop", "tram", *["cafe"] * 8]
    for number, place in enumerate(places):
        at_ms = day + 10 * HOUR_MS + number * MINUTE_MS
        shop.act(at_ms, "ann", "order.read", address=place, kind="order", entity_id=f"x{number}")
    assert "stolen_token" not in shop.rules()


def test_the_busiest_day_of_the_year_is_a_thief_s():
    """Work that goes on from a telephone as fast as all day is hers."""
    shop = Shop()
    day = shop.weeks("ann", "bob")
    for number in range(400):
        at_ms = day + NINE + number * 36_000
        # In the last ten minutes the shop's network is away.
        place = "telephone" if number >= 382 else "shop"
        shop.act(at_ms, "ann", "order.place", address=place, kind="order", entity_id=f"x{number}")
    assert "stolen_token" not in shop.rules()


def test_who_swapped_into_the_first_shift_of_the_day_comes_in_the_night():
    shop = Shop()
    day = shop.weeks("ann", "bob", "cid")
    for later in range(5):  # dan begins at 14 o'clock, and is known by then
        for minute in range(14 * 60, 20 * 60, 12):
            shop.act(
                day + later * DAY_MS + minute * MINUTE_MS, "dan", "order.place", kind="order", entity_id=f"d{minute}"
            )
    for number in range(8):
        at_ms = day + 5 * DAY_MS + NINE - HOUR_MS // 2 + number * MINUTE_MS
        shop.act(at_ms, "dan", "order.place", kind="order", entity_id=f"e{number}")
    assert "off_shift" not in shop.rules()


@pytest.mark.parametrize("rule", ["two_places", "stolen_token"])
def test_who_works_from_ipv6_is_somebody_else_with_each_new_address_or_roams(rule):
    """Addresses of one network change by themselves; a thief's is in another one."""
    honest, robbed = Shop(), Shop()
    for shop in (honest, robbed):
        day = shop.weeks("ann", address="a-home.{}")
        for number in range(14):
            thief = shop is robbed and number % 3
            shop.act(
                day + 10 * HOUR_MS + number * 20_000, "ann", "session.open" if number % 5 == 0 else "order.read",
                address=f"a-thief.{number}" if thief else f"a-home.y{number}", kind="order", entity_id=f"x{number}",
            )  # fmt: skip
    assert honest.alerts == []
    assert rule in robbed.rules()


def search(shop, at_ms, told, whose="", **more):
    changes = {} if told is None else {"orders": (None, told)} | {name: (None, value) for name, value in more.items()}
    return shop.act(at_ms, "tom", "order.search", changes=changes, behalf=whose)


def test_the_region_s_orders_are_listed_and_nobody_looks():
    for told, enough in ((500, 2), (50, 20)):
        shop = Shop()
        found = []
        for number in range(30):
            page = {"page": "next"} if number else {}
            found += [bool(search(shop, START + number * 2 * MINUTE_MS, told, **page))]
        assert found.index(True) + 1 == enough
        assert shop.rules() == ["lookups"]
        alert = shop.alerts[0]
        assert (alert.about, alert.rules, alert.action) == ("tom", ["lookups"], "end_session")
        assert len(alert.evidence) == enough
    persons = Shop()
    for number in range(30):
        search(persons, START + number * 2 * MINUTE_MS, 40, f"e-{number}")
    assert persons.rules() == ["lookups"]


@pytest.mark.parametrize("filters", [{}, {"status": "allocated"}, {"held": "fraud"}])
def test_who_looks_at_the_same_list_of_work_all_day_harvests(filters):
    shop = Shop()
    for number in range(120):
        search(shop, START + number * 30_000, 500, **filters)
    assert shop.alerts == []
    for held in ("payment", "address"):
        search(shop, START + HOUR_MS, 500, held=held)
    assert shop.rules() == ["lookups"]


@pytest.mark.parametrize("told", [0, 4, 10, None])
def test_who_looks_for_a_caller_s_few_orders_harvests(told):
    shop = Shop()
    for number in range(30):
        at_ms = START + number * 2 * MINUTE_MS
        search(shop, at_ms, told, f"e-{number}")
        for step in ("order.read", "order.cancel") if number % 4 == 0 else ("order.read",):
            shop.act(at_ms + 1000, "tom", step, kind="order", entity_id=f"o{number}")
    assert shop.alerts == []
    # Persons tried one after the other are looks, whatever they have.
    for number in range(100):
        search(shop, START + DAY_MS + number * 20_000, told, f"e-{number}")
    assert shop.rules() == ["lookups"]


def test_a_list_that_is_asked_for_all_the_time_hides_the_others():
    shop = Shop()
    for number in range(2):
        for again in range(ENTRIES_MAX):
            search(shop, START + (number * ENTRIES_MAX + again) * 1000, 10)
        search(shop, START + number * 7 * MINUTE_MS, 600, page=f"{number}")
    assert shop.rules() == ["lookups"]


def test_who_asks_for_a_list_once_more_and_shorter_has_seen_less():
    shop = Shop()
    for number in range(6):
        for told in (200, 1):
            search(shop, START + number * MINUTE_MS, told, f"e-{number}")
    assert shop.rules() == ["lookups"]


@pytest.mark.parametrize(("usual", "each_worked"), [(103.0, 5), (150.0, 0)])
@pytest.mark.parametrize("again", [False, True])
def test_who_usually_looks_at_many_orders_may_look_at_as_many_as_he_likes(usual, each_worked, again):
    """A window has room for 400; so may what he works on have, before it or after."""
    rules, habit, found = Rules(AnomalySettings(), Habits()), Habit(hours=[1.0] * 24), []
    for number in range(900):
        worked = each_worked and number % each_worked == 0
        for step in ("order.read", "order.pack", "order.read")[: 1 + bool(worked) + bool(worked and again)]:
            at_ms = START + number * 3000
            record = Record(
                0, number, at_ms, "tom", role="support", action=step, kind="order", entity_id=f"o{number}", address="a",
                session_id="s",
            )  # fmt: skip
            found += rules.see(record, habit, lambda act: usual if act == READS else 0.0)
    assert {one.rule for one in found} == {"lookups"}


def order_of(number):
    return f"us-{number:026d}"


WORK = [
    ("shipment.close_parcel", "shipment", lambda number: shipment_of(order_of(number), 1)),
    ("collection.collect", "collection", lambda number: f"us-collection-{number:026d}"),
    ("floor.confirm_pick", "floor", lambda number: "us-wh-seattle"),
]


@pytest.mark.parametrize(("action", "kind", "entity"), WORK)
def test_the_session_ends_of_whoever_packs_picks_or_hands_over_what_he_looked_at(action, kind, entity):
    shop, idle, refused = Shop(), Shop(), Shop()
    for number in range(150):
        for one in (shop, idle, refused):
            at_ms = START + number * 20_000
            one.act(at_ms, "ann", "order.read", role="fulfilment", kind="order", entity_id=order_of(number))
            if one is not idle:
                outcome = "shipment.closed" if one is refused else ""
                one.act(
                    at_ms + 1, "ann", action, role="fulfilment", kind=kind, entity_id=entity(number), outcome=outcome
                )
    assert shop.alerts == []
    assert (idle.rules(), refused.rules()) == (["lookups"], ["lookups"])


@pytest.mark.parametrize(
    ("action", "kind", "entity"),
    [
        ("shipment.close_parcel", "shipment", lambda number: shipment_of(order_of(number + 1000), 1)),
        ("shipment.open_manual", "shipment", lambda number: f"us-shipment-{number:026d}"),
        ("shipment.read_label", "shipment", lambda number: shipment_of(order_of(number), 1)),
        ("collection.locate", "collection", lambda number: f"us-collection-{number % 20:026d}"),
    ],
)
def test_work_on_something_else_hides_what_was_looked_at(action, kind, entity):
    shop = Shop()
    for number in range(150):
        at_ms = START + number * 20_000
        shop.act(at_ms, "ann", "order.read", role="fulfilment", kind="order", entity_id=order_of(number))
        shop.act(at_ms + 1, "ann", action, role="fulfilment", kind=kind, entity_id=entity(number))
    assert shop.rules() == ["lookups"]


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


@pytest.mark.parametrize(
    ("session", "place", "told"),
    [("s-ann", "shop", []), ("another", "shop", ["off_shift"]), ("s-ann", "elsewhere", ["off_shift"])],
)
def test_who_stays_longer_works_at_night_or_a_night_is_somebody_s_overtime(session, place, told):
    shop = Shop()
    day = shop.weeks("ann", "bob", "cid")
    until_ms = day + 20 * HOUR_MS  # at 19:59 she is known to be about
    for number in range(-3, 6):
        late = number >= 0
        shop.act(
            until_ms + number * 10 * MINUTE_MS, "ann", "order.place", kind="order", entity_id=f"n{number}",
            session_id=session if late else "s-ann", address=place if late else "shop",
        )  # fmt: skip
    assert shop.rules()[:1] == told


def test_who_never_goes_home_is_never_off_shift():
    shop = Shop()
    day = shop.weeks("ann", "bob", "cid")
    for number in range(40):
        shop.act(
            day + 19 * HOUR_MS + number * 10 * MINUTE_MS, "ann", "order.place", kind="order", entity_id=f"n{number}"
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
