"""`python -m router`: what a person types, as processes."""

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from cells.config import PROJECT
from cells.paths import short_folder
from cells.processes import wait_until
from perf.ports import free_ports
from router import process


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ocefs-router-"))
    yield folder
    process.stop(folder)
    shutil.rmtree(short_folder(folder), ignore_errors=True)
    shutil.rmtree(folder)


def command(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "router", *arguments, "--home", str(home)]


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(home, *arguments), cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )


def settings(home: Path) -> tuple[Path, int]:
    port, stats_port = free_ports(2)
    file = home / "router.toml"
    file.write_text(f"[router]\nport = {port}\nstats_port = {stats_port}\n")
    return file, port


def test_the_foreground_router_ends_and_leaves_haproxy_behind(home: Path) -> None:
    file, port = settings(home)
    with subprocess.Popen(command(home, "serve", "--config", str(file)), cwd=PROJECT, stdout=subprocess.PIPE) as served:
        try:
            assert wait_until(lambda: process.status(home).control_pid == served.pid, 60)
            assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=30).json() == {"status": "ok"}
            assert "runs already" in run(home, "serve", "--config", str(file)).stderr
            served.send_signal(signal.SIGTERM)
            assert served.wait(60) == 0
        finally:
            served.kill()
    assert not process.status(home).running
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/healthz")


def test_start_and_stop_do_not_know_of_each_other(home: Path) -> None:
    file, port = settings(home)
    for _ in range(2):  # a second start says that it runs
        started = run(home, "start", "--config", str(file), "--regions", "eu")
        assert started.returncode == 0, started.stderr
        assert list(msgspec.json.decode(started.stdout)["cells"]) == ["eu"]
    assert msgspec.json.decode(run(home, "status").stdout)["address"] == f"http://127.0.0.1:{port}"
    assert run(home, "stop").stdout == "stopped\n"
    assert run(home, "stop").stdout == "nothing ran\n"
    assert msgspec.json.decode(run(home, "status").stdout)["running"] is False


def test_a_mistake_is_answered_with_a_stack_trace(home: Path) -> None:
    file, _ = settings(home)
    file.write_text("[router]\nprot = 1\n")
    for arguments, says in (
        (("start", "--config", str(file)), "did you mean port"),
        (("start", "--regions", "mars"), "mars"),
        (("drain", "us"), "the router does not run"),
    ):
        failed = run(home, *arguments)
        assert failed.returncode == 1
        assert says in failed.stderr
        assert "Traceback" not in failed.stderr


def test_a_folder_that_can_not_be_made_is_answered_with_a_stack_trace() -> None:
    failed = run(Path("/dev/null/x"), "drain", "us")
    assert failed.returncode == 1
    assert "Not a directory" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_the_router_imports_ray() -> None:
    code = "import sys, router.__main__; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0
