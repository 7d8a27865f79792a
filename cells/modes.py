"""Whether running cells are as the present settings have them: a cell keeps the identity, the encryption and the
address that it was started with.

Whoever opens a router asks first. By settings that say otherwise than the cells run, it would speak to them as nobody
answers, or open to others a cell that asks nobody who he is.
"""

from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from cells.calls import call
from cells.config import config_folder
from cells.errors import StepFailed
from cells.paths import CellPaths
from cells.running import if_reached
from cells.settings import RegionConfig
from cells.state import as_it_runs, read_state
from cells.trust import of_cell

_UNAUTHORIZED = 401


def check_modes(configs: Iterable[RegionConfig], home: Path | None = None) -> None:
    """Raises StepFailed for the first of these cells that runs, or of which something is left, otherwise than it is
    configured, and CellError for one of which that is not known, as its record is lost or damaged; but not where it is
    damaged and nobody listens at its address. home: default `home_folder()`."""
    for config in configs:
        paths = CellPaths(config.name, home)
        if if_reached(paths, config.api.host, config.api.port) is not None:
            check_mode(config, paths)


def check_left_out(served: Mapping[str, tuple[str, int]], wanted: Container[str], home: Path) -> None:
    """Raises StepFailed for the first of the regions that a router serves, by name with the host and port where it
    looks for each, which is not wanted any more and whose cell runs, and CellError for one of which that is not known;
    but not where its record is damaged and nobody listens at that address."""
    for name, (host, port) in sorted(served.items()):
        paths = CellPaths(name, home)
        if name in wanted or if_reached(paths, host, port) is None:
            continue
        file = config_folder() / f"{name}.toml"
        kept = paths.config / "regions" / file.name  # the copy that it runs by
        back = f"put {file} back" + (f" (a copy: {kept})" if kept.exists() else "")
        raise StepFailed(
            f"{name} runs, and its callers would find it no more: it is not among the regions that are wanted",
            f"{'name it, too' if file.exists() else back}; or end it first: python -m cells down {name}",
        )


def check_mode(config: RegionConfig, paths: CellPaths) -> None:
    """Raises StepFailed if this cell, which runs, runs otherwise."""
    state = read_state(paths.state_file)
    # Of a keeper that died before it had ended what an earlier one left, that is what runs.
    going_on = state.going_on() if state is not None else []
    for run in going_on:
        if run.tls != config.tls.mode:
            raise _other_mode(config.name, "tls", run.tls, config.tls.mode)
    started = as_it_runs(config, paths)
    if started.address != config.address:
        raise StepFailed(
            f"{config.name} runs at {started.address}, and {config.address} is wanted, where the router would look for it",
            f"make down REGIONS={config.name}, then make up again; or take the edit of config/regions/{config.name}.toml back",
        )
    for identity in [run.identity for run in going_on] or [""]:
        runs = identity or _answers(config, paths)
        if runs != config.identity.mode:
            raise _other_mode(config.name, "identity", runs, config.identity.mode)


def _answers(config: RegionConfig, paths: CellPaths) -> str:
    """Does a cell of an older release, whose keeper did not write it down, ask who one is? As configured, if
    it does not answer now."""
    answer = call("GET", f"{config.address}/v1/skus?limit=1", trust=of_cell(config, paths.home))
    return "required" if answer.status == _UNAUTHORIZED else "off" if answer.fine else config.identity.mode


def _other_mode(name: str, what: str, runs: str, wanted: str) -> StepFailed:
    setting = f"{what.upper()}={runs}"
    # With another identity than the orders that it has came with, its next start would be refused (cells/open_time.py).
    when = " if it has no orders yet" if what == "identity" else ""
    return StepFailed(
        f"{name} runs with {what} {runs}, and {wanted} is wanted",
        f"make up {setting} (of other commands: OCEFS_{setting}); or{when}: make down REGIONS={name}, then make up again",
    )
