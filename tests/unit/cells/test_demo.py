"""The demo data must be taken by the API, the same each time, and come once."""

import threading
from collections import Counter
from urllib.parse import urlsplit

import msgspec
import pytest

from cells import demo
from cells.calls import Answer
from cells.config import CONFIG_FOLDER, load_all, load_region
from cells.demo import demo_orders, is_to_fill, leave_empty, places, seed, takes_demo
from cells.demo_data import SKUS
from cells.demo_people import Person, keep_people, lacks_people
from cells.errors import StepFailed
from cells.paths import CellPaths
from cells.settings import Identity
from router.config import RouterConfig
from serve.permissions import CUSTOMERS, ROLES

ROUTER = "http://router"


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


class Api:
    """The cell behind the router: keys of commands are remembered until `a_day_later`."""

    def __init__(self) -> None:
        self.skus: set[str] = set()
        self.locations: set[str] = set()
        self.receipts: Counter[str] = Counter()
        self.refused = ""
        self._keys: set[str] = set()
        self._lock = threading.Lock()

    def a_day_later(self) -> None:
        self._keys.clear()

    def __call__(self, deadline, method, url, body, headers, trust) -> Answer:
        assert headers["X-OCEFS-Region"] == "us"
        with self._lock:
            _, _, noun, *rest = urlsplit(url).path.split("/")
            if method == "GET":
                return Answer(200, self._told(noun, rest))
            if rest and rest[-1] == self.refused:
                return Answer(422, {"code": "refused"})
            if headers["Idempotency-Key"] not in self._keys:
                self._keys.add(headers["Idempotency-Key"])
                self._do(noun, rest, body)
            return Answer(200, {})

    def _told(self, noun, rest):
        if rest:
            return {"entries": ["a line"] * self.receipts[rest[0]]}
        return {noun: sorted(getattr(self, noun))[:1]}

    def _do(self, noun, rest, body) -> None:
        if noun == "skus":
            self.skus |= {sku["sku"] for sku in body["skus"]}
        elif rest[1:] == ["receipts"]:
            self.receipts[rest[0]] += 1
        elif noun == "locations":
            self.locations.add(rest[0])


@pytest.fixture
def api(monkeypatch, tmp_path):
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    found = Api()
    monkeypatch.setattr(demo, "call_until", found)
    return found


@pytest.fixture
def us():
    """One that asks nobody who he is."""
    return msgspec.structs.replace(load_region("us", CONFIG_FOLDER), identity=Identity(mode="off"))


def _once(api: Api) -> bool:
    return len(api.locations) == 26 and api.receipts == dict.fromkeys(api.locations, 1)


def test_a_cell_is_filled_again_when_its_keys_are_forgotten(api, us):
    assert is_to_fill(us)
    assert seed(us, ROUTER).startswith("6 warehouses, 20 stores")
    assert not is_to_fill(us)
    assert _once(api)


def test_a_cell_stays_without_stock_after_a_first_try_that_failed_or_has_it_twice(api, us):
    api.refused = "receipts"
    with pytest.raises(StepFailed, match="the demo data of us were refused"):
        seed(us, ROUTER)
    assert is_to_fill(us)
    api.refused, api.receipts["us-st-boston"] = "", 1  # its answer got lost
    api.a_day_later()
    seed(us, ROUTER)
    assert not is_to_fill(us)
    assert _once(api)


@pytest.mark.parametrize("noun", ["skus", "locations"])
def test_a_cell_with_data_from_elsewhere_or_from_before_is_filled(api, us, noun):
    getattr(api, noun).add("HAT")
    assert seed(us, ROUTER) == "none: it has data already"
    assert not is_to_fill(us)
    assert not api.receipts
    assert len(api.skus | api.locations) == 1


def test_a_cell_that_was_wanted_empty_is_filled_later(api, us):
    leave_empty(us)
    assert not is_to_fill(us)
    assert not takes_demo(us)


def test_a_cell_with_stock_is_taken_for_an_empty_one(api, us):
    seed(us, ROUTER)
    leave_empty(us)
    assert takes_demo(us)


def test_demo_data_come_into_a_production_cell(api, us):
    real = msgspec.structs.replace(us, region=msgspec.structs.replace(us.region, profile="production"))
    assert not is_to_fill(real)
    assert not takes_demo(real)
    assert not lacks_people(msgspec.structs.replace(real, identity=Identity(mode="required")))


def test_demo_people_are_left_out_where_identity_came_later_or_come_where_anybody_can_use_them(api, us):
    seed(us, ROUTER)
    guarded = msgspec.structs.replace(us, identity=Identity(mode="required"))
    assert lacks_people(guarded)
    assert not lacks_people(us)
    assert not lacks_people(msgspec.structs.replace(us, identity=Identity(mode="required", demo_accounts=False)))
    assert not lacks_people(msgspec.structs.replace(guarded, api=msgspec.structs.replace(us.api, host="10.0.0.7")))
    staff = [Person(role, role, "", "", "S", []) for role in ROLES if role not in CUSTOMERS]
    keep_people(CellPaths("us"), staff[1:])
    assert lacks_people(guarded)
    keep_people(CellPaths("us"), [*staff[1:], msgspec.structs.replace(staff[0], secret="")])
    assert lacks_people(guarded), "one was only begun"
    keep_people(CellPaths("us"), staff)
    assert not lacks_people(guarded)


def test_demo_people_can_sign_in_from_everywhere_by_a_public_router(us, monkeypatch):
    guarded = msgspec.structs.replace(us, identity=Identity(mode="required"))
    assert lacks_people(guarded)
    monkeypatch.setattr("cells.demo_people.load_router", lambda: RouterConfig(host="0.0.0.0"))
    assert not lacks_people(guarded)
