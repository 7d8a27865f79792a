import base64
import re
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.identity.totp import (
    SECRET_BYTES,
    matching_step,
    new_recovery_codes,
    new_secret,
    provisioning_uri,
    qr_svg,
    recovery_hash,
)

# RFC 6238, appendix B, cut to six digits.
RFC_SECRET = b"12345678901234567890"
RFC_CODES = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}
NOW_S = 1_790_000_010


def code_at(secret: bytes, step: int) -> str:
    return pyotp.TOTP(base64.b32encode(secret).decode()).generate_otp(step)


@pytest.mark.parametrize(("now_s", "code"), RFC_CODES.items())
def test_the_codes_of_the_rfc_are_taken(now_s, code):
    assert matching_step(RFC_SECRET, code, now_s) == now_s // 30


@given(st.binary(min_size=20, max_size=20), st.integers(1_000_000, 4_000_000_000), st.integers(-5, 5))
def test_a_code_is_taken_one_step_around_now_only(secret, now_s, away):
    step = now_s // 30 + away
    near = [code_at(secret, now_s // 30 + other) for other in (-1, 0, 1)]
    found = matching_step(secret, code_at(secret, step), now_s)
    if abs(away) <= 1:
        assert code_at(secret, found) == code_at(secret, step)
        assert abs(found - now_s // 30) <= 1
    elif code_at(secret, step) not in near:  # one in 300,000 is the same by chance
        assert found == 0


def test_a_window_of_nothing_takes_this_step_only():
    step = NOW_S // 30
    assert matching_step(RFC_SECRET, code_at(RFC_SECRET, step), NOW_S, 0) == step
    assert matching_step(RFC_SECRET, code_at(RFC_SECRET, step - 1), NOW_S, 0) == 0


def test_another_secrets_code_is_not_taken():
    assert matching_step(bytes(20), code_at(RFC_SECRET, NOW_S // 30), NOW_S) == 0


GOOD = code_at(RFC_SECRET, NOW_S // 30)
FULL_WIDTH = "".join(chr(ord(digit) + 0xFEE0) for digit in GOOD)
ARABIC = "".join(chr(0x660 + int(digit)) for digit in GOOD)


@pytest.mark.parametrize(
    "code", ["", "      ", GOOD[:5], GOOD + "0", f"{GOOD[:3]} {GOOD[3:5]}", f"{GOOD[:3]}-{GOOD[3:]}", FULL_WIDTH, ARABIC, "+" + GOOD[1:], "x" * 6]
)  # fmt: skip
def test_anything_but_six_ascii_digits_is_refused(code):
    assert matching_step(RFC_SECRET, code, NOW_S) == 0


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u202f", "\t", "\n"])
def test_a_code_is_refused_for_the_blanks_that_authenticators_show_in_it(blank):
    for code in (f"{GOOD[:3]}{blank}{GOOD[3:]}", blank + GOOD + blank, blank.join(GOOD)):
        assert matching_step(RFC_SECRET, code, NOW_S) == NOW_S // 30


@given(st.text(max_size=12))
def test_no_text_makes_it_raise(code):
    assert matching_step(RFC_SECRET, code, NOW_S) in {0, NOW_S // 30 - 1, NOW_S // 30, NOW_S // 30 + 1}


@pytest.mark.parametrize("now_s", [0, 29, 30])
def test_the_first_steps_of_1970_do_not_fail(now_s):
    assert matching_step(RFC_SECRET, code_at(RFC_SECRET, 1), now_s) == 1
    assert matching_step(RFC_SECRET, code_at(RFC_SECRET, 0), 0) == 0


def test_secrets_are_long_enough_and_never_the_same():
    made = {new_secret() for _ in range(50)}
    assert len(made) == 50
    assert {len(secret) for secret in made} == {SECRET_BYTES}


def test_an_app_reads_from_the_address_what_we_check_by():
    uri = provisioning_uri(RFC_SECRET, "mia:ä/m&x", "OCEFS us")
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/OCEFS us:mia:ä/m&x"
    assert parse_qs(parts.query)["issuer"] == ["OCEFS us"]
    read = pyotp.parse_uri(uri)
    assert isinstance(read, pyotp.TOTP)
    assert matching_step(RFC_SECRET, read.at(NOW_S), NOW_S) == NOW_S // 30


def test_the_picture_stands_in_a_page_that_forbids_styles_and_scripts():
    svg = qr_svg(provisioning_uri(new_secret(), "m" * 64, "OCEFS us"))
    picture = ET.fromstring(svg)
    assert picture.tag == "svg"
    assert "viewBox" in picture.attrib
    assert not re.search(r"style=|<script|<style|href", svg)


def test_recovery_codes_have_enough_chance_in_them():
    codes = new_recovery_codes(200)
    assert len(set(codes)) == 200
    assert all(re.fullmatch(r"[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){6}", code) for code in codes)
    assert len(set("".join(codes)) - {"-"}) == 32  # all of the alphabet: 5 bits a character
    # What must not be guessed has 128 bits (ASVS 5.0.0, 11.5.1); from 112 on a plain hash may keep it (6.5.2).
    assert all(5 * len(code.replace("-", "")) >= 128 for code in codes)
    assert len(new_recovery_codes()) == 10


def test_a_recovery_code_is_known_however_it_was_copied():
    kept = recovery_hash("7k3q-9x0d-m1tz-c05n-vr2h-81ep")
    for written in (
        "7K3Q-9X0D-M1TZ-C05N-VR2H-81EP", "7k3q9x0dm1tzc05nvr2h81ep", " 7k3q 9xod mltz co5n vr2h 8lep\n", "7k3q-9xOd-mItz-c05n-vr2h-8Iep",
        "７k3q-9x0d-m1tz-c05n-vr2h-81ep",
    ):  # fmt: skip
        assert recovery_hash(written) == kept
    assert re.fullmatch("[0-9a-f]{64}", kept)


def test_a_code_of_12_characters_that_was_given_before_longer_ones_is_known_no_more():
    # As an account has it since then.
    kept = "23289b3f77e8502eae8b9cba850e933e8f0c9fd829d400a32db83995bbf7a4a0"
    assert recovery_hash("7k3q-9x0d-m1tz") == recovery_hash("7K3Q 9XOD MITZ") == kept


@given(st.text(max_size=40))
def test_another_code_has_another_hash(text):
    assert recovery_hash(text) != recovery_hash("7k3q-9x0d-m1tz")
