"""A card's number that is written with wider separators or in another script's digits gets in; a list, a date, a price
or a reference that is taken for one keeps an honest order out."""

import json
import sys
import unicodedata
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain.card_number import CANDIDATES_MAX, MASK, RANGES, luhn, masked
from serve.payments.pan import form_holds_pan, json_holds_pan, pointer_of_pan, text_holds_pan
from tests.unit.serve.payments.test_pan import LENGTHS, check_digit, pans

VISA = "4111111111111111"
AS_CARDS = ((4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4))
FOURS = AS_CARDS[1]
ALONE = (15, 16, 19)
BLANK, SIGN = st.sampled_from(["", " ", "\u00a0"]), st.sampled_from(".,/_-·،／＿‑—")
BETWEEN = st.one_of(
    st.builds(lambda a, sign, b: a + sign + b, BLANK, SIGN, BLANK), st.sampled_from(["   ", " \t ", "..", " .."])
)
SCRIPTS = [zero for zero in range(0x110000) if unicodedata.decimal(chr(zero), None) == 0]


def in_groups(number: str, sizes: tuple[int, ...], between: str) -> str:
    groups, rest = [], number
    for size in sizes:
        groups.append(rest[:size])
        rest = rest[size:]
    assert not rest
    assert len(groups[-1]) == sizes[-1]
    return between.join(groups)


def is_found(text: str) -> bool:
    """In a body with and without escapes, in a form, in a header; and in the log."""
    found = {
        json_holds_pan(json.dumps({"note": text}).encode()),
        json_holds_pan(json.dumps({"note": text}, ensure_ascii=False).encode()),
        form_holds_pan(quote_plus(text).encode()), text_holds_pan(text.encode()), masked(text) != text,
    }  # fmt: skip
    assert len(found) == 1
    return found.pop()


@given(
    st.sampled_from(AS_CARDS).flatmap(lambda sizes: st.tuples(pans([sum(sizes)]), st.just(sizes))),
    BETWEEN,
    st.sampled_from(["", "é ", "card: "]),
    st.sampled_from(["", ".", ", cvv", " 12/27"]),
)
def test_a_number_in_a_cards_groups_gets_in_by_its_separators(grouped, between, before, after):
    text = in_groups(*grouped, between)
    assert is_found(text)
    assert pointer_of_pan(json.dumps({"a": [text]}).encode()) == "/a/0"
    assert masked(f"{before}{text}{after}") == f"{before}{MASK}{after}"


@given(pans(ALONE), st.one_of(BETWEEN, st.sampled_from([" ", "-", "\t", "\r\n"])))
def test_a_number_written_digit_by_digit_gets_in(number, between):
    text = between.join(number)
    assert masked(f"é {text} é") == f"é {MASK} é"
    assert is_found(text)


@given(pans([length for length in LENGTHS if length not in ALONE]), BETWEEN)
def test_ratings_are_taken_for_a_number_however_many_they_are(number, between):
    assert not is_found(between.join(number))


@given(st.text("123456789", min_size=20, max_size=60), BETWEEN)
def test_some_of_many_ratings_are_taken_for_a_number(ratings, between):
    assert not is_found(between.join(ratings))


@given(
    st.one_of(st.tuples(pans(), st.just("")), st.tuples(pans((16, 19)), st.sampled_from([" ", " - "]))),
    st.sampled_from(SCRIPTS),
)
def test_a_number_in_the_digits_of_another_script_gets_in(written, zero):
    number, between = written
    digits = number.translate({0x30 + digit: chr(zero + digit) for digit in range(10)})
    text = in_groups(digits, FOURS[: 4 + len(number) // 18], between) if between else digits
    assert is_found(text)
    assert masked(f"é {text} é") == f"é {MASK} é"


@given(pans(range(15, 20)), st.sampled_from(["exp1227", "cvv123", "x1", "EXP12", "cvc999", "D25121010000012300000F"]))
def test_a_number_gets_in_by_what_is_written_right_behind_it(number, behind):
    assert is_found(number + behind)


@pytest.mark.parametrize(
    "text",
    ["4111 - 1111 - 1111 - 1111 12/27 cvv 123", "4111/1111/1111/1111/1227/123",
     "4111, 1111, 1111, 1111, 12/27, 123", "no. 4111.1111.1111.1111.",
     "4111   1111   1111   1111", "4111\u20281111\u20281111\u20281111", "⁴¹¹¹¹¹¹¹¹¹¹¹¹¹¹¹", "4️⃣" + "1️⃣" * 15,
     "3782_822463_10005",
     "4000,4000,4111111111111111,4000", "1227,1227,1227,3782-822463-10005", "4000, " * 2500 + "4111 - 1111 - 1111 - 1111",
     "4, " * 2500 + "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
     "2 - 4111 - 1111 - 1111 - 1111", "4000, 4000, 4000, 4111 1111 1111 1111",
     "room 12 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"],
)  # fmt: skip
def test_a_number_that_is_written_carelessly_gets_in(text):
    assert is_found(text)
    assert MASK in masked(text)


def mastercard(between: str, groups: str = "2549 1275 1254") -> str:
    """Four numbers that could be a card's."""
    digits = groups.replace(" ", "")
    last = next(n for n in range(8000, 9000) if luhn(f"{digits}{n}".encode()))
    return between.join([*groups.split(), str(last)])


@pytest.mark.parametrize(
    "text",
    [f"qty, 400,{mastercard(',')},", f"{mastercard(', ')}, 5100", f"5100, {mastercard(', ')}",
     f"v1.{mastercard('.')}", f"2026/11/{mastercard('/')}",
     f"9400   {mastercard('   ')}", f"{mastercard(' - ')} - 9999", "4,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
     "1 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", r"\u0034111 1111 1111 1111",
     "2549 1275, 1254 8475", "2549.1275 1254-8475", "25.49, 12.75, 12.54, 84.75", "1.254.127.512.548",
     "4,111,111,111,111,111", "41/11/11/11/11/11/11/11",
     "47.6062095,-122.3320708", "4760.6209,-12233.2071", "2026.11.24 17.13.54", "24/11/2026, 25/11/2026",
     "+1.206.555.0188, +1.206.555.0199",
     "(01)09506000134352(17)261124(10)4111.A1", "4100_2000_A3_0001", "1Z 999 AA1 01 2345 6784",
     "9400_1000_0000_0000_0000_00", "9205.5000.0000.0000.0000.00",
     "4111111111111111cafe0123456789ab", "1.3.6.1.4.1.4111.1111.1111.1111"],
)  # fmt: skip
def test_a_list_or_a_reference_is_taken_for_a_number(text):
    assert not is_found(text)


@given(st.lists(st.one_of(st.integers(0, 9), st.integers(1000, 9999)), max_size=30), st.sampled_from([None, 0, 1, 2]))
def test_an_array_of_quantities_is_taken_for_a_number(numbers, indent):
    assert not json_holds_pan(json.dumps({"units": numbers}, indent=indent).encode())


def test_an_array_that_could_be_a_number_is_taken_for_one():
    for numbers in ([2549, 1275, 1254, 8475], [int(digit) for digit in VISA], [1.5, 4111, 1111, 1111, 1111]):
        assert not json_holds_pan(json.dumps(numbers).encode())
    assert json_holds_pan(json.dumps([1, "4111, 1111, 1111, 1111"]).encode())


@given(
    st.lists(st.tuples(st.dates(), st.decimals(0, 99999, places=2)), max_size=12),
    st.sampled_from([" ", ", ", "/", "   ", "_"]),
)
def test_dates_and_prices_are_taken_for_a_number(pairs, between):
    text = between.join(f"{day:%d.%m.%Y}{between}{day:%Y/%m/%d}{between}{price}" for day, price in pairs)
    assert not text_holds_pan(text.encode())


def test_a_range_is_forgotten_in_groups_that_its_cards_have():
    for row in RANGES:
        if 16 in row.lengths:
            body = f"{row.first}{'0' * 11}"
            digits = body + check_digit(body)
            assert is_found(" - ".join(digits[at : at + 4] for at in range(0, 16, 4))), row.scheme


def calls_of(body: bytes) -> tuple[bool, int]:
    """Whether there is a number in it, and how many calls it took to tell, also of what is built in."""
    calls = 0

    def count(_frame, event, _called):
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        found = json_holds_pan(body)
    finally:
        sys.setprofile(before)
    return found, calls


LISTS = {
    "digits alone": b"4 " * 500_000, "fours": b"4000, " * 170_000, "fours with dashes": b"4000 - " * 140_000,
    "an array": b"[%b1]" % (b"4000," * 200_000), "an array of digits": b"[%b1]" % (b"4," * 500_000), "groups of Amex": b"3782.822463." * 80_000,
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_refused_or_each_number_of_it_looked_at(name):
    found, calls = calls_of(LISTS[name])
    assert not found
    assert calls < len(LISTS[name]) / 100


@pytest.mark.parametrize("many", [b"[4111,1111,1111,1112],", b"4111 - 1111 - 1111 - 1112;", b"4, " * 20 + b";"])
def test_lists_without_end_are_looked_at_one_by_one(many):
    found, calls = calls_of(many * (2 * CANDIDATES_MAX))
    assert found
    assert calls < 30 * CANDIDATES_MAX


ESCAPED = st.sampled_from([*"4a/", "\\", '"', "\n", "\t", "\b", "\f", "\u2028", "4111111111111111"])


@given(st.lists(ESCAPED).map("".join), st.booleans())
def test_escapes_hide_a_number_or_make_one(text, slashes):
    body = json.dumps(text)
    assert json_holds_pan((body.replace("/", r"\/") if slashes else body).encode()) == is_found(text)
