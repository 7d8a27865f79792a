"""Plays a device: it makes its key pair, claims its place, and signs assertions, right ones and others."""

import base64
import itertools
import json
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from serve.identity.oauth import JWT_BEARER
from tests.unit.serve.guarded_cell import GuardedCell

HERE = "us-wh-seattle"
SCOPES = ["floor.work", "orders.read", "orders.update", "stock.read", "stock.receive"]


def packed(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def jwk_of(key: Ed25519PrivateKey) -> dict[str, str]:
    """The public half."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": packed(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),
    }


def signed(key: Ed25519PrivateKey | None, header: object, payload: object) -> str:
    """A JWT of anything; without a signature when there is no key."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    text = ".".join(map(packed, parts))
    return f"{text}.{packed(key.sign(text.encode())) if key is not None else ''}"


class Scanner:
    """A device that was enrolled and not yet claimed."""

    def __init__(self, cell: GuardedCell, enrolled: dict[str, Any]) -> None:
        self.cell = cell
        self.device_id: str = enrolled["device_id"]
        self.code: str = enrolled["code"]
        self.key = Ed25519PrivateKey.generate()
        self._numbers = itertools.count(1)

    async def claim(self, code: str | None = None, **more: Any) -> httpx.Response:
        """With its code, unless another one is given."""
        body = {"device_id": self.device_id, "code": code or self.code, "public_key": jwk_of(self.key)} | more
        return await self.cell.plain("/v1/devices/claim", body)

    async def claimed(self) -> "Scanner":
        """A claim that has to work."""
        answer = await self.claim()
        assert answer.status_code == 200, answer.text
        return self

    def claims(self, **more: Any) -> dict[str, Any]:
        """Of a good assertion; what is `...` is left out."""
        now_s = self.cell.clock.now // 1000
        said = {
            "iss": self.device_id, "sub": self.device_id, "aud": "ocefs:us", "iat": now_s, "exp": now_s + 60,
            "jti": f"jti-{next(self._numbers)}",
        } | more  # fmt: skip
        return {name: value for name, value in said.items() if value is not ...}

    def assertion(self, **more: Any) -> str:
        """A good one, but for what is said otherwise."""
        return signed(self.key, {"alg": "EdDSA", "typ": "JWT"}, self.claims(**more))

    async def ask_token(self, assertion: str | None = None, **form: str) -> httpx.Response:
        """By a good assertion, unless another one is given."""
        fields = {
            "grant_type": "client_credentials",
            "client_assertion_type": JWT_BEARER,
            "client_assertion": self.assertion() if assertion is None else assertion,
        }
        return await self.cell.http.post("/v1/oauth/token", data=fields | form)

    async def token(self) -> str:
        """An access token."""
        answer = await self.ask_token()
        assert answer.status_code == 200, answer.text
        found: str = answer.json()["access_token"]
        return found

    async def bearer(self) -> dict[str, str]:
        """The header of the device."""
        return {"Authorization": f"Bearer {await self.token()}"}


async def enrol(cell: GuardedCell, key: str | None = None, **more: Any) -> httpx.Response:
    """By somebody who may everything."""
    body = {"name": "dock 3", "model": "scanner", "location_id": HERE, "scopes": SCOPES} | more
    return await cell.post("/v1/devices", body, key, **cell.bearer())


async def enrolled(cell: GuardedCell, **more: Any) -> Scanner:
    """A device that waits for its claim."""
    answer = await enrol(cell, **more)
    assert answer.status_code == 201, answer.text
    return Scanner(cell, answer.json())


async def in_use(cell: GuardedCell, **more: Any) -> Scanner:
    """A device that may sign in."""
    return await (await enrolled(cell, **more)).claimed()
