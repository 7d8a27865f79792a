"""A quote may hold several lines together, but one too many must not take the rows behind it with it."""

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.replay.rows import ROW_CHARS_MAX, ROW_LINES_MAX
from perf.replay.trace import Rejection, TraceError, TraceLine, TraceReader
from tests.unit.perf.replay.traces import ROW, csv_of, row

Read = Callable[[str], tuple[list[TraceLine], list[Rejection]]]
NAMES_LAST = [name for name in ROW if name != "description"] + ["description"]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def lines_and_rejections(content: str) -> tuple[list[TraceLine], list[Rejection]]:
        path = tmp_path / "us.csv"
        path.write_bytes(content.encode())
        found = list(TraceReader(path))
        return [x for x in found if isinstance(x, TraceLine)], [x for x in found if isinstance(x, Rejection)]

    return lines_and_rejections


def described(*texts: str, names: list[str] = NAMES_LAST) -> str:
    """A trace of orders 1, 2, …, whose descriptions stand there as they are given, quotes and all."""
    rows = [row(order_ref=number, description=text) for number, text in enumerate(texts, 1)]
    return "\n".join([",".join(names), *(",".join(fields[name] for name in names) for fields in rows), ""])


# The last column, and one in the middle.
@pytest.mark.parametrize("names", [NAMES_LAST, list(ROW)])
def test_a_forgotten_quote_swallows_the_rows_behind_it(read: Read, names: list[str]) -> None:
    """They would be neither taken nor rejected, and be missing on both sides of the comparison."""
    texts = ["a", '"12 inch ruler', "b", '"a ""good"" one"', '"two\nlines"', '""', "c"]
    lines, rejections = read(described(*texts, names=names))
    assert [line.description for line in lines] == ["a", "b", 'a "good" one', "two lines", "", "c"]
    assert [line.row for line in lines] == [1, 3, 4, 5, 7, 8]
    assert [one.row for one in rejections] == [2]
    assert "not a CSV row" in rejections[0].reason


@pytest.mark.parametrize("next_text", ['"Apple"', '""', '","', '",blue"', '"a ""b"""', '"one\ntwo"'])
@pytest.mark.parametrize("names", [NAMES_LAST, list(ROW)])
def test_the_quote_of_the_next_row_ends_a_forgotten_one(read: Read, names: list[str], next_text: str) -> None:
    lines, rejections = read(described('"12 inch ruler', next_text, "c", names=names))
    assert [line.order_ref for line in lines] == ["2", "3"]
    assert [one.row for one in rejections] == [1]


def test_a_line_within_a_quote_becomes_an_order_of_its_own(read: Read) -> None:
    looks_like_a_row = described("a", "b").splitlines()[2].replace("shop,2", "shop,99")
    lines, rejections = read(described(f'"as in\n{looks_like_a_row}\n\n,so"', "c"))
    assert [(line.order_ref, line.row) for line in lines] == [("1", 1), ("2", 5)]
    assert rejections == []


def test_line_ends_of_another_system_end_a_quoted_field(read: Read) -> None:
    for end in ("\r\n", "\r"):
        lines, rejections = read(described('"two\nlines"', "", "c").replace("\n", end))
        assert ([line.row for line in lines], rejections) == ([1, 3, 4], [])


def test_a_quote_is_looked_for_without_end(read: Read) -> None:
    within, beyond = "x\n" * (ROW_LINES_MAX - 1), "x\n" * ROW_LINES_MAX
    assert len(read(described(f'"{within}"', "b"))[0]) == 2
    lines, rejections = read(described(f'"{beyond}"', "b"))
    assert [line.order_ref for line in lines] == ["2"]
    # Line by line: none of them is a row.
    assert [one.row for one in rejections] == list(range(1, ROW_LINES_MAX + 2))
    wide = f"{'x' * (ROW_CHARS_MAX // 2)}\n" * 2
    assert [line.order_ref for line in read(described(f'"{wide}"', "b"))[0]] == ["2"]


def test_a_huge_row_fills_the_memory_or_takes_others_with_it(tmp_path: Path) -> None:
    header, good = csv_of(row()).encode().splitlines()
    path = tmp_path / "us.csv"
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(header + b"\n" + good.replace(b"Apple", b'"Apple') + b"\n" + good[:-1])
        for _ in range(40):
            packed.write(b"x" * 1_000_000)
        packed.write(b"\r\n" + good + b"\n")
    tracemalloc.start()
    found = list(TraceReader(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(one.row, one.reason) for one in found if isinstance(one, Rejection)] == [
        (1, "not a CSV row: unexpected end of data"),
        (2, "longer than 65,536 characters"),
    ]
    assert [one.row for one in found if isinstance(one, TraceLine)] == [3]
    assert peak < 5_000_000


def test_a_huge_header_fills_the_memory(read: Read) -> None:
    with pytest.raises(TraceError, match="longer than 65,536 characters"):
        read("x" * (ROW_CHARS_MAX + 1) + "\n")


@given(st.lists(st.text('a",\n', max_size=12), min_size=1, max_size=4))
def test_a_field_that_was_quoted_by_the_rules_is_read_as_another(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("quoted") / "us.csv"
    path.write_bytes(csv_of(*(row(order_ref=str(n), description=text) for n, text in enumerate(texts))).encode())
    found = list(TraceReader(path))
    wanted = ["".join(c if c.isprintable() else " " for c in text).strip() for text in texts]
    assert [one.description for one in found if isinstance(one, TraceLine)] == wanted
    assert len(found) == len(texts)
