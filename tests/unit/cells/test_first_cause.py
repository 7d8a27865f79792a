"""Stores and Ray start together: when one of them fails the others are ended, which is no problem of theirs."""

import threading

from cells import keeper
from cells.errors import RayFailed, StoreFailed
from cells.keeper import Keeper
from cells.paths import CellPaths
from cells.settings import RegionConfig
from cells.state import read_state


class Ray:
    """A cluster that comes up until it is ended, and knows then only that it did not."""

    mark = None

    def __init__(self, *_: object) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()

    def start(self) -> None:
        self.begun.set()
        assert self.ended.wait(30)
        raise RayFailed("Ray did not start (log: ray.log):\n", "read the lines above; a taken port …")

    def stop(self) -> None:
        self.ended.set()

    def exited(self) -> bool:
        return True


class FullDisk:
    """A store that finds no room, while Ray comes up."""

    name, url, mark = "PostgreSQL", "postgresql://", None

    def __init__(self, ray: Ray) -> None:
        self._ray = ray

    def start(self) -> str:
        assert self._ray.begun.wait(30)
        raise StoreFailed("PostgreSQL did not start: No space left on device", "free disk space")

    def stop(self) -> None:
        pass

    def exited(self) -> bool:
        return True


def test_advice_on_ray_s_ports_and_memory_follows_the_line_that_tells_of_the_full_disk(monkeypatch):
    ray, paths = Ray(), CellPaths("us")
    for name in ("copy_config", "check_ports", "check_kept_elsewhere"):
        monkeypatch.setattr(keeper, name, lambda *_: None)
    monkeypatch.setattr(keeper.signal, "signal", lambda *_: None)
    monkeypatch.setattr(keeper, "stores", lambda *_: (FullDisk(ray),))
    assert Keeper(RegionConfig(), paths, lambda *_: ray).run() == 1
    state = read_state(paths.state_file)
    assert state is not None
    assert [problem.next_step for problem in state.problems] == ["free disk space"]
    assert [(step.state, step.note) for step in state.steps if step.name == "Ray"] == [("failed", "broken off")]
