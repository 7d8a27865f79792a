"""What was anchored is known apart from the database, whatever was written half-way."""

from pathlib import Path

import pytest

from actors.storage.audit_check import Anchor
from cells.audit_record import known_anchors, record_anchors
from cells.errors import CellError
from cells.paths import CellPaths


@pytest.fixture
def paths(tmp_path: Path) -> CellPaths:
    paths = CellPaths("us", tmp_path)
    paths.secrets.mkdir(parents=True)
    return paths


def made(day: str, shard: int, signature: str = "c2lnbmVk") -> Anchor:
    return Anchor(day, shard, 7, b"chain", signature)


def test_without_a_record_nothing_is_said_to_be_known(paths):
    assert known_anchors(paths) is None


def test_what_was_recorded_first_is_not_replaced_by_a_later_word(paths):
    record_anchors(paths, [made("2026-11-25", 1), made("2026-11-25", 2)])
    record_anchors(paths, [made("2026-11-25", 1, "Zm9yZ2Vk"), made("2026-11-26", 1)])
    assert known_anchors(paths) == {
        ("2026-11-25", 1): "c2lnbmVk", ("2026-11-25", 2): "c2lnbmVk", ("2026-11-26", 1): "c2lnbmVk",
    }  # fmt: skip


@pytest.mark.parametrize("half", ["2026-11-26 1 c2ln", "2026-1", "2026-11-26 1 c2lnbmVk"])
def test_a_line_that_was_written_half_way_is_neither_believed_nor_in_the_way(paths, half):
    record_anchors(paths, [made("2026-11-25", 1)])
    with (paths.secrets / "audit.anchors").open("a") as file:
        file.write(half)
    assert known_anchors(paths) == {("2026-11-25", 1): "c2lnbmVk"}
    record_anchors(paths, [made("2026-11-25", 1), made("2026-11-26", 1, "d2hvbGU=")])
    assert known_anchors(paths) == {("2026-11-25", 1): "c2lnbmVk", ("2026-11-26", 1): "d2hvbGU="}


def test_a_record_that_is_none_is_refused(paths):
    (paths.secrets / "audit.anchors").write_text("nonsense\n")
    with pytest.raises(CellError, match="line 1: no anchor"):
        known_anchors(paths)


def test_nobody_else_may_write_it(paths):
    record_anchors(paths, [made("2026-11-25", 1)])
    assert (paths.secrets / "audit.anchors").stat().st_mode & 0o777 == 0o600
