"""Whether running cells are as the present settings have them: a cell keeps the identity, the encryption and the address that it was started with.

Whoever opens a router asks first. By settings that say otherwise than the cells run, it would speak to them as nobody answers, or open to others a cell that asks nobody who he is.
"""

from collections.abc import Iterable
from pathlib import Path

from cells.calls import call
from cells.errors import StepFailed
from cells.paths import CellPaths
from cells.settings import RegionConfig
from cells.state import as_it_runs, read_state
from cells.trust import of_cell

_UNAUTHORIZED = 401


def check_modes(configs: Iterable[RegionConfig], home: Path | None = None) -> None:
    """Raises StepFailed for the first of these cells that runs, or of which something is left, otherwise than it is configured. home: default `home_folder()`."""
    for config in configs:
        paths = CellPaths(config.name, home)
        state = read_state(paths.state_file)
        if state is not None and state.anything_runs:
            check_mode(config, paths)


def check_left_out(names: Iterable[str], home: Path) -> None:
    """Raises StepFailed for the first of these regions, which a router is to serve no more, whose cell runs."""
    for name in sorted(names):
        state = read_state(CellPaths(name, home).state_file)
        if state is not None and state.keeper_lives:
            raise StepFailed(
                f"{name} runs, and its callers would find it no more: it is not among the regions that are wanted",
                f"name it, too; or end it first: python -m cells down {name}",
            )


def check_mode(config: RegionConfig, paths: CellPaths) -> None:
    """Raises StepFailed if this cell, which runs, runs otherwise."""
    state = read_state(paths.state_file)
    if state is not None and state.tls != config.tls.mode:
        raise _other_mode(config.name, "tls", state.tls, config.tls.mode)
    started = as_it_runs(config, paths)
    if started.address != config.address:
        raise StepFailed(
            f"{config.name} runs at {started.address}, and {config.address} is wanted, where the router would look for it",
            f"make down REGIONS={config.name}, then make up again; or take the edit of config/regions/{config.name}.toml back",
        )
    runs = (state.identity if state is not None else "") or _answers(config, paths)
    if runs != config.identity.mode:
        raise _other_mode(config.name, "identity", runs, config.identity.mode)


def _answers(config: RegionConfig, paths: CellPaths) -> str:
    """Does a cell of an older release, whose keeper did not write it down, ask who one is? As configured, if it does not answer now."""
    answer = call("GET", f"{config.address}/v1/skus?limit=1", trust=of_cell(config, paths.home))
    return "required" if answer.status == _UNAUTHORIZED else "off" if answer.fine else config.identity.mode


def _other_mode(name: str, what: str, runs: str, wanted: str) -> StepFailed:
    setting = f"{what.upper()}={runs}"
    return StepFailed(
        f"{name} runs with {what} {runs}, and {wanted} is wanted",
        f"make down REGIONS={name}, then make up again; or make up {setting} (of other commands: OCEFS_{setting})",
    )
