"""`config/router.toml`: a wrong key or value says which, where and what would be right."""

import os
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from actors.runtime.limits import Limits
from cells.config import load_all
from cells.config_copy import copy_config, copy_environment
from cells.processes import mark_of
from cells.wiring import limits_of
from router import config
from router.__main__ import main
from router.config import DEFAULT_FILE, DETECTION_MS_MAX, RouterConfig, RouterConfigError, detection_ms, load, parse
from router.regions import check_patience, load_regions, region_of, served
from router.state import Changes, Plan, RouterFolder, State
from router.topology import check_regions
from serve.privacy.erasure import HEARD_S, lasts_s


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[router]\nprot = 1", "unknown key 'prot'; did you mean port"),
        ("[ruoter]\n", "unknown key 'ruoter'; did you mean router"),
        ("[router]\nport = 70000", "65535.*router.port"),
        ('[router]\nport = "x"', "int.*router.port"),
        ("[router", "not TOML"),
        ('[router]\ntrusted_proxies = ["10.0.0.1/8"]', "trusted_proxies.*write an address or a network"),
        ('[router]\ncountry_header = "X Country"', "country_header"),
        ('[router]\nprivate_paths = ["/a b"]', "private_paths"),
        ('[router]\nstream_paths = ["/a\\n"]', "stream_paths"),
        ('[router]\nid_nouns = ["Orders"]', "id_nouns"),
        ('[router]\nhost = "a b"', "router.host"),
        ("[router]\nport = 9000\nstats_port = 9000", "must differ"),
        ("[router]\ncheck_timeout_ms = 2000", "found after 4750 ms"),
        ('[router]\nrequest_log = "some"', "request_log"),
    ],
)
def test_a_wrong_setting_is_taken_or_not_named(text: str, says: str) -> None:
    with pytest.raises(RouterConfigError, match=says) as caught:
        parse(text, "here.toml")
    assert "here.toml" in str(caught.value)


def test_the_file_says_something_else_than_the_defaults() -> None:
    assert load(DEFAULT_FILE) == RouterConfig()
    named = {line.split(" = ")[0] for line in DEFAULT_FILE.read_text().splitlines() if " = " in line and line[0] != "#"}
    assert named == {field.name for field in msgspec.structs.fields(RouterConfig)}


def test_an_erasure_is_given_up_by_the_router_before_it_can_end() -> None:
    cell, *others = load_all()
    slow = msgspec.structs.replace(cell, api=msgspec.structs.replace(cell.api, request_timeout_ms=30_000))
    check_patience(RouterConfig(cell_timeout_ms=35_000), [slow, *others])
    with pytest.raises(RouterConfigError, match=f"takes 35000 ms in {cell.name}, whose .* is 30000"):
        check_patience(RouterConfig(cell_timeout_ms=34_999), [*others, slow])


def test_the_router_starts_with_less_patience_than_a_cell_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file := tmp_path / "router.toml").write_text("[router]\ncell_timeout_ms = 12000\n", "utf-8")
    assert main(["render", "--home", str(tmp_path), "--config", str(file)]) == 1
    assert "router.cell_timeout_ms is 12000" in capsys.readouterr().err


def test_a_call_of_usual_length_is_given_up_by_the_router() -> None:
    for cell in load_all():
        assert RouterConfig().cell_timeout_ms >= 1000 * lasts_s(
            limits_of(cell).request_timeout_s + Limits().call_timeout_s
        )
        assert cell.api.erasure_ms_min > 1000 * (HEARD_S + limits_of(cell).request_timeout_s + Limits().call_timeout_s)


def test_a_dead_cell_may_go_unseen_for_longer_than_promised() -> None:
    assert detection_ms(RouterConfig()) <= DETECTION_MS_MAX


def test_paths_depend_on_where_one_stands(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text('[router]\nmmdb = "data/a.mmdb"\ntls_ca = "/etc/ca.pem"')
    told = load(file)
    assert told.mmdb == str(DEFAULT_FILE.parent.parent / "data" / "a.mmdb")
    assert told.tls_ca == "/etc/ca.pem"
    with pytest.raises(RouterConfigError, match="can't be read"):
        load(tmp_path / "none.toml")


def test_the_regions_of_the_cells_are_not_those_of_the_router() -> None:
    regions = load_regions()
    check_regions(regions)
    for cell, region in zip(load_all(), regions, strict=True):
        assert region == region_of(cell)
        assert (region.host, region.port) == (cell.api.host, cell.api.port)
        assert (region.residency, region.failover) == (cell.region.residency, cell.region.failover)
        assert region.countries == cell.region.countries
    assert {region.name: region.residency for region in regions}["eu"] == "strict"


@pytest.mark.parametrize("mode", ["off", "required"])
def test_a_cell_that_lets_everybody_in_is_taken_for_a_guarded_one(mode: Literal["off", "required"]) -> None:
    cell = load_all()[0]
    identity = msgspec.structs.replace(cell.identity, mode=mode)
    assert region_of(msgspec.structs.replace(cell, identity=identity)).guarded == (mode == "required")


@pytest.mark.parametrize("mode", ["off", "required"])
def test_a_cell_is_spoken_with_in_another_way_than_its_door_is(
    mode: Literal["off", "required"], tmp_path: Path
) -> None:
    cell = load_all()[0]
    region = region_of(msgspec.structs.replace(cell, tls=msgspec.structs.replace(cell.tls, mode=mode)), tmp_path)
    # Without a CA the router speaks plain HTTP.
    assert (bool(region.tls_ca), bool(region.tls_name)) == (mode == "required",) * 2


def test_a_cell_that_a_running_router_serves_is_left_out_without_a_word(tmp_path: Path) -> None:
    router = RouterFolder(tmp_path)
    router.create()
    region = load_regions()[0]
    router.save(Plan(RouterConfig(), (region,)))
    assert served(tmp_path) == {}  # it was stopped, or is none
    router.save(State(control=mark_of(os.getpid())))
    assert served(tmp_path) == {region.name: (region.host, region.port)}


def test_what_was_changed_for_a_region_outlives_it() -> None:
    changes = Changes({"JP": "latam", "CA": "us", "FR": ""}, ("latam", "eu"))
    assert changes.among({"us", "eu"}) == Changes({"CA": "us", "FR": ""}, ("eu",))
    assert changes.among({"us", "eu", "latam"}) == changes


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('tls = "required"\ntls_certificate = "c.pem"', "tls_certificate and router.tls_key: one of them"),
        ('tls = "required"\ntls_key = "k.pem"', "tls_certificate and router.tls_key: one of them"),
        ('tls_certificate = "c.pem"\ntls_key = "k.pem"', "would speak plain HTTP"),
    ],
)
def test_a_certificate_is_given_and_not_shown_to_callers(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "router.toml"
    file.write_text(f"[router]\n{text}")
    with pytest.raises(RouterConfigError, match=says):
        load(file)


def test_the_project_s_own_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCEFS_ROUTER_CONFIG", raising=False)
    monkeypatch.setattr(config, "DEFAULT_FILE", tmp_path / "router.toml")
    assert load() == RouterConfig()
    config.DEFAULT_FILE.write_text("[router]\nretry_after_s = 7")
    assert load().retry_after_s == 7


def test_a_mistyped_name_of_the_file_means_all_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCEFS_ROUTER_CONFIG", str(tmp_path / "nope.toml"))
    with pytest.raises(RouterConfigError, match=r"nope\.toml: can't be read"):
        load()
    # A cell's own copy is there, also where there was nothing to copy.
    copy_config(tmp_path / "copy")
    monkeypatch.setenv("OCEFS_ROUTER_CONFIG", copy_environment(tmp_path / "copy")["OCEFS_ROUTER_CONFIG"])
    assert load() == RouterConfig()
