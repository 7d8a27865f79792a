"""Orders that came while identity was off lie in the clear: nothing that promises erasure starts on them."""

from __future__ import annotations

import pytest

from actors.runtime.errors import StoreUnavailable
from cells import open_time
from cells.errors import CellError
from cells.open_time import check_open_time
from cells.paths import CellPaths
from cells.settings import Identity, RegionConfig
from cells.state import KeeperState, Phase, write_state

REQUIRED, OFF = (RegionConfig(identity=Identity(mode=mode)) for mode in ("required", "off"))


@pytest.fixture
def steps(monkeypatch, tmp_path):
    """What was asked of a database that has orders of such a time."""
    asked: list[str] = []
    monkeypatch.delenv("OCEFS_US_POSTGRES_URL", raising=False)
    monkeypatch.delenv("OCEFS_US_REDIS_URL", raising=False)
    monkeypatch.setattr(open_time, "begin_open_time", lambda url: asked.append(f"begin {url}") is None)
    monkeypatch.setattr(
        open_time, "end_open_time", lambda url, next_id: bool(asked.append(f"end {url} {next_id[:3]}")) or True
    )
    return asked


def test_a_start_that_asks_nobody_is_not_noted(steps, tmp_path):
    check_open_time(OFF, "url", CellPaths("us", tmp_path))
    assert steps == ["begin url"]


def test_a_newcomer_is_refused_without_the_way_to_a_fresh_cell(steps, tmp_path):
    with pytest.raises(CellError, match="us took orders while identity was off") as raised:
        check_open_time(REQUIRED, "url", CellPaths("us", tmp_path / "a home"))
    assert steps == ["end url us-"]
    harmless, _, last = raised.value.next_step.partition("; or ")
    assert harmless.endswith("make up IDENTITY=off")  # what loses everything is not the first that one reads
    assert f"make down REGIONS=us && rm -r '{tmp_path}/a home/us' && make up" in last


@pytest.mark.parametrize("variable", ["OCEFS_US_POSTGRES_URL", "OCEFS_US_REDIS_URL"])
def test_a_home_is_to_be_removed_although_the_orders_are_elsewhere(steps, tmp_path, monkeypatch, variable):
    monkeypatch.setenv(variable, "somewhere")
    with pytest.raises(CellError) as raised:
        check_open_time(REQUIRED, "url", CellPaths("us", tmp_path))
    assert "another database in OCEFS_US_POSTGRES_URL" in raised.value.next_step
    assert "rm -r" not in raised.value.next_step


def test_a_cell_without_such_orders_does_not_start(steps, tmp_path, monkeypatch):
    monkeypatch.setattr(open_time, "end_open_time", lambda url, next_id: False)
    check_open_time(REQUIRED, "url", CellPaths("us", tmp_path))


def test_sealed_orders_are_mixed_with_others_or_whoever_wants_that_is_not_told_the_way(steps, tmp_path, monkeypatch):
    monkeypatch.setattr(open_time, "begin_open_time", lambda url: False)
    paths = CellPaths("us", tmp_path / "a home")
    with pytest.raises(CellError, match="us has orders from a time with identity") as raised:
        check_open_time(OFF, "url", paths)
    assert "make up IDENTITY=required" in raised.value.next_step
    assert f"OCEFS_HOME='{tmp_path}/a home-open' make up IDENTITY=off" in raised.value.next_step
    monkeypatch.setenv("OCEFS_US_POSTGRES_URL", "somewhere")
    with pytest.raises(CellError) as raised:
        check_open_time(OFF, "url", paths)
    assert "another database in OCEFS_US_POSTGRES_URL" in raised.value.next_step


@pytest.mark.parametrize(("phase", "refused"), [("starting", True), ("recovering", False)])
def test_a_crash_of_ray_keeps_a_cell_down_for_orders_that_came_late_or_a_start_takes_them(
    steps, tmp_path, caplog, phase: Phase, refused: bool
):
    paths = CellPaths("us", tmp_path)
    paths.create()
    write_state(paths.state_file, KeeperState(region="us", phase=phase))
    if refused:
        with pytest.raises(CellError, match="lies in the clear"):
            check_open_time(REQUIRED, "url", paths)
    else:
        check_open_time(REQUIRED, "url", paths)
        (said,) = caplog.records
        assert "lies in the clear" in said.message
        assert said.name == "ocefs.keeper"  # else the next deploy's log takes its place


@pytest.mark.parametrize("config", [OFF, REQUIRED])
def test_a_database_that_does_not_answer_passes_for_one_without_orders(steps, tmp_path, monkeypatch, config):
    def away(*_):
        raise StoreUnavailable("connection refused")

    monkeypatch.setattr(open_time, "begin_open_time", away)
    monkeypatch.setattr(open_time, "end_open_time", away)
    with pytest.raises(CellError, match="does not tell whether orders came while identity was off: connection refused"):
        check_open_time(config, "url", CellPaths("us", tmp_path))
