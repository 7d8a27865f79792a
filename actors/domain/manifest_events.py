"""What has happened at a dock. The rules are in `manifest.py`."""

from __future__ import annotations

import msgspec


class Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A parcel that waits. announced: the carrier was told of it by an earlier manifest, on which it did not leave.
    place: in the queue, the smallest leaves first; given when it is put there."""

    sscc: str
    shipment_id: str
    parcel: int
    tracking: str
    weight_g: int
    announced: bool = False
    place: int = 0


class ParcelJoined(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It waits for the carrier."""

    parcel: Waiting


class ParcelLeft(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It does not wait any more."""

    sscc: str


class ParcelStopped(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is on a manifest, and must not leave."""

    number: int
    sscc: str


class ManifestClosing(msgspec.Struct, frozen=True, tag=True, gc=False):
    """These parcels, in the order in which they came, are told to the carrier under `key`."""

    number: int
    key: str
    ssccs: list[str]


class ManifestClosed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The carrier has taken note."""

    number: int
    carrier_ref: str


class ManifestReturned(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It has not: all wait again."""

    number: int
    code: str


class ClearanceAsked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The parcel stands before the driver: with this event its shipment is asked. command_id: whose answer waits."""

    number: int
    sscc: str
    shipment_id: str
    parcel: int
    command_id: str


class ParcelChecked(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It may be loaded; or not, with a code."""

    number: int
    sscc: str
    code: str = ""


class HandOverDone(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The driver is gone with these (shipment, parcel), since `at_ms` (UTC ms): with this event their shipments are
    told. left: SSCCs that wait for the next."""

    number: int
    handed: list[tuple[str, int]]
    left: list[str]
    at_ms: int


Event = (
    ParcelJoined | ParcelLeft | ParcelStopped | ManifestClosing | ManifestClosed | ManifestReturned | ClearanceAsked | ParcelChecked
    | HandOverDone
)  # fmt: skip
