"""What is shown at the end must claim no more than was compared."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from perf.replay.figures import Figures, Revenue
from perf.replay.readback import Readback
from perf.replay.report import show_equal, show_figures, show_rejected, show_tally
from perf.replay.run import COULD_NOT_RUN, DIFFERENT, EQUAL, Settings, _verdict, replay
from perf.replay.stock import StockReport
from perf.replay.survey import Survey, survey
from perf.replay.tally import Tally
from perf.replay.trace import Rejection
from tests.unit.perf.replay.traces import csv_of, row


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=160)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("rejected", "joined", "scarce", "lacking", "sent", "words"),
    [
        (0, 0, False, 0, True, "equal: Postgres holds exactly this trace, and its stock adds up."),
        (1, 0, False, 0, True, "equal for the rows that were taken; 1 row was not, see above. The stock adds up."),
        (1200, 0, False, 0, True, "equal for the rows that were taken; 1,200 rows were not, see above. The stock adds up."),
        (0, 0, True, 0, True, "equal in what is compared under --scarce. The stock adds up."),
        (0, 0, True, 1, True,
         "equal in what is compared under --scarce; 1 order's write-offs were left out, see above. The stock adds up."),
        (0, 0, True, 1200, True,
         "equal in what is compared under --scarce; 1,200 orders' write-offs were left out, see above. The stock adds up."),
        (2, 0, True, 0, True,
         "equal in what is compared under --scarce and for the rows that were taken; 2 rows were not, see above. The stock adds up."),
        (2, 0, True, 3, True,
         ("equal in what is compared under --scarce and for the rows that were taken; 2 rows were not, 3 orders' write-offs were left"
          " out, see above. The stock adds up.")),
        (0, 0, False, 3, True, "equal in what was compared; 3 orders' write-offs were left out, see above. The stock adds up."),
        (0, 0, False, 0, False, "equal in what was compared; receipts were not compared, see above. The stock adds up."),
        (1, 0, False, 0, False,
         "equal for the rows that were taken; receipts were not compared, 1 row was not, see above. The stock adds up."),
        (0, 1, False, 0, True,
         "equal for the rows as they were read; 1 row was read over several lines, see above. The stock adds up."),
        (3, 1200, False, 0, True,
         ("equal for the rows that were taken; 3 rows were not, 1,200 rows were read over several lines, see above."
          " The stock adds up.")),
    ],
)  # fmt: skip
def test_the_last_words_claim_what_was_not_compared(
    console: Console, rejected: int, joined: int, scarce: bool, lacking: int, sent: bool, words: str
) -> None:
    show_equal(console, rejected, joined, scarce, lacking, sent)
    assert " ".join(shown(console).split()) == words


def told_at_the_end(console: Console, tally: Tally, *, settled: bool) -> tuple[int, str]:
    """Of a trace of which nothing differs."""
    settings = Settings(trace=Path("us.csv"), base="http://127.0.0.1:1", region="us")
    found, back = Survey(settings.trace), Readback({}, 0, 0)
    code = _verdict(settings, console, found, tally, 0, back, settled, StockReport())
    return code, " ".join(shown(console).split())


def test_what_was_not_written_down_in_time_passes_for_equal(console: Console) -> None:
    code, words = told_at_the_end(console, Tally(warehouses=["us-wh"]), settled=False)
    assert code == DIFFERENT
    assert words.endswith("see the figures above. different")


@pytest.mark.parametrize(
    ("warehouses", "words"),
    [
        (["us-wh"], "equal: Postgres holds exactly this trace, and its stock adds up."),
        ([], "equal in what was compared; receipts were not compared, see above. The stock adds up."),
    ],
)
def test_a_run_that_sent_nothing_claims_its_receipts(console: Console, warehouses: list[str], words: str) -> None:
    code, told = told_at_the_end(console, Tally(warehouses=warehouses), settled=True)
    assert code == EQUAL
    assert told.endswith(words)


def test_a_step_that_was_refused_passes_for_equal(console: Console) -> None:
    tally = Tally(warehouses=["us-wh"])
    tally.refuse("shop:1", "ship", "order.illegal_transition", "no")
    code, told = told_at_the_end(console, tally, settled=True)
    assert code == DIFFERENT
    assert told.endswith("refused steps, see above")


@pytest.mark.parametrize("joined", [0, 1200])
def test_rows_that_hang_on_quotes_are_not_told_or_told_where_there_are_none(console: Console, joined: int) -> None:
    show_rejected(console, Survey(Path("us.csv"), joined=joined))
    told = ["Rows that go over several lines: 1,200"] if joined else []
    assert shown(console).splitlines() == [*told, "Rows that could not be taken: 0"]


def test_a_row_that_could_not_be_taken_can_not_be_found(console: Console) -> None:
    found = Survey(Path("us.csv"))
    for number in (12, 4711):
        found.reject(Rejection(number, "quantity is 0"))
    show_rejected(console, found)
    assert "on lines (the header is 1)" in shown(console)
    assert "12, 4711" in shown(console)


def test_many_rows_of_one_reason_hide_where_those_of_another_stand(console: Console) -> None:
    found = Survey(Path("us.csv"))
    for number in range(1_000, 1_500):
        found.reject(Rejection(number, "quantity is 0"))
    found.reject(Rejection(4711, "no sku"))
    show_rejected(console, found)
    assert len(found.rejections) == 21
    assert "4711" in shown(console)
    assert "1019 …" in shown(console)
    assert "1020" not in shown(console)


@pytest.mark.parametrize("brackets", ["[/1]", "[b1]", "[bold]", "\\[/1]"])
def test_brackets_in_what_was_refused_are_left_out_or_end_in_a_traceback(console: Console, brackets: str) -> None:
    tally = Tally()
    tally.refuse(f"shop:A{brackets}", "place", f"stock{brackets}", f"no{brackets}")
    show_tally(console, tally, 0)
    for told in (f"shop:A{brackets}", f"stock{brackets}", f"no{brackets}"):
        assert told in shown(console)


def test_brackets_in_a_column_s_name_are_left_out_or_end_in_a_traceback(console: Console, tmp_path: Path) -> None:
    header, good = csv_of(row()).splitlines()
    path = tmp_path / "us.csv"
    path.write_bytes(f"{header},note [/x]\n{good},\n{good.replace('shop,1', 'shop,2')},".encode() + b"\xff\n")
    found = survey(path)
    assert any("[/x]" in rejection.reason for rejection in found.rejections)
    show_rejected(console, found)
    assert "note [/x]" in shown(console)


def test_brackets_in_a_figure_s_name_are_left_out_or_end_in_a_traceback(console: Console) -> None:
    figures = {"a[/1]": Figures(revenue={"[/U]": Revenue(gross=1)}), "b": Figures()}
    assert show_figures(console, figures, figures, "Read back [/here]", scarce=False)
    for told in ("Read back [/here]: all", "Read back [/here]: a[/1]", "[/U]"):
        assert told in shown(console)


def test_brackets_in_the_path_of_a_trace_end_in_a_traceback(console: Console, tmp_path: Path) -> None:
    path = tmp_path / "t[" / "x]" / "us.csv"
    path.parent.mkdir(parents=True)
    path.write_text(csv_of(row()))
    settings = Settings(trace=path, base="http://127.0.0.1:1", region="us", home=tmp_path / "none")
    assert replay(settings, console, {}) == COULD_NOT_RUN
    assert f"{path}: 1 orders" in shown(console).replace("\n", "")
    assert "PostgresUnknown" in shown(console)
