"""Vault's transit engine, as far as a region's key needs it: keys with versions, AES-256-GCM that really encrypts,
tokens, Vault's errors."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.fakes.loopback_server import Answer, LoopbackServer, Request


class _Wrong(Exception):
    """The request's own fault: 400 in Vault."""


@dataclass
class TransitKey:
    """The first version is number 1."""

    type: str = "aes256-gcm96"
    derived: bool = False
    versions: list[AESGCM] = field(default_factory=lambda: [AESGCM(secrets.token_bytes(32))])
    min_decryption_version: int = 1


class FakeVault(LoopbackServer):
    """`heeds_place`: False for a Vault from before there was associated_data, which it ignores."""

    def __init__(self, token: str, mount: str = "transit", *, heeds_place: bool = True) -> None:
        self.token = token
        self.mount = mount
        self.keys: dict[str, TransitKey] = {"ocefs-us": TransitKey()}
        self.heeds_place = heeds_place
        super().__init__()

    def rotate(self, key: str = "ocefs-us") -> None:
        self.keys[key].versions.append(AESGCM(secrets.token_bytes(32)))

    def answer(self, request: Request) -> Answer:
        if request.headers.get("x-vault-token") != self.token:
            return _errors(403, "permission denied")
        head, _, rest = request.path.partition(f"/v1/{self.mount}/")
        work, _, name = rest.partition("/")
        if head or (request.method, work) not in {("POST", "encrypt"), ("POST", "decrypt"), ("GET", "keys")}:
            return _errors(404)
        key = self.keys.get(name)
        if work == "keys":
            return _read(name, key) if key is not None else _errors(404)
        if key is None:
            return _errors(400, "encryption key not found")
        try:
            sent = json.loads(request.body)
            return self._encrypted(key, sent) if work == "encrypt" else self._decrypted(key, sent)
        except (_Wrong, binascii.Error) as fault:
            return _errors(400, str(fault))

    def _encrypted(self, key: TransitKey, sent: dict[str, Any]) -> Answer:
        _only(sent, {"plaintext", "associated_data"})
        nonce = secrets.token_bytes(12)
        sealed = nonce + key.versions[-1].encrypt(nonce, _binary(sent["plaintext"]), self._place(sent))
        version = len(key.versions)
        return _answer({"ciphertext": f"vault:v{version}:{base64.b64encode(sealed).decode()}", "key_version": version})

    def _decrypted(self, key: TransitKey, sent: dict[str, Any]) -> Answer:
        _only(sent, {"ciphertext", "associated_data"})
        head, version, sealed = sent["ciphertext"].split(":")
        number = int(version.removeprefix("v"))
        if head != "vault" or number > len(key.versions):
            raise _Wrong("invalid ciphertext: version is too new")
        if number < key.min_decryption_version:
            raise _Wrong("ciphertext or signature version is disallowed by policy (too old)")
        binary = _binary(sealed)
        try:
            plain = key.versions[number - 1].decrypt(binary[:12], binary[12:], self._place(sent))
        except (InvalidTag, ValueError):
            raise _Wrong("invalid ciphertext: unable to decrypt") from None
        return _answer({"plaintext": base64.b64encode(plain).decode()})

    def _place(self, sent: dict[str, Any]) -> bytes:
        place = _binary(sent["associated_data"])
        return place if self.heeds_place else b""


def _read(name: str, key: TransitKey) -> Answer:
    return _answer(
        {
            "name": name,
            "type": key.type,
            "derived": key.derived,
            "latest_version": len(key.versions),
            "min_decryption_version": key.min_decryption_version,
            "keys": {str(number): 1 for number, _ in enumerate(key.versions, 1)},
        }
    )


def _only(sent: dict[str, Any], names: set[str]) -> None:
    if set(sent) != names:
        raise _Wrong(f"expected {sorted(names)}")


def _binary(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _answer(data: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps({"request_id": "r", "lease_id": "", "data": data, "warnings": None}).encode())


def _errors(status: int, *errors: str) -> Answer:
    return Answer(status, json.dumps({"errors": list(errors)}).encode())
