"""Tokens, headers and cookies of every bad shape: never a fault, never another's data, always a problem with a code
that is in the table, and nothing changed. Over the whole API in one process."""

import base64
import hmac
import json
import re
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.serve.fuzzed_cell import (
    JSON,
    ORDER_BODY,
    Fuzzed,
    bearer,
    check_headers,
    check_refused,
    fuzz,
    good_token,
    made_in,
)
from tests.unit.serve.raw_request import Header


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory) -> Iterator[Fuzzed]:
    yield from made_in(tmp_path_factory.mktemp("cell"))


def guarded(fuzzed: Fuzzed) -> list[tuple[str, bytes, bytes]]:
    """Requests that need a token: of the hot routes and of others, reads and writes."""
    return [
        ("GET", f"/v1/orders/{fuzzed.order_id}".encode(), b""),
        ("POST", b"/v1/orders", ORDER_BODY),
        ("POST", f"/v1/orders/{fuzzed.order_id}/updates".encode(), b'{"update":"cancel"}'),
        ("POST", b"/v1/account-searches", b'{"login":"mia"}'),
        ("GET", f"/v1/accounts/{fuzzed.account_id}".encode(), b""),
        ("POST", f"/v1/accounts/{fuzzed.account_id}/changes".encode(), b'{"change":"disable"}'),
        ("GET", b"/v1/audit?subject=us-acct-x", b""),
        ("DELETE", b"/v1/sessions/current", b""),
    ]


def refuse(fuzzed: Fuzzed, which: int, headers: list[Header]) -> str:
    """Sends one of the guarded requests, which must do nothing; the code."""
    requests = guarded(fuzzed)
    method, path, body = requests[which % len(requests)]
    before = fuzzed.cell.state()
    answer = fuzzed.ask(method, path, [*headers, JSON, (b"idempotency-key", b"k")], body)
    code = check_refused(answer)
    assert answer.status == 401, answer
    assert answer.header(b"www-authenticate").startswith(b"Bearer")
    assert fuzzed.cell.state() == before
    return code


# --- tokens
def packed(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def mangled(draw: st.DrawFn, good: bytes, other: bytes) -> bytes:
    """A token that is not good: cut, flipped, grown, put together from two."""
    how = draw(st.sampled_from(["bit", "cut", "insert", "parts", "order", "case", "double"]))
    at = draw(st.integers(0, len(good) - 1))
    if how == "bit":
        return good[:at] + bytes([good[at] ^ 1 << draw(st.integers(0, 7))]) + good[at + 1 :]
    if how == "cut":
        return good[:at]
    if how == "insert":
        return good[:at] + draw(st.binary(min_size=1, max_size=4)) + good[at:]
    ours, theirs = good.split(b"."), other.split(b".")
    if how == "parts":
        mixed = draw(st.permutations([ours[1], theirs[1]]))[0], draw(st.sampled_from([ours[2], theirs[2]]))
        return b".".join([ours[0], *mixed])
    if how == "order":
        return b".".join(draw(st.permutations(ours)))
    return good.swapcase() if how == "case" else b".".join([good, draw(st.sampled_from([b"", ours[2], good]))])


@fuzz
@given(data=st.data(), which=st.integers(0, 6))
def test_a_token_that_was_cut_flipped_or_put_together_is_good(fuzzed, data, which):
    good = good_token(fuzzed)
    other = good_token(fuzzed, sub="us-client-other", scopes=("orders.read",))
    token = mangled(data.draw, good, other)
    if token in (good, other):
        return
    assert refuse(fuzzed, which, [bearer(token)]) == "auth.token_invalid"


@fuzz
@given(
    alg=st.sampled_from(["none", "None", "", "HS256", "HS512", "RS256", "ES256", "Ed25519", "EdDSA"]) | st.text(max_size=8),
    kid=st.sampled_from(["", "k-0000000000000000", "../../keyring", "' OR 1=1 --", "\x00"]) | st.text(max_size=20),
    typ=st.sampled_from(["at+jwt", "rt+jwt", "JWT", ""]),
    extra=st.sampled_from([{}, {"jku": "https://example.org"}, {"x5u": "x"}, {"crit": ["exp"]}, {"jwk": {"kty": "OKP"}}]),
    signed=st.sampled_from(["not at all", "by the public key as a secret", "by the signature of another"]),
    which=st.integers(0, 6),
)  # fmt: skip
def test_a_token_says_itself_how_it_is_to_be_checked(fuzzed, alg, kid, typ, extra, signed, which):
    good = good_token(fuzzed)
    _, body, signature = good.split(b".")
    header = {"alg": alg, "typ": typ, "kid": kid or fuzzed.cell.keys.signing_kid, **extra}
    text = packed(json.dumps(header).encode()) + b"." + body
    if signed == "by the public key as a secret":
        public = fuzzed.cell.keys.signing_key().private_key.public_key().public_bytes_raw()
        signature = packed(hmac.digest(public, text, "sha256"))
    elif signed == "not at all":
        signature = b""
    assert refuse(fuzzed, which, [bearer(text + b"." + signature)]) == "auth.token_invalid"


@pytest.mark.parametrize("size", [4_097, 30_000, 1_000_000])
def test_a_token_of_any_size_is_looked_into(fuzzed, size):
    for filler in (b"A", b".", b"\xc3\xa9", b"eyJ"):
        assert refuse(fuzzed, size, [bearer(filler * (size // len(filler)))]) == "auth.token_invalid"


@fuzz
@given(
    changes=st.fixed_dictionaries(
        {},
        optional={
            "iss": st.sampled_from(["ocefs:eu", "ocefs:", "", "us"]),
            "exp": st.integers(-(2**40), 1),
            "iat": st.integers(2**33, 2**40),
            "use": st.just("refresh"),
            "num": st.integers(-9, -1),
        },
    ).filter(bool),
    which=st.integers(0, 6),
)
def test_a_token_that_we_signed_is_good_beyond_its_region_time_or_use(fuzzed, changes, which):
    claims = msgspec.structs.replace(fuzzed.cell.claims(), **changes)
    typ = "rt+jwt" if claims.use == "refresh" else "at+jwt"
    header = {"alg": "EdDSA", "typ": typ, "kid": fuzzed.cell.keys.signing_kid}
    text = packed(json.dumps(header).encode()) + b"." + packed(msgspec.json.encode(claims))
    signature = packed(fuzzed.cell.keys.signing_key().private_key.sign(text))
    assert refuse(fuzzed, which, [bearer(text + b"." + signature)]) == "auth.token_invalid"


@fuzz
@given(data=st.data())
def test_a_refresh_token_that_is_none_renews_something(fuzzed, data):
    good = good_token(fuzzed, role="manager", scopes=(), use="refresh")
    token = mangled(data.draw, good, good_token(fuzzed))
    if token == good:
        return
    before = fuzzed.state()
    body = json.dumps({"refresh_token": token.decode("latin-1")}).encode()
    answer = fuzzed.ask("POST", b"/v1/sessions/refresh", [JSON], body)
    assert check_refused(answer) in {"auth.token_invalid", "body.invalid", "payment.pan_refused"}
    assert fuzzed.state() == before


# --- the Authorization header
SCHEMES = st.sampled_from(
    [b"Bearer", b"bearer ", b"Basic", b"Digest", b"Token", b"", b"Bearer:", b"Bear", b"\tBearer", b"Bearer\x00"]
)


@fuzz
@given(scheme=SCHEMES, rest=st.binary(max_size=60) | st.just(b"\r\nX-Admin: 1"), which=st.integers(0, 6))
def test_an_authorization_of_another_shape_lets_somebody_in(fuzzed, scheme, rest, which):
    assert refuse(fuzzed, which, [(b"authorization", scheme + b" " + rest)]) == "auth.token_invalid"


@fuzz
@given(others=st.lists(st.binary(max_size=20), min_size=1, max_size=3), at=st.integers(0, 3), which=st.integers(0, 6))
def test_one_good_authorization_among_others_lets_somebody_in(fuzzed, others, at, which):
    headers = [(b"authorization", other) for other in others]
    headers.insert(at, bearer(good_token(fuzzed)))
    assert refuse(fuzzed, which, headers) == "auth.token_invalid"


# --- cookies: we set none and read none
COOKIES = st.lists(
    st.sampled_from([b"session", b"access_token", b"Authorization", b"__Host-token", b"role"]).flatmap(
        lambda name: st.binary(max_size=40).map(lambda value: name + b"=" + value)
    ),
    min_size=1,
    max_size=4,
).map(b"; ".join)


@fuzz
@given(cookie=COOKIES, which=st.integers(0, 6), holds_token=st.booleans())
def test_a_cookie_lets_somebody_in(fuzzed, cookie, which, holds_token):
    if holds_token:
        cookie += b"; access_token=" + good_token(fuzzed) + b"; Authorization=Bearer " + good_token(fuzzed)
    assert refuse(fuzzed, which, [(b"cookie", cookie)]) == "auth.token_missing"


@fuzz
@given(cookie=COOKIES)
def test_a_cookie_changes_what_somebody_gets(fuzzed, cookie):
    path = f"/v1/orders/{fuzzed.order_id}".encode()
    who = bearer(good_token(fuzzed))
    plain, with_cookie = (fuzzed.ask("GET", path, headers) for headers in ([who], [who, (b"cookie", cookie)]))
    assert plain.status == with_cookie.status == 200
    assert plain.body == with_cookie.body
    check_headers(with_cookie)


# --- other headers
VALUES = st.binary(max_size=40) | st.sampled_from(
    [b"", b"\r\nSet-Cookie: a=b", b"a\x00b", b"k" * 256, b"k" * 30_000, b" ", b"\xff\xfe"]
)
VISIBLE = frozenset(range(0x21, 0x7F))


@fuzz
@given(keys=st.lists(VALUES, max_size=3))
def test_an_odd_or_second_key_places_an_order_or_is_told_back(fuzzed, keys):
    before = fuzzed.state()
    headers = [(b"idempotency-key", key) for key in keys]
    answer = fuzzed.ask("POST", b"/v1/orders", [bearer(good_token(fuzzed)), JSON, *headers], ORDER_BODY)
    if len(keys) == 1 and 0 < len(keys[0]) <= 255 and VISIBLE.issuperset(keys[0]):
        assert answer.status == 201
        check_headers(answer)
        return
    assert check_refused(answer) == ("idempotency.key_invalid" if keys else "idempotency.key_missing")
    assert fuzzed.state() == before


@fuzz
@given(
    name=st.sampled_from([b"x-request-id", b"x-forwarded-for", b"forwarded", b"host", b"origin", b"x-http-method-override",
                          b"x-original-url", b"x-forwarded-proto", b"accept", b"last-event-id", b"transfer-encoding"]),
    values=st.lists(VALUES, min_size=1, max_size=3),
)  # fmt: skip
def test_an_odd_header_changes_an_answer_or_is_told_back(fuzzed, name, values):
    path = f"/v1/orders/{fuzzed.order_id}".encode()
    who = bearer(good_token(fuzzed))
    answer = fuzzed.ask("GET", path, [who, *((name, value) for value in values)])
    assert answer.body == fuzzed.ask("GET", path, [who]).body
    assert re.fullmatch(rb"[A-Za-z0-9_.-]{1,64}", answer.header(b"x-request-id"))
    check_headers(answer)


@fuzz
@given(media=VALUES, encoding=VALUES, length=VALUES)
def test_an_odd_description_of_a_body_is_believed(fuzzed, media, encoding, length):
    before = fuzzed.state()
    headers = [(b"content-type", media), (b"content-encoding", encoding), (b"content-length", length)]
    answer = fuzzed.ask(
        "POST", b"/v1/orders", [bearer(good_token(fuzzed)), (b"idempotency-key", b"odd"), *headers], b"{"
    )
    assert check_refused(answer) in {"request.content_type", "body.too_large", "body.malformed_json"}
    assert fuzzed.state() == before


# --- the token endpoint of machines, which answers as RFC 6749 has it
OAUTH_ERRORS = {"invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"}


@fuzz
@given(
    header=st.none() | st.binary(max_size=40) | st.binary(max_size=40).map(lambda raw: b"Basic " + base64.b64encode(raw)),
    body=st.binary(max_size=60) | st.sampled_from(
        [b"grant_type=client_credentials", b"grant_type=client_credentials&client_id=us-client-x&client_secret=%00%ff",
         b"grant_type=password&username=a&password=b", b"grant_type=client_credentials&grant_type=client_credentials"]
    ),
)  # fmt: skip
def test_a_machine_that_is_none_gets_a_token(fuzzed, header, body):
    before = fuzzed.cell.state()
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    if header is not None:
        headers.append((b"authorization", header))
    answer = fuzzed.ask("POST", b"/v1/oauth/token", headers, body)
    assert answer.status in (400, 401), answer
    assert answer.json()["error"] in OAUTH_ERRORS
    check_headers(answer)
    assert fuzzed.cell.state() == before
