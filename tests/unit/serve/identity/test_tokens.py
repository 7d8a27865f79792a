import base64
import hmac
import json
import string
import warnings

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from serve.identity.keyring import KEEP_MS, create, load, rotate
from serve.identity.tokens import (
    ACCESS_S,
    AUD_REQUIRED_FROM_S,
    IAT_LEEWAY_S,
    REFRESH_S,
    TOKEN_CHARS_MAX,
    Claims,
    TokenRefused,
    Use,
    issue,
    issuer_of,
    verify,
)

NOW_S = 1_790_000_000
CLAIMS = Claims(
    iss=issuer_of("us"), sub="us-acct-1", sid="s-1", role="manager", scopes=(), locs=("us-st-austin",),
    iat=NOW_S, exp=NOW_S + ACCESS_S, auth_time=NOW_S - 5, acr="2", num=3, dev="us-device-1",
    dev_sid="us-device-1.2", use="access", aud="ocefs:us/api",
)  # fmt: skip
REFRESH = msgspec.structs.replace(CLAIMS, exp=NOW_S + REFRESH_S, use="refresh", aud="ocefs:us/sessions")
TOKEN_CHARACTERS = string.ascii_letters + string.digits + "-_.=+/ \n\x00é"


def packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def forged(keyring, header: object, payload: object, key: Ed25519PrivateKey | None = None) -> str:
    """Signed by the cell's own key (or another), but with a header and payload that `issue` would not make."""
    private = key or keyring.signing_key().private_key
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    text = f"{packed(head)}.{packed(body)}"
    return f"{text}.{packed(private.sign(text.encode()))}"


def header_of(keyring, **changes: object) -> dict[str, object]:
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": keyring.signing_kid, **changes}
    return {name: value for name, value in header.items() if value is not ...}


def payload_of(**changes: object) -> dict[str, object]:
    payload = {**msgspec.to_builtins(CLAIMS), **changes}
    return {name: value for name, value in payload.items() if value is not ...}


def reason(keyring, token: str, region: str = "us", now_s: int = NOW_S, use: Use = "access") -> str:
    with pytest.raises(TokenRefused) as caught:
        verify(keyring, token, region, now_s, use)
    assert str(caught.value) == caught.value.reason  # nothing of the token in the message
    return caught.value.reason


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


@given(
    sub=texts, sid=texts, role=st.text(st.characters(codec="utf-8"), max_size=20),
    scopes=st.lists(texts, max_size=5).map(tuple), locs=st.lists(texts, max_size=5).map(tuple),
    life=st.integers(1, ACCESS_S), auth_time=st.integers(0, NOW_S), acr=st.sampled_from(["1", "2"]), num=st.integers(0, 10**6),
    device=st.just(("", "")) | st.tuples(texts, texts),
)  # fmt: skip
def test_what_is_issued_is_read_again_as_it_was(
    keyring, sub, sid, role, scopes, locs, life, auth_time, acr, num, device
):
    claims = Claims(
        iss=issuer_of("us"), sub=sub, sid=sid, role=role, scopes=scopes, locs=locs, iat=NOW_S, exp=NOW_S + life,
        auth_time=auth_time, acr=acr, num=num, dev=device[0], dev_sid=device[1], use="access", aud="ocefs:us/api",
    )  # fmt: skip
    assert verify(keyring, issue(keyring, claims), "us", NOW_S) == claims


def test_the_library_does_not_warn_on_the_request_path(keyring):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verify(keyring, issue(keyring, CLAIMS), "us", NOW_S)


def test_every_altered_character_is_refused(keyring):
    token = issue(keyring, CLAIMS)
    for at, character in enumerate(token):
        for other in ("A", "B", "w", "_", ".", "="):
            if other != character:
                reason(keyring, token[:at] + other + token[at + 1 :])


@given(at=st.integers(0, 10_000), other=st.sampled_from(TOKEN_CHARACTERS), keep=st.booleans())
def test_any_character_put_in_or_over_is_refused(keyring, at, other, keep):
    token = issue(keyring, CLAIMS)
    at %= len(token)
    changed = token[:at] + other + token[at + (not keep) :]
    if changed != token:
        reason(keyring, changed)


@given(st.integers(0, 10_000))
def test_every_shortened_token_is_refused(keyring, length):
    token = issue(keyring, CLAIMS)
    reason(keyring, token[: length % len(token)])


@given(st.text(max_size=200) | st.lists(st.text(string.ascii_letters + "_-", max_size=20)).map(".".join))
def test_what_is_no_token_is_refused(keyring, text):
    assert reason(keyring, text) == "malformed"


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_any_header_and_payload_are_refused_and_nothing_else_is_raised(keyring, header, payload):
    assert reason(keyring, forged(keyring, header, payload)) in {"malformed", "algorithm", "key_unknown", "claims"}


def test_the_algorithm_none_is_refused(keyring):
    head, body, _ = issue(keyring, CLAIMS).split(".")
    for alg in ("none", "None", "NONE", ""):
        none = packed(json.dumps(header_of(keyring, alg=alg)).encode())
        assert reason(keyring, f"{none}.{body}.") == "algorithm"
    assert reason(keyring, f"{head}.{body}.") == "signature"


def test_a_token_signed_with_the_public_key_as_a_shared_secret_is_refused(keyring):
    key = keyring.verifying_key(keyring.signing_kid, NOW_S * 1000)
    for secret in (key.public_key.public_bytes_raw(), key.as_pem(), json.dumps(key.as_dict()).encode()):
        for alg, expected in (("HS256", "algorithm"), ("EdDSA", "signature")):
            text = f"{packed(json.dumps(header_of(keyring, alg=alg)).encode())}.{packed(msgspec.json.encode(CLAIMS))}"
            mac = hmac.digest(secret, text.encode(), "sha256")
            assert reason(keyring, f"{text}.{packed(mac)}") == expected
            assert reason(keyring, f"{text}.{packed(mac * 2)}") == expected  # as long as a signature of Ed25519


@pytest.mark.parametrize("alg", ["HS256", "HS512", "RS256", "ES256", "PS256", "Ed448", "Ed25519", "eddsa", "EdDSA "])
def test_another_algorithm_is_refused(keyring, alg):
    assert reason(keyring, forged(keyring, header_of(keyring, alg=alg), payload_of())) == "algorithm"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "AT+JWT", "application/at+jwt", "rt+jwt", "dpop+jwt", ""])
def test_a_token_of_another_kind_is_refused(keyring, typ):
    assert reason(keyring, forged(keyring, header_of(keyring, typ=typ), payload_of())) == "algorithm"


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": ...}, {"alg": ...}, {"kid": ...}, {"alg": None}, {"kid": 1}, {"crit": ["exp"]}, {"b64": False}, {"zip": "DEF"},
        {"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example/keys"}, {"cty": "JWT"},
    ],
)  # fmt: skip
def test_a_header_with_anything_but_its_three_members_is_refused(keyring, changes):
    assert reason(keyring, forged(keyring, header_of(keyring, **changes), payload_of())) == "malformed"


def test_a_token_that_brings_its_own_key_is_refused(keyring):
    mine = Ed25519PrivateKey.generate()
    jwk = OKPKey.import_key(mine.public_key()).as_dict()
    assert reason(keyring, forged(keyring, header_of(keyring, jwk=jwk), payload_of(), mine)) == "malformed"
    assert reason(keyring, forged(keyring, header_of(keyring, kid="mine"), payload_of(), mine)) == "key_unknown"
    assert reason(keyring, forged(keyring, header_of(keyring), payload_of(), mine)) == "signature"


def test_another_cells_token_is_refused(keyring, other_keyring):
    assert reason(keyring, issue(other_keyring, CLAIMS)) == "key_unknown"


def test_another_regions_token_is_refused(keyring):
    assert reason(keyring, issue(keyring, CLAIMS), region="eu") == "region"
    assert reason(keyring, issue(keyring, CLAIMS), region="u") == "region"


def test_a_token_is_worthless_from_the_second_in_which_it_expires(keyring):
    token = issue(keyring, CLAIMS)
    assert verify(keyring, token, "us", NOW_S + ACCESS_S - 1) == CLAIMS
    assert reason(keyring, token, now_s=NOW_S + ACCESS_S) == "expired"


def test_a_token_of_a_clock_far_ahead_is_refused(keyring):
    token = issue(keyring, CLAIMS)
    assert verify(keyring, token, "us", NOW_S - IAT_LEEWAY_S) == CLAIMS
    assert reason(keyring, token, now_s=NOW_S - IAT_LEEWAY_S - 1) == "not_yet"


def test_a_proof_that_was_given_in_the_future_counts_as_a_fresh_one_until_then(keyring):
    ahead = msgspec.structs.replace(CLAIMS, auth_time=NOW_S + IAT_LEEWAY_S)
    assert verify(keyring, issue(keyring, ahead), "us", NOW_S) == ahead
    further = msgspec.structs.replace(CLAIMS, auth_time=NOW_S + IAT_LEEWAY_S + 1)
    assert reason(keyring, issue(keyring, further)) == "not_yet"
    renewing = msgspec.structs.replace(REFRESH, auth_time=NOW_S + IAT_LEEWAY_S + 1)
    assert reason(keyring, issue(keyring, renewing), use="refresh") == "not_yet"


def test_a_refresh_token_gives_no_access_and_the_other_way_round(keyring):
    access, refresh = issue(keyring, CLAIMS), issue(keyring, REFRESH)
    assert verify(keyring, refresh, "us", NOW_S, "refresh") == REFRESH
    assert reason(keyring, refresh) == "algorithm"
    assert reason(keyring, access, use="refresh") == "algorithm"
    # not even if their typ were forged by a fault of ours
    assert reason(keyring, forged(keyring, header_of(keyring), payload_of(use="refresh"))) == "claims"
    assert reason(keyring, forged(keyring, header_of(keyring, typ="rt+jwt"), payload_of()), use="refresh") == "claims"


@pytest.mark.parametrize("name", [field.name for field in msgspec.structs.fields(Claims) if field.name != "aud"])
def test_a_missing_claim_is_no_licence(keyring, name):
    assert reason(keyring, forged(keyring, header_of(keyring), payload_of(**{name: ...}))) == "claims"


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": ""}, {"sid": ""}, {"acr": "3"}, {"acr": 2}, {"use": "id"}, {"num": -1}, {"num": "1"}, {"locs": "us-st-austin"},
        {"locs": None}, {"exp": NOW_S + 0.5}, {"exp": "never"}, {"exp": NOW_S}, {"exp": NOW_S + ACCESS_S + 1}, {"iat": 10**30},
        {"dev": ""}, {"dev_sid": ""}, {"dev": None},
    ],
)  # fmt: skip
def test_claims_that_we_would_not_issue_are_refused(keyring, changes):
    assert reason(keyring, forged(keyring, header_of(keyring), payload_of(**changes))) == "claims"


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"\xff", b"{", b"[" * 1500])
def test_a_payload_that_is_no_object_is_refused(keyring, payload):
    assert reason(keyring, forged(keyring, header_of(keyring), payload)) == "claims"


def test_a_longer_token_is_refused_before_anything_is_parsed(keyring, monkeypatch):
    monkeypatch.setattr("serve.identity.tokens.urlsafe_b64decode", lambda _: pytest.fail("parsed"))
    assert reason(keyring, "A" * (TOKEN_CHARS_MAX - 1) + "..") == "malformed"


def test_no_token_is_issued_that_would_be_refused(keyring):
    for changes in (
        {"exp": NOW_S + ACCESS_S + 1}, {"exp": NOW_S}, {"use": "refresh", "exp": NOW_S + REFRESH_S + 1}, {"sub": ""}, {"sid": ""},
        {"num": -1}, {"locs": tuple(f"us-st-{number:05}" for number in range(400))},
    ):  # fmt: skip
        with pytest.raises(ValueError):
            issue(keyring, msgspec.structs.replace(CLAIMS, **changes))


@pytest.mark.parametrize("aud", ["ocefs:eu/api", "ocefs:us/sessions", "ocefs:us", "OCEFS:us/api", "another-api"])
def test_a_token_that_is_for_somebody_else_is_taken(keyring, aud):
    assert reason(keyring, forged(keyring, header_of(keyring), payload_of(aud=aud))) == "audience"


def test_a_token_of_the_release_before_signs_its_person_out_or_is_taken_for_ever(keyring):
    old = forged(keyring, header_of(keyring), payload_of(aud=...))
    assert verify(keyring, old, "us", NOW_S) == msgspec.structs.replace(CLAIMS, aud="")
    late = AUD_REQUIRED_FROM_S
    again = forged(keyring, header_of(keyring), payload_of(aud=..., iat=late, exp=late + ACCESS_S, auth_time=late))
    with pytest.raises(TokenRefused, match="audience"):
        verify(keyring, again, "us", late)


def test_a_rotation_signs_nobody_out(tmp_path):
    path = tmp_path / "keys.json"
    create(path, NOW_S * 1000)
    before = load(path)
    old = issue(before, REFRESH)
    kid = rotate(path, NOW_S * 1000)
    after = load(path)
    new = issue(after, CLAIMS)
    assert verify(after, old, "us", NOW_S, "refresh") == REFRESH
    assert json.loads(base64.urlsafe_b64decode(new.split(".", maxsplit=1)[0] + "=="))["kid"] == kid
    assert verify(after, new, "us", NOW_S) == CLAIMS
    assert reason(before, new) == "key_unknown"
    assert reason(after, old, now_s=NOW_S + KEEP_MS // 1000, use="refresh") == "key_unknown"
    assert REFRESH_S * 1000 < KEEP_MS  # or a refresh token could outlive its key


def test_everybody_s_tokens_live_on_after_the_key_was_given_up(tmp_path):
    """What `rotate-keys --compromised` does: all people at once are signed out, by their refresh tokens as well."""
    path = tmp_path / "keys.json"
    create(path, NOW_S * 1000)
    access, refresh = issue(load(path), CLAIMS), issue(load(path), REFRESH)
    rotate(path, NOW_S * 1000, keep_old=False)
    assert reason(load(path), access) == reason(load(path), refresh, use="refresh") == "key_unknown"
