"""A quote may hold several lines together, but one too many must not take the rows behind it with it."""

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.replay.rows import ROW_CHARS_MAX, ROW_LINES_MAX
from perf.replay.survey import survey
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


LIKE_A_ROW = described("b").splitlines()[1].replace("shop,1", "shop,99")


# The last column, and one in the middle.
@pytest.mark.parametrize("names", [NAMES_LAST, list(ROW)])
def test_a_forgotten_quote_swallows_the_rows_behind_it(read: Read, names: list[str]) -> None:
    """They would be neither taken nor rejected, and be missing on both sides of the comparison."""
    texts = ["a", '"12 inch ruler', "b", '"a ""good"" one"', '"two\nlines"', '""', "c"]
    lines, rejections = read(described(*texts, names=names))
    assert [line.description for line in lines] == ["a", "b", 'a "good" one', "two lines", "", "c"]
    assert [line.row for line in lines] == [2, 4, 5, 6, 8, 9]
    assert [one.row for one in rejections] == [3]
    assert "not a CSV row" in rejections[0].reason


@pytest.mark.parametrize("next_text", ['"Apple"', '""', '","', '",blue"', '"a ""b"""', '"one\ntwo"'])
@pytest.mark.parametrize("names", [NAMES_LAST, list(ROW)])
def test_the_quote_of_the_next_row_ends_a_forgotten_one(read: Read, names: list[str], next_text: str) -> None:
    lines, rejections = read(described('"12 inch ruler', next_text, "c", names=names))
    assert [line.order_ref for line in lines] == ["2", "3"]
    assert [one.row for one in rejections] == [2]


@pytest.mark.parametrize("names", [NAMES_LAST, list(ROW), ["description", *NAMES_LAST[:-1]]])
def test_a_stray_quote_and_another_one_make_one_row_of_two_orders(read: Read, names: list[str]) -> None:
    """The first one's order with the other's price; and the rows between would be neither taken nor rejected."""
    lines, rejections = read(described('"Retro lamp', *"abcdefghijk", 'Monitor 19"', "d", names=names))
    assert [line.order_ref for line in lines] == [str(number) for number in range(2, 15)]
    assert lines[11].description == 'Monitor 19"'
    assert [(one.row, one.reason) for one in rejections] == [(2, "not a CSV row: unexpected end of data")]


@pytest.mark.parametrize("between", ["abcd", "ab"])
@pytest.mark.parametrize("names", [NAMES_LAST, list(ROW)])
def test_whole_rows_between_two_stray_quotes_are_lost_where_the_second_row_is_none_by_itself(
    read: Read, names: list[str], between: str
) -> None:
    """As it was cut off, or lacks a field before: together they may have all fields that a row has."""
    content = described('"Retro lamp', *between, 'Monitor 19"', "e", names=names)
    at = 2 + len(between)  # the order; its line is one more
    broken = content.splitlines()[at]
    cut = ",".join(broken.split(",")[:-1]) if names != NAMES_LAST else ",".join(broken.split(",")[1:])
    lines, rejections = read(content.replace(broken, cut))
    assert [line.order_ref for line in lines] == [*map(str, range(2, at)), str(at + 1)]
    assert [one.row for one in rejections] == [2, at + 1]


@pytest.mark.parametrize("cut", [False, True])
def test_a_stray_quote_and_one_of_another_column_take_the_rows_between_with_them(read: Read, *, cut: bool) -> None:
    """Together they have too many fields, whether the first row has all of its own or was cut off."""
    content = described('"Retro lamp', "b", "c", names=list(ROW)).replace("3,1,online,c1", '3,1,online,c1"')
    lines, rejections = read(content.replace("lamp,2,100,USD,shipped,,,", "lamp", 1) if cut else content)
    assert [line.order_ref for line in lines] == ["2", "3"]
    assert [one.row for one in rejections] == [2]


@pytest.mark.parametrize("text", ['"two\nlines"', '"two\nlines, or so"', '"a, b, c, d\ne, f, g"', '"a,,,,,,,,\n"'])
def test_a_field_in_the_first_columns_is_never_quoted_over_lines(read: Read, text: str) -> None:
    """What follows it looks like a row by itself, if its last line has as many commas as
    there are columns before it."""
    for at in range(5):
        names = [*NAMES_LAST[:at], "description", *NAMES_LAST[at:-1]]
        lines, rejections = read(described("a", text, "c", names=names))
        assert ([line.order_ref for line in lines], rejections) == (["1", "2", "3"], [])


def test_a_line_within_a_quote_becomes_an_order_of_its_own(read: Read) -> None:
    lines, rejections = read(described(f'"as in\n{LIKE_A_ROW}\n\n,so"', "c"))
    assert [(line.order_ref, line.row) for line in lines] == [("1", 2), ("2", 6)]
    assert rejections == []


@pytest.mark.parametrize(("behind", "fields"), [(",extra", 21), ("", 19)])
def test_a_line_within_a_quote_becomes_an_order_where_the_row_has_a_field_too_many(
    read: Read, behind: str, fields: int
) -> None:
    content = described(f'"as in\n{LIKE_A_ROW}\nso"{behind}', "c")
    lines, rejections = read(content if behind else content.replace(",1,1,online,c1,", ",1,1,online,", 1))
    assert [(line.order_ref, line.row) for line in lines] == [("2", 5)]
    assert [(one.row, one.reason) for one in rejections] == [(2, f"{fields} fields where the header has 20")]


def test_a_row_is_named_by_another_line_than_the_editor_shows(read: Read) -> None:
    content = described('"two\nlines"', "b", '"', "d").replace("\n2020", "\n\n2020")
    for end in ("\n", "\r\n", "\r"):
        lines, rejections = read(content.replace("\n", end))
        assert [line.row for line in lines] == [3, 6, 10]
        assert [one.row for one in rejections] == [8]


def test_rows_of_several_lines_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "us.csv"
    path.write_text(described('"two\nlines"', "b", '"stray', '"and\nso\non",extra'))
    assert survey(path).joined == 2


def test_line_ends_of_another_system_end_a_quoted_field(read: Read) -> None:
    for end in ("\r\n", "\r"):
        lines, rejections = read(described('"two\nlines"', "", "c").replace("\n", end))
        assert ([line.row for line in lines], rejections) == ([2, 4, 5], [])


def test_a_quote_is_looked_for_without_end(read: Read) -> None:
    within, beyond = "x\n" * (ROW_LINES_MAX - 1), "x\n" * ROW_LINES_MAX
    assert len(read(described(f'"{within}"', "b"))[0]) == 2
    lines, rejections = read(described(f'"{beyond}"', "b"))
    assert [line.order_ref for line in lines] == ["2"]
    # Line by line: none of them is a row.
    assert [one.row for one in rejections] == list(range(2, ROW_LINES_MAX + 3))
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
        (2, "not a CSV row: unexpected end of data"),
        (3, "longer than 65,536 characters"),
    ]
    assert [one.row for one in found if isinstance(one, TraceLine)] == [4]
    assert peak < 5_000_000


def wide(chars: int, end: str, text: str = "{}") -> str:
    """A trace of two orders; the first one's row, with what ends its last line, is so long."""
    rows = [(line + "\n").replace("\n", end) for line in described("", "b").splitlines()]
    room = chars - len(rows[1]) - len(text.replace("\n", end).format(""))
    assert room > 0
    filled = rows[1].removesuffix(end) + text.replace("\n", end).format("x" * room) + end
    assert len(filled) == chars
    return rows[0] + filled + rows[2]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("over", [0, 1, 2, 3])
def test_a_row_at_the_limit_is_refused_or_one_behind_it_takes_the_next_along(read: Read, end: str, over: int) -> None:
    """One character over it, the piece that is read of the line is all of it, or all but the last half of its end."""
    lines, rejections = read(wide(ROW_CHARS_MAX + over, end))
    assert [(line.order_ref, line.row) for line in lines] == [("1", 2), ("2", 3)][over > 0 :]
    assert [one.row for one in rejections] == [2][: over > 0]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("over", [0, 1])
def test_a_row_of_several_lines_is_measured_by_another_limit(read: Read, end: str, over: int) -> None:
    lines, rejections = read(wide(ROW_CHARS_MAX + over, end, '"two\n{}\nlines"'))
    assert [(line.order_ref, line.row) for line in lines] == [("1", 2), ("2", 5)][over:]
    assert [one.row for one in rejections] == [2, 3, 4][: 3 * over]


def test_a_header_at_the_limit_is_refused(read: Read) -> None:
    header, good, end = csv_of(row()).split("\n")
    header += "," + "x" * (ROW_CHARS_MAX - len(header) - 2)
    lines, rejections = read("\n".join([header, good + ",", end]))
    assert (len(lines), rejections) == (1, [])


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
