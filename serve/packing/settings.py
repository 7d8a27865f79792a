"""What packing has to know of its region: cartons, the company's prefix, who sends, and which carriers there are. The
cell fills it from `[packing]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from actors.domain.carton import CartonType
from actors.domain.customs import SdrRate
from actors.domain.postal import Party
from actors.domain.shipment_commands import LabelFormat, Sides


class Carton(msgspec.Struct, frozen=True):
    """A kind of carton. wall_mm: by how much it is larger outside, on each side."""

    inner: CartonType
    wall_mm: int = 4

    @property
    def outer(self) -> Sides:
        """In mm."""
        length, width, height = self.inner.inner
        return length + 2 * self.wall_mm, width + 2 * self.wall_mm, height + 2 * self.wall_mm


class CarrierAccount(msgspec.Struct, frozen=True):
    """A carrier: `carrier` is how docks and callers call it. port: which one it is; "fake" is
    `partners/fake_carrier.py`. small_packets: services by which parcels travel as letter post, so that
    small ones have a CN 22."""

    carrier: str
    port: Literal["fake"] = "fake"
    label_format: LabelFormat = "pdf"
    small_packets: tuple[str, ...] = ()


class PackingSettings(msgspec.Struct, frozen=True):
    """company_prefix: GS1's, "" when the retailer has none, who can't number parcels then; sscc_extension: that this
    region's numbers begin with. senders: by location, others than `sender`. tolerance: by how much a scale may differ.
    fake_carrier_file: where the fake keeps its books for all replicas, "" for each on its own. papers_keep_days: of
    shipments that are over. sdr: what the limit of a CN 22 is reckoned by; hs_digits: by country of destination, how
    many digits of an HS code it wants where six don't suffice. timezone: the region's, in
    which papers have their day."""

    company_prefix: str = ""
    sscc_extension: int = 0
    cartons: tuple[Carton, ...] = ()
    sender: Party | None = None
    senders: Mapping[str, Party] = {}
    carriers: tuple[CarrierAccount, ...] = ()
    tolerance_g: int = 50
    tolerance_percent: int = 5
    fake_carrier_file: str = ""
    papers_keep_days: int = 30
    sdr: SdrRate | None = None
    hs_digits: Mapping[str, int] = {}
    timezone: str = "UTC"

    def sender_at(self, location_id: str) -> Party | None:
        """Who stands on labels as the sender."""
        return self.senders.get(location_id, self.sender)

    def small_packet(self, carrier: str, service: str) -> bool:
        """Is it letter post?"""
        return any(one.carrier == carrier and service in one.small_packets for one in self.carriers)
