"""The rows of a benchmark and the issue's targets: `.ocefs/bench.json`, the tables, met or falls short."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

OURS = "ocefs"

UPDATES = "single updates"
BODIES = "updates in bodies of 100"
PLACEMENTS = "placements"
# 500 queries from one point, again and again while no stock changes: whole answers are kept. The
# target was set for the first.
AVAILABILITY = "availability of 5 SKUs, kept answers"
AVAILABILITY_50 = "availability of 50 SKUs, kept answers"
ANYWHERE = "availability of 5 SKUs, shoppers anywhere, stock changing"
NOOP_ANYWHERE = "no-op route, beside shoppers anywhere"
SOURCING = "placements with sourcing over 138 locations"
NO_SOURCING = "placements over 138 locations without sourcing, beside it"
SOURCED_INSIDE = "decisions of sourcing over 138 locations"
AVAILABILITY_INSIDE = "answers about 50 SKUs"
RESERVED_INSIDE = "reservations beside 10,000 of the same SKU"
WAVE_INSIDE = "lines planned, a wave of 5,000"
ROUTER = "single updates through the router"
STRAIGHT = "single updates straight, for the router"
IDENTITY = "single updates with identity"
NO_IDENTITY = "single updates without identity, beside it"
TLS = "single updates with TLS"
NO_TLS = "single updates without TLS, beside it"
TLS_READS = "availability with TLS"
NO_TLS_READS = "availability without TLS, beside it"
STEADY = "3,000 updates/s mixed"
NOOP = "no-op route"


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One measurement. `rate_per_s` counts updates, placements or requests; latency is per request."""

    work: str
    system: str
    rate_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: int


class Check(msgspec.Struct, frozen=True):
    """A target of the issue. `met` is None when what it needs was not measured in this run."""

    target: str
    measured: str
    met: bool | None


class SteadyExtras(msgspec.Struct, frozen=True):
    """What the steady run saw beside latency; None where the cell did not report it."""

    lag_p99_ms: float | None
    lag_max_ms: float | None
    memory_start_mb: float | None
    memory_end_mb: float | None
    memory_growth_percent: float | None
    error_kinds: dict[str, int]


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Writes the rows as a JSON list; a reader sees the old file or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(list(rows)), indent=2) + b"\n")
    os.replace(partial, path)


def find(rows: Sequence[Row], work: str, system: str) -> Row | None:
    """The row of a work and system, if it was measured."""
    return next((row for row in rows if row.work == work and row.system == system), None)


def _times(rows: Sequence[Row], work: str, other: Row | None, other_name: str, factor: float) -> Check:
    ours = find(rows, work, OURS)
    target = f"{work}: ≥ {factor:g} × {other_name}"
    if ours is None or other is None or not other.rate_per_s:
        return Check(target, "not measured", None)
    ratio = ours.rate_per_s / other.rate_per_s
    return Check(target, f"{ratio:.2f} × ({ours.rate_per_s:,.0f} to {other.rate_per_s:,.0f} per s)", ratio >= factor)


def _against(rows: Sequence[Row], work: str, system: str, factor: float) -> Check:
    return _times(rows, work, find(rows, work, system), f"*{system}*", factor)


def _limit(name: str, value: float | None, limit: float, unit: str) -> Check:
    target = f"{STEADY}: {name} ≤ {limit:g} {unit}"
    if value is None:
        return Check(target, "not reported", None)
    return Check(target, f"{value:,.1f} {unit}", value <= limit)


def checks(rows: Sequence[Row], steady: SteadyExtras | None, promises: dict[str, list[str]]) -> list[Check]:
    """Every target with what was measured. `promises` maps a system to what is wrong with its stock."""
    found = [
        _against(rows, UPDATES, "batched", 1.2),
        _against(rows, UPDATES, "batched-asgi", 1.2),
        _against(rows, UPDATES, "tuned", 3),
        _against(rows, UPDATES, "usual", 8),
    ]
    bodies = find(rows, BODIES, OURS)
    measured = "not measured" if bodies is None else f"{bodies.rate_per_s:,.0f} per s"
    found.append(Check(f"{BODIES}: ≥ 25,000 per s", measured, None if bodies is None else bodies.rate_per_s >= 25_000))
    found += [
        _against(rows, PLACEMENTS, "tuned", 3),
        _against(rows, PLACEMENTS, "batched", 1.0),
        _against(rows, PLACEMENTS, "batched-asgi", 1.0),
    ]
    for system, wrong in promises.items():
        said = "none" if not wrong else f"{len(wrong)} wrong, first: {wrong[0]}"
        found.append(Check(f"{PLACEMENTS}: no unit promised twice ({system})", said, not wrong))
    found.append(_times(rows, AVAILABILITY, find(rows, NOOP, "noop"), "the no-op route", 0.6))
    found.append(_times(rows, ROUTER, find(rows, STRAIGHT, OURS), "straight to the cell", 0.85))
    found.append(_times(rows, IDENTITY, find(rows, NO_IDENTITY, OURS), "without it", 0.85))
    found += _steady_checks(find(rows, STEADY, OURS), steady)
    # A rate that was reached by refusing work is no rate.
    failing = [row for row in rows if row.errors and row.system == OURS and row.work != STEADY]
    found += [Check(f"{row.work}: no errors", f"{row.errors} errors", False) for row in failing]
    return found


def _steady_checks(row: Row | None, extras: SteadyExtras | None) -> list[Check]:
    errors = Check(f"{STEADY}: 0 errors", "not measured", None)
    if row is not None:
        errors = Check(f"{STEADY}: 0 errors", f"{row.errors} errors at {row.rate_per_s:,.0f} per s", row.errors == 0)
    return [
        errors,
        _limit("p95", None if row is None else row.p95_ms, 100, "ms"),
        _limit("write-behind lag p99", None if extras is None else extras.lag_p99_ms, 500, "ms"),
        _limit("memory growth", None if extras is None else extras.memory_growth_percent, 10, "%"),
    ]


def show_rows(console: Console, rows: Sequence[Row], notes: dict[tuple[str, str], str]) -> None:
    """One table per work; `notes` says how a system ran, for example with how many workers."""
    for work in dict.fromkeys(row.work for row in rows):
        table = Table(title=work, title_justify="left", title_style="bold")
        table.add_column("system", no_wrap=True)
        for name in ("per s", "p50 ms", "p95 ms", "p99 ms", "errors", "× batched"):
            table.add_column(name, justify="right")
        table.add_column("how")
        batched = find(rows, work, "batched")
        for row in rows:
            if row.work != work:
                continue
            ratio = f"{row.rate_per_s / batched.rate_per_s:.2f}" if batched and batched.rate_per_s else ""
            figures = [f"{row.rate_per_s:,.0f}", f"{row.p50_ms:.1f}", f"{row.p95_ms:.1f}", f"{row.p99_ms:.1f}"]
            errors = f"[red]{row.errors}[/red]" if row.errors else "0"
            table.add_row(row.system, *figures, errors, ratio, notes.get((work, row.system), ""))
        console.print(table)


def show_checks(console: Console, found: Sequence[Check]) -> None:
    """Every target: met, falls short, or not measured."""
    table = Table(title="targets", title_justify="left", title_style="bold")
    table.add_column("target")
    table.add_column("measured")
    table.add_column("")
    words = {True: "[green]met[/green]", False: "[red]falls short[/red]", None: "not measured"}
    for check in found:
        table.add_row(check.target, check.measured, words[check.met])
    console.print(table)
