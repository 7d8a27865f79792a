from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain.article import (
    NO_DETAILS,
    Details,
    check,
    check_tracking,
    decoded,
    encoded,
    from_base_units,
    to_base_units,
)
from actors.domain.errors import Refused

BOX = Details(units={"case": 12, "pallet": 480})


def refused(work, *args):
    with pytest.raises(Refused) as caught:
        work(*args)
    return caught.value.body


@pytest.mark.parametrize(("quantity", "unit", "units"), [(3, "case", 36), (2, "pallet", 960), (7, "each", 7), (0, "case", 0)])  # fmt: skip
def test_a_case_is_counted_as_something_else_than_its_units(quantity, unit, units):
    assert to_base_units(BOX, quantity, unit) == units
    assert from_base_units(BOX, units, unit) == quantity


def test_a_unit_that_the_article_does_not_have_is_taken_for_one():
    for work in (to_base_units, from_base_units):
        body = refused(work, BOX, 24, "box")
        assert (body.code, body.extra) == ("catalogue.unit_unknown", {"unit": "box", "known": ["each", "case", "pallet"]})  # fmt: skip
        assert refused(work, NO_DETAILS, 24, "case").code == "catalogue.unit_unknown"


def test_units_that_are_over_are_dropped():
    body = refused(from_base_units, BOX, 29, "case")
    assert body.code == "stock.not_divisible"
    assert body.extra == {"units": 29, "unit": "case", "size": 12, "rest": 5}
    assert refused(from_base_units, BOX, 11, "case").extra["rest"] == 11


@given(st.integers(0, 10**9), st.sampled_from(["each", "case", "pallet"]))
def test_units_get_lost_on_the_way_there_and_back(quantity, unit):
    assert from_base_units(BOX, to_base_units(BOX, quantity, unit), unit) == quantity


@given(st.integers(0, 10**9), st.sampled_from(["each", "case", "pallet"]))
def test_whole_units_and_the_rest_are_not_all(units, unit):
    try:
        assert to_base_units(BOX, from_base_units(BOX, units, unit), unit) == units
    except Refused as caught:
        extra = caught.body.extra
        assert 0 < extra["rest"] < extra["size"]
        assert to_base_units(BOX, from_base_units(BOX, units - extra["rest"], unit), unit) + extra["rest"] == units


@pytest.mark.parametrize(
    ("details", "code"),
    [
        (Details(units={"each": 12}), "catalogue.unit_invalid"),
        (Details(units={"Case": 12}), "catalogue.unit_invalid"),
        (Details(units={"case\n": 12}), "catalogue.unit_invalid"),
        (Details(units={"9er": 9}), "catalogue.unit_invalid"),
        (Details(units={"": 9}), "catalogue.unit_invalid"),
        (Details(units={"c" * 17: 9}), "catalogue.unit_invalid"),
        (Details(expires=True), "catalogue.expiry_needs_lots"),
        (Details(expires=True, tracking="serial"), "catalogue.expiry_needs_lots"),
        (Details(tracking="lot", min_life_days=30), "catalogue.life_needs_expiry"),
        (Details(kit=(("B", 1),), tracking="lot"), "catalogue.kit_tracked"),
        (Details(kit=(("B", 1),), tracking="serial"), "catalogue.kit_tracked"),
        (Details(kit=(("B", 1), ("A", 1))), "catalogue.part_itself"),
        (Details(kit=(("B", 1), ("C", 1), ("B", 2))), "catalogue.part_repeated"),
        (Details(substitutes=("A",)), "catalogue.part_itself"),
        (Details(substitutes=("B", "B")), "catalogue.part_repeated"),
    ],
)
def test_an_article_that_can_not_be_is_taken(details, code):
    body = refused(check, "A", details)
    assert (body.code, body.extra["sku"]) == (code, "A")


@pytest.mark.parametrize(
    "details",
    [
        NO_DETAILS,
        Details(units={"c" * 16: 2, "six-pack": 6, "half_case": 6}),
        Details(tracking="lot", expires=True, min_life_days=30),
        Details(tracking="serial"),
        Details(kit=(("B", 1), ("C", 2)), substitutes=("B",)),
    ],
)
def test_a_good_article_is_refused(details):
    check("A", details)


@pytest.mark.parametrize(
    ("before", "after", "fine"),
    [
        ("none", "lot", True), ("none", "serial", True), ("lot", "lot", True), ("serial", "serial", True),
        ("lot", "none", False), ("lot", "serial", False), ("serial", "lot", False), ("serial", "none", False),
    ],
)  # fmt: skip
def test_lots_that_stock_carries_lose_their_meaning(before, after, fine):
    asked = "A", Details(tracking=before), Details(tracking=after)
    if fine:
        check_tracking(*asked)
    else:
        assert refused(check_tracking, *asked).code == "catalogue.tracking_fixed"


def test_a_sku_with_nothing_but_a_description_takes_room_in_its_row():
    assert encoded(Details()) == b""
    assert decoded(b"") == NO_DETAILS
    assert len(encoded(Details(weight_g=5))) < 16


FULL = Details(
    {"case": 12}, 310, 120, 130, 140, "lot", True, 90, "2.1", "chilled", (("B", 2), ("C", 1)), ("D", "E"), 1_767_225_600_000, "PT",
    "940550", 0, "EUR", ("alcohol",),
)  # fmt: skip


def test_a_field_of_an_article_is_not_in_its_row():
    assert all(getattr(FULL, name) != getattr(NO_DETAILS, name) for name in Details.__struct_fields__)
    assert decoded(encoded(FULL)) == FULL
    assert msgspec.json.decode(msgspec.json.encode(FULL), type=Details) == FULL
