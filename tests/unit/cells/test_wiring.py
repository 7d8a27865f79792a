"""What an API is told of its region's config."""

import math
from pathlib import Path
from threading import Thread

import pytest
import ray
from ray import serve as ray_serve

from actors.runtime.sharding import shard_of
from cells import connection, deploy, down
from cells.config import CONFIG_FOLDER, load_region
from cells.paths import CellPaths
from cells.processes import RUN_TOKEN
from cells.ray_cluster import RayCluster
from cells.settings import Api, RegionConfig, Runtime, StoreAddresses
from cells.wiring import api_settings, cell_settings, limits_of, make_services, own_words
from serve.door import GOODBYE_S
from serve.identity.own_words import OwnWords
from serve.privacy.consents import EXAMPLE
from serve.privacy.erasure import HEARD_S
from serve.privacy.persons import FRESH_S
from serve.ray_door import deployment

CONFIG = """
[region]
name = "us"
title = "United States and Canada"
timezone = "America/New_York"
[identity]
own_words = ["Blue Kettle", "ACME"]
rp_id = "ops.acmestores.example"
"""


def test_a_name_of_the_config_may_be_a_password(tmp_path: Path) -> None:
    (tmp_path / "us.toml").write_text(CONFIG, "utf-8")
    words = OwnWords(own_words(load_region("us", tmp_path)))
    for name in ("blue-kettle", "acme", "Canada", "United", "New York", "acmestores", "OCEFS"):
        assert words.make_up(f"{name}-2026-2026"), name


@pytest.mark.parametrize("region", ["us", "eu", "latam"])
def test_the_words_of_a_config_stay_in_it(region: str, tmp_path: Path) -> None:
    config = load_region(region, CONFIG_FOLDER)
    settings = api_settings(config, tmp_path / "secret", tmp_path / "keyring.json")
    assert settings.own_words == own_words(config)
    assert {"OCEFS", region} < set(settings.own_words)


def test_the_networks_of_routers_do_not_reach_the_api(tmp_path: Path) -> None:
    (tmp_path / "us.toml").write_text('[api]\nrouter_networks = ["10.0.0.0/24", "2001:db8::7"]\n', "utf-8")
    settings = api_settings(load_region("us", tmp_path), tmp_path / "secret", tmp_path / "keyring.json")
    assert settings.router_networks == ("10.0.0.0/24", "2001:db8::7")


def test_a_command_is_tried_for_longer_than_an_erasure_waits_for_it(tmp_path: Path) -> None:
    (tmp_path / "us.toml").write_text(f"{CONFIG}\n[api]\nrequest_timeout_ms = 30000\n", "utf-8")
    config = load_region("us", tmp_path)
    limits, settings = limits_of(config), api_settings(config, tmp_path / "secret", tmp_path / "keyring.json")
    assert settings.tried_s == 30 + limits.call_timeout_s > limits.request_timeout_s


@pytest.mark.parametrize("request_timeout_ms", [8000, 30_000])
def test_a_replica_that_is_replaced_cuts_an_erasure_short(request_timeout_ms: int, tmp_path: Path) -> None:
    (tmp_path / "us.toml").write_text(f"{CONFIG}\n[api]\nrequest_timeout_ms = {request_timeout_ms}\n", "utf-8")
    settings = api_settings(load_region("us", tmp_path), tmp_path / "secret", tmp_path / "keyring.json")
    assert settings.drain_s >= HEARD_S + settings.tried_s + 4 * FRESH_S
    deployed = deployment(make_services, name="us-api", replicas=1, settings=settings)
    assert deployed._bound_deployment._deployment_config.graceful_shutdown_timeout_s > settings.drain_s + GOODBYE_S


@pytest.mark.parametrize("request_timeout_ms", [100, 8_000, 120_000])
def test_a_cell_that_is_ended_cuts_an_erasure_short(
    request_timeout_ms: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (regions := tmp_path / "us" / "run" / "config" / "regions").mkdir(parents=True)
    text = "placement_wait_ms = 0\nrequest_timeout_ms"
    (regions / "us.toml").write_text(f"[region]\ndefault = true\n[api]\n{text} = {request_timeout_ms}\n")
    config = load_region("us", regions)
    takes_s = api_settings(config, tmp_path / "secret", tmp_path / "keyring").drain_s
    assert takes_s == math.ceil(config.api.erasure_s_max)
    waited: list[float] = []  # by who withdraws the API, by the keeper, by `down`
    monkeypatch.setattr(connection, "connect", lambda *_: None)
    monkeypatch.setattr(connection, "_close_api", lambda: None)
    monkeypatch.setattr(deploy, "withdraw", lambda *_: None)
    monkeypatch.setattr(Thread, "join", lambda _, timeout=None: waited.append(timeout))
    connection.withdraw(config, CellPaths("us", tmp_path))
    cluster = RayCluster(config, CellPaths("us", tmp_path), "")
    monkeypatch.setattr(cluster, "exited", lambda: False)
    monkeypatch.setattr(cluster, "_program", lambda _, timeout_s: waited.append(timeout_s))
    cluster.withdraw()
    waited.append(down._patience_s(CellPaths("us", tmp_path)))
    assert takes_s < waited[0] < waited[1] < waited[2]


def test_serve_is_waited_for_no_longer_than_it_waits_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    left = [["cell", "serve"]] * 2 + [["cell"]]
    called: list[int] = []
    monkeypatch.setattr(
        ray.util, "list_named_actors", lambda all_namespaces: [{"name": "a", "namespace": one} for one in left.pop(0)]
    )
    monkeypatch.setattr(ray_serve, "shutdown", lambda: called.append(len(left)))
    monkeypatch.setattr(connection, "_POLL_S", 0.0)
    connection._close_api()
    assert called == [2, 1]


def test_a_config_that_cannot_be_read_keeps_a_cell_from_being_ended(tmp_path: Path) -> None:
    assert down._patience_s(CellPaths("us", tmp_path)) > Api().erasure_s_max


def test_the_tolerance_of_counts_does_not_reach_the_api(tmp_path: Path) -> None:
    (tmp_path / "us.toml").write_text(f"{CONFIG}\n[counts]\ntolerance_units = 7\ntolerance_percent = 9\n", "utf-8")
    settings = api_settings(load_region("us", tmp_path), tmp_path / "secret", tmp_path / "keyring.json")
    assert (settings.count_tolerance_units, settings.count_tolerance_percent) == (7, 9)


def test_the_threshold_of_refunds_does_not_reach_the_api(tmp_path: Path) -> None:
    (tmp_path / "us.toml").write_text(f"{CONFIG}\n[approvals]\nrefund_minor = 700\n", "utf-8")
    settings = api_settings(load_region("us", tmp_path), tmp_path / "secret", tmp_path / "keyring.json")
    assert settings.approval_refund_minor == 700


def test_the_texts_that_are_shown_do_not_reach_the_api(tmp_path: Path) -> None:
    (tmp_path / "us.toml").write_text(f'{CONFIG}\n[privacy]\nconsent_texts = ["newsletter-2"]\n', "utf-8")
    settings = api_settings(load_region("us", tmp_path), tmp_path / "secret", tmp_path / "keyring.json")
    assert settings.consent_texts == {"newsletter-2"}


@pytest.mark.parametrize("region", ["us", "eu", "latam"])
def test_the_example_of_a_consent_is_refused_by_a_region_that_we_ship(region: str) -> None:
    texts = load_region(region, CONFIG_FOLDER).privacy.consent_texts
    assert {choice["text_version"] for choice in EXAMPLE["consents"]} <= set(texts)


def test_actors_do_not_learn_in_which_run_of_the_cell_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUN_TOKEN, "a-run")
    addresses = StoreAddresses(postgres_url="p", owner_url="o", redis_url="r")
    assert cell_settings(load_region("us", CONFIG_FOLDER), addresses, tmp_path, tmp_path).run == "a-run"


def test_the_shard_of_a_pinned_location_does_not_reach_the_supervisor(tmp_path: Path) -> None:
    config = RegionConfig(runtime=Runtime(hosts=5, pinned=("us-wh-newark", "us-wh-seattle", "us-wh-newark")))
    addresses = StoreAddresses(postgres_url="p", owner_url="o", redis_url="r")
    pinned = cell_settings(config, addresses, tmp_path, tmp_path).pinned
    assert pinned == tuple(sorted({shard_of("location", name, 64) for name in ("us-wh-newark", "us-wh-seattle")}))
