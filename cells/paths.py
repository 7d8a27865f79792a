"""Where a cell keeps what it has: state under the home folder, sockets under a short path.

Home is `OCEFS_HOME` or `.ocefs/` of the project. Unix socket paths are limited to about 100 bytes, so sockets and Ray's
session folder live under `/tmp/ocefs-<8 hex of the home path's SHA-256>/`, which only its owner may list.
"""

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from cells.config import PROJECT, region_names
from cells.errors import CellError, ConfigError, SystemRefused
from cells.log_files import make_log_folder

KEYRING = "keyring.json"


def home_folder() -> Path:
    """The folder of all state: `OCEFS_HOME`, or `.ocefs` in the project."""
    return Path(os.environ.get("OCEFS_HOME") or PROJECT / ".ocefs").absolute()


def home_refused(error: OSError) -> SystemRefused | None:
    """The error for the person who reads it, where it is that the home folder can't be made; else None."""
    home = home_folder()
    if not isinstance(error.filename, str | bytes) or os.path.isdir(home):
        return None
    there = Path(os.fsdecode(error.filename))
    if home not in (there, *there.parents) and there not in home.parents:
        return None
    named = "OCEFS_HOME names" if os.environ.get("OCEFS_HOME") else "OCEFS_HOME is not set, which would name"
    return SystemRefused(
        f"the folder of all state, {home}, can't be made: {error.strerror or error} ({there})",
        f"{named} that folder: set it to one that this user may make, on a disk that can be written to",
    )


def short_folder(home: Path) -> Path:
    """The short folder for sockets that belongs to this home, e.g. `/tmp/ocefs-1a2b3c4d`."""
    return Path("/tmp") / f"ocefs-{hashlib.sha256(str(home).encode()).hexdigest()[:8]}"  # noqa: S108 -- see `own_folder`


def started() -> list[str]:
    """The regions that were ever started in this home, whether their files are still there or not."""
    return sorted(file.parent.parent.name for file in home_folder().glob("*/run/state.json"))


def ever_started(region: str) -> bool:
    """Whether a start of the region was ever tried in this home: it has a record, or at least logs."""
    paths = CellPaths(region)
    return paths.state_file.exists() or paths.logs.is_dir()


def known_regions(wanted: Iterable[str] = ()) -> list[str]:
    """The regions that have a file or were ever started in this home. Raises ConfigError for one of
    `wanted` that is none of them."""
    known = list(dict.fromkeys((*region_names(), *started())))
    for name in wanted:
        if name not in known:
            raise ConfigError(f"there is no region {name!r}", f"known regions: {', '.join(known)}")
    return known


class CellPaths:
    """The folders and files of one region under one home.

    Args:
        region: the region's name.
        home: default `home_folder()`.
    """

    def __init__(self, region: str, home: Path | None = None) -> None:
        self.home = home or home_folder()
        self.folder = self.home / region
        self.postgres = self.folder / "postgres"
        self.redis = self.folder / "redis"
        self.logs = self.folder / "logs"
        self.run = self.folder / "run"
        self.state_file = self.run / "state.json"
        self.lock_file = self.run / "keeper.lock"
        self.config = self.run / "config"
        self.ray_token = self.run / "ray.token"
        self.secrets = self.folder / "secrets"
        self.keyring = self.secrets / KEYRING
        # Held while keys are rotated (cells/rotation_lock.py).
        self.rotation_lock = self.secrets / "rotation.lock"
        # Whoever makes it says that what other keys sealed is lost; the next start believes it, once (cells/canary.py).
        self.keys_given_up = self.run / "keys.given-up"
        # Likewise of what a lost journal had; the next start takes another (cells/continued.py).
        self.journal_given_up = self.run / "journal.given-up"
        # What waits for the audit (cells/untold.py).
        self.untold = self.run / "untold.json"
        # Made by a deploy that has brought the schema up to date.
        self.schema_ready = self.run / "schema.ready"
        # There while the cell tells notices to its log (cells/told_notices.py).
        self.notices_told = self.run / "notices.told"
        # A word: how far the cell is filled with demo data (cells/demo.py).
        self.demo_data = self.folder / "demo-data"
        self.demo_people = self.secrets / "demo-people.json"
        self.keeper_log = self.logs / "keeper.log"
        self.short = short_folder(self.home) / region
        self.postgres_socket = self.short / "pg"
        self.redis_socket = self.short / "redis"
        self.ray_temp = self.short / "ray"
        # Where hosts open their doors for the gateways beside them; they make it, for their user alone.
        self.doors = self.short / "doors"
        # Serve adds 70 characters for the node and HAProxy takes at most 97, whatever the region is named.
        self.haproxy = self.short.parent / f"h{hashlib.sha256(region.encode()).hexdigest()[:4]}"

    def create(self) -> None:
        """Make the folders. Raises `CellError` if the short folder belongs to somebody else."""
        self.run.mkdir(parents=True, exist_ok=True)
        make_log_folder(self.logs)
        own_folder(self.short.parent)
        for folder in (self.short, self.ray_temp, self.haproxy):
            own_folder(folder)


def own_folder(folder: Path) -> None:
    """Make a folder that others may pass through but neither list nor write; refuse one that somebody else prepared.

    /tmp is open to everyone: a folder that another user made beforehand could hand our sockets to them.
    """
    folder.mkdir(mode=0o711, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise CellError(f"{folder} belongs to another user or is no folder", "remove it, or set OCEFS_HOME elsewhere")
    folder.chmod(0o711)
