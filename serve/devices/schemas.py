"""Bodies of `/v1/devices`. Times: UTC, RFC 3339. Codes are shown once and never logged."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.device import DeviceModel, DeviceStatus
from serve.customers.codes import CodeText
from serve.identity.schemas import LocationId
from serve.limits import END, TEXT

# What a program that nobody watches may be trusted with at one location. All of it is medium or low, and
# none asks for a second factor.
DEVICE_SCOPES = ("floor.work", "orders.read", "orders.update", "stock.read", "stock.receive")
DeviceName = Annotated[str, Meta(min_length=1, max_length=64, pattern=TEXT, description="as people there call it")]
DeviceScopes = Annotated[
    list[Annotated[str, Meta(max_length=64, extra_json_schema={"enum": list(DEVICE_SCOPES)})]], Meta(max_length=16)
]
DeviceIdText = Annotated[str, Meta(min_length=1, max_length=64, examples=["us-device-01kah2v3nq7h3k2m9qk4t1x0ab"])]
# 32 bytes.
Ed25519Point = Annotated[str, Meta(min_length=43, max_length=43, pattern="^[A-Za-z0-9_-]+" + END)]


class NewDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`scopes`: what it may do at its location by itself; people who work on it have their own rights."""

    name: DeviceName
    model: DeviceModel
    location_id: LocationId
    scopes: DeviceScopes = []


class DeviceChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`revoke`: for good. `renew_code`: for a device that lost its key; until the code is claimed the old key is good.
    `move`: to `location_id`."""

    change: Literal["revoke", "renew_code", "move"]
    location_id: LocationId | None = None


class PublicKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An Ed25519 key as JWK (RFC 8037, 2). Only these members: above all no `d`, the private key
    never leaves the device."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: Ed25519Point


class ClaimRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By the device, with the code that somebody read to it."""

    device_id: DeviceIdText
    code: CodeText
    public_key: PublicKey


class DeviceCode(msgspec.Struct, frozen=True):
    """`code` is shown here and nowhere else, "" when there is no new one; `code_expires_at`: until
    when it may be claimed."""

    device_id: str
    version: int
    code: str
    code_expires_at: datetime | None


class ClaimedDevice(msgspec.Struct, frozen=True):
    """`audience`: what its assertions have to name as `aud`."""

    device_id: str
    name: str
    location_id: str
    scopes: list[str]
    audience: str


class DeviceDetail(msgspec.Struct, frozen=True):
    """A device. `code_expires_at`: null when no code waits; `enrolled_at`: when its present key was claimed; `seen_at`:
    when it last signed in."""

    device_id: str
    version: int
    name: str
    model: DeviceModel
    location_id: str
    scopes: list[str]
    status: DeviceStatus
    code_expires_at: datetime | None
    enrolled_at: datetime | None
    seen_at: datetime | None


class ListedDevice(msgspec.Struct, frozen=True):
    """One device in a list."""

    device_id: str
    version: int
    name: str
    model: DeviceModel
    location_id: str
    status: DeviceStatus
    seen_at: datetime | None


class DevicePage(msgspec.Struct, frozen=True):
    """Newest first. `as_of`: how fresh it is, null while not every host has told; `next_cursor`: null at the end."""

    devices: list[ListedDevice]
    as_of: datetime | None
    next_cursor: str | None
