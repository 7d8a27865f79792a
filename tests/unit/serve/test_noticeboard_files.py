"""The figures' files while others read, write and clear them away at the same moment."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from serve.metrics import ReplicaCounts
from serve.noticeboard import STALE_S
from tests.unit.serve.test_noticeboard import board, figures


def test_who_reads_while_figures_are_left_sees_half_of_them(tmp_path: Path):
    own = board(tmp_path, "7001", 3)
    with open(own._own, "rb") as reading:
        board(tmp_path, "7001", 4)
        assert msgspec.msgpack.decode(reading.read(), type=ReplicaCounts) == figures("7001", 3)
    assert msgspec.msgpack.decode(own._own.read_bytes(), type=ReplicaCounts) == figures("7001", 4)


def test_figures_that_are_being_left_are_told_beside_those_before_them(tmp_path: Path):
    one, other = board(tmp_path, "7001"), board(tmp_path, "7002")
    other._own.with_suffix(".fresh").write_bytes(other._own.read_bytes())
    assert [found.replica for found in one.others()] == ["7002"]


def test_what_can_not_be_cleared_away_or_has_gone_keeps_figures_from_being_told(tmp_path: Path):
    one = board(tmp_path, "7001")
    board(tmp_path, "7003")
    (tmp_path / "7000.figures").symlink_to(tmp_path / "gone")
    folder = tmp_path / "7002.figures"
    folder.mkdir()
    os.utime(folder, (0, os.stat(one._own).st_mtime - STALE_S - 1))
    assert [found.replica for found in one.others()] == ["7003"]


def test_anybody_on_the_machine_can_leave_figures_of_his_own(tmp_path: Path):
    before = os.umask(0o000)
    try:
        board(tmp_path / "figures", "7001")
    finally:
        os.umask(before)
    assert (tmp_path / "figures").stat().st_mode & 0o077 == 0
