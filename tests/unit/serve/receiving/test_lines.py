"""Lines of goods against what the catalogue says of them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain.article import Details
from serve.limits import UNITS_MAX
from serve.problems import Problem
from serve.receiving.lines import ReceivedLine, units_of

DAY = date(2026, 7, 31)
KNOWN = {
    "plain": Details(units={"case": 12}),
    "lot": Details(tracking="lot", expires=True, units={"case": 12}),
    "dull": Details(tracking="lot"),
    "serial": Details(tracking="serial", units={"case": 3}),
    "kit": Details(kit=(("plain", 2),)),
}


class Catalogue:
    """Nothing is said of what is not in `KNOWN`."""

    def details(self, sku: str) -> Details:
        return KNOWN.get(sku, Details())


def checked(*lines: ReceivedLine) -> list[int]:
    return units_of(Catalogue(), lines, "/lines/{}".format)


def of(sku: str, quantity: int = 1, **more) -> ReceivedLine:
    return ReceivedLine(sku=sku, quantity=quantity, **more)


@pytest.mark.parametrize(
    ("line", "units"),
    [
        (of("plain", 5), 5),
        (of("plain", 2, unit="case"), 24),
        (of("plain", 2, lot="L1", expires_on=DAY), 2),
        (of("lot", 1, unit="case", lot="L1", expires_on=DAY), 12),
        (of("dull", 3, lot="L1"), 3),
        (of("serial", 1, unit="case", serials=["a", "b", "c"]), 3),
        (of("serial", 1, serials=["a"], expires_on=DAY), 1),
        (of("unheard", 2, serials=["a", "b"]), 2),
    ],
)
def test_goods_are_refused_of_which_enough_is_said(line, units):
    assert checked(line) == [units]


@pytest.mark.parametrize(
    ("line", "code", "field"),
    [
        (of("kit", 1), "stock.kit_not_kept", "sku"),
        (of("plain", 1, unit="box"), "catalogue.unit_unknown", "unit"),
        (of("plain", UNITS_MAX, unit="case"), "stock.quantity_too_large", "quantity"),
        (of("plain", 1, expires_on=DAY), "stock.expiry_needs_lot", "expires_on"),
        (of("plain", 1, lot="L1", serials=["a"]), "stock.serials_not_kept", "serials"),
        (of("plain", 2, serials=["a"]), "stock.serials_differ", "serials"),
        (of("lot", 1, expires_on=DAY), "stock.lot_required", "lot"),
        (of("lot", 1, lot="L1"), "stock.expiry_required", "expires_on"),
        (of("lot", 1, lot="L1", expires_on=DAY, serials=["a"]), "stock.serials_not_kept", "serials"),
        (of("dull", 1), "stock.lot_required", "lot"),
        (of("serial", 1), "stock.serials_differ", "serials"),
        (of("serial", 1, lot="L1", serials=["a"]), "stock.lot_not_kept", "lot"),
        (of("serial", 1, unit="case", serials=["a"]), "stock.serials_differ", "serials"),
        (of("serial", 2, serials=["a", "a"]), "stock.serial_repeated", "serials/1"),
    ],
)
def test_goods_come_of_which_too_little_is_said(line, code, field):
    with pytest.raises(Problem) as caught:
        checked(of("plain"), line)
    assert (caught.value.code, caught.value.errors[0]["pointer"]) == (code, f"/lines/1/{field}")


def test_a_serial_number_comes_on_two_lines():
    assert checked(of("serial", serials=["a"]), of("unheard", serials=["a"])) == [1, 1]
    with pytest.raises(Problem, match="serial_repeated"):
        checked(of("serial", serials=["a"]), of("serial", serials=["a"]))


@given(st.sampled_from(sorted(KNOWN)), st.integers(1, 40), st.sampled_from(["each", "case"]), st.booleans(), st.integers(0, 4), st.booleans())  # fmt: skip
def test_what_passes_can_be_told_apart_as_the_catalogue_wants(sku, quantity, unit, lot, serials, day):
    details = KNOWN[sku]
    line = of(
        sku, quantity, unit=unit, lot="L1" if lot else "", serials=[f"s{n}" for n in range(serials)], expires_on=DAY if day else None,
    )  # fmt: skip
    try:
        (units,) = checked(line)
    except Problem:
        return
    assert not details.kit
    assert units == quantity * (1 if unit == "each" else details.units[unit])
    assert line.lot or details.tracking != "lot"
    assert len(line.serials) == units or (details.tracking != "serial" and not line.serials)
    assert line.expires_on is not None or not details.expires
