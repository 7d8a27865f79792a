"""A cell runs when both doors say that it is ready: its own, and Serve's ingress."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from cells import ray_cluster
from cells.errors import StepFailed
from cells.paths import CellPaths
from cells.ray_cluster import RayCluster
from cells.settings import Api, RegionConfig, Tls
from cells.state import KeeperState, Phase, write_state


class Door(ThreadingHTTPServer):
    """Not ready to the first `late` who ask."""

    def __init__(self, late: int) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.late = late


class Answering(BaseHTTPRequestHandler):
    server: Door

    def do_GET(self) -> None:
        self.server.late -= 1
        self.send_response(404 if self.server.late >= 0 or self.path != "/readyz" else 200)
        self.end_headers()

    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture
def own() -> Iterator[Door]:
    yield from opened(0)


@pytest.fixture
def ingress() -> Iterator[Door]:
    yield from opened(3)


def opened(late: int) -> Iterator[Door]:
    door = Door(late)
    thread = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield door
    door.shutdown()
    door.server_close()
    thread.join()


@pytest.fixture
def cluster(tmp_path, monkeypatch, own, ingress) -> RayCluster:
    """One whose programs have done their work."""
    api = Api(port=own.server_port, serve_port=ingress.server_port)
    config = msgspec.structs.replace(RegionConfig(), api=api, tls=Tls(mode="off"))
    paths = CellPaths("us", tmp_path)
    paths.run.mkdir(parents=True)
    paths.ray_token.write_text("token")
    made = RayCluster(config, paths, "")
    monkeypatch.setattr(made, "_program", lambda *_, **__: 0)
    monkeypatch.setattr(made, "exited", lambda: False)
    return made


def test_a_slow_ingress_fails_a_start_or_is_not_waited_for(cluster, ingress):
    cluster.deploy()
    assert ingress.late < 0


@pytest.mark.parametrize("phase", ["starting", "recovering"])
def test_a_cell_starts_without_its_ingress_or_one_that_serves_is_ended_for_want_of_it(
    cluster, ingress, monkeypatch, caplog, phase: Phase
):
    ingress.late = 1_000_000
    monkeypatch.setattr(ray_cluster, "_READY_S", 0.2)
    write_state(cluster._paths.state_file, KeeperState(region="us", phase=phase))
    missing = f"{ingress.server_port}/readyz does not say that it is ready"
    if phase == "starting":
        with pytest.raises(StepFailed, match=missing):
            cluster.deploy()
    else:
        cluster.deploy()
        assert missing in caplog.text


def test_a_cell_that_comes_back_is_taken_to_run_although_nobody_answers_at_its_own_door(cluster, own, monkeypatch):
    own.late = 1_000_000
    monkeypatch.setattr(ray_cluster, "_READY_S", 0.2)
    write_state(cluster._paths.state_file, KeeperState(region="us", phase="recovering"))
    with pytest.raises(StepFailed, match=f"{own.server_port}/readyz"):
        cluster.deploy()
