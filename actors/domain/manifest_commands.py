"""What may be asked of a dock and its manifests. The rules are in `manifest.py`."""

from __future__ import annotations

import msgspec


# --- what shipments say ---------------------------------------------------------------------------------------------
class JoinDock(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A parcel with its label waits for the carrier. parcel: its number in the shipment."""

    shipment_id: str
    parcel: int
    sscc: str
    tracking: str
    weight_g: int


class LeaveDock(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The parcel shall not wait any more: its label is given back. Refused once it is on a manifest; withdrawn: it must
    not leave, wherever it is."""

    sscc: str
    parcel: int
    withdrawn: bool = False


class ParcelAnswered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Its shipment lets the parcel leave; or not, with a code."""

    sscc: str
    code: str = ""


# --- what people do; `within`: the locations that their rights reach, empty for the whole region ---------------------
class CloseManifest(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What waits goes onto a manifest. Answered with what to tell the carrier, and under which key; while it has not
    answered, with the same again."""

    within: list[str] = []


class NoteManifest(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The carrier has taken note. carrier_ref: how it calls the manifest."""

    number: int
    carrier_ref: str


class NoteManifestRefused(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The carrier has not, with this code: all of it waits again."""

    number: int
    code: str


class ScanParcel(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The parcel stands before the driver. code: its SSCC or tracking number."""

    number: int
    code: str
    within: list[str] = []


class CompleteHandOver(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The driver has signed. leave: what is missing waits for the next one."""

    number: int
    leave: bool = False
    within: list[str] = []


Command = (
    JoinDock | LeaveDock | ParcelAnswered | CloseManifest | NoteManifest | NoteManifestRefused | ScanParcel | CompleteHandOver
)  # fmt: skip
