"""A device: a scanner, a terminal or a till of one location. It signs in by a key pair that it made itself; only
the public key comes here.

    (unknown) ──EnrolDevice──▶ waiting ──ClaimDevice, right──▶ enrolled ─┐ UseAssertion: it has signed in
                               │  ▲  └─ ClaimDevice, wrong: counted │  ▲ │ RenewCode: for a new key; until it is claimed the old one is good
                               │  └─ RenewCode: another code        │  └─┘ MoveDevice: of another location from now on
                               └───────────RevokeDevice─────────────┴──▶ revoked, for good

    code:        good for CODE_MS and a few tries (`one_time_code.py`); moving and revoking make it worthless
    generation:  0 until the first claim, then 1, 2, 3, …; all tokens of one are one session, `<device id>.<generation>`

What replaces the key or changes the location begins a new generation and revokes the last, for as long as a shift may
run that was opened on the device: people's tokens name the device's session beside their own. An assertion was judged
against a key that was read a moment before; so UseAssertion says of which generation that was. For the same reason what
administrators do says at which location they saw the device.

Codes and signatures are checked elsewhere; what comes here are keyed digests and outcomes. A wrong code is no refusal:
tries are counted. Times are UTC milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import msgspec

from actors.domain import ids, once, one_time_code
from actors.domain.account_state import SHIFT_MAX_MS
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Message, Row, StoredRows
from actors.domain.one_time_code import Codes
from actors.domain.revocations import Revoke
from actors.domain.rows import DeviceRow

CODE_MS = 15 * 60_000
# No shift that was opened on the device lasts longer, nor any token of the device: it may be
# opened by the last of these.
REVOKED_MS = SHIFT_MAX_MS + 15 * 60_000
PUBLIC_KEY_BYTES = 32
DeviceModel = Literal["scanner", "rf_terminal", "till", "tablet"]
MODELS: tuple[DeviceModel, ...] = get_args(DeviceModel)
DeviceStatus = Literal["waiting", "enrolled", "revoked"]


# --- commands -------------------------------------------------------------------------------------------------------
class EnrolDevice(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A new device. `name`: as the location's people call it; `scopes`: what it may do there; `code_digest`:
    keyed, of its first code."""

    name: str
    model: DeviceModel
    location_id: str
    scopes: list[str]
    code_digest: bytes


class ClaimDevice(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Somebody gave a code of this digest, and the public key (Ed25519, 32 bytes) that the device
    signs with from now on."""

    code_digest: bytes
    public_key: bytes


class UseAssertion(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The key of `generation` signed an assertion of this name, which is good until `until_ms`."""

    name: str
    until_ms: int
    generation: int


class RenewCode(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A new code, for a device that was seen at `location_id`. A code that waits is worthless from now on."""

    location_id: str
    code_digest: bytes


class MoveDevice(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The device, seen at `location_id`, is now one of `to`."""

    location_id: str
    to: str


class RevokeDevice(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The device, seen at `location_id`, never signs in again, and whoever works on it has to sign in elsewhere."""

    location_id: str


Administrative = RenewCode | MoveDevice | RevokeDevice
Command = EnrolDevice | ClaimDevice | UseAssertion | Administrative


# --- events ---------------------------------------------------------------------------------------------------------
class DeviceEnrolled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The device is known, and its code waits."""

    name: str
    model: DeviceModel
    location_id: str
    scopes: list[str]
    codes: Codes


class CodeRenewed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Another code waits."""

    codes: Codes


class CodeMissed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A wrong code was given."""


class DeviceClaimed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The device signs with this key. The session `ended` ("" for none) is revoked until `until_ms`."""

    public_key: bytes
    ended: str
    until_ms: int


class AssertionUsed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The device has signed in by an assertion of this name, good until `until_ms`."""

    name: str
    until_ms: int


class DeviceMoved(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The device is one of this location. `ended`, `until_ms`: as in DeviceClaimed."""

    location_id: str
    ended: str
    until_ms: int


class DeviceRevoked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The device is out of use. `ended`, `until_ms`: as in DeviceClaimed."""

    ended: str
    until_ms: int


Ending = DeviceClaimed | DeviceMoved | DeviceRevoked
Event = DeviceEnrolled | CodeRenewed | CodeMissed | AssertionUsed | Ending


# --- state ----------------------------------------------------------------------------------------------------------
class Device(msgspec.Struct):
    """The state of a device. `public_key`: b"" until it is claimed; `assertions`: by which it signed in lately;
    `enrolled_ms`: when the code of the present key was claimed, `seen_ms`: when it last signed in, both 0 for never."""

    device_id: str
    name: str
    model: DeviceModel
    location_id: str
    scopes: list[str]
    codes: Codes
    public_key: bytes = b""
    generation: int = 0
    revoked: bool = False
    assertions: once.Once = once.NOTHING
    enrolled_ms: int = 0
    seen_ms: int = 0

    @property
    def status(self) -> DeviceStatus:
        """Where it stands in its life."""
        if self.revoked:
            return "revoked"
        return "enrolled" if self.public_key else "waiting"

    @property
    def session_id(self) -> str:
        """The session of the tokens that it gets now; "" before it gets any."""
        return f"{self.device_id}.{self.generation}" if self.generation else ""


# --- queries and answers --------------------------------------------------------------------------------------------
class ViewDevice(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for what an administrator may see."""


class ViewKey(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for what an assertion is judged against."""


class DeviceView(msgspec.Struct, frozen=True, gc=False):
    """A device without its code. `code_until_ms`: until when a code may be claimed, 0 when none waits."""

    device_id: str
    version: int
    name: str
    model: DeviceModel
    location_id: str
    scopes: list[str]
    status: DeviceStatus
    code_until_ms: int
    enrolled_ms: int
    seen_ms: int


class DeviceKey(msgspec.Struct, frozen=True, gc=False):
    """`public_key`: b"" when no assertion of the device is taken."""

    public_key: bytes
    generation: int


class DeviceChanged(msgspec.Struct, frozen=True, gc=False):
    """The answer to EnrolDevice and to what administrators do. `code_until_ms`: as in DeviceView."""

    device_id: str
    version: int
    code_until_ms: int


class ClaimOutcome(msgspec.Struct, frozen=True, gc=False):
    """The answer to ClaimDevice; all empty when not `ok`."""

    ok: bool
    name: str
    location_id: str
    scopes: list[str]


class DeviceSession(msgspec.Struct, frozen=True, gc=False):
    """The answer to UseAssertion: what a token for the device may hold; all empty when not `ok`."""

    ok: bool
    scopes: list[str]
    location_id: str
    session_id: str


# --- decide ---------------------------------------------------------------------------------------------------------
def decide(state: Device | None, command: Command, context: Context) -> Decision:
    """See the module's docstring for the rules. Raises Refused `device.exists`, `device.unknown`, `device.revoked`,
    `device.moved`, `device.too_many_codes`."""
    if type(command) is EnrolDevice:
        return _enrol(state, command, context)
    device = _known(state)
    if type(command) is ClaimDevice:
        return _claim(device, command, context)
    if type(command) is UseAssertion:
        return _sign_in(device, command, context)
    assert isinstance(command, Administrative)
    if command.location_id != device.location_id:
        raise Refused("device.moved", "The device was moved meanwhile.", location_id=device.location_id)
    if type(command) is RevokeDevice:
        return _changed(*([] if device.revoked else [DeviceRevoked(device.session_id, context.now_ms + REVOKED_MS)]))
    if device.revoked:
        raise Refused("device.revoked", "The device was revoked: enrol it as a new one.")
    if type(command) is RenewCode:
        return _changed(CodeRenewed(_asked(device.codes, command.code_digest, context)))
    assert type(command) is MoveDevice
    if command.to == device.location_id:
        return _changed()
    return _changed(DeviceMoved(command.to, device.session_id, context.now_ms + REVOKED_MS))


def _known(state: Device | None) -> Device:
    if state is None:
        raise Refused("device.unknown", "There is no such device.")
    return state


def _asked(codes: Codes, digest: bytes, context: Context) -> Codes:
    kept = one_time_code.asked(codes, digest, context.now_ms, CODE_MS)
    if kept is None:
        raise Refused(
            "device.too_many_codes", "The device had too many codes in a row.", codes_max=one_time_code.ASKS_MAX
        )
    return kept


def _changed(*events: Event) -> Decision:
    return Decision(
        list(events), lambda state, version: DeviceChanged(state.device_id, version, state.codes.until_ms)
    )  # fmt: skip


def _enrol(state: Device | None, command: EnrolDevice, context: Context) -> Decision:
    if state is not None:
        detail = f"Device {context.entity_id} exists already."
        raise Refused("device.exists", detail, device_id=context.entity_id)
    codes = _asked(one_time_code.NONE, command.code_digest, context)
    return _changed(DeviceEnrolled(command.name, command.model, command.location_id, command.scopes, codes))


def _claim(device: Device, command: ClaimDevice, context: Context) -> Decision:
    assert len(command.public_key) == PUBLIC_KEY_BYTES, "empty stands for no key"
    if one_time_code.fits(device.codes, command.code_digest, context.now_ms):
        return Decision(
            [DeviceClaimed(command.public_key, device.session_id, context.now_ms + REVOKED_MS)],
            lambda state, version: ClaimOutcome(True, state.name, state.location_id, state.scopes),
        )
    waits = one_time_code.waits(device.codes, context.now_ms)
    return Decision([CodeMissed()] if waits else [], lambda state, version: ClaimOutcome(False, "", "", []))


def _sign_in(device: Device, command: UseAssertion, context: Context) -> Decision:
    good = (
        device.status == "enrolled"
        and command.generation == device.generation
        and once.fresh(device.assertions, command.name, command.until_ms, context.now_ms)
    )
    if not good:
        return Decision([], lambda state, version: DeviceSession(False, [], "", ""))
    return Decision(
        [AssertionUsed(command.name, command.until_ms)],
        lambda state, version: DeviceSession(True, state.scopes, state.location_id, state.session_id),
    )


# --- evolve ---------------------------------------------------------------------------------------------------------
def evolve(state: Device | None, event: Event, context: Context) -> Device:
    """The next state; takes over `state`."""
    if type(event) is DeviceEnrolled:
        return Device(context.entity_id, event.name, event.model, event.location_id, event.scopes, event.codes)
    assert state is not None
    if type(event) is CodeRenewed:
        state.codes = event.codes
    elif type(event) is CodeMissed:
        state.codes = one_time_code.missed(state.codes)
    elif type(event) is AssertionUsed:
        state.assertions = once.spent(state.assertions, event.name, event.until_ms, context.now_ms)
        state.seen_ms = context.now_ms
    else:
        state.codes = one_time_code.used(state.codes)
        _evolve_ending(state, event, context)
    return state


def _evolve_ending(device: Device, event: Event, context: Context) -> None:
    if type(event) is DeviceClaimed:
        device.public_key, device.enrolled_ms = event.public_key, context.now_ms
        device.generation += 1
    elif type(event) is DeviceMoved:
        device.location_id = event.location_id
        # Before the first claim there is no session that could end.
        device.generation += bool(device.generation)
    else:
        device.revoked = True


# --- messages and projections ---------------------------------------------------------------------------------------
def messages(device_id: str, event: Event) -> Iterable[Message]:
    """The session that ended is revoked, and with it those of people who work on the device."""
    if isinstance(event, Ending) and event.ended:
        revocations_id = ids.revocations_id(ids.region_of(device_id))
        yield Message("revocations", revocations_id, Revoke(event.ended, event.until_ms))


def view(state: Device | None, query: ViewDevice | ViewKey, version: int) -> msgspec.Struct:
    """What an administrator may see, or the key. Raises Refused `device.unknown`."""
    device = _known(state)
    if type(query) is ViewKey:
        return DeviceKey(device.public_key if device.status == "enrolled" else b"", device.generation)
    return DeviceView(
        device.device_id, version, device.name, device.model, device.location_id, device.scopes, device.status,
        device.codes.until_ms if device.codes.tries_left > 0 else 0, device.enrolled_ms, device.seen_ms,
    )  # fmt: skip


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Device).decode


def rows(state: Device, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The device's one row."""
    return [
        DeviceRow(
            context.entity_id, version, state.location_id, state.status, state.name, state.model, state.seen_ms or None, _encode(state)
        )
    ]  # fmt: skip


def restore(entity_id: str, stored: StoredRows) -> tuple[Device, int] | None:
    """The state and version from the device's stored row."""
    found = stored.get("devices")
    return (_decode(found[0].state), found[0].version) if found else None


DEVICE = Kind(
    name="device",
    commands=Command,
    events=Event,
    queries=ViewDevice | ViewKey,
    decide=decide,
    evolve=evolve,
    view=view,
    tables=(DeviceRow,),
    restore=restore,
    rows=rows,
    messages=messages,
    secret=True,
)
