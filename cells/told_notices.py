"""Where nothing is real and nobody but this machine comes in, notices go to the cell's log with the codes in them, so
that a demo can be signed in to.

Whether that is so is settled when the cell is deployed. A router that is opened to others afterwards would let people
in whose codes go on to the log, so it does not start before the cell has.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cells.demo_exposure import opened_by
from cells.errors import CellError
from cells.paths import CellPaths
from cells.running import if_reached
from cells.settings import LOOPBACK, RegionConfig


def tells(config: RegionConfig, router_host: str) -> bool:
    """Whether such a cell's notices are told to its log: it is a demo, and neither it nor a router at
    `router_host` is reached by others."""
    return not opened_by(config, router_host)


def note(paths: CellPaths, *, told: bool) -> None:
    """Keeps what a deploy has settled, for a router that starts later. Raises OSError."""
    if told:
        paths.notices_told.touch()
    else:
        paths.notices_told.unlink(missing_ok=True)


def check_none_told(home: Path, router_host: str, regions: Mapping[str, tuple[str, int]]) -> None:
    """Raises CellError when a router is to start at `router_host`, where others reach it, and a cell of that home that
    runs tells codes to its log. `regions`: by name, with the host and port where the router looks for each. Of one that
    told codes and whose record is damaged CellError, too, unless nobody listens there."""
    if router_host in LOOPBACK:
        return
    for region, (host, port) in regions.items():
        paths = CellPaths(region, home)
        if paths.notices_told.exists() and if_reached(paths, host, port) is not None:
            raise CellError(
                f"{region} tells notices to its log, one-time codes and all, and the router's host is {router_host!r}",
                "make down, then make up: the cell starts knowing that others come in",
            )
