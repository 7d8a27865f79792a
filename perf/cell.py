"""One cell of OCEFS for the benchmark: a running one, or one of our own for the while."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from cells.config import load_region
from cells.paths import home_folder, short_folder
from perf.chaos.own_cell import identity_told
from perf.comparison import StartFailed
from perf.credentials import NOBODY, Credentials, of_home
from perf.https import tls_of, trust

REGION = "us"
START_S = 240
STOP_S = 150
READY_S = 60.0
POLL_S = 0.2
OUTPUT_SHOWN = 3000


def _run(arguments: Sequence[str], home: Path, timeout_s: int) -> None:
    """Runs one of the project's own commands with its state in `home`."""
    command = [sys.executable, "-m", *arguments]
    with tempfile.TemporaryFile() as output:  # a file, not a pipe: what stays running may keep it open
        try:
            done = subprocess.run(
                command,
                env=os.environ | {"OCEFS_HOME": str(home), "OCEFS_IDENTITY": identity_told()},
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise StartFailed(f"`python -m {' '.join(arguments)}` took more than {timeout_s} s") from error
        output.seek(0)
        said = output.read()[-OUTPUT_SHOWN:].decode(errors="replace").strip()
    if done.returncode != 0:
        raise StartFailed(f"`python -m {' '.join(arguments)}` failed:\n{said}")


def answers(base: str, path: str = "/readyz", headers: Mapping[str, str] | None = None) -> bool:
    """Whether GET of the path answers 200 now."""
    try:
        request = urllib.request.Request(base + path, headers=dict(headers or {}))
        with urllib.request.urlopen(request, timeout=5, context=tls_of(base)) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def wait_ready(base: str) -> None:
    """Until the cell says that it is ready. Raises StartFailed after READY_S."""
    deadline = time.monotonic() + READY_S
    while not answers(base):
        if time.monotonic() > deadline:
            raise StartFailed(f"{base}/readyz did not answer 200 within {READY_S:.0f} s")
        time.sleep(POLL_S)


def running_router() -> str:
    """The address of the router that runs here; where it would be by default when there is none."""
    from router.process import status

    return status(home_folder()).address or "http://127.0.0.1:8080"


@contextmanager
def own_home() -> Iterator[Path]:
    """A folder for the state of a cell that lives only for the benchmark."""
    home = Path(tempfile.mkdtemp(prefix="ocefs-bench-"))
    home.chmod(0o711)  # PostgreSQL may run as a user of its own
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(short_folder(home), ignore_errors=True)


@contextmanager
def own_cell(home: Path) -> Iterator[str]:
    """Starts the region's cell with its state in `home`, yields its address, and stops it."""
    config = load_region(REGION)
    api, base = config.api, config.address
    with socket.socket() as probe:
        if probe.connect_ex((api.host, api.port)) == 0:
            raise StartFailed(
                f"Something listens on {api.host}:{api.port} already. Next step: `make down`, or measure the running "
                f"cell with --base {base}."
            )
    try:
        _run(["cells", "up", "--empty", REGION], home, START_S)
        trust(home)
        wait_ready(base)
        yield base
    finally:
        _run(["cells", "down", REGION], home, STOP_S)


def own_credentials(home: Path) -> Credentials:
    """Who we are to the cell of `own_cell`."""
    return NOBODY if load_region(REGION).identity.mode == "off" else of_home(REGION, home)


@contextmanager
def own_router(home: Path, credentials: Credentials = NOBODY) -> Iterator[str]:
    """Starts a router in front of the cell, yields its address, and stops it."""
    from router.config import load

    base = load().address
    try:
        _run(["router", "start", "--regions", REGION], home, START_S)
        wait_routed(base, credentials)
        yield base
    finally:
        _run(["router", "stop"], home, STOP_S)


def wait_routed(base: str, credentials: Credentials = NOBODY) -> None:
    """Until a request through the router reaches the cell. Raises StartFailed after READY_S."""
    deadline = time.monotonic() + READY_S
    while not answers(base, "/v1/locations", credentials.headers()):
        if time.monotonic() > deadline:
            raise StartFailed(f"{base}/v1/locations did not answer 200 within {READY_S:.0f} s")
        time.sleep(POLL_S)
