"""The old wrapping key is dropped only when nobody's data key is wrapped by it any more: also none that
PostgreSQL has not heard of yet."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from cells import keeper_lock, rotation
from cells.calls import Answer
from cells.errors import CellError
from cells.paths import CellPaths
from cells.settings import RegionConfig
from serve.identity.keyring import create, drop_wrapping, load, rotate_wrapping


class World:
    """A cell's data keys as its journal has them, and PostgreSQL `lag_s` behind; time passes when somebody
    sleeps. `at`: seconds UTC."""

    def __init__(self, keyring: Any) -> None:
        self.keyring = keyring
        self.now = 1_767_225_600.0
        self.lag_s: float | None = 0.25
        # (since when, the key's id, the number of what wraps it): what happened, oldest first.
        self.journal: list[tuple[float, str, int]] = []
        self.broken: set[str] = set()
        self.coming: list[tuple[float, str, int]] = []
        self.canaries: list[tuple[str, list[int]]] = []

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.journal += [one for one in self.coming if one[0] <= self.now]
        self.coming = [one for one in self.coming if one[0] > self.now]

    def call(self, method: str, url: str, body: Any, *_: Any, **__: Any) -> Answer:
        newest = load(self.keyring).wrapping_id
        as_of = None if self.lag_s is None else self.now - self.lag_s
        seen = {
            key_id: number for at, key_id, number in self.journal if at < (self.now - 0.25 if as_of is None else as_of)
        }
        found = sorted(key for key, number in seen.items() if number != newest and key > body["after"])[: body["limit"]]
        wrapped = {key_id: number for _, key_id, number in self.journal}
        done = [key for key in found if wrapped[key] != newest and key not in self.broken]
        self.journal += [(self.now, key, newest) for key in done]
        bad = [key for key in found if key in self.broken]
        told = None if as_of is None else datetime.fromtimestamp(as_of, UTC).isoformat()
        return Answer(
            200,
            {
                "wrapping": f"file:{newest}", "rewrapped": len(done), "found": len(found), "as_of": told,
                "next_after": found[-1] if len(found) == body["limit"] else None,
                "unreadable": len(bad), "unreadable_ids": bad,
            },
        )  # fmt: skip

    def canary(self, name: str) -> Any:
        """Notes when something is done with it: its name, and the wrapping keys that there are then."""
        return lambda *_: self.canaries.append((name, load(self.keyring).wrapping_ids))

    def lost(self) -> list[str]:
        """Keys that nothing opens any more."""
        wrapped = {key_id: number for _, key_id, number in [*self.journal, *self.coming]}
        return sorted(key_id for key_id, number in wrapped.items() if number not in load(self.keyring).wrapping_ids)


@pytest.fixture
def paths(tmp_path):
    made = CellPaths("us", tmp_path)
    create(made.keyring, 1)
    return made


@pytest.fixture
def world(paths, monkeypatch):
    made = World(paths.keyring)
    monkeypatch.setattr(rotation, "call", made.call)
    for name in ("check_canary", "renew_canary"):
        monkeypatch.setattr(rotation, name, made.canary(name))
    # Its clock alone: threads of other tests go on by the real one.
    monkeypatch.setattr(rotation, "time", SimpleNamespace(sleep=made.sleep, time=made.read, monotonic=made.read))
    return made


def rotate(paths):
    said = io.StringIO()
    rotation.rotate(RegionConfig(), paths, Console(file=said, width=200))
    return said.getvalue()


def test_a_rotation_does_not_come_to_its_end(world, paths):
    world.journal = [(world.now - 60, f"us-key-{number:03}", 1) for number in range(450)]
    said = rotate(paths)
    assert "450 data keys wrapped anew" in said
    assert "dropped: 1" in said
    assert (load(paths.keyring).wrapping_ids, world.lost()) == ([2], [])


def test_a_key_that_postgresql_has_not_heard_of_is_lost(world, paths):
    """The drain is a minute behind: whoever looks sees nothing of the last minute's keys."""
    world.journal = [(world.now - 3600, "us-key-old", 1), (world.now - 1, "us-key-new", 1)]
    world.lag_s = 60.0
    rotate(paths)
    assert (load(paths.keyring).wrapping_ids, world.lost()) == ([2], [])


def test_a_key_that_a_takeover_delayed_is_lost(world, paths):
    """A replica wrapped by the old key before it looked at the key file, and its command was
    tried until its deadline."""
    late = world.now + rotation.LOOK_EVERY_S + RegionConfig().api.request_timeout_ms / 1000
    world.coming = [(late, "us-key-late", 1)]
    rotate(paths)
    assert (load(paths.keyring).wrapping_ids, world.lost()) == ([2], [])


def test_the_next_start_takes_the_key_file_for_another_cells_or_a_copy_from_before_for_this_ones(world, paths):
    """What only the cell's keys open is proved before anything is changed, and made anew before the old key is gone."""
    rotate(paths)
    assert world.canaries == [("check_canary", [1]), ("renew_canary", [2, 1])]


@pytest.mark.parametrize("lag_s", [None, 1e9])
def test_the_old_key_is_dropped_while_nobody_knows_how_fresh_lists_are(world, paths, lag_s):
    world.journal, world.lag_s = [(world.now - 1, "us-key-new", 1)], lag_s
    if lag_s is None:
        world.journal = []
    with pytest.raises(CellError, match="older key wraps, so that one is kept") as told:
        rotate(paths)
    assert "cells status" in told.value.next_step
    assert load(paths.keyring).wrapping_ids == [2, 1]
    # It goes on where it was.
    world.lag_s = 0.25
    rotate(paths)
    assert (load(paths.keyring).wrapping_ids, world.lost()) == ([2], [])


def test_a_key_that_can_not_be_opened_stops_the_others_or_lets_the_old_key_be_dropped(world, paths):
    world.journal = [(world.now - 60, f"us-key-{number:03}", 1) for number in range(250)]
    world.broken = {"us-key-000", "us-key-249"}
    with pytest.raises(CellError, match=r"2 data keys can't be opened .* us-key-000, us-key-249") as told:
        rotate(paths)
    assert "docs/security/keys.md" in told.value.next_step
    assert load(paths.keyring).wrapping_ids == [2, 1]
    newest = {key_id: number for _, key_id, number in world.journal}
    assert {key_id for key_id, number in newest.items() if number == 1} == world.broken


def test_a_rotation_drops_what_the_next_one_has_not_wrapped_anew_yet(world, paths, monkeypatch):
    """On another machine, which the lock does not reach: the first ends, and the next begins, after our last look."""
    world.journal = [(world.now - 60, "us-key-one", 1)]
    ours, settled_at_s = world.call, world.now + rotation.settled_s(RegionConfig())

    def call(*arguments, **more):
        answer = ours(*arguments, **more)
        settled = datetime.fromisoformat(answer.body["as_of"]).timestamp() >= settled_at_s
        if not answer.body["found"] and settled and load(paths.keyring).wrapping_ids == [2, 1]:
            drop_wrapping(paths.keyring, 2)
            rotate_wrapping(paths.keyring)
        return answer

    monkeypatch.setattr(rotation, "call", call)
    with pytest.raises(CellError, match="wrapping key 3 wraps by now, and not 2") as told:
        rotate(paths)
    assert "rotate-keys" in told.value.next_step
    assert (load(paths.keyring).wrapping_ids, world.lost()) == ([3, 2], [])
    # And the next one comes to its end.
    monkeypatch.setattr(rotation, "call", ours)
    assert "dropped: 2" in rotate(paths)
    assert (load(paths.keyring).wrapping_ids, world.lost()) == ([3], [])


@pytest.mark.parametrize("kind", [rotation.rotate, rotation.rotate_sealing])
def test_two_rotations_run_at_once(world, paths, kind):
    before = paths.keyring.read_bytes()
    with (
        keeper_lock.take(paths.rotation_lock),
        pytest.raises(CellError, match=f"under way .process {os.getpid()}, which holds .*rotation.lock") as told,
    ):
        kind(RegionConfig(), paths, Console(file=io.StringIO()))
    assert "run the same again" in told.value.next_step
    assert (paths.keyring.read_bytes(), world.canaries) == (before, [])
    # What is left of one that is over is in nobody's way.
    kind(RegionConfig(), paths, Console(file=io.StringIO()))
    assert paths.keyring.read_bytes() != before


def test_a_rotation_that_failed_holds_up_the_next(world, paths):
    world.lag_s = None
    with pytest.raises(CellError):
        rotate(paths)
    world.lag_s = 0.25
    assert "dropped: 1" in rotate(paths)


def test_a_rotation_lets_another_begin_while_it_wraps_anew(world, paths, monkeypatch):
    ours, holders = world.call, []

    def call(*arguments, **more):
        holders.append(keeper_lock.holder(paths.rotation_lock))
        return ours(*arguments, **more)

    monkeypatch.setattr(rotation, "call", call)
    assert "dropped: 1" in rotate(paths)
    assert set(holders) == {(os.getpid(), False)}
    assert keeper_lock.holder(paths.rotation_lock) is None
