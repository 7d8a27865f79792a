"""A wrong key or value in a region's file says which, where, and what would be right."""

from pathlib import Path

import pytest

from actors.domain.ids import LOCATION_PATTERN
from actors.runtime.placement import SHARING_MIN
from cells.config import CONFIG_FOLDER, load_all, load_region
from cells.config_rules import HOSTS_SHARING_MIN
from cells.errors import ConfigError
from cells.settings import LocationId, RegionConfig


def _file(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")


def _ports(number: int) -> str:
    api = f"[api]\nport = {8101 + number}\nserve_port = {8111 + number}\n"
    return f"{api}[ray]\ndashboard_port = {8121 + number}\nport_base = {21000 + 1000 * number}\n"


def test_a_region_that_we_ship_does_not_load():
    configs = load_all(folder=CONFIG_FOLDER)
    assert [config.name for config in configs] == ["us", "eu", "latam"]
    assert [config.api.port for config in configs] == [8101, 8102, 8103]
    assert [config.region.default for config in configs] == [True, False, False]


def test_eu_data_may_leave_eu():
    eu = load_region("eu", CONFIG_FOLDER)
    assert eu.region.residency == "strict"
    assert eu.region.failover == ()


@pytest.mark.parametrize(
    ("country", "region"),
    [
        *((country, "us") for country in ("US", "CA", "PR")),
        *((country, "eu") for country in ("GB", "CH", "NO", "UA", "DE")),
        *((country, "latam") for country in ("MX", "BR", "AR", "JM", "CL")),
    ],
)
def test_a_country_is_served_by_the_wrong_cell(country, region):
    serving = [config.name for config in load_all(folder=CONFIG_FOLDER) if country in config.region.countries]
    assert serving == [region]


def test_a_setting_has_no_default(tmp_path):
    _file(tmp_path, "us", "")
    config = load_region("us", tmp_path)
    assert config == RegionConfig()
    assert (config.runtime.shards, config.runtime.hosts, config.api.max_body_bytes) == (64, 2, 1_048_576)


@pytest.mark.parametrize(
    ("text", "where", "right"),
    [
        ("[api]\nprot = 8101\n", "api.prot", "did you mean 'port'"),
        ("[runtime]\nshard = 64\n", "runtime.shard", "did you mean 'shards'"),
        ("[rutnime]\n", "section [rutnime]", "did you mean 'runtime'"),
        ('[api]\nport = "8101"\n', "api.port", "port = 8101"),
        ("[api]\nport = 80\n", "api.port", "port = 8101"),
        ("[api]\nport = 99999\n", "api.port", "port = 8101"),
        (
            '[api]\nrouter_networks = ["10.0.0.1/8"]\n',
            "api: router_networks",
            "10.0.0.1/8 has host bits set; write an address or a network as 10.0.0.0/8",
        ),
        ('[api]\nrouter_networks = ["routers"]\n', "api: router_networks", "write an address or a network"),
        ('[api]\nrouter_networks = ["::/0"]\n', "api: router_networks", "::/0 is everybody"),
        ("[api]\nrouter_network = []\n", "api.router_network", "did you mean 'router_networks'"),
        ("[runtime]\nshards = 0\n", "runtime.shards", "shards = 64"),
        ("[runtime]\nhosts = 65\n", "runtime.hosts", "lower hosts"),
        ('[runtime]\nhosts = 3\npinned = ["eu-wh-berlin"]\n', "no location of us", "as us-wh-seattle"),
        ('[runtime]\nhosts = 3\npinned = ["Newark"]\n', "runtime.pinned[0]", "pinned"),
        ('[runtime]\nhosts = 4\npinned = ["us-a", "us-a"]\n', "names us-a twice", "keep one"),
        (
            '[runtime]\nhosts = 3\npinned = ["us-a", "us-b"]\n',
            "2 of its locations, and runtime.hosts is 3",
            "hosts = 4",
        ),
        ('[region]\nresidency = "loose"\n', "region.residency", 'it is one of: "strict", "open"'),
        ('[region]\ncountries = ["usa"]\n', "region.countries[0]", "countries"),
        ('[region]\ncountries = ["US", "US"]\n', "names US twice", "keep one"),
        ('[region]\ntimezone = "Europe/Amsterdm"\n', "region.timezone", "Europe/Amsterdam"),
        ('[region]\nresidency = "strict"\nfailover = ["eu"]\n', "region.failover", "failover = []"),
        ('[region]\nfailover = ["us"]\n', "region.failover", "take 'us' out"),
        ('[region]\nname = "eu"\n', "us.toml", "eu.toml"),
        ("[api]\nplacement_wait_ms = 9000\n", "api.placement_wait_ms", "lower placement_wait_ms"),
        ("[approvals]\nunits = 5\n", "approvals.units", "adjustment_units"),
        ("[approvals]\nadjustment_units = -1\n", "approvals.adjustment_units", "adjustment_units = 500"),
        ("[approvals]\nrefund_minor = -1\n", "approvals.refund_minor", "refund_minor = 10000"),
        ("[approvals]\nexpires_hours = 0\n", "approvals.expires_hours", "expires_hours = 72"),
        ("[counts]\ntolerance = 5\n", "counts.tolerance", "tolerance_units"),
        ("[pickups]\nhold_days = 20\n", "pickups.hold_days", "hold_max_days = 20"),
        ("[pickups]\nlate_hours = 72\n", "pickups.give_up_hours", "late_hours from 1 to 71"),
        ("[pickups]\nlate_hours = 0\n", "pickups.give_up_hours", "give_up_hours = 0"),
        ("[counts]\ntolerance_percent = 101\n", "counts.tolerance_percent", "tolerance_percent = 2"),
        ('[identity]\nown_words = ["Acme", "a_b c"]\n', "identity.own_words[1]", "own_words"),
        ('[privacy]\nconsent_texts = ["newsletter-2", "to Mia"]\n', "privacy.consent_texts[1]", "consent_texts"),
        ('[privacy]\nconsent_text = ["newsletter-2"]\n', "privacy.consent_text", "did you mean 'consent_texts'"),
        ('[identity]\nown_words = "Acme"\n', "identity.own_words", "own_words"),
        ("api = 3\n", "api is a value", "[api]"),
        ('tls = "required"\n', "tls is a value", 'write [tls] on a line of its own, and below it: mode = "required"'),
        ('[tls]\nmode = "require"\n', "tls.mode", 'it is one of: "off", "required"'),
        ("[region\n", "is not TOML", "correct the file"),
        ("\xff", "is not TOML", "correct the file"),
    ],
)
def test_a_wrong_file_is_taken_or_not_explained(tmp_path, text, where, right):
    (tmp_path / "us.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load_region("us", tmp_path)
    assert "us.toml" in caught.value.problem
    assert where in caught.value.problem
    assert right in caught.value.problem + caught.value.next_step


def test_a_pin_is_refused_that_the_runtime_would_take_or_the_other_way_round():
    assert HOSTS_SHARING_MIN == SHARING_MIN
    (pattern,) = (meta.pattern for meta in LocationId.__metadata__)
    assert pattern == LOCATION_PATTERN.pattern


def test_an_unknown_region_is_not_told_from_known_ones(tmp_path):
    _file(tmp_path, "latam", "")
    with pytest.raises(ConfigError, match="did you mean 'latam'"):
        load_region("latm", tmp_path)


@pytest.mark.parametrize(
    ("us", "eu", "message"),
    [
        ("", "[region]\ndefault = true\n", "api.port = 8101 meets api.port of eu"),
        (
            "",
            "[region]\ndefault = true\n[api]\nport = 8102\nserve_port = 8101\n",
            "api.port = 8101 meets api.serve_port",
        ),
        (_ports(0), "[region]\ndefault = true\n" + _ports(1).replace("22000", "21500"), "ray.port_base"),
        (_ports(0), _ports(1), "region.default is true in no region"),
        ("[region]\ndefault = true\n" + _ports(0), "[region]\ndefault = true\n" + _ports(1), "in eu, us"),
        (
            '[region]\ndefault = true\ncountries = ["US"]\n' + _ports(0),
            '[region]\ncountries = ["US"]\n' + _ports(1),
            "US",
        ),
        ('[region]\ndefault = true\nfailover = ["latam"]\n' + _ports(0), _ports(1), "'latam', which is no region"),
    ],
)
def test_regions_that_contradict_each_other_start(tmp_path, us, eu, message):
    _file(tmp_path, "us", us)
    name = '[region]\nname = "eu"\n'
    _file(tmp_path, "eu", eu.replace("[region]\n", name) if "[region]" in eu else name + eu)
    with pytest.raises(ConfigError) as caught:
        load_all(folder=tmp_path)
    assert message in caught.value.problem


def test_one_region_is_checked_without_the_others(tmp_path):
    _file(tmp_path, "us", "[region]\ndefault = true\n" + _ports(0))
    _file(tmp_path, "eu", '[region]\nname = "eu"\n[api]\nprot = 1\n')
    with pytest.raises(ConfigError, match=r"api\.prot"):
        load_all(["us"], tmp_path)


@pytest.mark.parametrize(
    ("text", "problem", "right"),
    [
        (
            '[api]\nhost = "0.0.0.0"\n[identity]\nmode = "off"',
            "whoever reaches the port could do everything",
            'mode = "required"',
        ),
        (
            '[api]\nhost = "10.0.0.5"\n[identity]\nmode = "required"',
            "cross a network in plain text",
            'mode = "required" under [tls]',
        ),
        (
            '[region]\nprofile = "production"\n[identity]\nmode = "off"',
            "everybody could do everything",
            'mode = "required"',
        ),
        (
            '[region]\nprofile = "production"\n[identity]\nmode = "required"',
            "knows their passwords",
            "demo_accounts = false",
        ),
    ],
)
def test_a_cell_may_be_open_to_everybody(tmp_path, text, problem, right):
    _file(tmp_path, "us", text)
    with pytest.raises(ConfigError, match=problem) as raised:
        load_region("us", tmp_path)
    assert right in raised.value.next_step


def test_a_production_cell_that_is_safe_does_not_load(tmp_path):
    safe = '[api]\nhost = "10.0.0.5"\n[identity]\nmode = "required"\ndemo_accounts = false\n[region]\nprofile = "production"\n[tls]\nmode = "required"'
    _file(tmp_path, "us", safe)
    assert load_region("us", tmp_path).identity.mode == "required"


def test_the_environment_s_word_on_identity_is_not_heard_or_not_checked(tmp_path, monkeypatch):
    _file(tmp_path, "us", "")
    monkeypatch.setenv("OCEFS_IDENTITY", "off")
    assert load_region("us", tmp_path).identity.mode == "off"
    monkeypatch.setenv("OCEFS_IDENTITY", "maybe")
    with pytest.raises(ConfigError, match="OCEFS_IDENTITY"):
        load_region("us", tmp_path)
    monkeypatch.setenv("OCEFS_IDENTITY", "")
    assert load_region("us", tmp_path).identity.mode == "required"


def test_a_file_that_says_nothing_of_identity_makes_a_cell_that_seals_nothing(tmp_path):
    _file(tmp_path, "us", "[region]\ndefault = true\n")
    assert load_region("us", tmp_path).identity.mode == "required"
