"""The regions as the router sees them, and the rules that a set of regions must keep.

Pure: no I/O. `router.regions` makes these values from the cells' configuration.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from cells.settings import LOOPBACK

Residency = Literal["strict", "open"]

# Region names become HAProxy proxy names, map values and the first part of every id: no dash, since the first dash
# of an id ends its region.
_NAME = re.compile(r"[a-z][a-z0-9]{0,30}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_HOST = re.compile(r"[A-Za-z0-9_.:-]{1,253}")


class TopologyError(ValueError):
    """The regions contradict each other or a rule; the message names the region and what would be right."""


class Region(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One region and the door of its cell.

    `countries` are ISO 3166-1 alpha-2 codes, `lat` and `lon` the region's centre in degrees (WGS 84).
    `failover` lists the regions, best first, that may answer shared reads while this cell is away; under
    residency `strict` it must be empty. `host` and `port` are the cell's HTTP door. `guarded`: the cell lets nobody in
    without a token. `tls_ca` and `tls_name`: the CA's file and the host name by which the cell's door is verified;
    empty: it speaks plain HTTP.
    """

    name: str
    countries: tuple[str, ...]
    lat: float
    lon: float
    host: str
    port: int
    guarded: bool = False
    tls_ca: str = ""
    tls_name: str = ""
    default: bool = False
    residency: Residency = "strict"
    failover: tuple[str, ...] = ()


def check_regions(regions: Sequence[Region]) -> None:
    """Raise `TopologyError` at the first rule that `regions` break."""
    if not regions:
        raise TopologyError("no region is configured: the router needs at least one")
    names = [region.name for region in regions]
    for name in names:
        if names.count(name) > 1:
            raise TopologyError(f"region {name} is configured twice")
    for region in regions:
        _check_region(region, names)
    _check_countries(regions)
    if sum(region.default for region in regions) > 1:
        chosen = ", ".join(region.name for region in regions if region.default)
        raise TopologyError(f"only one region may be the default, these say that they are: {chosen}")


def check_exposure(host: str, regions: Sequence[Region], *, encrypted: bool) -> None:
    """Raise `TopologyError` when a router on `host` would let other machines into a cell that lets everybody do
    everything, or would speak with them in plain text."""
    open_cells = [region.name for region in regions if not region.guarded]
    if open_cells and host not in LOOPBACK:
        raise TopologyError(
            f"the router would listen on {host!r}, but identity is off in {', '.join(open_cells)}: whoever reaches it could do "
            'everything there; write mode = "required" under [identity] of these regions, or host = "127.0.0.1" in router.toml'
        )
    if host not in LOOPBACK and not encrypted:
        raise TopologyError(
            f"the router would listen on {host!r}, but router.tls is off: passwords and addresses would cross a network in plain text; "
            'write tls = "required" (and in the regions alike, or all at once by OCEFS_TLS), or host = "127.0.0.1"'
        )


def check_encryption(encrypted: bool, regions: Sequence[Region]) -> None:
    """Raise `TopologyError` unless the router and all cells agree whether anything may go in plain text."""
    others = [region.name for region in regions if bool(region.tls_ca) != encrypted]
    if others:
        ours, theirs = ("required", "off") if encrypted else ("off", "required")
        raise TopologyError(
            f'router.tls is "{ours}", but tls.mode is "{theirs}" in {", ".join(others)}: one of the two ways would be in plain text; '
            "set the router and all regions alike, or all at once by OCEFS_TLS"
        )


def _check_region(region: Region, names: Sequence[str]) -> None:
    where = f"region {region.name!r}"
    if not _NAME.fullmatch(region.name):
        raise TopologyError(f"{where}: a name is a lower-case letter, then up to 30 lower-case letters or digits")
    if not -90 <= region.lat <= 90 or not -180 <= region.lon <= 180:
        raise TopologyError(f"{where}: the centre must have lat in -90..90 and lon in -180..180")
    if not 1 <= region.port <= 65535:
        raise TopologyError(f"{where}: port must be in 1..65535, not {region.port}")
    if not _HOST.fullmatch(region.host):
        raise TopologyError(f"{where}: host must be an address or a host name, not {region.host!r}")
    if region.residency == "strict" and region.failover:
        raise TopologyError(f"{where}: residency strict never fails over, so failover must be empty")
    for other in region.failover:
        if other == region.name or region.failover.count(other) > 1:
            raise TopologyError(f"{where}: failover lists each other region at most once, and never itself")
        if not _NAME.fullmatch(other):
            raise TopologyError(f"{where}: failover region {other!r} is not a region name; known: {', '.join(names)}")


def _check_countries(regions: Sequence[Region]) -> None:
    owner: dict[str, str] = {}
    for region in regions:
        for country in region.countries:
            if not _COUNTRY.fullmatch(country):
                raise TopologyError(
                    f"region {region.name}: country {country!r} must be two capital letters (ISO 3166-1 alpha-2)"
                )
            if country in owner:
                raise TopologyError(f"country {country} is served by {owner[country]} and by {region.name}: choose one")
            owner[country] = region.name


def addresses(regions: Iterable[Region]) -> dict[str, tuple[str, int]]:
    """Region → host and port where its cell is looked for."""
    return {region.name: (region.host, region.port) for region in regions}


def default_region(regions: Sequence[Region]) -> Region:
    """The region for callers of whom nothing is known: the one marked default, or the first."""
    return next((region for region in regions if region.default), regions[0])


def region_of_country(regions: Sequence[Region]) -> dict[str, str]:
    """ISO country to region name."""
    return {country: region.name for region in regions for country in region.countries}
