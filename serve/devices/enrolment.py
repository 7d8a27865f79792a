"""What managers do with the devices of their locations. Who gives a code gives the device's rights, and so
must have them himself."""

from __future__ import annotations

import hmac

from actors.domain.device import (
    Command,
    DeviceChanged,
    DeviceView,
    EnrolDevice,
    MoveDevice,
    RenewCode,
    RevokeDevice,
    ViewDevice,
)
from actors.domain.ids import DEVICE_PATTERN, device_id, is_of
from actors.domain.location_views import LocationStockView, ViewStock
from actors.domain.times import moment
from serve.callers import check_reaches
from serve.context import ENTITY_ID, PRINCIPAL, REQUEST_ID, WHO, Scope
from serve.customers.codes import CODE_DIGITS
from serve.devices.schemas import DEVICE_SCOPES, DeviceChange, DeviceCode, NewDevice
from serve.identity.desk import Desk, told
from serve.identity.sealing import code_digest
from serve.problems import Problem, field_problem
from serve.regions import Territory
from serve.requests import Write


class Enrolment:
    """The handlers' work."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._territory = Territory(desk.services.settings)

    async def enrol(self, scope: Scope, write: Write, sent: NewDevice) -> DeviceCode:
        """Raises Problem."""
        _check_known(sent.scopes)
        _check_own(scope, sent.scopes)
        await self._check_open(scope, sent.location_id)
        desk = self._desk
        identity = device_id(desk.region, desk.now_ms(), write.key)
        scopes = sorted(set(sent.scopes))
        command = EnrolDevice(sent.name, sent.model, sent.location_id, scopes, self._digest(identity, write.key))
        return await self._asked(scope, identity, command, write, write.key)

    async def change(self, scope: Scope, identity: str, write: Write, sent: DeviceChange) -> DeviceCode:
        """Raises Problem."""
        known = await self.view(scope, identity)
        here = known.location_id
        if sent.change == "revoke":
            return await self._asked(scope, identity, RevokeDevice(here), write)
        _check_own(scope, known.scopes)
        if sent.change == "renew_code":
            # The key of the enrolment may come again here: it is another call, and gives another code.
            drawn_by = f"renewed\0{write.key}"
            command = RenewCode(here, self._digest(identity, drawn_by))
            return await self._asked(scope, identity, command, write, drawn_by)
        if sent.location_id is None:
            raise field_problem("body.missing_field", "Field `location_id` is required.", "/location_id")
        await self._check_open(scope, sent.location_id)
        return await self._asked(scope, identity, MoveDevice(here, sent.location_id), write)

    async def view(self, scope: Scope, identity: str) -> DeviceView:
        """Raises Problem 404, or 403 for somebody whose rights don't reach the device's location."""
        if not is_of(identity, DEVICE_PATTERN, self._desk.region):
            raise Problem("device.unknown", "There is no such device.")
        scope[ENTITY_ID] = identity
        found = await self._desk.view("device", identity, ViewDevice(), scope, DeviceView)
        check_reaches(scope, found.location_id)
        return found

    def check_place(self, scope: Scope, location_id: str) -> None:
        """Raises Problem 403, 404 or 421 for a location that is not one of the caller's or of the region."""
        self._territory.check_location(location_id)
        check_reaches(scope, location_id)

    async def _check_open(self, scope: Scope, location_id: str) -> None:
        """`check_place`, and is there such a location?"""
        self.check_place(scope, location_id)
        if location_id not in self._desk.services.index.places:
            # This replica may not have heard of it yet; the actor has, or refuses.
            await self._desk.view("location", location_id, ViewStock(location_id, "", 1), scope, LocationStockView)

    async def _asked(
        self, scope: Scope, identity: str, command: Command, write: Write, drawn_by: str = ""
    ) -> DeviceCode:
        """`drawn_by`: of what the code is made that it gives; "" when it gives none. Raises Problem."""
        reply = await self._desk.services.gateway.ask(
            "device", identity, command,
            command_id=write.key, digest=write.digest, creates=type(command) is EnrolDevice, cause=scope[REQUEST_ID],
            who=scope.get(WHO),
        )  # fmt: skip
        # Of a repeated enrolment it is the device that the first one made.
        made = told(reply, DeviceChanged)
        scope[ENTITY_ID] = made.device_id
        if not drawn_by:
            return DeviceCode(made.device_id, made.version, "", None)
        code = self._code(made.device_id, drawn_by)
        return DeviceCode(made.device_id, made.version, code, moment(made.code_until_ms))

    def _code(self, identity: str, drawn_by: str) -> str:
        """Made from the call and its key, so that a repeated call gives the same code again, and no other call does.
        Eight digits, as people's codes have."""
        text = f"device-code\0{identity}\0{drawn_by}".encode()
        made = hmac.digest(self._desk.keys().lookup_key, text, "sha256")
        return f"{int.from_bytes(made, 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}}"

    def _digest(self, identity: str, drawn_by: str) -> bytes:
        return code_digest(self._desk.keys(), identity, self._code(identity, drawn_by))


def _check_known(scopes: list[str]) -> None:
    for position, scope in enumerate(scopes):
        if scope not in DEVICE_SCOPES:
            detail = f"Scopes of a device may be {', '.join(DEVICE_SCOPES)}."
            raise field_problem("device.scope_forbidden", detail, f"/scopes/{position}")


def _check_own(scope: Scope, scopes: list[str]) -> None:
    """Raises Problem 403 when the caller would give more than he has."""
    principal = scope.get(PRINCIPAL)
    beyond = [] if principal is None else sorted(set(scopes) - principal.permissions)
    if beyond:
        raise Problem("device.beyond_rights", f"You don't have these rights yourself: {', '.join(beyond)}.")
