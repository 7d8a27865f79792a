"""Bodies of `/v1/sessions`, `/v1/factors`, `/v1/accounts`, `/v1/clients`. Times: UTC, RFC 3339. None
of them is ever logged."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from actors.domain.ids import LOCATION_PATTERN
from actors.domain.personal_notes import (
    CALLER,
    CALLER_SESSION,
    CUSTOMER_SHOWN_AS,
    LOGIN,
    PASSKEY_NAME,
    PASSWORD,
    SHIFT_DEVICE,
    SHIFT_ID,
    SHOWN_AS,
    SHOWN_PASSKEY_NAME,
)
from serve.limits import END, TEXT
from serve.permissions import CUSTOMERS, ROLES

Login = Annotated[str, Meta(min_length=1, max_length=128)]
Password = Annotated[str, Meta(min_length=1, max_length=256)]
# With the blanks that authenticators show in it.
Code = Annotated[
    str, Meta(max_length=12, pattern=r"^[0-9\s]*" + END, description="digits; blanks between them are fine")
]
RecoveryCode = Annotated[str, Meta(max_length=40)]
LocationId = Annotated[
    str,
    Meta(
        max_length=80,
        pattern=LOCATION_PATTERN.pattern,
        description="a location's id",
        examples=["us-wh-seattle"],
    ),
]
# They stand in every token, and a token has an end.
LocationIds = Annotated[list[LocationId], Meta(max_length=20)]
Role = Annotated[str, Meta(max_length=32, extra_json_schema={"enum": sorted(ROLES.keys() - CUSTOMERS)})]
Scopes = Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=64)]
Sealed = Annotated[str, Meta(min_length=1, max_length=2048)]
Base64Url = Annotated[str, Meta(min_length=1, max_length=16_384, pattern="^[A-Za-z0-9_-]+={0,2}" + END)]
PasskeyName = Annotated[str, Meta(min_length=1, max_length=64, pattern=TEXT)]
# The longest shift; the account has the last word.
SHIFT_HOURS_MAX = 12


class AssertionResponse(msgspec.Struct, frozen=True):
    """What an authenticator signed. Members that we don't need are not looked at."""

    client_data: Base64Url = msgspec.field(name="clientDataJSON")
    authenticator_data: Base64Url = msgspec.field(name="authenticatorData")
    signature: Base64Url
    user_handle: Annotated[str, Meta(max_length=128)] | None = msgspec.field(name="userHandle", default=None)


class Assertion(msgspec.Struct, frozen=True):
    """A `PublicKeyCredential` as browsers make JSON of it (Web Authentication, 5.1), after
    `navigator.credentials.get`."""

    id: Base64Url
    raw_id: Base64Url = msgspec.field(name="rawId")
    response: AssertionResponse
    type: Literal["public-key"]


class AttestationResponse(msgspec.Struct, frozen=True):
    """What an authenticator made."""

    client_data: Base64Url = msgspec.field(name="clientDataJSON")
    attestation_object: Base64Url = msgspec.field(name="attestationObject")


class Attestation(msgspec.Struct, frozen=True):
    """The same after `navigator.credentials.create`."""

    id: Base64Url
    raw_id: Base64Url = msgspec.field(name="rawId")
    response: AttestationResponse
    type: Literal["public-key"]


class SignInRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`login` and `password` with one of `code` (of the authenticator app), `recovery_code` and `passkey`; or
    `passkey` alone, then it says by itself whose it is. `location_id`: where the shift is worked, which has to
    be there; who works at one place need not name it. `hours`: how long it is meant to last. `device`: as the
    person would name it. `new_password`: takes the place of `password`, which is needed where somebody else gave that
    one."""

    login: Annotated[str, Meta(max_length=128), LOGIN] = ""
    password: Annotated[str, Meta(max_length=256), PASSWORD] = ""
    code: Code = ""
    recovery_code: RecoveryCode = ""
    passkey: Assertion | None = None
    location_id: Annotated[
        str,
        Meta(max_length=80, pattern=r"^[a-z0-9-]*" + END, description="a location's id", examples=["us-wh-seattle"]),
    ] = ""
    hours: Annotated[float, Meta(ge=0.1, le=SHIFT_HOURS_MAX)] = SHIFT_HOURS_MAX
    device: Annotated[str, Meta(max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]*" + END), SHIFT_DEVICE] = ""
    new_password: Annotated[str, Meta(max_length=256), PASSWORD] = ""


class RefreshRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The refresh token that came last. An older one ends the session: somebody else has it."""

    refresh_token: Annotated[str, Meta(min_length=1, max_length=4096)]


class ProofRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The second factor once more: one of the three."""

    code: Code = ""
    recovery_code: RecoveryCode = ""
    passkey: Assertion | None = None


class OwnPasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Both as the person types them."""

    current_password: Annotated[Password, PASSWORD]
    new_password: Annotated[Password, PASSWORD]


class ShiftView(msgspec.Struct, frozen=True):
    """The shift that was opened."""

    session_id: Annotated[str, SHIFT_ID]
    role: str
    location_id: str
    started_at: datetime
    ends_at: datetime


class Tokens(msgspec.Struct, frozen=True):
    """`expires_in`: seconds that the access token is good for. Each answer replaces both tokens."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    shift: ShiftView


class CallerView(msgspec.Struct, frozen=True):
    """Who the token speaks for. `locations`: empty for the whole region. `proved_at`: the last second factor."""

    subject: Annotated[str, CALLER]
    session_id: Annotated[str, CALLER_SESSION]
    role: str
    permissions: list[str]
    locations: list[str]
    proved_at: datetime | None
    expires_at: datetime


class PasskeyOptions(msgspec.Struct, frozen=True):
    """`options`: for `navigator.credentials.create` or `.get` as `publicKey`, with bytes as base64url (Web
    Authentication, 5.1.8)."""

    options: dict[str, Any]


class PasskeyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`shown_as`: the name that the authenticator shows for the account; kept there only."""

    shown_as: Annotated[PasskeyName | None, SHOWN_AS, CUSTOMER_SHOWN_AS] = None


class NewPasskeyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`name`: as the person calls it."""

    name: Annotated[PasskeyName, PASSKEY_NAME, SHOWN_PASSKEY_NAME]
    credential: Attestation


class FirstPasskeyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As PasskeyRequest, by what the refused sign-in gave as `enrolment`."""

    enrolment: Sealed
    shown_as: Annotated[PasskeyName | None, SHOWN_AS] = None


class FirstPasskey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As NewPasskeyRequest, with the same `enrolment`."""

    enrolment: Sealed
    name: Annotated[PasskeyName, PASSKEY_NAME]
    credential: Attestation


class ListedPasskey(msgspec.Struct, frozen=True):
    """`suspect_at`: when its count last went backwards: somebody may have copied the authenticator."""

    passkey_id: str
    name: Annotated[str, PASSKEY_NAME, SHOWN_PASSKEY_NAME]
    created_at: datetime
    used_at: datetime | None
    suspect_at: datetime | None


class PasskeyList(msgspec.Struct, frozen=True):
    """The passkeys of an account."""

    passkeys: list[ListedPasskey]


class FactorRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the refused sign-in (`session.factor_missing`) gave as `enrolment`. `shown_as`: the name that the
    authenticator app shows for the account, as its person would know it again; kept there only. Without it the app
    shows the account's id: login names are kept as digests."""

    enrolment: Sealed
    shown_as: Annotated[PasskeyName | None, SHOWN_AS] = None


class NewFactor(msgspec.Struct, frozen=True):
    """For the authenticator app, as text, link or picture. `pending` goes with the first code to be confirmed."""

    secret: str
    uri: str
    qr_svg: str
    pending: str


class FactorConfirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first code of the authenticator."""

    pending: Sealed
    code: Code


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Shown once; each opens one shift without the authenticator."""

    recovery_codes: list[str]


class NewAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`locations`: where the rights reach; empty for the whole region. `password`: to be told to the person."""

    login: Annotated[Login, LOGIN]
    role: Role
    password: Annotated[Password, PASSWORD]
    locations: LocationIds = []


class AccountSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whole: only its digest is kept."""

    login: Annotated[Login, LOGIN]


class AccountChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`role` takes role and locations (empty: the whole region), `password` the new password. Each ends the running
    shift."""

    change: Literal["role", "password", "reset_factor", "disable", "enable"]
    role: Role | None = None
    locations: LocationIds | None = None
    password: Annotated[Password | None, PASSWORD] = None


class NewClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`scopes`: permissions of the machine."""

    name: Annotated[
        str,
        Meta(
            max_length=41,
            pattern="^[a-z0-9][a-z0-9-]{0,40}" + END,
            description="small letters, digits and dashes",
            examples=["web-shop"],
        ),
    ]
    scopes: Scopes
    locations: LocationIds = []


class ClientChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rotate_secret`: the old one stays good for `grace_s` seconds, and with `end_older` those before it end at once;
    `scopes` takes scopes and locations (empty: the whole region)."""

    change: Literal["rotate_secret", "scopes", "disable", "enable"]
    grace_s: Annotated[int, Meta(ge=0, le=604_800)] = 0
    scopes: Scopes | None = None
    locations: LocationIds | None = None
    end_older: bool = False


class ClientSecret(msgspec.Struct, frozen=True):
    """The secret is shown here, once, and nowhere else. Of a new one also: `old_until_ms`, when the one before ends,
    and `older_until_ms`, when the last of those ends that are older than it (UTC ms; 0: there is none any more; not
    there: the host is of an earlier release and has ended none by `end_older`)."""

    client_id: str
    client_secret: str
    old_until_ms: int | UnsetType = UNSET
    older_until_ms: int | UnsetType = UNSET


class AccessToken(msgspec.Struct, frozen=True):
    """RFC 6749, 5.1."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str
