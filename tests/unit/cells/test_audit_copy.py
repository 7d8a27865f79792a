"""`status` must not hide that nobody can say how far a copy of the audit is."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from actors.storage import audit_keeping
from cells.audit_copy import copy_told
from cells.config import load_region
from cells.paths import CellPaths
from cells.settings import Audit, Identity, RegionConfig

COPIED = Audit(forward_url="https://logs.example/ocefs")


@pytest.mark.parametrize("config", [RegionConfig(), RegionConfig(audit=COPIED, identity=Identity(mode="off"))])
def test_a_cell_without_a_copy_is_told_of_one(config, tmp_path):
    assert copy_told(config, CellPaths("us", tmp_path)) == []


def test_a_store_that_is_away_hides_the_copy_or_ends_status(tmp_path):
    config = msgspec.structs.replace(load_region("us"), audit=COPIED, identity=Identity(mode="required"))
    (told,) = copy_told(config, CellPaths("us", tmp_path))
    assert told == "the audit of us is copied to logs.example: how far can't be seen, PostgreSQL does not answer"


def test_another_clock_s_time_is_told_as_utc(tmp_path, monkeypatch):
    noon = datetime(2026, 3, 14, 12, tzinfo=UTC).astimezone(timezone(timedelta(hours=-4)))
    monkeypatch.setattr(audit_keeping, "connected", lambda url: nullcontext())
    monkeypatch.setattr(audit_keeping, "not_copied", lambda connection, place: (1_234, noon))
    config = msgspec.structs.replace(load_region("us"), audit=COPIED, identity=Identity(mode="required"))
    (told,) = copy_told(config, CellPaths("us", tmp_path))
    assert told == "the audit of us is copied to logs.example: 1,234 lines behind, last taken 2026-03-14 12:00:00 UTC"
