"""Rows of what lies at a location besides its stock: lots, who has a claim to them, bins and what is in them, what is
to come. See `rows.py`."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from actors.domain.location_events import Bin


class LotRow(msgspec.Struct, array_like=True, gc=False):
    """Stock of one lot of a SKU. `expires_on`: days since 1970-01-01, its last good day."""

    table: ClassVar[str] = "lots"
    key: ClassVar[tuple[str, ...]] = ("location_id", "sku", "lot")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    sku: str
    lot: str
    on_hand: int = 0
    allocated: int = 0
    reserved: int = 0
    damaged: int = 0
    quality_hold: int = 0
    expires_on: int | None = None
    serial: bool = False
    told: str = ""
    gone: bool = False


class ClaimRow(msgspec.Struct, array_like=True, gc=False):
    """Units of a lot that are promised to `cause`: "<order or transfer id>.<part>", or a reservation's id."""

    table: ClassVar[str] = "lot_claims"
    key: ClassVar[tuple[str, ...]] = ("location_id", "cause", "sku", "lot")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    cause: str
    sku: str
    lot: str
    units: int = 0
    gone: bool = False


class BinRow(msgspec.Struct, array_like=True, gc=False):
    """One numbered place in a building; see `location_events.Bin`."""

    table: ClassVar[str] = "bins"
    key: ClassVar[tuple[str, ...]] = ("location_id", "bin_id")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    bin_id: str
    zone: str = ""
    aisle: int = 0
    rack: int = 0
    level: int = 0
    x_dm: int = 0
    y_dm: int = 0
    use: str = "pick"
    units_max: int = 0
    volume_max_ml: int = 0
    temperature: str = "ambient"
    hazard: str = ""
    gone: bool = False


class ContentRow(msgspec.Struct, array_like=True, gc=False):
    """Units of a SKU (and lot, "" where it has none) in a bin."""

    table: ClassVar[str] = "bin_contents"
    key: ClassVar[tuple[str, ...]] = ("location_id", "sku", "bin_id", "lot")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    sku: str
    bin_id: str
    lot: str
    units: int = 0
    gone: bool = False


class IncomingRow(msgspec.Struct, array_like=True, gc=False):
    """Units of a SKU that are to come from a source; the row with SKU "" tells that the source
    is known. Times: UTC ms."""

    table: ClassVar[str] = "incoming"
    key: ClassVar[tuple[str, ...]] = ("location_id", "source_id", "sku")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    location_id: str
    source_id: str
    sku: str
    source: str = ""
    revision: int = 0
    expected_at: int = 0
    units: int = 0
    changed_at: int = 0
    gone: bool = False


def bin_row(location_id: str, bin_: Bin) -> BinRow:
    """The bin's row."""
    return BinRow(location_id, *msgspec.structs.astuple(bin_))


def bin_of(row: BinRow) -> Bin:
    """The bin from its row."""
    return Bin(*msgspec.structs.astuple(row)[1:-1])
