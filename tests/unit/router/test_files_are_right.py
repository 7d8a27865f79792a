"""The files that HAProxy gets: computed from regions and settings alone."""

import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from cells.haproxy import haproxy_binary
from router.config import RouterConfig, parse
from router.haproxy_config import Places, affordable_connections, descriptors_for, files
from router.haproxy_rules import choice, countries_map, failover
from router.problems import CELL_UNAVAILABLE, Problem, body, quoted
from router.topology import Region, TopologyError, check_exposure, check_regions, default_region

US = Region(
    name="us", countries=("US", "CA"), lat=39.8, lon=-98.6, host="127.0.0.1", port=8101,
    default=True, residency="open", failover=("latam",), guarded=True,
)  # fmt: skip
EU = Region(name="eu", countries=("DE", "GB"), lat=50.1, lon=8.7, host="::1", port=8102, guarded=True)
LATAM = Region(
    name="latam", countries=("BR",), lat=-8.8, lon=-55.5, host="10.0.0.9", port=8103, residency="open", guarded=True
)
REGIONS = (US, EU, LATAM)


def computed(folder: Path, config: RouterConfig | None = None, regions: tuple[Region, ...] = REGIONS) -> dict[str, str]:
    return files(config or RouterConfig(), regions, Places(folder=folder, socket=folder / "admin.sock"))


def haproxy_says(folder: Path, texts: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for name, text in texts.items():
        (folder / name).write_text(text)
    command = [str(haproxy_binary()), "-c", "-f", str(folder / "haproxy.cfg")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "config",
    [
        RouterConfig(),
        RouterConfig(trusted_proxies=("10.0.0.0/8", "2001:db8::/32"), host="::1", threads=2, request_log="errors"),
        RouterConfig(id_nouns=(), stream_paths=(), failover_paths=(), private_paths=(), mmdb="addresses.mmdb"),
        RouterConfig(request_log="all", hsts_max_age_s=0),
    ],
)
def test_haproxy_refuses_a_computed_configuration(tmp_path: Path, config: RouterConfig) -> None:
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    texts = computed(folder, config)
    if config.mmdb:
        texts["addresses.map"] = "10.1.0.0/16 us\n2001:db8::/33 eu\n"
    checked = haproxy_says(folder, texts)
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr


@pytest.mark.parametrize("host", ["*", "0.0.0.0", "10.0.0.5", "::"])
def test_other_machines_are_let_into_a_cell_whose_identity_is_off(tmp_path: Path, host: str) -> None:
    regions = (US, msgspec.structs.replace(EU, guarded=False))
    with pytest.raises(TopologyError, match="identity is off in eu"):
        computed(tmp_path, RouterConfig(host=host), regions)
    assert computed(tmp_path, RouterConfig(host="127.0.0.1"), regions)
    check_exposure(host, (US, EU), encrypted=True)


@pytest.mark.parametrize("host", ["*", "0.0.0.0", "10.0.0.5", "::"])
def test_other_machines_are_spoken_with_in_plain_text(tmp_path: Path, host: str) -> None:
    with pytest.raises(TopologyError, match="in plain text"):
        computed(tmp_path, RouterConfig(host=host))


@pytest.mark.parametrize(
    ("tls", "plain", "says"),
    [("required", "latam", '"required", but tls.mode is "off" in latam'), ("off", "us eu", '"required" in latam')],
)
def test_one_of_the_two_ways_of_a_request_goes_in_plain_text(tmp_path: Path, tls: str, plain: str, says: str) -> None:
    regions = tuple(
        region if region.name in plain else msgspec.structs.replace(region, tls_ca="ca", tls_name="n")
        for region in REGIONS
    )
    with pytest.raises(TopologyError, match=says):
        computed(tmp_path, parse(f'[router]\ntls = "{tls}"', "here.toml"), regions)


def test_the_check_of_a_configuration_never_fails(tmp_path: Path) -> None:
    texts = computed(tmp_path)
    texts["haproxy.cfg"] = texts["haproxy.cfg"].replace("map_str", "map_string")
    assert haproxy_says(tmp_path, texts).returncode != 0


def test_one_region_alone_can_not_be_served(tmp_path: Path) -> None:
    texts = computed(tmp_path, regions=(US,))  # its failover region does not run here
    assert haproxy_says(tmp_path, texts).returncode == 0
    assert "latam" not in texts["haproxy.cfg"]
    assert texts["regions.map"] == "us us\n"


def test_the_rules_come_in_another_order() -> None:
    lines = choice(RouterConfig(mmdb="x"), REGIONS)
    chosen = [line for line in lines if "set-var(txn.region)" in line]
    sources = (
        "field(4,/)",
        "field(5,/)",
        "X-OCEFS-Region",
        "X-OCEFS-Country",
        "map_ip",
        "lua.nearest_region",
        "str(us)",
    )
    assert len(chosen) == len(sources)
    for line, source in zip(chosen, sources, strict=True):
        assert source in line
        assert "if id_path" in line if source == "field(4,/)" else "!chosen" in line


def test_a_caller_says_by_which_protocol_it_came() -> None:
    said = [line.strip() for line in lines_of(RouterConfig()) if "X-Forwarded-Proto" in line]
    assert said == ["http-request del-header X-Forwarded-Proto"]
    encrypted = tuple(msgspec.structs.replace(region, tls_ca="ca", tls_name="n") for region in REGIONS)
    said = [line.strip() for line in lines_of(RouterConfig(tls="required"), encrypted) if "X-Forwarded-Proto" in line]
    assert said == ["http-request set-header X-Forwarded-Proto https"]


def test_a_rule_that_is_off_costs_something() -> None:
    lines = choice(RouterConfig(), REGIONS)
    assert not any("map_ip" in line for line in lines)
    assert not any("set-src" in line for line in lines_of(RouterConfig()))
    assert any("set-src" in line for line in lines_of(RouterConfig(trusted_proxies=("10.0.0.0/8",))))
    assert failover(RouterConfig(), (EU, LATAM)) == []


def lines_of(config: RouterConfig, regions: tuple[Region, ...] = REGIONS) -> list[str]:
    return computed(Path("/somewhere"), config, regions)["haproxy.cfg"].splitlines()


@pytest.mark.parametrize("config", [RouterConfig(), RouterConfig(tls="required")])
def test_an_answer_of_the_router_itself_may_be_framed_guessed_run_or_kept(config: RouterConfig) -> None:
    regions = (
        REGIONS if not config.encrypted else [msgspec.structs.replace(r, tls_ca="ca", tls_name="n") for r in REGIONS]
    )
    text = files(config, regions, Places(folder=Path("/somewhere"), socket=Path("/s")))["haproxy.cfg"]
    own = [line for line in text.splitlines() if "return status" in line or "http-error status" in line]
    assert len(own) > 10
    for line in own:
        for header in (
            "Cache-Control 'no-store'",
            "X-Content-Type-Options 'nosniff'",
            "Referrer-Policy 'no-referrer'",
            "Cross-Origin-Resource-Policy 'same-origin'",
        ):
            assert line.count(f"hdr {header}") == 1, line
        assert "frame-ancestors" in line
        assert "unsafe" not in line


def test_browsers_come_without_tls_or_an_operator_s_no_is_not_heard() -> None:
    regions = [msgspec.structs.replace(region, tls_ca="ca", tls_name="n") for region in REGIONS]

    def told(**settings: object) -> list[str]:
        config = RouterConfig(**settings)  # type: ignore[arg-type]
        text = files(config, regions if config.encrypted else REGIONS, Places(folder=Path("/s"), socket=Path("/s/a")))
        return [line.strip() for line in text["haproxy.cfg"].splitlines() if "Strict-Transport-Security" in line]

    rule = "http-after-response"
    assert told() == []
    assert told(tls="required") == [
        f"{rule} set-header Strict-Transport-Security 'max-age=31536000; includeSubDomains'"
    ]
    # The cells say it as well: then it has to be taken away.
    assert told(tls="required", hsts_max_age_s=0) == [f"{rule} del-header Strict-Transport-Security"]


def test_a_strict_region_fails_over() -> None:
    strict = msgspec.structs.replace(US, residency="strict")
    with pytest.raises(TopologyError, match=r"us.*strict never fails over"):
        check_regions((strict, EU, LATAM))
    assert failover(RouterConfig(), (strict, EU, LATAM)) == []  # nor if the check were left out
    moves = [line for line in failover(RouterConfig(), REGIONS) if "set-var(txn.region)" in line]
    assert len(moves) == 1
    assert "str(latam)" in moves[0]
    assert "-m str us" in moves[0]


def test_only_the_backup_answers_or_backends_know_each_other(tmp_path: Path) -> None:
    text = computed(tmp_path)["haproxy.cfg"]
    for region, address in (("us", "127.0.0.1:8101"), ("eu", "[::1]:8102"), ("latam", "10.0.0.9:8103")):
        backend = re.split(r"\n(?=\S)", text.partition(f"\nbackend cell_{region}\n")[2])[0]
        servers = [line.split()[1:3] for line in backend.splitlines() if line.strip().startswith("server ")]
        assert servers[0] == ["cell", address]
        assert [name for name, _ in servers] == ["cell", "away"]
        for other in {"us", "eu", "latam"} - {region}:
            assert f"_{other}" not in backend


@pytest.mark.parametrize(
    ("regions", "says"),
    [
        ((), "no region"),
        ((US, US), "us is configured twice"),
        ((US, msgspec.structs.replace(EU, countries=("CA",))), "CA is served by us and by eu"),
        ((US, msgspec.structs.replace(EU, default=True)), "only one region may be the default"),
        ((US, msgspec.structs.replace(EU, name="eu-west")), "eu-west"),
        ((US, msgspec.structs.replace(EU, name="eu\n  bind :1")), "lower-case"),
        ((msgspec.structs.replace(US, host="h check\n"),), "host"),
        ((msgspec.structs.replace(US, failover=("us",)),), "never itself"),
        ((msgspec.structs.replace(US, lat=91.0),), "-90..90"),
        ((msgspec.structs.replace(US, lat=float("nan")),), "-90..90"),
        ((msgspec.structs.replace(US, lon=181.0),), "-180..180"),
        ((msgspec.structs.replace(US, port=0),), "1..65535"),
        ((msgspec.structs.replace(US, countries=("us",)),), "two capital letters"),
    ],
)
def test_regions_that_contradict_themselves_are_taken(regions: tuple[Region, ...], says: str) -> None:
    with pytest.raises(TopologyError, match=says):
        check_regions(regions)


def test_the_default_is_another_than_the_one_configured() -> None:
    assert default_region((EU, US)) is US
    assert default_region((EU, LATAM)) is EU


def test_a_country_moved_at_run_time_is_lost() -> None:
    assert countries_map(REGIONS) == "BR latam\nCA us\nDE eu\nGB eu\nUS us\n"
    assert countries_map(REGIONS, {"CA": "", "JP": "us", "GB": "us"}) == "BR latam\nDE eu\nGB us\nJP us\nUS us\n"


def test_more_connections_are_promised_than_descriptors_allow() -> None:
    assert affordable_connections(20_000, 1_000_000) == 20_000
    assert affordable_connections(20_000, 20_000) == 9_900
    for descriptors in (1_024, 5_000, 20_000, 65_536):
        assert descriptors_for(affordable_connections(20_000, descriptors)) <= descriptors


def test_text_breaks_out_of_a_configuration_line() -> None:
    assert quoted("it's") == "'it'\\''s'"
    with pytest.raises(ValueError, match="can't carry"):
        quoted("a\nb")
    problem = Problem(status=503, code="x", title="100 % sure", detail="it's")
    text = body(problem, {"region": "us"})
    assert "100 %% sure" in text
    assert "it'\\''s" in text
    assert '"request_id":"%[var(txn.request_id),json(utf8s)]"' in text
    assert CELL_UNAVAILABLE.code == "router.cell_unavailable"
