"""What is known of a dock, and what is told of it. The rules are in `manifest.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from actors.domain.errors import Refused
from actors.domain.manifest_events import Waiting

ManifestStatus = Literal["closing", "closed", "handed_over", "returned"]
# `listed`: not seen yet; `clearing`: its shipment is being asked; `cleared`: it may be loaded; `held`: not now;
# `withdrawn`: never; `left`: for the next.
ListedStatus = Literal["listed", "clearing", "cleared", "held", "withdrawn", "handed_over", "left"]
WAITING_MAX = 5_000
# Of one manifest: what carriers take at once.
LISTED_MAX = 300
OPEN_MAX = 20
# Manifests that are over and still in memory; all others are in the read model.
OVER_KEPT = 5


# --- state ----------------------------------------------------------------------------------------------------------
class Listed(msgspec.Struct, gc=False):
    """A parcel on a manifest. answer: the command that waits for its shipment. code: why it was held."""

    sscc: str
    shipment_id: str
    parcel: int
    tracking: str
    weight_g: int
    announced: bool = False
    status: ListedStatus = "listed"
    code: str = ""
    answer: str = ""
    place: int = 0


class Manifest(msgspec.Struct):
    """One manifest, as it is told and written down. code: of the carrier's refusal, when it was returned."""

    number: int
    key: str
    closed_at_ms: int
    parcels: list[Listed]
    status: ManifestStatus = "closing"
    carrier_ref: str = ""
    code: str = ""
    handed_over_ms: int | None = None


class Roll(msgspec.Struct):
    """A manifest as its dock has it: `listed` by SSCC, in the order of the list, `by_tracking`: SSCCs. may: how many of
    them may leave, seen: how many of these are cleared or gone: so that a scan looks at no
    other parcel than its own."""

    number: int
    key: str
    closed_at_ms: int
    listed: dict[str, Listed]
    by_tracking: dict[str, str]
    may: int
    seen: int = 0
    status: ManifestStatus = "closing"
    carrier_ref: str = ""
    code: str = ""
    handed_over_ms: int | None = None

    @property
    def parcels(self) -> list[Listed]:
        """All, in the order of the list."""
        return list(self.listed.values())

    def find(self, code: str) -> Listed | None:
        """By SSCC or tracking number."""
        return self.listed.get(code) or self.listed.get(self.by_tracking.get(code, ""))

    def told(self) -> Manifest:
        """As it is told and written down."""
        return Manifest(
            self.number, self.key, self.closed_at_ms, self.parcels, self.status, self.carrier_ref, self.code, self.handed_over_ms
        )  # fmt: skip


class Dock(msgspec.Struct):
    """The state: what waits by SSCC, the next to leave first, with `codes` from tracking number to SSCC; and the
    manifests by number, those that are over in the order in which they were. on_list: the manifest on which a parcel is
    that may leave by it. next_place, first_place: of the queue's ends. whole: of one that came back from before there
    was a row for each parcel, "" until it changes, then the command with which all of its rows are
    written; None: they are."""

    next_number: int = 1
    standing: dict[str, Waiting] = {}
    codes: dict[str, str] = {}
    manifests: dict[int, Roll] = {}
    on_list: dict[str, int] = {}
    next_place: int = 0
    first_place: int = 0
    whole: str | None = None

    @property
    def waiting(self) -> list[Waiting]:
        """All that waits, the next to leave first."""
        return list(self.standing.values())


def place_of(dock_id: str) -> tuple[str, str]:
    """(location, carrier)."""
    location_id, _, carrier = dock_id.rpartition(".")
    return location_id, carrier


def check_reach(within: list[str], dock_id: str) -> None:
    """Raises Refused `manifest.location_forbidden` unless the rights reach the place."""
    if within and place_of(dock_id)[0] not in within:
        raise Refused("manifest.location_forbidden", "Your rights don't reach this dock.", dock_id=dock_id)


def manifest_of(dock: Dock | None, number: int) -> Roll:
    """Raises Refused `manifest.unknown`."""
    found = dock.manifests.get(number) if dock is not None else None
    if found is None:
        raise Refused("manifest.unknown", f"There is no manifest {number} any more, or not yet.", number=number)
    return found


def live(dock: Dock) -> list[Roll]:
    """Those whose parcels have not left."""
    return [one for one in dock.manifests.values() if one.status in ("closing", "closed")]


def signed_for(parcels: Iterable[Listed]) -> list[Listed]:
    """Those that leave by their manifest, or have left: the driver signs for these."""
    return [one for one in parcels if one.status not in ("withdrawn", "left")]


# --- queries and answers -------------------------------------------------------------------------------------------
class ViewDock(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for what waits and which manifests there are."""

    dock_id: str
    within: list[str] = []


class ViewManifest(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for one manifest that is in memory."""

    dock_id: str
    number: int
    within: list[str] = []


class DockStep(msgspec.Struct, frozen=True, gc=False):
    """The answer to what shipments and the carrier say."""

    dock_id: str
    version: int
    waiting: int


class ManifestTicket(msgspec.Struct, frozen=True, gc=False):
    """What to tell the carrier: tracking numbers of which it does not know, in order. closed_at_ms: since when (UTC
    ms), 0 when nobody knows."""

    dock_id: str
    version: int
    number: int
    status: ManifestStatus
    key: str
    tracking_numbers: list[str]
    closed_at_ms: int = 0


class ScanView(msgspec.Struct, frozen=True, gc=False):
    """What came of a scan. `load` only when it is `cleared`; seen, of: parcels of the manifest that are cleared,
    and all that may leave."""

    number: int
    sscc: str
    tracking: str
    status: ListedStatus
    load: bool
    code: str
    seen: int
    of: int


class ManifestView(msgspec.Struct, frozen=True, gc=False):
    """One manifest."""

    dock_id: str
    version: int
    manifest: Manifest


class DockView(msgspec.Struct, frozen=True, gc=False):
    """What waits, and the manifests in memory, oldest first."""

    dock_id: str
    version: int
    waiting: list[Waiting]
    manifests: list[Manifest]
