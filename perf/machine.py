"""What a figure was measured on: processor, kernel and versions. A rate without these means nothing."""

import contextlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("ray", "fastapi", "uvicorn", "uvloop", "msgspec", "sqlalchemy", "asyncpg", "psycopg", "redis")
LISTEN = "0A"  # in /proc/net/tcp


def cpu_model() -> str:
    """The processor as the kernel names it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory_mb() -> int:
    """The machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def resident_mb(pid: int) -> float | None:
    """Resident memory of a process; None when it is gone or can't be read."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return None


def listeners(port: int) -> list[str]:
    """Inodes of the IPv4 sockets that listen on a port of this machine; empty where there is no /proc."""
    try:
        table = Path("/proc/net/tcp").read_text(encoding="ascii")
    except OSError:
        return []
    fields = (line.split() for line in table.splitlines()[1:])
    return [field[9] for field in fields if field[1].endswith(f":{port:04X}") and field[3] == LISTEN]


def listening_pids(port: int) -> list[int]:
    """Processes of this machine that listen on a port, as far as we may look into them."""
    inodes = {f"socket:[{inode}]" for inode in listeners(port)}
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if inodes & _open_files(folder)]


def _open_files(process: Path) -> set[str]:
    found = set()
    try:
        for entry in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(os.readlink(entry))
    except OSError:
        return set()
    return found


def describe() -> dict[str, str]:
    """Name → value, for people and for the report."""
    facts = {
        "processor": f"{cpu_model()}, {os.cpu_count()} cores",
        "memory": f"{memory_mb()} MB",
        "kernel": f"{platform.system()} {platform.release()}",
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
    }
    for package in PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    return facts
