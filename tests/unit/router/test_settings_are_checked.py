"""`config/router.toml`: a wrong key or value says which, where and what would be right."""

from pathlib import Path

import msgspec
import pytest

from cells.config import load_all
from cells.config_copy import copy_config, copy_environment
from router.config import DEFAULT_FILE, DETECTION_MS_MAX, RouterConfig, RouterConfigError, detection_ms, load, parse
from router.regions import load_regions, region_of
from router.state import Changes
from router.topology import check_regions


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


def test_a_dead_cell_may_go_unseen_for_longer_than_promised() -> None:
    assert detection_ms(RouterConfig()) <= DETECTION_MS_MAX


def test_paths_depend_on_where_one_stands(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text('[router]\nmmdb = "data/a.mmdb"\ntls_ca = "/etc/ca.pem"')
    config = load(file)
    assert config.mmdb == str(DEFAULT_FILE.parent.parent / "data" / "a.mmdb")
    assert config.tls_ca == "/etc/ca.pem"
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


def test_what_was_changed_for_a_region_outlives_it() -> None:
    changes = Changes({"JP": "latam", "CA": "us", "FR": ""}, ("latam", "eu"))
    assert changes.among({"us", "eu"}) == Changes({"CA": "us", "FR": ""}, ("eu",))
    assert changes.among({"us", "eu", "latam"}) == changes


def test_a_mistyped_name_of_the_file_means_all_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCEFS_ROUTER_CONFIG", str(tmp_path / "nope.toml"))
    with pytest.raises(RouterConfigError, match=r"nope\.toml: can't be read"):
        load()
    # A cell's own copy is there, also where there was nothing to copy.
    copy_config(tmp_path / "copy")
    monkeypatch.setenv("OCEFS_ROUTER_CONFIG", copy_environment(tmp_path / "copy")["OCEFS_ROUTER_CONFIG"])
    assert load() == RouterConfig()
