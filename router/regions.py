"""The cells' configuration → the router's regions: the one place where the two meet."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from cells.config import load_all
from cells.settings import RegionConfig
from cells.trust import of_cell
from router.config import RouterConfig, RouterConfigError
from router.state import RouterFolder
from router.topology import Region, addresses


def region_of(cell: RegionConfig, home: Path | None = None) -> Region:
    """What the router needs of one cell's configuration; `home` is the folder of all state."""
    trust = of_cell(cell, home) if cell.encrypted else None
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
        tls_ca=trust.ca if trust else "",
        tls_name=trust.name if trust else "",
    )


def check_patience(config: RouterConfig, cells: Iterable[RegionConfig]) -> None:
    """Raises RouterConfigError when the router would give up a call that a cell still answers: its caller would be told
    that nobody knows what came of it."""
    for cell in cells:
        if config.cell_timeout_ms < cell.api.erasure_ms_min:
            raise RouterConfigError(
                f"router.cell_timeout_ms is {config.cell_timeout_ms}, but an erasure takes {cell.api.erasure_ms_min} ms "
                f"in {cell.name}, whose api.request_timeout_ms is {cell.api.request_timeout_ms}",
                f"write cell_timeout_ms = {cell.api.erasure_ms_min} or more in the router's settings, or lower "
                "request_timeout_ms",
            )


def served(home: Path) -> dict[str, tuple[str, int]]:
    """The regions that a running router of this home serves, by name with the host and port where it looks for each.
    Raises CellError when the files of one that runs are damaged."""
    router = RouterFolder(home)
    plan = router.plan() if router.state().runs else None
    return addresses(plan.regions) if plan is not None else {}


def load_regions(
    names: Iterable[str] | None = None, folder: Path | None = None, home: Path | None = None
) -> Sequence[Region]:
    """The regions of `config/regions/` (or those named). Raises `cells.errors.ConfigError`."""
    return [region_of(cell, home) for cell in load_all(names, folder)]
