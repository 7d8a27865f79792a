"""The reading of wrk's output: a wrong figure here would be believed by everybody."""

import shutil
from importlib.resources import files

import pytest

from perf import closed_loop
from perf.closed_loop import GeneratorError

LINE = (
    'OCEFS {"requests":4407,"duration_us":3017437,"p50_us":81579,"p95_us":164311,"p99_us":210116,"max_us":307898,'
    '"status_errors":3,"connect_errors":1,"read_errors":2,"write_errors":0,"timeouts":4,"items_failed":5}'
)
OUTPUT = f"""Running 3s test @ http://127.0.0.1:8101
  1 threads and 128 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    84.10ms   41.10ms 307.90ms   70.11%
    Req/Sec     1.47k   201.11     2.01k    66.67%
  4407 requests in 3.02s, 1.02MB read
  Non-2xx or 3xx responses: 3
Requests/sec:   1460.51
{LINE}
"""


def test_figures_are_found_among_what_wrk_prints_for_people() -> None:
    figures = closed_loop.parse(OUTPUT)
    assert figures.rate_per_s == pytest.approx(1460.5, abs=0.1)
    assert (figures.p50_us, figures.p95_us, figures.p99_us) == (81579, 164311, 210116)


def test_an_error_of_any_kind_is_counted() -> None:
    assert closed_loop.parse(OUTPUT).errors == 3 + 1 + 2 + 0 + 4 + 5


def test_a_run_without_figures_is_not_taken_for_zero() -> None:
    with pytest.raises(GeneratorError, match="unable to connect"):
        closed_loop.parse("unable to connect to 127.0.0.1:1 Connection refused")


@pytest.mark.parametrize("line", ["OCEFS {", 'OCEFS {"requests":1}', LINE.replace("4407", '"many"')])
def test_figures_that_are_cut_off_or_incomplete_are_refused(line: str) -> None:
    with pytest.raises(GeneratorError, match="can't be read"):
        closed_loop.parse(line)


def test_a_missing_wrk_is_named_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(GeneratorError, match="apt-get install wrk"):
        closed_loop.require_wrk()


def test_a_run_of_no_time_has_no_rate() -> None:
    figures = closed_loop.parse(LINE.replace("3017437", "0"))
    assert figures.rate_per_s == 0.0


def test_each_script_is_there_and_shares_the_common_part() -> None:
    folder = files("perf").joinpath("wrk")
    for script in ("updates", "updates_bodies", "placements", "availability", "availability_anywhere", "noop"):
        assert 'require("common")' in folder.joinpath(f"{script}.lua").read_text(encoding="utf-8")
