"""What is looked at before a cell is started: each finding says what to do."""

import socket
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil

from cells.errors import CellError, MemoryTooLow, PortTaken
from cells.ports import ray_ports
from cells.processes import wait_until
from cells.settings import INGRESS_HOST, RegionConfig

PYTHON_MIN, PYTHON_END = (3, 11), (3, 14)  # as `requires-python` in pyproject.toml has it; the end is not taken
_UNSEEN = "a process that we may not see"
_DYING_S = 3.0


def check_python(version: tuple[int, int] | None = None) -> None:
    """Raises `CellError` if this Python is too old, or so new that our dependencies have no binaries for it."""
    found = version or sys.version_info[:2]
    if not PYTHON_MIN <= found < PYTHON_END:
        raise CellError(
            f"this is Python {found[0]}.{found[1]}; 3.{PYTHON_MIN[1]} to 3.{PYTHON_END[1] - 1} is needed",
            "remove .venv and run: make up PYTHON=python3.12 (or another of these that is installed)",
        )


def check_memory(configs: Iterable[RegionConfig], meminfo: Path = Path("/proc/meminfo")) -> None:
    """Raises `MemoryTooLow` if less is available than the cells ask for together; silent where it can't be told."""
    configs = list(configs)
    needed_mb = sum(config.ray.memory_min_mb for config in configs)
    available_mb = _available_mb(meminfo)
    if available_mb is None or available_mb >= needed_mb:
        return
    names = ", ".join(config.name for config in configs)
    each = f"; start fewer regions, e.g. make up REGIONS={configs[0].name}" if len(configs) > 1 else ""
    raise MemoryTooLow(
        f"{available_mb} MB of memory are available, {names} needs {needed_mb} MB (ray.memory_min_mb)",
        f"end other programs{each}; or lower ray.memory_min_mb in config/regions/{configs[0].name}.toml at your risk",
    )


def _available_mb(meminfo: Path, group: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What the machine has, or the container's limit leaves, whichever is less."""
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
        available_mb = next(int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None
    try:
        limit, used = (group / "memory.max").read_text().strip(), int((group / "memory.current").read_text())
        # Files that were read are among it, and give way.
        named = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        kept = used - int(named.get("inactive_file", 0))
        return available_mb if limit == "max" else min(available_mb, (int(limit) - kept) // 1024 // 1024)
    except (OSError, ValueError):
        return available_mb


def check_ports(config: RegionConfig) -> None:
    """Raises `PortTaken` if another process listens on a port that the cell takes at its start."""
    ports = {f"api.port in config/regions/{config.name}.toml": (config.api.host, config.api.port)}
    ports[f"api.serve_port in config/regions/{config.name}.toml"] = (INGRESS_HOST, config.api.serve_port)
    for name, port in ray_ports(config).single().items():
        key = "dashboard_port" if name == "dashboard" else "port_base"
        ports[f"ray.{key} in config/regions/{config.name}.toml ({name.replace('_', ' ')})"] = ("127.0.0.1", port)
    for key, (host, port) in ports.items():
        if not can_listen(host, port) and not _is_given_up(host, port):
            raise PortTaken(
                f"port {port} of {host}, which {config.name} needs, is taken by {port_owner(port)}",
                f"end that process, or set another {key}",
            )


def can_listen(host: str, port: int) -> bool:
    """Whether nobody else listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: closed connections don't matter
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _is_given_up(host: str, port: int) -> bool:
    """Whether a port without a visible owner is free within moments: its process was killed,
    and its threads still end."""
    return port_owner(port) == _UNSEEN and wait_until(lambda: can_listen(host, port), _DYING_S)


def port_owner(port: int) -> str:
    """The process that has a port, as far as we may see it: one that listens before one that is connected."""
    try:
        users = [found for found in psutil.net_connections("tcp") if found.laddr and found.laddr.port == port]
        users.sort(key=lambda found: found.status != psutil.CONN_LISTEN)
        for found in users:
            if found.pid:
                process = psutil.Process(found.pid)
                how = "" if found.status == psutil.CONN_LISTEN else ", for a connection of its own"
                return f"process {found.pid} ({' '.join(process.cmdline())[:80] or process.name()}){how}"
    except (psutil.Error, OSError):
        pass
    return _UNSEEN
