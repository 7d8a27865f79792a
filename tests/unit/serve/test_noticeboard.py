"""A scrape reaches any replica: it must tell of all of them, and of none that is gone."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from serve import noticeboard
from serve.metrics import Metrics, ReplicaCounts, RouteCounts
from serve.noticeboard import STALE_S, Noticeboard


def figures(replica: str, count: int = 3) -> ReplicaCounts:
    route = RouteCounts("GET", "/v1/orders", [count] + [0] * 13, 0.5, {200: count})
    return ReplicaCounts(replica, 2, 1, 0, [route], {"order.unknown": 4})


def board(folder: Path, replica: str, count: int = 3) -> Noticeboard:
    made = Noticeboard(folder, lambda: figures(replica, count))
    made.post()
    return made


def test_one_replica_tells_the_figures_of_all(tmp_path: Path):
    other = f"{os.getpid() + 1}"
    board(tmp_path, other)
    metrics = Metrics("us")
    metrics.count("GET", "/v1/orders", 200, 0.2)
    metrics.others = Noticeboard(tmp_path, metrics.figures).others
    text = metrics.text().decode()
    own, theirs = (
        f'method="GET",region="us",replica="{replica}",route="/v1/orders"' for replica in (os.getpid(), other)
    )
    assert f'ocefs_http_requests_total{{{theirs},status="200"}} 3.0' in text
    assert f'ocefs_http_requests_total{{{own},status="200"}} 1.0' in text
    assert f'ocefs_http_request_seconds_bucket{{le="0.25",{own}}} 1.0' in text
    assert f'ocefs_http_request_seconds_bucket{{le="0.1",{own}}} 0.0' in text
    assert text.count("# TYPE ocefs_http_requests_total counter") == 1


def test_no_replica_tells_its_own_figures_twice(tmp_path: Path):
    one, other = board(tmp_path, "1"), board(tmp_path, "2")
    assert [found.replica for found in one.others()] == ["2"]
    assert [found.replica for found in other.others()] == ["1"]


def test_a_replica_that_ended_or_was_killed_is_not_told_of_for_ever(tmp_path: Path):
    one, ended, killed = board(tmp_path, "1"), board(tmp_path, "2"), board(tmp_path, "3")
    ended.close()
    assert [found.replica for found in one.others()] == ["3"]
    long_ago = os.stat(killed._own).st_mtime - STALE_S - 1
    os.utime(killed._own, (long_ago, long_ago))
    assert one.others() == []
    assert not killed._own.exists()
    half = tmp_path / "4.fresh"
    half.touch()
    os.utime(half, (long_ago, long_ago))
    assert one.others() == []
    assert not half.exists()


OTHER_BUCKETS = msgspec.msgpack.encode(ReplicaCounts("3", 0, 0, 0, [RouteCounts("GET", "/", [1] * 12)], {}))


@pytest.mark.parametrize("left", [b"", b"\xc1", b"\x93\x01\x02\x03", OTHER_BUCKETS])
def test_what_another_release_left_does_not_keep_figures_from_being_told(tmp_path: Path, left: bytes):
    one = board(tmp_path, "1")
    board(tmp_path, "2")
    (tmp_path / "3.figures").write_bytes(left)
    assert [found.replica for found in one.others()] == ["2"]


def test_a_cell_is_off_the_router_because_its_folder_of_figures_is_gone(tmp_path: Path):
    """Readiness tells how many replicas there are."""
    own, other = board(tmp_path / "figures", "7001"), board(tmp_path / "figures", "7002")
    shutil.rmtree(tmp_path / "figures")
    assert own.others() == []
    other.post()
    assert [one.replica for one in own.others()] == ["7002"]


async def test_a_folder_that_can_not_be_made_is_silent_or_fills_the_log(tmp_path: Path, monkeypatch, caplog):
    def said() -> int:
        return caplog.messages.count("noticeboard.unwritable")

    in_the_way, rounds = tmp_path / "cell", []
    in_the_way.touch()
    waiting = asyncio.sleep

    async def next_round(seconds: float) -> None:
        rounds.append(said())
        if len(rounds) == 4:
            in_the_way.unlink()
        if len(rounds) == 5:
            shutil.rmtree(in_the_way)
            in_the_way.touch()
        if len(rounds) == 7:
            own.close()
        await waiting(0)

    monkeypatch.setattr(noticeboard.asyncio, "sleep", next_round)
    own = Noticeboard(in_the_way / "figures", lambda: figures("7001"))
    own.start()
    with pytest.raises(asyncio.CancelledError):
        await own._task
    assert rounds == [1, 1, 1, 1, 1, 2, 2]
