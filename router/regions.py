"""The cells' configuration → the router's regions: the one place where the two meet."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from cells.config import RegionConfig, load_all
from router.topology import Region


def region_of(cell: RegionConfig) -> Region:
    """What the router needs of one cell's configuration."""
    return Region(
        name=cell.region.name,
        countries=cell.region.countries,
        lat=cell.region.lat,
        lon=cell.region.lon,
        default=cell.region.default,
        residency=cell.region.residency,
        failover=cell.region.failover,
        host=cell.api.host,
        port=cell.api.port,
        guarded=cell.identity.mode == "required",
    )


def load_regions(names: Iterable[str] | None = None, folder: Path | None = None) -> Sequence[Region]:
    """The regions of `config/regions/` (or those named). Raises `cells.errors.ConfigError`."""
    return [region_of(cell) for cell in load_all(names, folder)]
