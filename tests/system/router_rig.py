"""The real router in front of three fake cells, each a process that a test may kill or pause."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from cells.processes import wait_until
from perf.ports import free_ports
from router import process
from router.admin_socket import AdminSocket
from router.config import RouterConfig
from router.control import Control
from router.state import RouterFolder
from router.topology import Region

FAKE_CELL = Path(__file__).with_name("router_fake_cell.py")
# An address that the rig trusts as a proxy; every client that doesn't come from there is a stranger.
PROXY = "127.0.0.2"
NAMES = ("us", "eu", "latam")
# Within that whatever has to happen at some time does, also where seven runs of the tests share two cores.
SOON_S = 30.0


def coming_from(address: str) -> httpx.HTTPTransport:
    # All of the rig is http: whoever verifies reads the system's certificates first, 20 ms of computing a client.
    return httpx.HTTPTransport(local_address=address, verify=False)


class FakeCell:
    def __init__(self, name: str, port: int) -> None:
        self.name, self.port = name, port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.launch()
        self.wait()

    def launch(self) -> None:
        self._process = subprocess.Popen([sys.executable, str(FAKE_CELL), self.name, str(self.port)])

    def wait(self) -> None:
        assert wait_until(self._listens, SOON_S)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Rig:
    def __init__(self, **settings: object) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="ocefs-router-"))
        port, stats_port, *cell_ports = free_ports(2 + len(NAMES))
        self.config = RouterConfig(
            port=port, stats_port=stats_port, trusted_proxies=(f"{PROXY}/32",), connections_max=2000
        )
        self.config = msgspec.structs.replace(self.config, **settings)
        self.cells = {name: FakeCell(name, port) for name, port in zip(NAMES, cell_ports, strict=True)}
        self.url = f"http://127.0.0.1:{self.config.port}"
        self.client = httpx.Client(base_url=self.url, timeout=SOON_S)
        self.control = Control(self.home)

    def regions(self) -> tuple[Region, ...]:
        port = {name: cell.port for name, cell in self.cells.items()}
        return (
            Region(
                name="us", countries=("US", "CA"), lat=39.8, lon=-98.6, default=True, residency="open",
                failover=("latam",), host="127.0.0.1", port=port["us"],
            ),
            Region(name="eu", countries=("DE", "FR", "GB"), lat=50.1, lon=8.7, residency="strict", host="127.0.0.1", port=port["eu"]),
            Region(name="latam", countries=("BR", "MX"), lat=-8.8, lon=-55.5, residency="open", host="127.0.0.1", port=port["latam"]),
        )  # fmt: skip

    def start(self) -> process.RouterStatus:
        return process.start(self.home, self.config, self.regions())

    def cell_of(self, path: str, headers: dict[str, str] | None = None, source: str = "127.0.0.1") -> str:
        """The cell that answered."""
        with httpx.Client(transport=coming_from(source), timeout=SOON_S) as client:
            answer = client.get(self.url + path, headers=headers or {})
        assert answer.status_code == 200, answer.text
        cell = answer.json()["cell"]
        assert answer.headers["x-ocefs-cell"] == cell
        return str(cell)

    def until(self, condition: Callable[[], bool], within_s: float = SOON_S) -> float:
        """Wait for a condition; how many seconds it took."""
        began = time.monotonic()
        assert wait_until(condition, within_s), f"did not happen within {within_s} s"
        return time.monotonic() - began

    def tried(self, cell: str) -> int:
        """How many times HAProxy chose the cell for a request, whether or not it could connect to it."""
        names, *rows = AdminSocket(RouterFolder(self.home).places.socket).ask("show stat -1 4 -1").splitlines()
        servers = [dict(zip(names.removeprefix("# ").split(","), row.split(","), strict=False)) for row in rows if row]
        (server,) = (one for one in servers if (one["pxname"], one["svname"]) == (f"cell_{cell}", "cell"))
        return int(server["stot"])

    def state_of(self, cell: str) -> str:
        return process.status(self.home).cells[cell]

    def log(self) -> str:
        return RouterFolder(self.home).log.read_text()


@contextmanager
def running(**settings: object) -> Iterator[Rig]:
    rig = Rig(**settings)
    try:
        for cell in rig.cells.values():
            cell.launch()
        for cell in rig.cells.values():
            cell.wait()
        rig.start()
        yield rig
    finally:
        rig.client.close()  # a HAProxy that a reload retired waits for its idle callers
        process.stop(rig.home)
        for cell in rig.cells.values():
            cell.stop()
        shutil.rmtree(RouterFolder(rig.home).places.socket.parent.parent, ignore_errors=True)
        shutil.rmtree(rig.home, ignore_errors=True)
        assert not os.path.exists(rig.home)
