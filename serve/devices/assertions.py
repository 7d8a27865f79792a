"""What a device signs to say who it is: a JWT as RFC 7523 has it, section 3, by Ed25519 and nothing else.

    assertion ──named_in──▶ device id ──▶ its public key ──verified──▶ Assertion(name, until_ms), which the device takes once

Before the signature is checked nothing of it is believed but whom it names, to find the key. The header is read by us,
strictly (see `identity/tokens.py`): nothing in it can choose how it is checked. The audience is the region's issuer and
nothing besides: an assertion that was made for somebody else, or for another region, is worth nothing here.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode
from msgspec import Meta

from serve.identity.tokens import ALGORITHM, IAT_LEEWAY_S, REGISTRY, TOKEN_CHARS_MAX, issuer_of

# How far ahead an assertion may end: so long the device remembers that it was taken.
LIFE_S_MAX = 300
JTI_CHARS_MAX = 128
_NAME_CHARS = 32
# What libraries write there, if anything.
_TYPES = frozenset({"", "JWT", "client-authentication+jwt"})


class AssertionRefused(Exception):
    """It is not taken. `reason` is for tests and stable; it is told to nobody, and nothing of
    the assertion is in it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Assertion(NamedTuple):
    """A good one. `name`: a digest of its `jti`; `until_ms`: UTC ms."""

    name: str
    until_ms: int


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`kid` names nothing that we look up: a device has one key."""

    alg: str
    typ: str = ""
    kid: str = ""


class _Named(msgspec.Struct, frozen=True):
    sub: str


class _Claims(msgspec.Struct, frozen=True):
    """Seconds UTC since 1970."""

    iss: str
    sub: str
    aud: str | list[str]
    exp: int
    iat: int
    jti: Annotated[str, Meta(min_length=1, max_length=JTI_CHARS_MAX)]
    nbf: int = 0


_decode_header = msgspec.json.Decoder(_Header).decode
_decode_named = msgspec.json.Decoder(_Named).decode
_decode_claims = msgspec.json.Decoder(_Claims).decode


def named_in(assertion: str) -> str:
    """The device that it says to be of, whoever made it. Raises AssertionRefused."""
    if len(assertion) > TOKEN_CHARS_MAX or not assertion.isascii() or assertion.count(".") != 2:
        raise AssertionRefused("malformed")
    head, payload, _ = assertion.split(".")
    try:
        header = _decode_header(urlsafe_b64decode(head.encode("ascii")))
        named = _decode_named(urlsafe_b64decode(payload.encode("ascii")))
    except (ValueError, RecursionError):  # no base64url, no JSON, no `sub`, or a header with more than we know
        raise AssertionRefused("malformed") from None
    if header.alg != ALGORITHM or header.typ not in _TYPES:
        raise AssertionRefused("algorithm")
    return named.sub


def verified(assertion: str, device_id: str, public_key: bytes, region: str, now_s: int) -> Assertion:
    """What the device of this key (32 bytes, RFC 8032) signed, when it is good. Raises AssertionRefused. `assertion`:
    one that `named_in` took."""
    key = OKPKey.import_key(Ed25519PublicKey.from_public_bytes(public_key))
    try:
        payload = jws.deserialize_compact(assertion, key, registry=REGISTRY).payload
    except BadSignatureError:
        raise AssertionRefused("signature") from None
    except (JoseError, ValueError):
        raise AssertionRefused("malformed") from None
    try:
        claims = _decode_claims(payload or b"")
    except (msgspec.DecodeError, RecursionError):
        raise AssertionRefused("claims") from None
    if not claims.iss == claims.sub == device_id:
        raise AssertionRefused("claims")
    if claims.aud not in (issuer_of(region), [issuer_of(region)]):
        raise AssertionRefused("audience")
    if max(claims.iat, claims.nbf) > now_s + IAT_LEEWAY_S:
        raise AssertionRefused("not_yet")
    if now_s >= claims.exp:
        raise AssertionRefused("expired")
    if claims.exp > now_s + LIFE_S_MAX or claims.exp <= claims.iat:
        raise AssertionRefused("too_long")
    name = hashlib.sha256(claims.jti.encode("utf-8", "surrogatepass")).hexdigest()[:_NAME_CHARS]
    return Assertion(name, claims.exp * 1000)
