from __future__ import annotations

import tomllib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain.errors import Refused
from actors.domain.sourcing_policy import (
    Limits,
    Policy,
    ValueStep,
    places_allowed,
    policy_from,
)

TOML = """
version = 3
currency = "EUR"
[rules]
location_types = ["warehouse"]
distance_max_km = 900
promise = "reject"
[limits]
places = 4
by_value = [{ below_minor = 2_000, places = 1 }, { below_minor = 9_000, places = 2 }]
[costs]
split_minor = 350
[[carriers]]
name = "parcel"
zones = [{ to_km = 100, parcel_minor = 400, per_kg_minor = 30, days = 1 }, { to_km = 900, parcel_minor = 600, per_kg_minor = 50, days = 3 }]
[[bans]]
goods = "alcohol"
to = ["NO"]
source = "the law of the country"
"""
ZONE = {"to_km": 100, "parcel_minor": 400, "per_kg_minor": 30, "days": 1}


def refused(raw) -> Refused:
    with pytest.raises(Refused) as caught:
        policy_from(raw)
    return caught.value


def test_a_policy_written_as_people_write_it_is_read_otherwise():
    policy = policy_from(tomllib.loads(TOML))
    assert (policy.version, policy.currency, policy.rules.promise, policy.limits.places) == (3, "EUR", "reject", 4)
    assert policy.costs.split_minor == 350
    assert policy.carriers[0].zones[1].days == 3
    assert policy.bans[0].goods == "alcohol"


def test_a_policy_is_another_one_after_it_was_written_down():
    policy = policy_from(tomllib.loads(TOML))
    assert policy_from(msgspec.json.decode(msgspec.json.encode(policy))) == policy


@pytest.mark.parametrize(
    ("raw", "field", "says"),
    [
        ({"costs": {"split_minor": -1}}, "costs.split_minor", ">= 0"),
        ({"costs": {"splitt_minor": 1}}, "costs", "splitt_minor"),
        ({"limits": {"places": 6}}, "limits.places", "<= 5"),
        ({"rules": {"promise": "maybe"}}, "rules.promise", "maybe"),
        ({"currency": "dollars"}, "currency", "A-Z"),
        (
            {"limits": {"places": 2, "by_value": [{"below_minor": 9, "places": 3}]}},
            "limits.by_value[0].places",
            "more than",
        ),
        (
            {"limits": {"by_value": [{"below_minor": 9, "places": 1}, {"below_minor": 9, "places": 2}]}},
            "limits.by_value[1].below_minor",
            "smallest value first",
        ),
        (
            {"limits": {"by_value": [{"below_minor": 9, "places": 2}, {"below_minor": 10, "places": 1}]}},
            "limits.by_value[1].places",
            "less than",
        ),
        ({"carriers": [{"name": "a", "zones": [ZONE, ZONE]}]}, "carriers[0].zones[1].to_km", "nearest first"),
        ({"carriers": [{"name": "a", "zones": [ZONE]}, {"name": "a", "zones": [ZONE]}]}, "carriers[1].name", "once"),
        ({"carriers": [{"name": "a", "zones": []}]}, "carriers[0].zones", "length"),
        ({"bans": [{"goods": "alcohol"}]}, "bans[0]", "country"),
        ({"bans": [{"goods": "alcohol", "to": ["US\n"]}]}, "bans[0].to[0]", "regex"),
        ({"bans": [{"goods": "alcohol\n", "to": ["US"]}]}, "bans[0].goods", "regex"),
        ({"bans": [{"goods": "alcohol", "to": ["US"], "source": "a\0b"}]}, "bans[0].source", "regex"),
        ({"carriers": [{"name": "a\n", "zones": [ZONE]}]}, "carriers[0].name", "regex"),
    ],
)
def test_a_wrong_policy_is_taken_or_it_is_not_said_where_it_is_wrong(raw, field, says):
    body = refused(raw).body
    assert body.code == "sourcing.policy_invalid"
    assert body.extra["field"].startswith(field)
    assert says in body.detail


@pytest.mark.parametrize(
    "raw",
    [
        {"rules": {"location_types": []}},
        {"rules": {"location_types": ["store"], "ship_from_store": False}},
        {"carriers": []},
    ],
)
def test_a_policy_under_which_no_place_could_ever_serve_is_taken(raw):
    assert refused(raw).body.code == "sourcing.policy_excludes_all"


def test_the_policy_that_holds_when_nobody_has_written_one_is_itself_wrong():
    assert policy_from({}) == Policy()


@given(st.integers(0, 10_000))
def test_a_small_order_is_split_as_far_as_a_large_one(value):
    limits = Limits(places=4, by_value=(ValueStep(2_000, 1), ValueStep(5_000, 2)))
    assert places_allowed(limits, value) == (1 if value < 2_000 else 2 if value < 5_000 else 4)
