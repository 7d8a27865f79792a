"""What a scanner sends is told apart wrongly, or what was printed says something else than was meant."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain.errors import Refused
from actors.domain.gs1 import check_digit
from actors.domain.gs1_elements import (
    CHARACTERS,
    FNC1,
    IDENTIFIERS,
    SYMBOLOGIES,
    TEXT_MAX,
    Element,
    date_of,
    net_weight,
    parse,
    parse_brackets,
    weight_g,
    with_brackets,
    write,
)

GTIN = "09521234543213"


def value_of(ai: str) -> st.SearchStrategy[str]:
    known = IDENTIFIERS[ai]
    if known.form == "key":
        body = st.text("0123456789", min_size=known.longest - 1, max_size=known.longest - 1)
        return body.map(lambda digits: f"{digits}{check_digit(digits)}")
    if known.form == "date":
        return st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(lambda day: day.strftime("%y%m%d"))
    signs = "0123456789" if known.form == "digits" else sorted(CHARACTERS)
    return st.text(signs, min_size=known.shortest, max_size=known.longest)


def elements_of(ais: list[str]) -> st.SearchStrategy[list[Element]]:
    return st.tuples(*(value_of(ai).map(lambda value, ai=ai: Element(ai, value)) for ai in ais)).map(list)


def sensible(ais: list[str]) -> bool:
    return ("02" in ais) == ("37" in ais) and not {"01", "02"} <= set(ais)


messages = st.lists(st.sampled_from(sorted(IDENTIFIERS)), min_size=1, unique=True).filter(sensible).flatmap(elements_of)


def refusal(call, *arguments):
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.body


@given(messages)
def test_what_was_written_is_read_as_something_else(elements):
    assert parse(write(elements)) == elements


@given(messages)
def test_what_was_printed_is_typed_as_something_else(elements):
    assert parse_brackets(with_brackets(elements)) == elements


@given(messages, st.sampled_from(SYMBOLOGIES), st.booleans())
def test_what_a_scanner_puts_in_front_is_taken_for_data(elements, mark, first):
    assert parse(mark + (FNC1 if first else "") + write(elements)) == elements


@given(st.text(max_size=60))
def test_any_text_makes_it_fall_over(text):
    for reads in (parse, parse_brackets):
        try:
            found, at = reads(text), 0
        except Refused as refused:
            found, at = [], refused.body.extra["position"]
        assert found or 0 <= at <= len(text)


@given(st.sampled_from(["00", "01", "410"]), value_of("10"), st.data())
def test_a_misread_key_passes(ai, lot, data):
    value = data.draw(value_of(ai))
    at = data.draw(st.integers(0, len(value) - 1))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != value[at]]))
    misread = value[:at] + digit + value[at + 1 :]
    body = refusal(parse, f"{ai}{misread}10{lot}")
    assert (body.code, body.extra["position"]) == ("barcode.check_digit", len(ai) + len(value) - 1)


def test_separators_stand_where_none_is_needed_or_lack_where_one_is():
    elements = [
        Element("01", GTIN),
        Element("10", "AB-12"),
        Element("17", "270301"),
        Element("30", "24"),
        Element("400", "PO7"),
    ]
    assert write(elements) == f"01{GTIN}10AB-12{FNC1}17270301" + f"3024{FNC1}400PO7"
    assert with_brackets(elements) == f"(01){GTIN}(10)AB-12(17)270301(30)24(400)PO7"


def test_a_separator_behind_a_predefined_length_stops_reading():
    assert parse(f"01{GTIN}{FNC1}10A{FNC1}") == [Element("01", GTIN), Element("10", "A")]


def test_a_value_may_hold_a_bracket_that_is_read_as_an_identifier():
    element = Element("10", "A(01)B")
    assert with_brackets([element]) == r"(10)A\(01\)B"
    assert parse_brackets(r"(10)A\(01\)B") == [element]


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("", "barcode.empty", 0),
        ("]C1", "barcode.empty", 3),
        ("x" * (TEXT_MAX + 1), "barcode.too_long", TEXT_MAX),
        (f"01{GTIN}99x", "barcode.unknown_identifier", 16),
        (f"]C101{GTIN}99x", "barcode.unknown_identifier", 19),
        ("3106000100", "barcode.unknown_identifier", 0),
        (f"01{GTIN[:-1]}", "barcode.length", 2),
        (f"01{GTIN[:-1]}{FNC1}10A", "barcode.length", 2),
        (f"10{FNC1}17270301", "barcode.length", 2),
        ("10" + "A" * 21, "barcode.length", 2),
        ("30123456789", "barcode.length", 2),
        ("3012x4", "barcode.not_digits", 4),
        ("10AB~C", "barcode.character", 4),
        ("10ABé", "barcode.character", 4),
        (f"01{GTIN[:-1]}4", "barcode.check_digit", 15),
        ("17271301", "barcode.date", 2),
        ("17270230", "barcode.date", 2),
        ("17250229", "barcode.date", 2),
        (f"10A{FNC1}10B", "barcode.repeated", 4),
        (f"02{GTIN}", "barcode.incomplete", 16),
        ("3724", "barcode.incomplete", 4),
        (f"01{GTIN}02{GTIN}3724", "barcode.contradiction", 36),
    ],
)
def test_bad_input_is_not_told_by_name_and_place(text, code, position):
    body = refusal(parse, text)
    assert (body.code, body.extra["position"]) == (code, position)


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("01" + GTIN, "barcode.brackets", 0),
        ("(01" + GTIN, "barcode.brackets", 0),
        (f"(01){GTIN}(77)1", "barcode.unknown_identifier", 19),
        ("(10)AB~C", "barcode.character", 6),
    ],
)
def test_bad_typing_is_not_told_by_name_and_place(text, code, position):
    body = refusal(parse_brackets, text)
    assert (body.code, body.extra["position"]) == (code, position)


def test_what_can_not_be_read_is_written():
    assert refusal(write, []).code == "barcode.empty"
    assert refusal(write, [Element("99", "1")]).code == "barcode.unknown_identifier"
    assert refusal(write, [Element("10", f"A{FNC1}B")]).code == "barcode.character"
    assert refusal(write, [Element("10", "A"), Element("10", "B")]).code == "barcode.repeated"
    assert refusal(write, [Element("37", "1")]).code == "barcode.incomplete"


@pytest.mark.parametrize(
    ("value", "year", "day"),
    [
        ("270301", 2026, date(2027, 3, 1)),
        ("761231", 2026, date(2076, 12, 31)),
        ("770101", 2026, date(1977, 1, 1)),
        ("990101", 2026, date(1999, 1, 1)),
        ("040101", 2060, date(2104, 1, 1)),
        ("270200", 2026, date(2027, 2, 28)),
        ("280200", 2026, date(2028, 2, 29)),
    ],
)
def test_a_date_is_of_another_century_or_month(value, year, day):
    assert date_of(value, year) == day


@given(st.dates(date(1977, 1, 1), date(2076, 12, 31)))
def test_a_date_of_the_hundred_years_around_is_lost(day):
    assert date_of(day.strftime("%y%m%d"), 2026) == day


@given(st.integers(0, 999_999))
def test_grams_are_lost_on_a_label(grams):
    element = net_weight(grams)
    assert element.ai == "3103"
    assert weight_g(parse(write([element]))[0]) == grams


@given(st.integers(1_000_000, 999_999_999))
def test_a_heavy_pallet_weighs_more_on_its_label_than_it_does(grams):
    told = weight_g(net_weight(grams))
    assert told <= grams
    assert grams - told < 1_000


@pytest.mark.parametrize("grams", [-1, 1_000_000_000])
def test_a_weight_that_no_label_has_is_written(grams):
    assert refusal(net_weight, grams).code == "barcode.weight"


@pytest.mark.parametrize(("ai", "grams"), [("3100", 12_345_000), ("3102", 123_450), ("3104", 1_234), ("3105", 123)])
def test_the_point_of_a_weight_is_in_another_place(ai, grams):
    assert weight_g(Element(ai, "012345")) == grams
