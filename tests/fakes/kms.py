"""AWS KMS, as far as a region's key needs it: JSON 1.1 with Signature Version 4 checked, aliases,
AES-256-GCM that really encrypts.

Source: KMS API reference (Encrypt, Decrypt, DescribeKey), AWS General Reference (Signature Version 4).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.fakes.loopback_server import Answer, LoopbackServer, Request

REGION = "us-east-1"
_ACCOUNT = f"arn:aws:kms:{REGION}:111122223333:"


class _Refused(Exception):
    def __init__(self, code: str) -> None:
        self.code = code


@dataclass
class KmsKey:
    """`materials`: what encrypts is the last one; all of them decrypt, under the same id."""

    materials: list[AESGCM] = field(default_factory=lambda: [AESGCM(secrets.token_bytes(32))])
    state: str = "Enabled"
    spec: str = "SYMMETRIC_DEFAULT"


class FakeKms(LoopbackServer):
    """One key behind `alias/ocefs-us`."""

    def __init__(self, access_key: str, secret_key: str) -> None:
        self._access_key, self._secret_key = access_key, secret_key
        self.keys: dict[str, KmsKey] = {}
        self.aliases = {"alias/ocefs-us": self.new_key()}
        self.refusing = ""
        super().__init__()

    def new_key(self, **more: Any) -> str:
        """Its id."""
        key_id = f"{secrets.token_hex(4)}-1111-2222-3333-{secrets.token_hex(6)}"
        self.keys[key_id] = KmsKey(**more)
        return key_id

    def arn(self, key_id: str) -> str:
        return f"{_ACCOUNT}key/{key_id}"

    def rotate(self) -> None:
        """As KMS does each year by itself."""
        self.keys[self.aliases["alias/ocefs-us"]].materials.append(AESGCM(secrets.token_bytes(32)))

    def repoint(self) -> str:
        """The alias stands for a new key."""
        self.aliases["alias/ocefs-us"] = self.new_key()
        return self.aliases["alias/ocefs-us"]

    def answer(self, request: Request) -> Answer:
        try:
            self._check(request)
            if self.refusing:
                raise _Refused(self.refusing)
            sent = json.loads(request.body)
            work = {
                "TrentService.Encrypt": self._encrypt,
                "TrentService.Decrypt": self._decrypt,
                "TrentService.DescribeKey": self._describe,
            }[request.headers["x-amz-target"]]
            status, told = 200, work(sent)
        except _Refused as refused:
            status, told = 400, {"__type": refused.code, "message": "no"}
        return Answer(status, json.dumps(told).encode(), "application/x-amz-json-1.1")

    def _encrypt(self, sent: dict[str, Any]) -> dict[str, Any]:
        assert set(sent) == {"KeyId", "Plaintext", "EncryptionContext"}, sorted(sent)
        key_id = self._usable(sent["KeyId"])
        materials, nonce = self.keys[key_id].materials, secrets.token_bytes(12)
        bound = _bound(key_id, sent["EncryptionContext"])
        sealed = materials[-1].encrypt(nonce, base64.b64decode(sent["Plaintext"], validate=True), bound)
        blob = bytes((len(materials) - 1, len(key_id))) + key_id.encode() + nonce + sealed
        return {"CiphertextBlob": _text(blob), "KeyId": self.arn(key_id), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}

    def _decrypt(self, sent: dict[str, Any]) -> dict[str, Any]:
        assert set(sent) == {"KeyId", "CiphertextBlob", "EncryptionContext"}, sorted(sent)
        blob = base64.b64decode(sent["CiphertextBlob"], validate=True)
        wanted = self._usable(sent["KeyId"])
        try:
            number, end = blob[0], 2 + blob[1]
            key_id, nonce, sealed = blob[2:end].decode(), blob[end : end + 12], blob[end + 12 :]
            key = self.keys[key_id]
            plain = key.materials[number].decrypt(nonce, sealed, _bound(key_id, sent["EncryptionContext"]))
        except (InvalidTag, ValueError, LookupError):
            raise _Refused("InvalidCiphertextException") from None
        if key_id != wanted:
            raise _Refused("IncorrectKeyException")
        return {"Plaintext": _text(plain), "KeyId": self.arn(key_id), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}

    def _describe(self, sent: dict[str, Any]) -> dict[str, Any]:
        key_id = self._found(sent["KeyId"])
        key = self.keys[key_id]
        return {
            "KeyMetadata": {
                "KeyId": key_id,
                "Arn": self.arn(key_id),
                "KeySpec": key.spec,
                "KeyUsage": "ENCRYPT_DECRYPT",
                "KeyState": key.state,
                "Enabled": key.state == "Enabled",
            }
        }

    def _found(self, name: str) -> str:
        name = name.removeprefix(_ACCOUNT)
        key_id = self.aliases.get(name, name.removeprefix("key/"))
        if key_id not in self.keys:
            raise _Refused("NotFoundException")
        return key_id

    def _usable(self, name: str) -> str:
        key_id = self._found(name)
        if self.keys[key_id].state != "Enabled":
            raise _Refused("DisabledException")
        return key_id

    def _check(self, request: Request) -> None:
        """The signature over what came, made anew with the secret key."""
        headers = request.headers
        assert request.method == "POST", request.method
        assert headers["content-type"] == "application/x-amz-json-1.1", headers["content-type"]
        algorithm, _, rest = headers.get("authorization", "").partition(" ")
        said = dict(part.split("=", 1) for part in rest.split(", ")) if rest else {}
        if algorithm != "AWS4-HMAC-SHA256" or said["Credential"].split("/", 1)[0] != self._access_key:
            raise _Refused("UnrecognizedClientException")
        scope = said["Credential"].split("/", 1)[1]
        date, region, service, _ = scope.split("/")
        assert (region, service) == (REGION, "kms"), scope
        names = said["SignedHeaders"].split(";")
        assert {"host", "x-amz-date", "x-amz-target"} <= set(names), names
        shown = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
        canonical = f"POST\n{request.path}\n\n{shown}\n{';'.join(names)}\n{hashlib.sha256(request.body).hexdigest()}"
        text = f"{algorithm}\n{headers['x-amz-date']}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{self._secret_key}".encode()
        for part in (date, region, service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        if not hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), said["Signature"]):
            raise _Refused("InvalidSignatureException")


def _bound(key_id: str, context: dict[str, str]) -> bytes:
    return json.dumps([key_id, context], sort_keys=True).encode()


def _text(binary: bytes) -> str:
    return base64.b64encode(binary).decode()
