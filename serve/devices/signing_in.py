"""How a device gets a token: an assertion by its own key (RFC 7523, 2.2) in place of a client's secret."""

from __future__ import annotations

import asyncio
from typing import NoReturn

from actors.domain.device import DeviceKey, DeviceSession, UseAssertion, ViewKey
from actors.domain.ids import DEVICE_PATTERN, is_of
from serve.audit.who import proved
from serve.context import ENTITY_ID, Scope
from serve.devices.assertions import AssertionRefused, named_in, verified
from serve.identity.desk import REFUSED, Desk, not_before
from serve.identity.limits import BY_CLIENT
from serve.identity.oauth import TokenForm, TokenNotGiven, scopes_of
from serve.identity.schemas import AccessToken
from serve.identity.tokens import ACCESS_S, Claims, issue, issuer_of
from serve.problems import Problem

# No refusal is given earlier: whether there is such a device, and what is wrong with what it signed, is told to nobody.
REFUSAL_S = 0.5


class DeviceSignIn:
    """The handler's work."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def token(self, scope: Scope, form: TokenForm, assertion: str) -> AccessToken:
        """Raises TokenNotGiven, and Problem 429 or 503."""
        earliest = asyncio.get_running_loop().time() + REFUSAL_S
        desk, now_ms = self._desk, self._desk.now_ms()
        try:
            device_id = named_in(assertion)
            session = await self._session(scope, form, assertion, device_id, now_ms)
        except AssertionRefused:
            await self._refuse(scope, earliest, remembered=False)
        if not session.ok:
            await self._refuse(scope, earliest, remembered=True)
        proved(scope, device_id, session.session_id)
        scopes = scopes_of(form, session.scopes)
        # From the moment for which the assertion was checked, as for clients.
        now_s = now_ms // 1000
        claims = Claims(
            iss=issuer_of(desk.region), sub=device_id, sid=session.session_id, role="", scopes=tuple(scopes),
            locs=(session.location_id,), iat=now_s, exp=now_s + ACCESS_S, auth_time=0, acr="1", num=0, dev=device_id,
            dev_sid=session.session_id, use="access",
        )  # fmt: skip
        return AccessToken(issue(desk.keys(), claims), "Bearer", ACCESS_S, " ".join(scopes))

    async def _session(
        self, scope: Scope, form: TokenForm, assertion: str, device_id: str, now_ms: int
    ) -> DeviceSession:
        """Raises AssertionRefused, and Problem 429 or 503."""
        desk = self._desk
        if not is_of(device_id, DEVICE_PATTERN, desk.region):
            raise AssertionRefused("unknown")
        scope[ENTITY_ID] = device_id
        # RFC 7521, 4.2: it may name itself besides, but not as somebody else.
        if form.client_id not in ("", device_id):
            raise AssertionRefused("claims")
        try:
            key = await desk.view("device", device_id, ViewKey(), scope, DeviceKey)
        except Problem as problem:
            if problem.code == "device.unknown":
                raise AssertionRefused("unknown") from None
            raise
        if not key.public_key:
            raise AssertionRefused("key_unknown")
        signed = verified(assertion, device_id, key.public_key, desk.region, now_ms // 1000)
        # For the audit of what is refused from here on; the session is known once the device has taken the assertion.
        proved(scope, device_id, "")
        # Not before: whoever knows the id alone must not use up what the device may ask.
        await desk.hold_to(BY_CLIENT, "device", device_id)
        command = UseAssertion(signed.name, signed.until_ms, key.generation)
        return await desk.ask("device", device_id, command, scope, DeviceSession)

    async def _refuse(self, scope: Scope, earliest: float, *, remembered: bool) -> NoReturn:
        """Counted no earlier than told: that it is one too many takes as long as well. Raises TokenNotGiven,
        and Problem 429 or 503."""
        await not_before(earliest)
        await self._desk.hold_address(scope, REFUSED)
        detail = "The device is not known or was revoked, or its assertion is not good or was used."
        raise TokenNotGiven(401, "invalid_client", detail, remembered=remembered) from None
