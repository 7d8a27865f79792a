"""Keys, the region of a file, places, the address of Postgres, the command line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from perf.replay.__main__ import main, parser, region_of
from perf.replay.client import Answer
from perf.replay.keys import content_key, step_key
from perf.replay.places import BUILT_IN, Place, PlacesError, read_places, receiving
from perf.replay.report import show_tally
from perf.replay.run import Settings
from perf.replay.stores import PostgresUnknown, postgres_url
from perf.replay.tally import Tally

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=70)


@given(ANY, ANY)
def test_a_key_is_not_what_the_cell_takes(reference: str, step: str) -> None:
    key = step_key(reference, step)
    assert 1 <= len(key) <= 255
    assert key.isascii()
    assert key.isprintable()
    assert key == step_key(reference, step)


def test_two_steps_or_bodies_share_a_key() -> None:
    keys = [step_key("a", "bc"), step_key("ab", "c"), content_key("a", b"bc x"), content_key("ab", b"c x")]
    assert len(set(keys)) == 4


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("us.csv.gz", "us"),
        ("sample_latam.csv.gz", "latam"),
        ("black-friday-eu.csv", "eu"),
        ("virus.csv", ""),
        ("orders.csv", ""),
    ],
)
def test_the_region_of_a_file_is_guessed_wrong(name: str, region: str) -> None:
    assert region_of(Path("somewhere/else_eu") / name, ["eu", "latam", "us"]) == region


def test_a_trace_without_a_region_is_sent_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--trace", "orders.csv"]) == 2
    assert "--region" in capsys.readouterr().out


def test_colons_in_a_name_or_reference_become_a_picture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def shown(_: Settings, console: Console) -> int:
        tally = Tally()
        tally.refuse("shop:100:2", "place", "stock.x", "no")
        show_tally(console, tally, 0)
        return 1

    monkeypatch.setattr("perf.replay.__main__.replay", shown)
    assert main(["--trace", "us.csv"]) == 1
    assert "shop:100:2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "wrong", "right"),
    [
        ("--scarce", "1.1", "from 0 to 1"),
        ("--scarce", "1/0", "from 0 to 1"),
        ("--scarce", "some", "from 0 to 1"),
        ("--speed", "0", "above 0 and below 1,000,000,000"),
        ("--speed", "nan", "above 0 and below 1,000,000,000"),
        ("--speed", "fast", "above 0 and below 1,000,000,000"),
        ("--concurrency", "0", "from 1 to 1000"),
    ],
)
def test_a_wrong_option_is_taken_or_what_would_be_right_is_not_told(
    option: str, wrong: str, right: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(["--trace", "us.csv", option, wrong])
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert right in told
    assert repr(wrong) in told


def test_stock_is_received_in_stores_although_there_are_warehouses() -> None:
    places = [Place(f"us-{n}", "store" if n % 2 else "warehouse", "", "", "US", 0, 0, "UTC") for n in range(20)]
    assert [place.location_id for place in receiving(places)] == ["us-0", "us-10", "us-12", "us-14", "us-16", "us-18"]
    assert len(receiving(places[1:2])) == 1


def test_built_in_places_belong_to_another_region() -> None:
    for region, places in BUILT_IN.items():
        assert len(places) == 3
        assert all(place.location_id.startswith(f"{region}-") for place in places)


def test_a_file_of_places_is_half_read(tmp_path: Path) -> None:
    path = tmp_path / "locations.csv"
    header = "location_id,region,type,name,city,country,lat,lon,timezone\n"
    path.write_text(header + "us-wh-a,us,warehouse,A,A,US,1.5,2,UTC\neu-wh-b,eu,store,B,B,DE,north,2,UTC\n")
    assert [place.lat for place in read_places(path, "us")] == [1.5]
    for region, reason in (("eu", "row 2"), ("latam", "no row of region latam")):
        with pytest.raises(PlacesError, match=reason):
            read_places(path, region)
    with pytest.raises(PlacesError, match="can't be read"):
        read_places(tmp_path / "none.csv", "us")


def test_the_address_of_postgres_is_not_found(tmp_path: Path) -> None:
    state = tmp_path / "us" / "run" / "state.json"
    with pytest.raises(PostgresUnknown, match="OCEFS_US_POSTGRES_URL"):
        postgres_url("us", {}, tmp_path)
    state.parent.mkdir(parents=True)
    state.write_text('{"pid": 1}')
    with pytest.raises(PostgresUnknown, match="names no PostgreSQL"):
        postgres_url("us", {}, tmp_path)
    for rubbish in (b"{", b"\xff", b'{"addresses": {"PostgreSQL": "\xff"}}'):
        state.write_bytes(rubbish)
        with pytest.raises(PostgresUnknown, match="OCEFS_US_POSTGRES_URL, or start the cell"):
            postgres_url("us", {}, tmp_path)
    state.write_text('{"region": "us", "addresses": {"PostgreSQL": "postgresql+psycopg://u@/ocefs?host=/tmp/x"}}')
    assert postgres_url("us", {}, tmp_path) == "postgresql://u@/ocefs?host=/tmp/x"
    assert postgres_url("us", {"OCEFS_US_POSTGRES_URL": "postgresql://a/b"}, tmp_path) == "postgresql://a/b"


@pytest.mark.parametrize(
    ("body", "code"), [({"code": "a.b"}, "a.b"), ({"code": 7}, "http.500"), (None, "http.500"), ([], "http.500")]
)
def test_an_answer_that_is_no_problem_has_no_code(body: object, code: str) -> None:
    assert Answer(500, body).code == code
    assert Answer(500, body).detail == ""
