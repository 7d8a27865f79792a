"""`[packing]` of a region's config: its keys, and what must hold beyond the types of its values. Neither the API nor
the domain is imported here: the router reads these files too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from cells.errors import ConfigError

if TYPE_CHECKING:
    from cells.settings import RegionConfig

_Side = Annotated[int, Meta(ge=1, le=10_000, description="mm")]
_Grams = Annotated[int, Meta(ge=0, le=1_000_000, description="g")]
_LINE = r"^[^\u0000-\u001f\u007f-\u009f]*$"
_Said = Annotated[str, Meta(min_length=1, max_length=100, pattern=_LINE)]
_Line = Annotated[str, Meta(max_length=100, pattern=_LINE)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Frozen, and with no key that we do not know."""


class CartonConfig(_Part, frozen=True, kw_only=True):
    """`[[packing.cartons]]`: a kind of carton. Sides: inner; wall_mm: by how much it is larger outside on each side;
    weight_max_g: with the carton; cost: minor units."""

    carton: Annotated[str, Meta(min_length=1, max_length=64, pattern=_LINE)]
    length_mm: _Side
    width_mm: _Side
    height_mm: _Side
    wall_mm: Annotated[int, Meta(ge=0, le=100)] = 4
    weight_g: _Grams
    weight_max_g: _Grams
    cost: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class CarrierConfig(_Part, frozen=True, kw_only=True):
    """`[[packing.carriers]]`: a carrier. port "fake" stands in until a real one is connected, and is for trying only.
    small_packets: services by which parcels travel as letter post (a small packet's customs form is the
    CN 22, up to its limit)."""

    carrier: Annotated[str, Meta(pattern="^[a-z][a-z0-9]{0,23}$", description="small letters and digits")]
    port: Literal["fake"] = "fake"
    label_format: Literal["pdf", "zpl"] = "pdf"
    small_packets: Annotated[tuple[_Said, ...], Meta(max_length=50)] = ()


class SenderConfig(_Part, frozen=True, kw_only=True):
    """`[packing.sender]`, and `[packing.senders.<location>]` where it is another one: who stands on labels and papers.
    street: one to four lines."""

    name: _Said
    street: Annotated[tuple[_Said, ...], Meta(min_length=1, max_length=4)]
    city: _Said
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
    postcode: Annotated[str, Meta(max_length=16, pattern=_LINE)] = ""
    company: _Line = ""
    state: Annotated[str, Meta(max_length=40, pattern=_LINE)] = ""
    phone: Annotated[str, Meta(pattern=r"^(\+[0-9]{6,15})?$", description="E.164")] = ""
    email: Annotated[str, Meta(max_length=254, pattern=_LINE)] = ""


class SdrConfig(_Part, frozen=True, kw_only=True):
    """`[packing.sdr]`: what 100 special drawing rights cost, in minor units of the currency that the region sells in,
    and on which day (the IMF's rate). Older than a year it is not used any more."""

    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217")]
    minor_per_100: Annotated[int, Meta(ge=1, le=10**12)]
    on: date


class Packing(_Part, frozen=True, kw_only=True):
    """`[packing]`: cartons, carriers, and whose numbers parcels have (docs/domain/packing.md).

    `cartons` there are, of inner sides; `carriers` that fetch parcels; `sender`: who sends, and
    `senders`: who else at a location.
    `company_prefix`: GS1's, without one no parcel gets a number. `sscc_extension`: the digit before it; no two regions
    may share both. `tolerance_g`, `tolerance_percent`: by how much a scale may differ from what the contents weigh; the
    larger one counts. `papers_keep_days`: how long labels, and addresses of manual shipments, can be printed again once
    all of a shipment is with its carrier. `sdr`: without it all customs declarations are the CN 23. `hs_digits`: by
    country of destination, how many digits of an HS code it wants where six don't suffice.
    """

    company_prefix: Annotated[str, Meta(pattern="^([0-9]{4,12})?$", description="4 to 12 digits")] = ""
    sscc_extension: Annotated[int, Meta(ge=0, le=9)] = 0
    tolerance_g: Annotated[int, Meta(ge=0, le=100_000)] = 50
    tolerance_percent: Annotated[int, Meta(ge=0, le=100)] = 5
    papers_keep_days: Annotated[int, Meta(ge=0, le=3_650, description="days")] = 30
    cartons: Annotated[tuple[CartonConfig, ...], Meta(max_length=40)] = ()
    carriers: Annotated[tuple[CarrierConfig, ...], Meta(max_length=20)] = ()
    sender: SenderConfig | None = None
    senders: dict[str, SenderConfig] = {}
    sdr: SdrConfig | None = None
    hs_digits: dict[Annotated[str, Meta(pattern="^[A-Z]{2}$")], Literal[6, 8, 10]] = {}


def check_packing(config: RegionConfig, path: Path) -> None:
    """One region's, read from `path`. Raises ConfigError."""
    packing = config.packing
    _check_twice(path, "cartons", [one.carton for one in packing.cartons])
    _check_twice(path, "carriers", [one.carrier for one in packing.carriers])
    for one in packing.cartons:
        if one.weight_max_g <= one.weight_g:
            raise ConfigError(
                f"{path}: packing.cartons: {one.carton} weighs {one.weight_g} g empty, and may weigh {one.weight_max_g} g",
                "weight_max_g is of the packed parcel, the carton included: raise it",
            )
    for place in packing.senders:
        if not place.startswith(f"{config.name}-"):
            raise ConfigError(
                f"{path}: packing.senders.{place} is no location of {config.name}", f"write it as {config.name}-wh-…"
            )
    fakes = [one.carrier for one in packing.carriers if one.port == "fake"]
    if config.region.profile == "production" and fakes:
        raise ConfigError(
            f'{path}: region.profile is "production", but the carrier {fakes[0]} is a fake: nobody would fetch its parcels',
            "take it out of packing.carriers",
        )


def check_prefixes(configs: Iterable[RegionConfig], folder: Path) -> None:
    """Of all regions: each counts its own SSCCs. Raises ConfigError."""
    taken: dict[tuple[str, int], str] = {}
    for config in configs:
        packing = config.packing
        if not packing.company_prefix:
            continue
        other = taken.setdefault((packing.company_prefix, packing.sscc_extension), config.name)
        if other != config.name:
            raise ConfigError(
                f"{folder / config.name}.toml: packing.sscc_extension is {packing.sscc_extension}, and {other} has the same company prefix with it: "
                "both would give the same numbers",
                "give each region an extension digit of its own, 0 to 9",
            )


def _check_twice(path: Path, key: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{path}: packing.{key} names {', '.join(twice)} twice", "keep one of them")
