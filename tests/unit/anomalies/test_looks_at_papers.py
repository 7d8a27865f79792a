"""Papers of shipments tell a name, a street and a telephone: who reads them and packs nothing harvests, who
packs all day does not."""

from __future__ import annotations

import pytest

from actors.domain.ids import shipment_of
from actors.domain.times import HOUR_MS
from tests.unit.anomalies.shop import MINUTE_MS, MONDAY_MS, NINE, Shop

START = MONDAY_MS + NINE
PAPERS = ("shipment.read_label", "shipment.read_slip", "shipment.read_customs", "shipment.read_customs")


def order_of(number):
    return f"us-{number:026d}"


def of_order(number):
    return shipment_of(order_of(number), 1)


def manual(number):
    return f"us-shipment-{number:026d}"


def packs(shop, at_ms, action, shipment_id):
    shop.act(at_ms, "pat", action, role="fulfilment", kind="shipment", entity_id=shipment_id)


@pytest.mark.parametrize("action", [*PAPERS[:3], "shipment.read"])
@pytest.mark.parametrize("shipment", [of_order, manual])
def test_one_paper_after_the_other_is_looked_at(action, shipment):
    shop = Shop()
    for number in range(110):
        packs(shop, START + number * 15_000, action, shipment(number))
    (alert,) = shop.alerts
    assert (alert.about, alert.rules, alert.action) == ("pat", ["lookups"], "end_session")


def test_papers_of_one_shipment_are_as_many_orders():
    shop = Shop()
    for number in range(300):
        packs(shop, START + number * 10_000, PAPERS[number % 4], of_order(number % 40))
        shop.act(START + number * 10_000, "pat", "order.read", kind="order", entity_id=order_of(number % 40))
    assert shop.alerts == []


def test_who_reads_everything_of_each_order_by_turns_hides_how_many_they_are():
    """A window of 400 has room for 80 orders with five papers each."""
    shop = Shop()
    for number in range(0, 120, 2):
        at_ms = START + number * 25_000
        for paper in PAPERS:
            for one in (number, number + 1):
                packs(shop, at_ms, paper, of_order(one))
        for one in (number, number + 1):
            shop.act(at_ms, "pat", "order.read", role="fulfilment", kind="order", entity_id=order_of(one))
    assert shop.rules() == ["lookups"]


@pytest.mark.parametrize("shipment", [of_order, manual])
def test_a_day_of_packing_with_all_papers_printed_is_taken_for_harvesting(shipment):
    """160 an hour, at two tables by turns: opened in heaps, scanned, closed, labelled, and looked at on the way."""
    shop = Shop()
    for number in range(8 * 160):
        at_ms = START + number * HOUR_MS // 160
        name = shipment(number)
        if number % 30 == 0:
            for one in range(number, number + 30):
                packs(shop, at_ms, "shipment.open", shipment(one))
        if shipment is manual:
            packs(shop, at_ms, "shipment.read", name)
        packs(shop, at_ms, "shipment.open_parcel", name)
        for scan in range(6):
            packs(shop, at_ms + scan * 2_000, "shipment.scan", shipment(number + scan % 2))
        packs(shop, at_ms + 15_000, "shipment.close_parcel", name)
        packs(shop, at_ms + 16_000, "shipment.ask_label", name)
        for paper in PAPERS:
            packs(shop, at_ms + 17_000, paper, name)
    assert shop.alerts == []


def test_who_packs_a_little_may_read_every_paper():
    shop = Shop()
    for number in range(200):
        at_ms = START + number * 15_000
        packs(shop, at_ms, "shipment.scan", of_order(number % 3))
        packs(shop, at_ms + 1, "shipment.read_slip", of_order(1000 + number))
    assert shop.rules()[:1] == ["lookups"]


def test_refused_papers_count_as_looks():
    shop = Shop()
    for number in range(150):
        shop.act(
            START + number * MINUTE_MS // 3, "pat", "shipment.read_label", role="fulfilment", kind="shipment",
            entity_id=of_order(number), outcome="shipment.person_erased",
        )  # fmt: skip
    assert shop.alerts == []


def test_a_print_server_that_fetches_the_labels_of_what_others_pack_is_taken_for_a_harvester():
    shop = Shop()
    for number in range(2 * 300):
        at_ms = START + number * HOUR_MS // 300
        for paper in PAPERS:
            shop.act(
                at_ms, "us-client-printer", paper, role="", session_id="", kind="shipment", entity_id=of_order(number)
            )
    assert shop.alerts == []


@pytest.mark.parametrize(
    ("action", "kind", "name"), [("order.read", "order", order_of), ("shipment.read", "shipment", of_order)]
)
def test_a_machine_may_look_at_every_order_because_it_prints_papers(action, kind, name):
    shop = Shop()
    for number in range(110):
        shop.act(START + number * 15_000, "us-client-printer", action, role="", kind=kind, entity_id=name(number))
    assert shop.rules() == ["lookups"]
