"""Two Ray clusters on one machine: apart from each other, on loopback only, and ended without a trace."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psutil
import pytest

from cells.paths import CellPaths, short_folder
from cells.processes import RUN_TOKEN, ProcessTree
from cells.ray_cluster import RayCluster, cell_environment
from cells.settings import Api, Ray, Region, RegionConfig
from perf.chaos.own_cell import Span

pytestmark = [pytest.mark.ray, pytest.mark.timeout(480)]

DRIVER = """
import os, ray
ray.init(address=os.environ["RAY_ADDRESS"], log_to_driver=False, logging_level="ERROR")
token = ray.remote(num_cpus=0)(lambda: os.environ["OCEFS_RUN"])
print(ray.get(token.remote(), timeout=60), len(ray.nodes()))
"""


@pytest.fixture
def home():
    folder = Path(tempfile.mkdtemp(prefix="ocefs-r-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(short_folder(folder), ignore_errors=True)


@pytest.fixture
def spans():
    """Of ports; two."""
    taken = [Span(), Span()]
    yield taken
    for span in taken:
        span.free()


def _cell(home: Path, name: str, base: int) -> tuple[RegionConfig, CellPaths, str]:
    config = RegionConfig(
        region=Region(name=name),
        api=Api(port=base + 20, serve_port=base + 21),
        ray=Ray(port_base=base, dashboard_port=base + 22, num_cpus=1, object_store_mb=80),
    )
    paths = CellPaths(name, home)
    paths.create()
    return config, paths, secrets.token_hex(8)


def _ask(config: RegionConfig, paths: CellPaths, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **cell_environment(config, paths), **changes}
    return subprocess.run(
        [sys.executable, "-c", DRIVER], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def _open_to_others(marks) -> list[str]:
    pids = {mark.pid for mark in marks}
    return [
        f"{found.laddr.ip}:{found.laddr.port}"
        for found in psutil.net_connections("tcp")
        if found.pid in pids
        and found.status == psutil.CONN_LISTEN
        and found.laddr.ip.removeprefix("::ffff:") not in {"127.0.0.1", "::1"}
    ]


def _written_at(paths: CellPaths) -> datetime:
    """When the first line of Ray's own log was, if that is UTC."""
    text = (paths.ray_temp / "session_latest" / "logs" / "gcs_server.out").read_text()
    return datetime.fromisoformat(f"{text[1 : text.index(',')]}+00:00")


def test_a_second_cluster_joins_the_first_or_goes_down_with_it_or_writes_of_the_machine_s_own_time(
    home, spans, monkeypatch
):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    first, second = (_cell(home, name, span.base) for name, span in zip(("one", "two"), spans, strict=True))
    clusters = [RayCluster(*first), RayCluster(*second)]
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda cluster: cluster.start(), clusters))
        for config, paths, token in (first, second):
            answer = _ask(config, paths)
            assert answer.stdout.split() == [token, "1"], answer.stderr
            marks = ProcessTree(token).find()
            assert len(marks) > 5
            assert _open_to_others(marks) == []
            assert abs(datetime.now(UTC) - _written_at(paths)) < timedelta(minutes=10)
        wrong = home / "wrong.token"
        wrong.write_text(secrets.token_hex(32))
        assert _ask(*first[:2], RAY_AUTH_TOKEN_PATH=str(wrong)).returncode != 0
        clusters[0].stop()
        assert ProcessTree(first[2]).find() == []
        assert _ask(*second[:2]).stdout.split() == [second[2], "1"]
    finally:
        for cluster in clusters:
            cluster.stop()
    assert ProcessTree(second[2]).find() == []


def test_a_cluster_that_cannot_start_is_not_explained(home, spans):
    config, paths, token = _cell(home, "one", spans[0].base)
    broken = msgspec.structs.replace(config, ray=msgspec.structs.replace(config.ray, object_store_mb=1 << 30))
    cluster = RayCluster(broken, paths, token)
    with pytest.raises(Exception, match=r"Ray did not start .*log: .*ray\.log"):
        cluster.start()
    assert ProcessTree(token).find() == []
    assert RUN_TOKEN not in os.environ
