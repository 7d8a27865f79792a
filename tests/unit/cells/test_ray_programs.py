"""The programs that a cell's cluster starts: what they read, and that nobody overlooks one that failed."""

import logging
import shutil
import sys
from pathlib import Path

import pytest

from cells.config import load_region
from cells.config_copy import copy_config
from cells.paths import CellPaths
from cells.processes import Child
from cells.ray_cluster import RayCluster
from cells.settings import RegionConfig

READS_THE_CONFIG = """#!{python}
import sys
sys.path.insert(0, {project!r})
from cells.config import load_all
from cells.errors import ConfigError
from router.config import load
try:
    print(load_all(["us"])[0].api.port, load().port)
except ConfigError as error:
    print(error)
    sys.exit(3)
"""
PROJECT = Path(__file__).parents[3]


@pytest.fixture
def files(tmp_path: Path, monkeypatch) -> Path:
    """The config files that a person edits."""
    folder = tmp_path / "config"
    (folder / "regions").mkdir(parents=True)
    monkeypatch.setenv("OCEFS_CONFIG", str(folder / "regions"))
    monkeypatch.setenv("OCEFS_ROUTER_CONFIG", str(folder / "router.toml"))
    (folder / "regions" / "us.toml").write_text("[region]\ndefault = true\n[api]\nport = 20101\n")
    (folder / "router.toml").write_text("[router]\nport = 20080\n")
    return folder


@pytest.fixture
def cluster(tmp_path, files, monkeypatch):
    """A cluster whose head does nothing, and whose programs only read the config."""
    paths = CellPaths("us", tmp_path / "home")
    paths.logs.mkdir(parents=True)
    paths.run.mkdir()
    paths.ray_token.write_text("token")
    copy_config(paths.config)
    head = Child([sys.executable, "-c", "import time; time.sleep(600)"], log=paths.logs / "ray.log")
    program = tmp_path / "python"
    program.write_text(READS_THE_CONFIG.format(python=sys.executable, project=str(PROJECT)))
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    made = RayCluster(RegionConfig(), paths, "")
    monkeypatch.setattr(made, "_head", head)
    yield made
    made.stop()


def _withdrawn(tmp_path: Path) -> str:
    return (tmp_path / "home" / "us" / "logs" / "withdraw.log").read_text().strip()


def test_a_file_that_somebody_edits_is_read_by_a_running_cells_programs(tmp_path, files, cluster, caplog):
    (files / "regions" / "us.toml").write_text("[api]\nport = 20111\n")
    (files / "regions" / "eu.toml").write_text("a typo")
    (files / "router.toml").write_text("another")
    cluster.withdraw()
    assert _withdrawn(tmp_path) == "20101 20080"
    assert caplog.records == []


def test_the_next_start_of_a_cell_does_not_see_an_edit(tmp_path, files, cluster):
    (files / "regions" / "us.toml").write_text("[region]\ndefault = true\n[api]\nport = 20111\n")
    (files / "router.toml").unlink()
    copy_config(tmp_path / "home" / "us" / "run" / "config")
    cluster.withdraw()
    assert _withdrawn(tmp_path) == "20111 8080"


def test_a_withdrawal_that_fails_goes_unnoticed(tmp_path, cluster, caplog):
    (tmp_path / "home" / "us" / "run" / "config" / "regions" / "us.toml").write_text("a typo")
    with caplog.at_level(logging.WARNING):
        cluster.withdraw()
    assert "could not be asked to" in caplog.text
    assert "is not TOML" in caplog.text


def test_a_relative_path_means_another_file_in_the_copy(tmp_path, files):
    text = '[keys]\nport = "vault"\nkey = "k"\naddress = "https://vault.example"\ntoken_file = "x/token"\n'
    (files / "regions" / "us.toml").write_text(text)
    before = load_region("us").keys.token_file
    copy_config(tmp_path / "copy")
    assert load_region("us", tmp_path / "copy" / "regions").keys.token_file == before


def test_a_run_that_is_over_leaves_sockets_and_a_key_under_tmp_or_takes_the_logs_away(cluster):
    paths = CellPaths("us", cluster._paths.home)
    try:
        paths.create()
        for name in ("session_2026-11-29_1", "session_2026-11-30_1"):
            for file in ("logs/raylet.out", "sockets/raylet", "runtime_resources/some/file", "address.json"):
                made = paths.ray_temp / name / file
                made.parent.mkdir(parents=True, exist_ok=True)
                made.touch()
        latest = paths.ray_temp / "session_latest"
        latest.symlink_to(paths.ray_temp / "session_2026-11-30_1")
        (paths.haproxy / "door.pem").touch()
        cluster.stop()
        cluster.stop()
        left = sorted(str(file.relative_to(paths.ray_temp)) for file in paths.short.parent.rglob("*") if file.is_file())
        assert left == ["session_2026-11-29_1/logs/raylet.out", "session_2026-11-30_1/logs/raylet.out"]
        assert (latest / "logs" / "raylet.out").exists()
        assert not list(paths.short.parent.rglob("sockets"))
        assert not paths.haproxy.exists()
    finally:
        shutil.rmtree(paths.short.parent, ignore_errors=True)


def test_who_did_not_start_the_cluster_takes_away_what_it_runs_with(cluster, tmp_path):
    paths = CellPaths("us", cluster._paths.home)
    try:
        paths.create()
        RayCluster(RegionConfig(), paths, "").stop()
        assert paths.haproxy.exists()
    finally:
        shutil.rmtree(paths.short.parent, ignore_errors=True)


def test_the_logs_of_the_run_that_crashed_go_instead_of_older_ones(cluster):
    """Cleaning touches the folders, so their times say nothing."""
    paths = CellPaths("us", cluster._paths.home)
    try:
        for name in ("session_2026-11-30_1", "session_2026-11-29_1"):
            (paths.ray_temp / name / "logs").mkdir(parents=True)
        cluster._clear_sessions()
        assert [folder.name for folder in paths.ray_temp.iterdir()] == ["session_2026-11-30_1"]
    finally:
        shutil.rmtree(paths.short.parent, ignore_errors=True)
