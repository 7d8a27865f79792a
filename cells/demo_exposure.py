"""Demo accounts' passwords are known to everybody. While a home still has their secrets, neither its cell nor its
router is opened to others.

The accounts are made only in a demo cell on loopback (`cells/demo_people.py`), and outlive that: whoever makes such a
cell a real one disables them first.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cells.errors import CellError
from cells.paths import CellPaths
from cells.settings import LOOPBACK, RegionConfig

_FIRST = (
    'first, as a demo on loopback: profile = "demo", demo_accounts = false and host = "127.0.0.1" (also in config/router.toml), make up, '
    "python -m cells demo-people {region} --disable, make down; then as it is wanted"
)


def opened_by(config: RegionConfig, router_host: str) -> str:
    """What makes the cell one of production or lets others reach it, itself or by a router at
    `router_host`; "" when nothing does."""
    if config.region.profile == "production":
        return 'region.profile is "production"'
    if config.api.host not in LOOPBACK:
        return f"api.host is {config.api.host!r}"
    return "" if router_host in LOOPBACK else f"the router's host is {router_host!r}"


def check_cell_has_none(config: RegionConfig, router_host: str, paths: CellPaths) -> None:
    """Raises CellError when the cell is one of production or reached by others, itself or by a router at
    `router_host`, and has demo accounts."""
    why = opened_by(config, router_host)
    if why and paths.demo_people.exists():
        raise _known(config.name, why)


def check_cells_have_none(home: Path, router_host: str, regions: Iterable[str]) -> None:
    """The same for a router that is started at `router_host`, of the cells of that home. Raises CellError."""
    for region in regions:
        if router_host not in LOOPBACK and CellPaths(region, home).demo_people.exists():
            raise _known(region, f"the router's host is {router_host!r}")


def _known(region: str, why: str) -> CellError:
    return CellError(
        f"{region} has demo accounts, whose passwords everybody knows, and {why}", _FIRST.format(region=region)
    )
