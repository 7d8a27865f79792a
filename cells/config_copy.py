"""The config files as a cell's run read them, kept beside its state.

    <home>/<region>/run/config/regions/*.toml
    <home>/<region>/run/config/router.toml      empty where there is none

Whatever the keeper starts later, hours or months on, reads this copy: a file that somebody is editing must not keep a
cell from coming back, nor bring it back on other ports than its keeper waits for. An edit counts from
the next start of the cell.
"""

import shutil
from pathlib import Path

from cells.config import config_folder


def copy_config(folder: Path) -> None:
    """Copy the region files and the router's into `folder`, an older copy removed first. Raises OSError."""
    from router.config import config_file  # the router reads the cells' config, so not the other way round at import

    if folder.exists():
        shutil.rmtree(folder)
    regions = folder / "regions"
    regions.mkdir(mode=0o700, parents=True)
    for file in config_folder().glob("*.toml"):
        shutil.copy(file, regions)
    if config_file().exists():
        shutil.copy(config_file(), folder / "router.toml")
    else:
        (folder / "router.toml").touch()


def edited_since(name: str, folder: Path) -> bool:
    """Whether the region's file says something else than the copy in `folder`; False where there is
    no copy to compare with."""
    try:
        return (config_folder() / f"{name}.toml").read_bytes() != (folder / "regions" / f"{name}.toml").read_bytes()
    except FileNotFoundError:
        return False


def copy_environment(folder: Path) -> dict[str, str]:
    """What makes a program read that copy."""
    return {"OCEFS_CONFIG": str(folder / "regions"), "OCEFS_ROUTER_CONFIG": str(folder / "router.toml")}
