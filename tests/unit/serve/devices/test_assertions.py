"""What a device signs: that each thing that may be wrong is the one that it is refused for."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from serve.devices.assertions import JTI_CHARS_MAX, LIFE_S_MAX, AssertionRefused, named_in, verified
from serve.identity.tokens import IAT_LEEWAY_S, TOKEN_CHARS_MAX
from tests.unit.serve.scanner import packed, signed

NOW_S = 1_790_000_000
ID = "us-device-01kah2v3nq7h3k2m9qk4t1x0ab"
KEY, OTHER_KEY = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
HEADER = {"alg": "EdDSA", "typ": "JWT"}
CLAIMS = {"iss": ID, "sub": ID, "aud": "ocefs:us", "iat": NOW_S, "exp": NOW_S + 60, "jti": "jti-1"}


def checked(assertion, now_s=NOW_S):
    """Both steps, as for a device that is there."""
    named_in(assertion)
    return verified(assertion, ID, KEY.public_key().public_bytes_raw(), "us", now_s)


def reason(assertion, now_s=NOW_S):
    with pytest.raises(AssertionRefused) as caught:
        checked(assertion, now_s)
    # Nothing of the assertion is in the message.
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


def of(**claims):
    return signed(KEY, HEADER, {name: value for name, value in (CLAIMS | claims).items() if value is not ...})


def test_a_good_assertion_is_refused():
    taken = checked(of())
    assert taken.until_ms == (NOW_S + 60) * 1000
    assert named_in(of()) == ID
    # Told apart by their names only.
    assert checked(of(jti="jti-2")).name != taken.name == checked(of(exp=NOW_S + 61)).name
    assert len(checked(of(jti="x" * JTI_CHARS_MAX)).name) == len(taken.name)
    # As late as may be, by clocks as far ahead as may be.
    assert checked(of(iat=NOW_S + IAT_LEEWAY_S, exp=NOW_S + LIFE_S_MAX))
    # Or a device would be refused now and then, as if it had sent one twice.
    assert len({checked(of(jti=f"jti-{number}")).name for number in range(300)}) == 300


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "us-device-other"}, "claims"), ({"sub": "us-device-other"}, "claims"),
        ({"iss": "us-device-other", "sub": "us-device-other"}, "claims"),
        ({"aud": "ocefs:eu"}, "audience"), ({"aud": ["ocefs:us", "ocefs:eu"]}, "audience"), ({"aud": []}, "audience"),
        ({"aud": "https://cell.example/v1/oauth/token"}, "audience"),
        ({"exp": NOW_S}, "expired"), ({"exp": NOW_S - 1, "iat": NOW_S - 9}, "expired"),
        ({"exp": NOW_S + LIFE_S_MAX + 1}, "too_long"), ({"exp": 2**62}, "too_long"),
        ({"iat": NOW_S + 30, "exp": NOW_S + 30}, "too_long"),
        ({"iat": NOW_S + IAT_LEEWAY_S + 1, "exp": NOW_S + 120}, "not_yet"), ({"nbf": NOW_S + IAT_LEEWAY_S + 1}, "not_yet"),
        ({"jti": ""}, "claims"), ({"jti": "x" * (JTI_CHARS_MAX + 1)}, "claims"), ({"exp": NOW_S + 0.5}, "claims"),
        ({"exp": "soon"}, "claims"), ({"exp": 10**30}, "too_long"),
        ({"iss": ...}, "claims"), ({"sub": ...}, "malformed"), ({"aud": ...}, "claims"), ({"exp": ...}, "claims"),
        ({"iat": ...}, "claims"), ({"jti": ...}, "claims"),
    ],
)  # fmt: skip
def test_a_claim_that_is_wrong_is_taken(claims, why):
    assert reason(of(**claims)) == why


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"alg": "none"}, "algorithm"), ({"alg": "HS256"}, "algorithm"), ({"alg": "ES256"}, "algorithm"),
        ({"alg": "eddsa"}, "algorithm"), ({"alg": "Ed25519"}, "algorithm"), ({"alg": "EdDSA", "typ": "at+jwt"}, "algorithm"),
        ({"alg": "EdDSA", "jwk": {}}, "malformed"), ({"alg": "EdDSA", "jku": "x"}, "malformed"),
        ({"alg": "EdDSA", "crit": ["b64"], "b64": False}, "malformed"), ({}, "malformed"), ([], "malformed"), (b"{", "malformed"),
        ({"alg": ["EdDSA"]}, "malformed"),
    ],
)  # fmt: skip
def test_a_header_chooses_how_it_is_checked(header, why):
    assert reason(signed(KEY, header, CLAIMS)) == why


def test_who_signed_does_not_matter():
    assert reason(signed(OTHER_KEY, HEADER, CLAIMS)) == "signature"
    assert reason(signed(None, HEADER, CLAIMS)) in {"signature", "malformed"}
    head, _, signature = of().split(".")
    assert reason(f"{head}.{packed(json.dumps(CLAIMS | {'jti': 'jti-9'}).encode())}.{signature}") == "signature"


def test_a_nested_or_long_assertion_is_a_fault_of_ours():
    nested = b'{"sub":"' + ID.encode() + b'","x":' + b"[" * 2_500
    assert reason(signed(KEY, HEADER, nested)) == "malformed"
    assert reason(of(more="x" * TOKEN_CHARS_MAX)) == "malformed"


@given(at=st.integers(0, 10_000), other=st.sampled_from("ABw_-.=+/ \n\x00é"), keep=st.booleans())
def test_any_character_put_in_or_over_is_overlooked(at, other, keep):
    good = of()
    at %= len(good)
    changed = good[:at] + other + good[at + (not keep) :]
    if changed != good:
        reason(changed)


@given(st.text(max_size=200) | st.lists(st.text("AZaz09_-", max_size=20), min_size=3, max_size=3).map(".".join))
def test_what_is_no_assertion_names_somebody(text):
    with pytest.raises(AssertionRefused):
        named_in(text)


@given(st.binary(max_size=100))
def test_any_payload_is_taken_or_something_else_is_raised(payload):
    assert reason(signed(KEY, HEADER, payload)) in {"malformed", "claims"}
