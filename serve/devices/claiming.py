"""A device claims its place: by the code that a manager read to it, and with the public half of
the key pair that it made.

Whether there is such a device, and whether its code is wrong, used, too old or tried too often, is told to nobody, and
nobody learns it by how long the answer takes.
"""

from __future__ import annotations

import asyncio
import base64

import msgspec
from fastapi import Request

from actors.domain.device import ClaimDevice, ClaimOutcome
from actors.domain.ids import DEVICE_PATTERN, is_of
from serve.context import ENTITY_ID, Scope
from serve.customers.codes import plain
from serve.devices.schemas import ClaimedDevice, ClaimRequest, PublicKey
from serve.identity.desk import Desk, not_before
from serve.identity.guard import challenge
from serve.identity.sealing import code_digest
from serve.identity.tokens import issuer_of
from serve.problems import Problem, field_problem
from serve.requests import decode

REFUSAL_S = 0.5
# The field and the curve of Ed25519 (RFC 8032, 5.1); d is _D_OVER / _D_UNDER.
_P = 2**255 - 19
_D_OVER, _D_UNDER = -121_665, 121_666
_decoder = msgspec.json.Decoder(ClaimRequest)


class Claiming:
    """The handler's work."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def claim(self, request: Request) -> ClaimedDevice:
        """Raises Problem."""
        desk, scope = self._desk, request.scope
        earliest = asyncio.get_running_loop().time() + REFUSAL_S
        await desk.hold_address(scope, "device-claims")
        write = await desk.services.bodies.read(scope, request.receive, keyed=False)
        sent = decode(_decoder, write.body)
        public_key = key_of(sent.public_key)
        await desk.hold_tries(scope, "device-claims", sent.device_id)
        try:
            outcome = await self._outcome(sent, public_key, scope)
        except Problem as problem:
            if problem.code != "device.unknown":
                raise
            await not_before(earliest)
            raise _refused() from None
        if not outcome.ok:
            await not_before(earliest)
            refused = _refused()
            # The device's own turn stands in the audit already.
            refused.remembered = True
            raise refused
        audience = issuer_of(desk.region)
        return ClaimedDevice(sent.device_id, outcome.name, outcome.location_id, outcome.scopes, audience)

    async def _outcome(self, sent: ClaimRequest, public_key: bytes, scope: Scope) -> ClaimOutcome:
        """Raises Problem, `device.unknown` for what is no device of this region."""
        desk, device_id = self._desk, sent.device_id
        if not is_of(device_id, DEVICE_PATTERN, desk.region):
            raise Problem("device.unknown", "There is no such device.")
        scope[ENTITY_ID] = device_id
        command = ClaimDevice(code_digest(desk.keys(), device_id, plain(sent.code)), public_key)
        return await desk.ask("device", device_id, command, scope, ClaimOutcome)


def key_of(key: PublicKey) -> bytes:
    """The key's 32 bytes (RFC 8032). Raises Problem 422."""
    raw = base64.urlsafe_b64decode(key.x + "=")
    # 43 characters have two bits more than 32 bytes: of the spellings of a key one is right.
    if base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=") != key.x:
        raise field_problem("device.key_invalid", "x must be 32 bytes as base64url without padding.", "/public_key/x")
    if _is_nobody_s(raw):
        raise field_problem("device.key_invalid", "x is no key: anybody could sign for it.", "/public_key/x")
    return raw


def _is_nobody_s(raw: bytes) -> bool:
    """Is the point one of the eight of small order? For these anybody makes signatures without a private key, and a
    buffer that was never filled is one of them. Their y are 0, 1, -1, and of order 8 those whose double has y = 0:
    x² = -y², which put into the curve's -x² + y² = 1 + d·x²·y² gives d·y⁴ + 2·y² = 1."""
    y = int.from_bytes(raw, "little") & (1 << 255) - 1
    square = y * y
    eighth = _D_OVER * square * square + _D_UNDER * (2 * square - 1)
    return y * (square - 1) * eighth % _P == 0


def _refused() -> Problem:
    detail = "The code does not fit this device, was used, or is too old: ask for another one."
    return Problem("code.refused", detail, headers=(challenge(""),))
