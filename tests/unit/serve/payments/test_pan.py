"""A card's number that is not found gets in; an id that is taken for one keeps an honest order out."""

import json
import random
import time
import uuid
from urllib.parse import quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from actors.domain.card_number import MASK, RANGES, luhn, masked
from serve.payments.pan import form_holds_pan, is_gtin, json_holds_pan, pointer_of_pan, text_holds_pan

# Numbers that the schemes give for tests.
KNOWN = [
    "4111111111111111", "4222222222222", "4012888888881881", "4000000000000000006", "5555555555554444", "2223003122003222", "2720998837779594",
    "378282246310005", "340000000000009", "6011111111111117", "6445644564456445", "6011000990139424",
    "30569309025904", "36227206271667", "38520000023237", "3530111333300000", "6200000000000005", "6304000000000000",
    "6759649826438453", "501800000009", "6062825624254001", "5066991111111118", "6362970000457013", "2200000000000004",
]  # fmt: skip
VISA = "4111111111111111"
MIB = 1 << 20


def check_digit(body: str) -> str:
    return next(d for d in "0123456789" if luhn((body + d).encode()))


def gtin(body: str) -> str:
    return next(body + d for d in "0123456789" if is_gtin((body + d).encode()))


LENGTHS = range(12, 20)


@st.composite
def pans(draw, lengths=LENGTHS) -> str:
    """A number of any range with any of its lengths that is one of these."""
    row = draw(st.sampled_from([row for row in RANGES if not set(row.lengths).isdisjoint(lengths)]))
    prefix = draw(st.integers(row.first, row.last))
    assume(next(r for r in RANGES if r.first <= prefix <= r.last) is row)
    length = draw(st.sampled_from([length for length in row.lengths if length in lengths]))
    body = f"{prefix}{draw(st.integers(0, 10 ** (length - 5) - 1)):0{length - 5}d}"
    return body + check_digit(body)


GROUPINGS = ((), (4, 4, 4, 4), (4, 4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 5, 6), (6, 13), (4, 4, 5), (8, 8), (6, 10))


@st.composite
def written(draw) -> str:
    """The same as people write it: in one piece, or in groups that fit."""
    digits = draw(pans())
    sizes = draw(st.sampled_from(GROUPINGS))
    separator = draw(st.sampled_from(" -"))
    groups, at = [], 0
    for size in sizes:
        groups.append(digits[at : at + size])
        at += size
    groups.append(digits[at:])
    return separator.join(group for group in groups if group)


@given(written(), st.text(max_size=20), st.text(max_size=20), st.booleans(), st.sampled_from(["order_ref", "sku", "x"]))
def test_a_number_in_any_grouping_in_any_text_is_found(number, before, after, ascii_only, name):
    value = {"a": [1, {name: f"{before} {number} {after}"}], "b": before}
    body = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "replace")
    assert json_holds_pan(body)


@given(written(), st.sampled_from([" ", ", ", ": ", "\n", "(", '"', "#", "é", "/"]))
def test_a_number_beside_punctuation_is_found_and_masked(number, beside):
    text = f"{beside}{number}{beside}"
    assert text_holds_pan(text.encode())
    assert masked(text) == f"{beside}{MASK}{beside}"
    assert json_holds_pan(json.dumps({"x": text}).encode())


BLANKS = "\u00a0\u1680\u2000\u2002\u2003\u2004\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u202a\u202c\u2060\ufeff"
COPIED = ["  ", "\t", "\n", "\r\n", " \t", *BLANKS, *UNSEEN, *(f" {char}" for char in UNSEEN)]


SPREAD = st.sampled_from(((4, 4, 4, 4, 3), (4, 6, 6), (4, 5, 6)))


@given(
    SPREAD.flatmap(lambda sizes: st.tuples(pans(range(12, sum(sizes) + 1)), st.just(sizes))),
    st.sampled_from(COPIED),
    st.booleans(),
)
def test_a_number_that_copying_has_spread_is_let_through(grouped, between, ascii_only):
    number, sizes = grouped
    groups, rest = [], number
    for size in sizes:
        groups.append(rest[:size])
        rest = rest[size:]
    text = between.join(group for group in groups if group)
    assert json_holds_pan(json.dumps({"note": f"x {text} y"}, ensure_ascii=ascii_only).encode())
    assert form_holds_pan(quote_plus(text).encode())
    assert pointer_of_pan(json.dumps({"note": text}).encode()) == "/note"
    assert masked(f"x {text} y") == f"x {MASK} y"


@given(st.lists(st.integers(1_000_000, 99_999_999_999), min_size=2, max_size=6), st.sampled_from(COPIED[:5]))
def test_order_numbers_in_a_column_are_taken_for_a_card_s(numbers, between):
    column = between.join(map(str, numbers))
    assert not text_holds_pan(column.encode())
    assert not json_holds_pan(json.dumps({"note": column}).encode())
    assert masked(column) == column


@given(st.integers(0, 10**13 - 1), st.integers(0, 10**17 - 1), st.sampled_from(["  ", "\t", "\n", "\r\n", "\x1d"]))
def test_gs1_elements_are_taken_for_a_card_s_more_often_by_what_stands_between_them(item, serial, between):
    parts = [f"(01){gtin(f'{item:013d}')}", f"(17)261124(21){serial}", f"(00){serial:018d}"]
    apart = any(text_holds_pan(part.encode()) for part in parts)
    assert text_holds_pan(between.join(parts).encode()) == apart


@given(pans())
def test_a_number_spelt_as_json_number_or_escapes_is_found(number):
    assert json_holds_pan(b'{"quantity":%b}' % number.encode())
    assert json_holds_pan(b'{"quantity":%b.0}' % number.encode())
    escaped = "".join(f"\\u{ord(char):04x}" for char in number)
    assert json_holds_pan(f'{{"city":"{escaped}"}}'.encode())
    wide = "".join(chr(0xFF10 + int(char)) for char in number)
    for ascii_only in (True, False):
        assert json_holds_pan(json.dumps({"city": wide}, ensure_ascii=ascii_only).encode())
    assert masked(wide) == MASK


@pytest.mark.parametrize("number", KNOWN)
def test_the_schemes_own_test_numbers_are_found(number):
    assert text_holds_pan(number.encode())
    assert json_holds_pan(b'["%b"]' % number.encode())


@pytest.mark.parametrize(
    "text",
    ["us-4111111111111111", "PAN4111111111111111", "ref_4111111111111111", "B4111111111111111^DOE/J^2612", "1111-4111111111111111",
     "4111\u00a01111\u00a01111\u00a01111", "4111–1111–1111–1111", "2026-11-24 4111 1111 1111 1111 12/28", "41111111 11111111",
     "4111 1111  1111 1111", "3782  822463  10005", "4111\r\n1111\n1111\t1111", "4111111111111111\u2060123", "\u200e4111111111111111\u200e",
     "+49 4111111111111111", ";4111111111111111=26121010000000000000?", "20 4222222222222."],
)  # fmt: skip
def test_a_number_in_careless_company_is_found(text):
    assert text_holds_pan(text.encode())
    assert MASK in masked(text)


def test_a_form_or_a_query_does_not_hide_a_number_in_its_encoding():
    for spelt in ("4111+1111+1111+1111", "4111%201111%201111%201111", "%34111111111111111", "4111%2D1111%2d1111-1111"):
        assert form_holds_pan(f"grant_type=x&client_id={spelt}&y=1".encode())
    assert not form_holds_pan(b"grant_type=client_credentials&client_id=us-client-erp&client_secret=4111111111111112")


@given(st.uuids(), st.binary(min_size=16, max_size=32), st.integers(1_000_000_000_000, 2_199_999_999_999))
def test_ids_and_timestamps_are_let_through(made, raw, epoch_ms):
    for text in (str(made), made.hex, raw.hex(), f"{epoch_ms}", f"{epoch_ms}123", f"{epoch_ms}123456"):
        assert not text_holds_pan(text.encode()), text


@pytest.mark.parametrize(
    "text",
    [
        "us-01kah2v3nq7h3k2m9qk4t1x0ab", "2026-11-24T17:13:54.123456Z", "20261124171354", "2026-11-24 17:13:54", "1Z4111111111111111",
        "9f84111111111111111a", "4111111111111111a1", "4111111111111112", "41111111111111111111", "+639171234567", "+501800000009",
        "shop-4222222222222", "47.4012888888881881", "-122.4111111111111111", "1 2 3 4 5 6 7 8 9 10 11 12",
        "1299", "550e8400-e29b-41d4-a716-501800000009", "978-3-16-148410-0", "0000000000000000",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_number_is_let_through(text):
    assert not text_holds_pan(text.encode())
    assert not json_holds_pan(json.dumps({"order_ref": text, "x": [text]}).encode())
    assert masked(text) == text


def test_a_number_within_a_uuids_groups_is_let_through():
    digits = next(d for d in range(10**11, 10**12) if luhn(b"4111%d" % d))
    assert not text_holds_pan(f"550e8400-e29b-41d4-4111-{digits}".encode())
    assert text_holds_pan(f"e29b-41d4-4111-{digits}".encode())


@given(
    st.sampled_from(["sku", "gtin", "ean", "upc", "barcode"]), st.integers(0, 10**13 - 1), st.sampled_from([11, 12, 13])
)
def test_a_barcode_in_its_field_is_let_through(name, number, digits):
    code = gtin(f"{number % 10**digits:0{digits}d}")
    for spaces in ("", " ", "\n  "):
        assert not json_holds_pan(f'{{"{name}"{spaces}:{spaces}"{code}"}}'.encode())
    assert pointer_of_pan(json.dumps({name: code}).encode()) is None


def both() -> str:
    """A GTIN-13 that is a valid number of a card, too."""
    return next(code for n in range(400_638_100_000, 400_638_200_000) if luhn((code := gtin(str(n))).encode()))


def test_a_barcode_elsewhere_or_with_more_beside_it_is_no_excuse():
    code = both()
    assert not json_holds_pan(f'{{"sku":"{code}"}}'.encode())
    for body in (
        f'{{"order_ref":"{code}"}}',
        f'{{"sku":"{code} x"}}',
        f'{{"sku":"x {code}"}}',
        f'{{"sku":{code}}}',
        f'{{"order_ref":"\\"sku\\":\\"{code}"}}',
        f'{{"sku":"{VISA}"}}',
    ):
        assert json_holds_pan(body.encode()), body


def test_no_barcode_of_100_000_is_refused_as_a_sku_and_few_elsewhere():
    made = random.Random(7)
    codes = [gtin(f"{made.randrange(10**12):012d}") for _ in range(50_000)]
    codes += [gtin(f"{made.randrange(10**13):013d}") for _ in range(50_000)]
    assert not any(json_holds_pan(b'{"sku":"%b"}' % code.encode()) for code in codes)
    elsewhere = sum(text_holds_pan(code.encode()) for code in codes)
    assert 0 < elsewhere < 2_500


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({"a": [{"b/c": VISA}]}, "/a/0/b~1c"),
        ({"a": {VISA: 1}}, "/a"),
        ({VISA: {"a": VISA}}, ""),
        ([1, "x", int(VISA)], "/2"),
        (VISA, ""),
        ({"a": "x"}, None),
        ([1] * 60_000 + [VISA], None),
    ],
)
def test_the_place_is_told_without_the_number(value, pointer):
    assert pointer_of_pan(json.dumps(value).encode()) == pointer


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"4111111111111111 x"])
def test_what_is_no_json_has_no_place(body):
    assert pointer_of_pan(body) is None


SLOW = {
    "digits": b"4" * MIB,
    "single digits": b"1 " * (MIB // 2),
    "groups": b"4112 " * (MIB // 5),
    "groups of nothing": b"7777-" * (MIB // 5),
    "eleven digits": b"11111111111x" * (MIB // 12),
    "many candidates": b"4111111111111112," * (MIB // 17),
    "letters before": (b"a" * 40 + b"4111111111111112") * (MIB // 56),
    "escapes": b"\\u0034" * (MIB // 6),
    "wide digits": "１".encode() * (MIB // 3),
    "blanks": (b"1111" + b" " * 60) * (MIB // 64),
    "dashes": b"4111" + b"-" * MIB,
    "lines": b"4112\n\n" * (MIB // 6),
    "joiners": "4\u200b".encode() * (MIB // 4),
    "other alphabets": "ж語 1".encode() * (MIB // 7),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_body_made_to_be_slow_is_not(name):
    """Thirty times what it took; something quadratic would take minutes."""
    began = time.process_time()
    json_holds_pan(SLOW[name])
    assert time.process_time() - began < 5


def test_masking_leaves_the_rest_as_it_was():
    made = str(uuid.UUID(int=5))
    assert masked(f"é {VISA} – {made}, 3782 822463 10005!") == f"é {MASK} – {made}, {MASK}!"


def test_a_number_and_a_counter_are_taken_for_a_card_s():
    for number in range(100_000_000_000, 999_999_999_999, 7_777_777_777):
        for counter in (1, 23, 456, 7890):
            assert not text_holds_pan(b"batch-%d-%d" % (number, counter))
