"""A row that can't be taken must be named and must not harm the others, whatever is in it."""

import csv
import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.replay.client import encode
from perf.replay.orders import TraceOrder
from perf.replay.plan import plan_order
from perf.replay.trace import QUANTITY_MAX, Rejection, TraceError, TraceLine, TraceReader, check_row
from serve.payments.pan import json_holds_pan
from tests.unit.perf.replay.traces import ROW, csv_of, row

GOOD = csv_of(row())


def read(path: Path) -> tuple[list[TraceLine], list[Rejection]]:
    found = list(TraceReader(path))
    return [x for x in found if isinstance(x, TraceLine)], [x for x in found if isinstance(x, Rejection)]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def written(content: bytes) -> Path:
        path = tmp_path / "us.csv"
        path.write_bytes(content)
        return path

    return written


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity": "0"}, "quantity is 0"),
        ({"quantity": "1.5"}, "quantity is not a whole number"),
        ({"quantity": "٣"}, "quantity is not a whole number"),
        ({"quantity": QUANTITY_MAX + 1}, "quantity is outside"),
        ({"quantity": "9" * 5000}, "quantity is not a whole number"),
        ({"unit_price_minor": "-1"}, "unit_price_minor is outside"),
        ({"unit_price_minor": ""}, "unit_price_minor is not a whole number"),
        ({"currency": "usd"}, "currency is not an ISO 4217 code"),
        ({"country": "USA"}, "country is not an ISO 3166 alpha-2 code"),
        ({"final_status": "gone"}, "final_status is none of"),
        ({"final_status": ""}, "final_status is none of"),
        ({"channel": "phone"}, "channel is none of"),
        ({"ordered_at": ""}, "ordered_at is empty"),
        ({"ordered_at": "yesterday"}, "ordered_at is not an ISO 8601 time"),
        ({"ordered_at": "0001-01-01T00:00:00+14:00"}, "ordered_at is not an ISO 8601 time"),
        ({"delivered_at": "31.12.2020"}, "delivered_at is not an ISO 8601 time"),
        ({"line_no": "0"}, "line_no is outside"),
        ({"sku": " "}, "sku is empty"),
        ({"sku": "x" * 65}, "sku is longer than 64 characters"),
        ({"sku": "a\tb"}, "sku has unprintable characters"),
        ({"sku": "4111111111111111"}, "sku looks like a card's number"),
        ({"order_ref": "4111 1111 1111 1111"}, "order_ref looks like a card's number"),
        ({"trace": "4111-1111-1111-1111"}, "trace looks like a card's number"),
        ({"unit_price_minor": "500000000009"}, "unit_price_minor looks like a card's number"),
        ({"order_ref": "1" * 60}, "order_ref is longer than"),
        ({"trace": "a:b"}, "trace must be"),
        ({"customer_ref": "c" * 65}, "customer_ref is longer"),
        ({"lat": "nan"}, "lat is outside"),
        ({"lon": "181"}, "lon is outside"),
        ({"lat": "north"}, "lat is not a number"),
    ],
)
def test_a_wrong_value_is_taken(changes: dict[str, str], reason: str) -> None:
    checked = check_row(7, row(**changes))
    assert isinstance(checked, Rejection)
    assert checked.row == 7
    assert reason in checked.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": "-4"},
        {"quantity": "74215"},
        {"unit_price_minor": "0"},
        {"customer_ref": "", "country": "", "city": "", "description": ""},
        {"sku": "gift_0001_20"},
        {"sku": "BANK CHARGES"},
        {"description": "x" * 5000},
        {"description": "tab\tand\nline £"},
        {"ordered_at": "2020-01-01T10:00:00+02:00"},
        {"city": "São Paulo"},
        {"channel": ""},
        {"order_ref": "1" * 59},
    ],
)
def test_an_odd_but_right_value_is_rejected(changes: dict[str, str]) -> None:
    assert isinstance(check_row(1, row(**changes)), TraceLine)


# Surrogates are what bytes that are no UTF-8 become while reading.
ANY_TEXT = st.text(st.characters(codec=None), max_size=80)


@given(st.fixed_dictionaries(dict.fromkeys(ROW, ANY_TEXT)))
def test_a_row_of_rubbish_raises(fields: dict[str, str]) -> None:
    assert isinstance(check_row(1, fields), TraceLine | Rejection)


@given(st.sampled_from(list(ROW)), ANY_TEXT)
def test_one_field_of_rubbish_raises_or_slips_through_beyond_the_limits(name: str, value: str) -> None:
    checked = check_row(1, {**ROW, name: value})
    if isinstance(checked, TraceLine):
        assert len(checked.reference) <= 64
        assert checked.sku.isprintable()
        assert 0 < abs(checked.quantity) <= QUANTITY_MAX
        checked.reference.encode("utf-8")


@settings(max_examples=60)
@given(st.binary(max_size=400))
def test_rubbish_between_good_rows_raises(tmp_path_factory: pytest.TempPathFactory, rubbish: bytes) -> None:
    path = tmp_path_factory.mktemp("rubbish") / "us.csv"
    path.write_bytes(GOOD.encode() + rubbish + b"\n")
    lines, _ = read(path)
    assert lines[0].row == 2


def test_a_bad_row_takes_its_neighbours_with_it(write: Callable[[bytes], Path]) -> None:
    header, good = GOOD.encode().splitlines()
    bad_utf8 = good.replace(b"Apple", b"\xff\xfe")
    lines, rejections = read(write(b"\n".join([header, good, b"a,b", bad_utf8, b"", good, b""])))
    assert [line.row for line in lines] == [2, 6]
    assert [(r.row, r.reason) for r in rejections] == [
        (3, "2 fields where the header has 20"),
        (4, "description is not UTF-8"),
    ]


def test_a_byte_order_mark_or_gzip_under_a_plain_name_is_not_understood(write: Callable[[bytes], Path]) -> None:
    content = b"\xef\xbb\xbf" + GOOD.encode()
    reader = TraceReader(write(gzip.compress(content)))
    assert len(list(reader)) == 1
    assert reader.sha256 == hashlib.sha256(content).hexdigest()


def test_a_byte_order_mark_before_a_quoted_header_makes_the_file_unusable(write: Callable[[bytes], Path]) -> None:
    names, good = GOOD.splitlines()
    header = ",".join(f'"{name}"' for name in names.split(","))
    lines, rejections = read(write(f"\ufeff{header}\n{good}\n".encode()))
    assert (len(lines), rejections) == (1, [])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"a,b,c\n1,2,3\n", "lacks the column(s) ordered_at, trace"),
        (GOOD.replace("city", "sku", 1).encode(), "has the column(s) sku more than once"),
        (gzip.compress(GOOD.encode())[:-9], "can't be read"),
        (b"\x1f\x8bnot gzip at all", "can't be read"),
        (b"\x00" * 100, "lacks the column(s)"),
    ],
)
def test_a_file_that_can_not_be_used_ends_in_another_error(
    write: Callable[[bytes], Path], content: bytes, reason: str
) -> None:
    with pytest.raises(TraceError, match=r"us\.csv") as caught:
        list(TraceReader(write(content)))
    assert reason in str(caught.value)


def test_a_missing_file_ends_in_another_error(tmp_path: Path) -> None:
    with pytest.raises(TraceError):
        list(TraceReader(tmp_path / "none.csv"))
    with pytest.raises(TraceError):
        list(TraceReader(tmp_path))


def test_columns_in_another_order_or_unknown_ones_are_not_understood(write: Callable[[bytes], Path]) -> None:
    names = ["weather", *reversed(ROW)]
    path = write(b"")
    with path.open("w", newline="") as text:
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerow({**ROW, "weather": "fine"})
    lines, rejections = read(path)
    assert (len(lines), rejections) == (1, [])


def test_a_number_like_a_card_s_stops_the_whole_trace(write: Callable[[bytes], Path]) -> None:
    """A cell refuses the body with it, and so all SKUs beside it."""
    gtin, described = "4006381330060", "old text 4111 1111 1111 1111"
    (line, named), rejections = read(
        write(csv_of(row(sku="A1", description=described), row(sku=gtin, description="")).encode())
    )
    assert (line.description, named.sku, rejections) == ("", gtin, [])


@pytest.mark.parametrize("name", ROW)
def test_a_number_like_a_card_s_has_its_order_refused(name: str) -> None:
    for number in ("4111111111111111", "+4111 1111 1111 1111", "c-4111-1111-1111-1111", "500000000009"):
        checked = check_row(1, row(**{name: number}))
        if isinstance(checked, TraceLine):
            body = encode(plan_order(TraceOrder((checked,))).body_for("US"))
            assert not json_holds_pan(body), number


def test_an_order_is_lost_for_what_could_be_left_out() -> None:
    number = "4111 1111 1111 1111"
    checked = check_row(1, row(customer_ref=number, city=f"near {number}", postcode=number))
    assert isinstance(checked, TraceLine)
    assert (checked.customer_ref, checked.city, checked.postcode) == ("", "", "")
