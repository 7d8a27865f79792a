"""The rows as the issue wants them, and the targets: nothing that falls short may look met, or be left out."""

import json
from pathlib import Path

import pytest

from perf import rows
from perf.rows import OURS, Row, SteadyExtras


def row(work: str, system: str, rate: float, errors: int = 0, p95_ms: float = 2.0) -> Row:
    return Row(work=work, system=system, rate_per_s=rate, p50_ms=1.0, p95_ms=p95_ms, p99_ms=3.0, errors=errors)


def verdicts(found: list[rows.Check]) -> dict[str, bool | None]:
    return {check.target: check.met for check in found}


def test_the_json_has_just_the_fields_of_the_issue(tmp_path: Path) -> None:
    path = tmp_path / "home" / "bench.json"
    rows.write_rows([row(rows.UPDATES, OURS, 9000.5)], path)
    assert json.loads(path.read_text()) == [
        {"work": "single updates", "system": "ocefs", "rate_per_s": 9000.5, "p50_ms": 1.0, "p95_ms": 2.0}
        | {"p99_ms": 3.0, "errors": 0}
    ]
    assert [p.name for p in path.parent.iterdir()] == ["bench.json"]


def test_a_ratio_just_below_its_target_falls_short() -> None:
    measured = [row(rows.UPDATES, OURS, 1199), row(rows.UPDATES, "batched", 1000), row(rows.UPDATES, "tuned", 399)]
    met = verdicts(rows.checks(measured, None, {}))
    assert met["single updates: ≥ 1.2 × *batched*"] is False
    assert met["single updates: ≥ 3 × *tuned*"] is True


def test_what_was_not_measured_is_neither_met_nor_short() -> None:
    assert set(verdicts(rows.checks([], None, {})).values()) == {None}


def test_a_comparison_that_answered_nothing_gives_no_ratio() -> None:
    measured = [row(rows.UPDATES, OURS, 100), row(rows.UPDATES, "batched", 0)]
    assert verdicts(rows.checks(measured, None, {}))["single updates: ≥ 1.2 × *batched*"] is None


def test_a_rate_reached_by_refusing_work_falls_short() -> None:
    measured = [row(rows.BODIES, OURS, 90_000, errors=7)]
    met = verdicts(rows.checks(measured, None, {}))
    assert met["updates in bodies of 100: ≥ 25,000 per s"] is True
    assert met["updates in bodies of 100: no errors"] is False


def test_a_unit_promised_twice_is_named() -> None:
    found = rows.checks([], None, {OURS: ["X at us-wh: 3 units promised to callers, 2 allocated"]})
    check = next(c for c in found if "(ocefs)" in c.target)
    assert check.met is False
    assert "X at us-wh" in check.measured


def test_the_router_is_compared_with_the_straight_runs_that_took_turns_with_it() -> None:
    measured = [row(rows.UPDATES, OURS, 5000), row(rows.STRAIGHT, OURS, 10_000), row(rows.ROUTER, OURS, 8400)]
    target = "single updates through the router: ≥ 0.85 × straight to the cell"
    assert verdicts(rows.checks(measured, None, {}))[target] is False


@pytest.mark.parametrize(("rate", "met"), [(8499, False), (8500, True)])
def test_identity_is_compared_with_the_runs_without_it_that_took_turns_with_it(rate: float, met: bool) -> None:
    measured = [row(rows.UPDATES, OURS, 1), row(rows.NO_IDENTITY, OURS, 10_000), row(rows.IDENTITY, OURS, rate)]
    target = "single updates with identity: ≥ 0.85 × without it"
    assert verdicts(rows.checks(measured, None, {}))[target] is met


def test_identity_that_lets_nobody_in_falls_short_however_quick() -> None:
    measured = [row(rows.NO_IDENTITY, OURS, 10_000), row(rows.IDENTITY, OURS, 50_000, errors=50_000)]
    assert verdicts(rows.checks(measured, None, {}))["single updates with identity: no errors"] is False


@pytest.mark.parametrize(
    ("errors", "p95_ms", "lag_ms", "growth", "short"),
    [
        (0, 99, 400, 5, set()),
        (1, 99, 400, 5, {"0 errors"}),
        (0, 101, 400, 5, {"p95 ≤ 100 ms"}),
        (0, 99, 501, 5, {"write-behind lag p99 ≤ 500 ms"}),
        (0, 99, 400, 11, {"memory growth ≤ 10 %"}),
    ],
)
def test_each_part_of_the_steady_target_can_fall_short(
    errors: int, p95_ms: float, lag_ms: float, growth: float, short: set[str]
) -> None:
    extras = SteadyExtras(
        lag_p99_ms=lag_ms,
        lag_max_ms=lag_ms,
        memory_start_mb=100,
        memory_end_mb=100 + growth,
        memory_growth_percent=growth,
        error_kinds={},
    )
    met = verdicts(rows.checks([row(rows.STEADY, OURS, 3000, errors, p95_ms)], extras, {}))
    assert {name.split(": ")[1] for name, ok in met.items() if ok is False} == short
