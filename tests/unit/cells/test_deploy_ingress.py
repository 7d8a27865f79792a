"""Serve's ingress: one that is late does not fail the start of a cell, one that never comes does."""

import msgspec
import pytest
from ray.exceptions import ActorDiedError

from cells import deploy
from cells.config import load_region
from cells.paths import CellPaths

OPTIONS = {"host": "127.0.0.1", "port": 8201}


class Serve:
    """Serve as seen from its `start`: the first calls fail."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.asked: list[dict] = []

    def start(self, http_options: dict) -> None:
        self.asked.append(http_options)
        if self._failures:
            raise self._failures.pop(0)

    def run(self, app: object, name: str, route_prefix: str) -> None:
        if self._failures:
            raise self._failures.pop(0)


@pytest.mark.parametrize("failure", [ActorDiedError(), TimeoutError("not available after 60 s")])
def test_an_ingress_that_is_late_fails_the_start_of_a_cell(failure, monkeypatch):
    serve = Serve(failure)
    monkeypatch.setattr(deploy, "serve", serve)
    deploy.start_ingress(OPTIONS)
    assert serve.asked == [OPTIONS, OPTIONS]


def test_an_ingress_that_never_comes_is_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(deploy, "serve", Serve(ActorDiedError(), ActorDiedError()))
    with pytest.raises(ActorDiedError):
        deploy.start_ingress(OPTIONS)


def test_an_ingress_that_hangs_when_the_replicas_are_there_fails_the_start_of_a_cell(monkeypatch, caplog):
    monkeypatch.setattr(deploy, "serve", Serve(TimeoutError("Proxies not available after 60s.")))
    deploy.start_api(object())
    assert "Proxies not available" in caplog.text


def test_replicas_that_do_not_come_are_waited_for(monkeypatch):
    monkeypatch.setattr(deploy, "serve", Serve(RuntimeError("deploying failed")))
    with pytest.raises(RuntimeError, match="deploying failed"):
        deploy.start_api(object())


def test_what_is_wrong_with_the_options_is_hidden_by_a_second_try(monkeypatch):
    serve = Serve(ValueError("no such option"))
    monkeypatch.setattr(deploy, "serve", serve)
    with pytest.raises(ValueError, match="no such option"):
        deploy.start_ingress(OPTIONS)
    assert len(serve.asked) == 1


def test_behind_serve_s_ingress_a_caller_from_elsewhere_is_believed_what_he_says_of_his_address(tmp_path):
    config = load_region("us")
    exposed = msgspec.structs.replace(config, api=msgspec.structs.replace(config.api, host="192.0.2.7"))
    assert deploy.ingress_options(exposed, CellPaths("us", tmp_path))["host"] == "127.0.0.1"
    assert (exposed.address, exposed.ingress) == ("http://192.0.2.7:8101", "http://127.0.0.1:8111")
