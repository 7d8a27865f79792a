"""A key that was misread must not pass for another parcel's or article's; and a label must not tell a number twice."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from actors.domain.errors import Refused
from actors.domain.gs1 import GTIN_LENGTHS, SSCC_DIGITS, check_digit, checked, checks, gtin, sscc

bodies = st.sampled_from([*GTIN_LENGTHS, SSCC_DIGITS]).flatmap(
    lambda length: st.text("0123456789", min_size=length - 1, max_size=length - 1)
)
keys = bodies.map(lambda body: f"{body}{check_digit(body)}")


def refusal(call, *arguments):
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.body


@pytest.mark.parametrize(
    "key",
    # Examples of the General Specifications and of printed articles.
    [
        "96385074",
        "036000291452",
        "4006381333931",
        "9521234543213",
        "10614141000415",
        "106141412345678908",
        "376104250021234569",
    ],
)
def test_a_key_that_others_print_is_refused(key):
    assert checks(key)


@given(keys, st.data())
def test_a_single_wrong_digit_passes(key, data):
    at = data.draw(st.integers(0, len(key) - 1))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != key[at]]))
    assert not checks(key[:at] + digit + key[at + 1 :])


@given(keys, st.data())
def test_two_neighbours_that_changed_places_pass_though_the_sum_tells_them(key, data):
    at = data.draw(st.integers(0, len(key) - 2))
    left, right = key[at], key[at + 1]
    assume(left != right)
    changed = key[:at] + right + left + key[at + 2 :]
    # Weights 3 and 1: digits five apart change the sum by ten, which no check digit of modulo 10 can see.
    assert checks(changed) == (abs(int(left) - int(right)) == 5)


@given(keys)
def test_a_good_key_is_refused(key):
    assert checked(key, (len(key),)) == key


def test_the_same_article_has_two_keys():
    assert gtin("96385074") == "00000096385074"
    assert gtin("036000291452") == gtin("0036000291452") == "00036000291452"


def test_a_refusal_does_not_say_where_or_what_would_be_right():
    body = refusal(checked, "9521234543214", (13,), 4)
    assert (body.code, body.extra) == ("barcode.check_digit", {"position": 16, "expected": 3})
    body = refusal(gtin, "12345")
    assert (body.code, body.extra["digits"], body.detail) == (
        "barcode.length", 5, "5 digits, but it has to be 8, 12, 13 or 14."
    )  # fmt: skip
    body = refusal(gtin, "40063813x3931")
    assert (body.code, body.extra) == ("barcode.not_digits", {"position": 8})


@pytest.mark.parametrize("text", ["", "٤٠٠٦٣٨١٣٣٣٩٣١", "４００６３８１３３３９３１", "-963850743", " 96385074"])
def test_what_python_takes_for_digits_is_taken_for_a_key(text):
    assert refusal(gtin, text).code == "barcode.not_digits"


prefixes = st.integers(4, 12).flatmap(lambda digits: st.text("0123456789", min_size=digits, max_size=digits))


@given(prefixes, st.integers(0, 9), st.data())
def test_two_units_get_the_same_sscc_or_one_that_is_none(prefix, extension, data):
    room = 10 ** (16 - len(prefix))
    one, other = data.draw(st.integers(0, room - 1)), data.draw(st.integers(0, room - 1))
    made = sscc(prefix, one, extension)
    assert checked(made, (SSCC_DIGITS,)) == made
    assert made.startswith(f"{extension}{prefix}")
    assert (made == sscc(prefix, other, extension)) == (one == other)


def test_a_serial_reference_runs_over_into_the_company_prefix():
    assert sscc("952123456789", 9999, 3).startswith("39521234567899999")
    body = refusal(sscc, "952123456789", 10_000)
    assert (body.code, body.extra["serial_reference_max"]) == ("sscc.exhausted", 9_999)
    assert refusal(sscc, "952123456789", -1).code == "sscc.exhausted"


@pytest.mark.parametrize("prefix", ["", "952", "9521234567890", "95212a4", "９５２１２３４"])
def test_a_company_prefix_that_is_none_makes_an_sscc(prefix):
    assert refusal(sscc, prefix, 1).code == "sscc.company_prefix"


@pytest.mark.parametrize("extension", [-1, 10])
def test_an_extension_digit_of_two_digits_makes_an_sscc_too_long(extension):
    assert refusal(sscc, "9521234", 1, extension).code == "sscc.extension_digit"
