"""The demo data must be taken by the API, and the same each time."""

from cells.config import CONFIG_FOLDER, load_all
from cells.demo import demo_orders, places
from cells.demo_data import SKUS


def test_a_demo_place_or_order_lies_outside_its_region():
    for config in load_all(folder=CONFIG_FOLDER):
        found = places(config.name)
        assert len({identity for identity, _, _ in found}) == len(found)
        kinds = [kind for _, kind, _ in found]
        assert (kinds.count("warehouse"), kinds.count("store")) == (6, 20)
        for identity, _, place in found:
            assert identity.startswith(f"{config.name}-")
            assert identity.isascii()
            assert place.country in config.region.countries
        for order in demo_orders(config):
            assert order["ship_to"]["country"] in config.region.countries
            assert {line["unit_price"]["currency"] for line in order["lines"]} <= set(config.region.currencies)


def test_a_demo_sku_is_twice_there_or_too_long():
    names = [sku for sku, _, _ in SKUS]
    assert len(set(names)) == len(names) >= 60
    assert all(1 <= len(name) <= 64 for name in names)


def test_demo_orders_differ_from_run_to_run():
    (config, *_) = load_all(folder=CONFIG_FOLDER)
    assert demo_orders(config) == demo_orders(config)
