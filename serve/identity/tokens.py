"""Signed tokens: JWT (RFC 7519) signed by Ed25519 (RFC 8037), in the profile of RFC 9068 as far as it fits.

    issue:   Claims ─▶ {"alg":"EdDSA","typ","kid"} . claims . signature by the keyring's first key
    verify:  length ─▶ header (algorithm, typ, key) ─▶ signature ─▶ claims ─▶ region, audience, time

The header is read by us, strictly, before the library sees anything: exactly `alg`, `typ` and `kid`. So nothing that a
token says about its own algorithm or key can choose how it is checked (RFC 8725). `typ` tells
access from refresh tokens.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.util import urlsafe_b64decode

from actors.domain.account_state import ACCESS_MS
from serve.identity.keyring import Keyring, KeyringWatch

ACCESS_S = ACCESS_MS // 1000
REFRESH_S = 12 * 3600
# A guest sees one order, and has no session that could be renewed.
GUEST_S = 1800
GUEST = "guest"
# How far the clock that a token's `iat` and `auth_time` come from may be ahead of ours. `exp` is exact.
IAT_LEEWAY_S = 60
# 2027-03-01. A token that was given before then may have no `aud`, as those of releases before it came in have none:
# they live for 12 hours at most, and this ends by itself. Who comes to this release later than that has his
# people sign in anew, once.
AUD_REQUIRED_FROM_S = 1_803_859_200
TOKEN_CHARS_MAX = 4096
ALGORITHM = "EdDSA"

Use = Literal["access", "refresh"]
Reason = Literal[
    "malformed", "algorithm", "key_unknown", "signature", "expired", "not_yet", "region", "audience", "claims"
]  # fmt: skip
_TYP: dict[str, str] = {"access": "at+jwt", "refresh": "rt+jwt"}
_FOR: dict[str, str] = {"access": "api", "refresh": "sessions"}
_LIFE_S_MAX: dict[str, int] = {"access": ACCESS_S, "refresh": REFRESH_S}


class TokenRefused(Exception):
    """The token is not taken. `reason` is stable, and the whole message: nothing of the token is in it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says of its bearer. All of it must be there: a claim that is missing must not mean "without limit".

    iss: `issuer_of(region)`. sub: id of the account, client or device. sid: id of the session. role: "" for
    machines. scopes: of machines.
    locs: locations that the rights reach; empty: all of the region. iat, exp: seconds UTC since 1970. auth_time: when
    the second factor was last given, of a customer when the session was opened (same unit; 0 never). acr: "1" one
    factor or a machine, "2" two factors. num: number of the token within its shift; 0 for machines. dev: id of the
    device that it was given to, or to somebody who works on it; dev_sid: the device's session, which has to last as
    long. Both "" for no device. aud: whom it is for (RFC 9068, section 3): `audience_of(iss, use)`, which
    `issue` puts in; "" in old ones.
    """

    iss: str
    sub: str
    sid: str
    role: str
    scopes: tuple[str, ...]
    locs: tuple[str, ...]
    iat: int
    exp: int
    auth_time: int
    acr: Literal["1", "2"]
    num: int
    dev: str
    dev_sid: str
    use: Use
    aud: str = ""


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: str
    typ: str
    kid: str


class _OneAlgorithm(jws.JWSRegistry):
    """Knows EdDSA and nothing else.

    The library warns at each use that RFC 9864 wants "Ed25519" for a name, since "EdDSA" leaves the curve open. Ours is
    not: the keyring has Ed25519 keys only.
    """

    def get_alg(self, name: str) -> JWSAlgModel:
        if name != ALGORITHM:
            raise TokenRefused("algorithm")
        return self.algorithms[ALGORITHM]


REGISTRY = _OneAlgorithm(algorithms=[ALGORITHM])
_encode = msgspec.json.Encoder().encode
_decode_header = msgspec.json.Decoder(_Header).decode
_decode_claims = msgspec.json.Decoder(Claims).decode


def issuer_of(region: str) -> str:
    """The `iss` of a region's tokens."""
    return f"ocefs:{region}"


def audience_of(issuer: str, use: Use) -> str:
    """The `aud` of an issuer's tokens: its API takes access tokens, what renews sessions refresh tokens,
    and neither the other's."""
    return f"{issuer}/{_FOR[use]}"


def issue(keyring: Keyring, claims: Claims) -> str:
    """The token. Raises ValueError for claims that `verify` would refuse, or that make it too long."""
    if not _sound(claims):
        raise ValueError(
            f"a token needs a subject, a session, a life of 1 to {_life_s_max(claims)} s, and a device with its session or neither"
        )
    claims = msgspec.structs.replace(claims, aud=audience_of(claims.iss, claims.use))
    header = {"alg": ALGORITHM, "typ": _TYP[claims.use], "kid": keyring.signing_kid}
    token = jws.serialize_compact(header, _encode(claims), keyring.signing_key(), registry=REGISTRY)
    if len(token) > TOKEN_CHARS_MAX:
        raise ValueError(f"a token has at most {TOKEN_CHARS_MAX} characters: fewer locations or scopes are needed")
    return token


def verify(keyring: Keyring, token: str, region: str, now_s: int, use: Use = "access") -> Claims:
    """What a token of this region says. Raises TokenRefused. A token for another use is refused as
    "algorithm" (its `typ`)."""
    header = _header_of(token)
    if header.alg != ALGORITHM or header.typ != _TYP[use]:
        raise TokenRefused("algorithm")
    key = keyring.verifying_key(header.kid, now_s * 1000)
    if key is None:
        raise TokenRefused("key_unknown")
    try:
        payload = jws.deserialize_compact(token, key, registry=REGISTRY).payload
    except BadSignatureError:
        raise TokenRefused("signature") from None
    except (JoseError, ValueError):
        raise TokenRefused("malformed") from None
    try:
        claims = _decode_claims(payload or b"")
    except msgspec.DecodeError:
        raise TokenRefused("claims") from None
    if claims.use != use or not _sound(claims):
        raise TokenRefused("claims")
    if claims.iss != issuer_of(region):
        raise TokenRefused("region")
    if claims.aud != audience_of(claims.iss, use) and (claims.aud or claims.iat >= AUD_REQUIRED_FROM_S):
        raise TokenRefused("audience")
    # A factor given in the future would be a fresh proof until then.
    if max(claims.iat, claims.auth_time) > now_s + IAT_LEEWAY_S:
        raise TokenRefused("not_yet")
    if now_s >= claims.exp:
        raise TokenRefused("expired")
    return claims


def verify_by(watch: KeyringWatch, token: str, region: str, now_s: int, use: Use = "access") -> Claims:
    """As `verify`, by the keys of the watch's last look; and by those that the file has now, when another replica may
    have signed with one that was made since: each looks at the file for itself. Raises TokenRefused."""
    keys = watch.latest
    try:
        return verify(keys, token, region, now_s, use)
    except TokenRefused as refused:
        if refused.reason != "key_unknown":
            raise
        fresh = watch.look_again()
        if fresh is keys:
            raise
    return verify(fresh, token, region, now_s, use)


def _header_of(token: str) -> _Header:
    if len(token) > TOKEN_CHARS_MAX or not token.isascii() or token.count(".") != 2:
        raise TokenRefused("malformed")
    try:
        return _decode_header(urlsafe_b64decode(token[: token.index(".")].encode("ascii")))
    except ValueError:  # no base64url, no JSON, or not exactly our three members
        raise TokenRefused("malformed") from None


def _life_s_max(claims: Claims) -> int:
    return GUEST_S if claims.role == GUEST and claims.use == "access" else _LIFE_S_MAX[claims.use]


def _sound(claims: Claims) -> bool:
    life_s = claims.exp - claims.iat
    named = bool(claims.sub and claims.sid) and bool(claims.dev) == bool(claims.dev_sid)
    return named and 0 < life_s <= _life_s_max(claims) and claims.num >= 0
