"""What the stores of a cell write down is in UTC, as all else, wherever the machine stands (ASVS 5.0.0, 16.2.2). Ray's:
test_ray_clusters.py."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cells.postgres import EmbeddedPostgres
from cells.redis import EmbeddedRedis

pytestmark = pytest.mark.real
_REDIS = re.compile(r"^\d+:\w (\d+ \w{3} \d{4} [\d:.]+) ", re.MULTILINE)
_POSTGRES = re.compile(r"^([\d-]+ [\d:.]+) (\w+) \[", re.MULTILINE)


@pytest.fixture(autouse=True)
def _tokyo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")


def is_now(at: datetime) -> bool:
    return abs(datetime.now(UTC) - at) < timedelta(minutes=10)


def test_redis_writes_of_the_machine_s_own_time(short_tmp: Path):
    server = EmbeddedRedis(short_tmp / "redis-t", short_tmp / "rt")
    server.start()
    server.stop()
    lines = _REDIS.findall(server.log.read_text())
    times = [datetime.strptime(f"{at}+0000", "%d %b %Y %H:%M:%S.%f%z") for at in lines]
    assert len(times) > 2
    assert all(map(is_now, times)), times


def test_postgresql_writes_of_the_machine_s_own_time(short_tmp: Path):
    server = EmbeddedPostgres(short_tmp / "postgres-t", short_tmp / "pt")
    server.start()
    server.stop()
    lines = _POSTGRES.findall(server.log.read_text())
    assert len(lines) > 2
    assert {zone for _, zone in lines} == {"UTC"}
    assert all(is_now(datetime.fromisoformat(f"{at}+00:00")) for at, _ in lines), lines
