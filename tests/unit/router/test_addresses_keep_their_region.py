"""From an address database to HAProxy's map: no address may change its region on the way."""

import ipaddress
from pathlib import Path

import maxminddb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.addresses import AddressDatabaseError, Network, address_map, country_of, joined, networks
from tests.unit.router.mmdb_file import write_mmdb

SAMPLES = Path(__file__).parents[3].parent / "shared" / "data" / "samples" / "geo"
REGION_OF = {"US": "us", "CA": "us", "GB": "eu", "SE": "eu", "DE": "eu", "BR": "latam"}


def found(address: Network, in_networks: list[tuple[Network, str]]) -> str | None:
    """What a longest-prefix look-up gives."""
    hits = [(n.prefixlen, region) for n, region in in_networks if n.version == address.version and address.subnet_of(n)]  # type: ignore[arg-type]
    return max(hits)[1] if hits else None


@pytest.mark.parametrize(
    ("record", "country"),
    [
        ({"country": {"iso_code": "BR"}}, "BR"),
        ({"country_code": "br"}, "BR"),
        ({"country": "BR"}, "BR"),
        ({"country": "Brazil", "country_code": "BR"}, "BR"),
        ({"country": {"names": {"en": "Brazil"}}}, None),
        ({"continent": {"code": "EU"}}, None),
        ({"country": "Brazil"}, None),
        ("BR", None),
        (None, None),
    ],
)
def test_the_record_of_a_publisher_is_not_understood(record: object, country: str | None) -> None:
    assert country_of(record) == country


def test_neighbours_of_one_region_stay_apart_or_others_are_joined() -> None:
    def of(*texts: str) -> list[tuple[Network, str]]:
        return [(ipaddress.ip_network(text.split()[0]), text.split()[1]) for text in texts]

    assert list(joined(of("10.0.0.0/25 us", "10.0.0.128/26 us", "10.0.0.192/26 us"))) == of("10.0.0.0/24 us")
    assert list(joined(of("10.0.0.128/25 us", "10.0.1.0/25 us"))) == of("10.0.0.128/25 us", "10.0.1.0/25 us")
    assert list(joined(of("10.0.0.0/25 us", "10.0.0.128/25 eu"))) == of("10.0.0.0/25 us", "10.0.0.128/25 eu")
    assert list(joined(of("0.0.0.0/1 us", "128.0.0.0/1 us", "::/1 us"))) == of("0.0.0.0/0 us", "::/1 us")
    assert list(joined(of("2001:db8::/33 eu", "2001:db8:8000::/33 eu"))) == of("2001:db8::/32 eu")


@given(st.lists(st.sampled_from(["us", "eu", None]), min_size=64, max_size=64), st.booleans())
def test_joining_moves_an_address(regions: list[str | None], ipv6: bool) -> None:
    whole = ipaddress.ip_network("2001:db8::/32" if ipv6 else "10.0.0.0/8")
    parts: list[Network] = list(whole.subnets(prefixlen_diff=6))
    given_networks = [(part, region) for part, region in zip(parts, regions, strict=True) if region]
    result = list(joined(iter(given_networks)))
    for part, region in zip(parts, regions, strict=True):
        assert found(part, result) == region
    assert len(result) <= len(given_networks)


def test_a_written_database_is_read_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "a.mmdb"
    records = {"10.0.0.0/9": "US", "10.128.0.0/9": "CA", "11.0.0.0/8": "JP", "2001:db8::/32": "GB"}
    write_mmdb(file, {network: {"country": {"iso_code": code}} for network, code in records.items()})
    first, *lines = address_map(file, REGION_OF)
    assert first.startswith("# ")
    assert lines == ["10.0.0.0/8 us\n", "2001:db8::/32 eu\n"]


def test_a_change_of_countries_or_database_goes_unseen(tmp_path: Path) -> None:
    file = tmp_path / "a.mmdb"
    write_mmdb(file, {"10.0.0.0/8": {"country": {"iso_code": "US"}}})
    before = next(address_map(file, REGION_OF))
    assert next(address_map(file, REGION_OF)) == before
    assert next(address_map(file, REGION_OF | {"JP": "us"})) != before
    write_mmdb(file, {"10.0.0.0/8": {"country": {"iso_code": "US"}}, "11.0.0.0/8": {"country": {"iso_code": "US"}}})
    assert next(address_map(file, REGION_OF)) != before


def test_a_file_that_is_no_database_is_not_named(tmp_path: Path) -> None:
    file = tmp_path / "broken.mmdb"
    with pytest.raises(AddressDatabaseError, match=r"broken\.mmdb.*router\.mmdb"):
        list(address_map(file, REGION_OF))
    file.write_bytes(b"no database")
    with pytest.raises(AddressDatabaseError, match=r"broken\.mmdb: not a readable address database"):
        list(address_map(file, REGION_OF))


@pytest.mark.parametrize("name", ["GeoIP2-City-Test.mmdb", "GeoLite2-City-Test.mmdb"])
def test_an_address_of_a_published_database_changes_its_region(name: str) -> None:
    file = SAMPLES / name
    if not file.exists():
        pytest.skip(f"{file} is not here: the published sample databases are not part of this repository")
    result = list(networks(file, REGION_OF))
    checked = 0
    with maxminddb.open_database(file) as database:
        for network, record in database:
            expected = REGION_OF.get(country_of(record) or "")
            for address in (network.network_address, network.broadcast_address):
                assert found(ipaddress.ip_network(address), result) == expected
                checked += 1
    assert checked > 400
    assert any(region == "us" for _, region in result)
    assert any(network.version == 6 for network, _ in result)
