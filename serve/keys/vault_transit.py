"""The region's key in HashiCorp Vault's transit engine: an `aes256-gcm96` key that Vault gives to nobody.

    wrap     POST <address>/v1/<mount>/encrypt/<key>   plaintext, associated_data ─▶ "vault:v3:…", which is the wrapped key
    unwrap   POST <address>/v1/<mount>/decrypt/<key>   ciphertext, associated_data
    learn    GET  <address>/v1/<mount>/keys/<key>      type, latest_version

A wrapping is named "vault:<key>:v<version>": a rotation in Vault changes it, and what older versions wrapped opens
until Vault's `min_decryption_version` is raised. The token needs `update` on the first two and `read` on the third;
with `create` on the first, Vault would make a key of any name that is misspelled.

Source: Vault's HTTP API, "Transit secrets engine" (associated_data since 1.13; `opening.py` proves that it is heeded).
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import secrets
import ssl
from typing import Any, TypeVar

import httpx
import msgspec

from actors.runtime.ports import Clock
from serve.keys.port import KeyUnavailable, KeyUnusable
from serve.keys.remote_key import KeyRefused, RemoteKey
from serve.keys.settings import KeyPort
from serve.keys.vault_token import VaultToken

TRIES = 3
_PAUSE_S = 0.2
# Each try; all of them together have remote_key.DEADLINE_S.
_TRY_S = 2.0
_WRAPPED_BYTES_MAX = 1024
_TYPE = "aes256-gcm96"
_CIPHERTEXT = re.compile(rb"vault:v([1-9][0-9]{0,8}):[A-Za-z0-9+/=]+")
_WRAPPING = re.compile(r"vault:([A-Za-z0-9_][A-Za-z0-9_.-]*):v[1-9][0-9]*")
_TOO_MANY = 429
_NOT_YET_REPLICATED = 412
_chance = secrets.SystemRandom()
# It tells of every request.
logging.getLogger("httpx").setLevel(logging.WARNING)


class _Key(msgspec.Struct):
    type: str
    latest_version: int
    derived: bool = False


class _Encrypted(msgspec.Struct):
    ciphertext: str


class _Decrypted(msgspec.Struct):
    plaintext: str


class _Errors(msgspec.Struct):
    errors: list[str] = []


_T = TypeVar("_T")


class VaultTransit(RemoteKey):
    """`RegionKey` on Vault. Raises KeyRefused for a CA file that can't be used."""

    def __init__(self, told: KeyPort, token: VaultToken, clock: Clock) -> None:
        super().__init__(clock)
        self._key = told.key
        self._place = f"{told.address.rstrip('/')}/v1/{told.mount}"
        self._token = token
        try:
            # A CA of one's own is the only one that is believed then.
            trust = ssl.create_default_context(cafile=told.ca_file or None)
        except OSError as error:  # SSLError is one
            raise KeyRefused(f"the CA file {told.ca_file} can't be used: {error}") from None
        self._http = httpx.AsyncClient(verify=trust, timeout=_TRY_S, trust_env=False)

    def __repr__(self) -> str:
        return f"<VaultTransit {self._key} at {self._place}>"

    async def close(self) -> None:
        """See RemoteKey."""
        await super().close()
        await self._http.aclose()

    async def _present(self) -> str:
        key = _data(await self._fine("GET", f"keys/{self._key}"), _Key)
        if key.type != _TYPE or key.derived:
            kind = f"a derived {key.type}" if key.derived else key.type
            raise KeyRefused(f"Vault's key {self._key} is {kind}; it must be {_TYPE}, and not derived")
        return f"vault:{self._key}:v{key.latest_version}"

    async def _wrapped(self, key: bytes, place: str) -> tuple[bytes, str]:
        answer = await self._fine(
            "POST", f"encrypt/{self._key}", {"plaintext": _text(key), "associated_data": _text(place.encode())}
        )
        wrapped = _data(answer, _Encrypted).ciphertext.encode()
        found = _CIPHERTEXT.fullmatch(wrapped)
        if found is None or len(wrapped) > _WRAPPED_BYTES_MAX:
            raise KeyRefused("Vault answers with something that is no ciphertext of transit")
        return wrapped, f"vault:{self._key}:v{int(found[1])}"

    async def _unwrapped(self, wrapped: bytes, wrapping: str, place: str) -> bytes:
        # By the name that wrapped it, so that the region may move to a key of another name.
        named = _WRAPPING.fullmatch(wrapping)
        if named is None or len(wrapped) > _WRAPPED_BYTES_MAX or _CIPHERTEXT.fullmatch(wrapped) is None:
            raise KeyUnusable(f"not wrapped by Vault: {wrapping}")
        body = {"ciphertext": wrapped.decode(), "associated_data": _text(place.encode())}
        answer = await self._answer("POST", f"decrypt/{named[1]}", body)
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise KeyUnusable(f"Vault can't open it: {_reason(answer)}")
        plain = _data(self._checked(answer), _Decrypted).plaintext
        try:
            return base64.b64decode(plain, validate=True)
        except ValueError:
            raise KeyRefused("Vault answers with something that is not base64") from None

    async def _fine(self, method: str, path: str, body: dict[str, str] | None = None) -> httpx.Response:
        return self._checked(await self._answer(method, path, body))

    async def _answer(self, method: str, path: str, body: dict[str, str] | None) -> httpx.Response:
        """What Vault says, after TRIES at most. Raises KeyUnavailable."""
        why = ""
        for number in range(TRIES):
            if number:
                await asyncio.sleep(_chance.uniform(0.5, 1.0) * _PAUSE_S * 2**number)
            headers = {"X-Vault-Token": self._token.current(), "X-Vault-Request": "true"}
            try:
                answer = await self._http.request(method, f"{self._place}/{path}", json=body, headers=headers)
            except httpx.RequestError as fault:
                why = f"can't be reached ({type(fault).__name__})"
                continue
            if (
                answer.status_code not in {_TOO_MANY, _NOT_YET_REPLICATED}
                and answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR
            ):
                return answer
            why = f"answers {answer.status_code}: {_reason(answer)}"
        raise KeyUnavailable(f"Vault at {self._place} {why}")

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        status = answer.status_code
        if status == httpx.codes.OK:
            return answer
        if status == httpx.codes.FORBIDDEN:
            raise KeyRefused(
                f"Vault refuses {self._token!r}: it has ended, or its policy does not reach {answer.request.url.path}"
            )
        if status == httpx.codes.NOT_FOUND:
            raise KeyRefused(f"Vault has nothing at {answer.request.url.path}: are keys.mount and keys.key right?")
        raise KeyRefused(f"Vault answers {status} to {answer.request.url.path}: {_reason(answer)}")


def _text(binary: bytes) -> str:
    return base64.b64encode(binary).decode()


def _data(answer: httpx.Response, kind: type[_T]) -> _T:
    """Raises KeyRefused."""
    try:
        body: dict[str, Any] = msgspec.json.decode(answer.content, type=dict[str, Any])
        return msgspec.convert(body.get("data"), kind)
    except msgspec.DecodeError:  # ValidationError is one; neither shows a value
        raise KeyRefused(f"{answer.request.url.path} does not answer as Vault's transit engine does") from None


def _reason(answer: httpx.Response) -> str:
    """The first of Vault's errors, which never repeat what was sent to be encrypted."""
    try:
        told = msgspec.json.decode(answer.content, type=_Errors).errors
    except msgspec.DecodeError:
        told = []
    return told[0][:200] if told else "no reason is given"
