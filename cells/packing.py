"""What the API has to know of packing, from `[packing]` of the region's config."""

from __future__ import annotations

from pathlib import Path

from actors.domain.carton import CartonType
from actors.domain.customs import SdrRate
from actors.domain.postal import Party
from cells.packing_config import SenderConfig
from cells.settings import RegionConfig
from serve.packing.settings import CarrierAccount, Carton, PackingSettings


def packing_settings(config: RegionConfig, books: Path | None) -> PackingSettings:
    """`books`: where a fake carrier keeps its own, for all replicas; None: each replica on its own."""
    packing = config.packing
    cartons = tuple(
        Carton(
            CartonType(one.carton, one.length_mm, one.width_mm, one.height_mm, one.weight_g, one.weight_max_g, one.cost), one.wall_mm
        )
        for one in packing.cartons
    )  # fmt: skip
    return PackingSettings(
        packing.company_prefix, packing.sscc_extension, cartons, None if packing.sender is None else _party(packing.sender),
        {place: _party(one) for place, one in packing.senders.items()},
        tuple(CarrierAccount(one.carrier, one.port, one.label_format, one.small_packets) for one in packing.carriers),
        packing.tolerance_g, packing.tolerance_percent, "" if books is None else str(books), packing.papers_keep_days,
        None if packing.sdr is None else SdrRate(packing.sdr.currency, packing.sdr.minor_per_100, packing.sdr.on), packing.hs_digits,
        config.region.timezone,
    )  # fmt: skip


def _party(sender: SenderConfig) -> Party:
    return Party(
        sender.name, sender.street, sender.city, sender.postcode, sender.country, sender.company, sender.state, sender.phone,
        sender.email,
    )  # fmt: skip
