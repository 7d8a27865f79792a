"""`python -m perf.bench`: all systems in one run, on one machine, with the same load generator.

Comparisons and the cell take turns; while a comparison runs, the cell stands still (`standing_still.py`), and nothing
else of ours runs. Which number of workers suits a comparison is tried before the cell is started. It is stopped at the
end. With `--base`, which gives a running one, the comparisons come before it, each alone.
"""

import argparse
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from cells.config import load_region
from cells.errors import CellError
from cells.paths import home_folder
from perf import machine, pace, rows
from perf.cell import REGION, answers
from perf.chaos.own_cell import CellFailed
from perf.closed_loop import GeneratorError, require_wrk
from perf.comparison import StartFailed
from perf.measure import COMPARED_WORKS, Bench, Options
from perf.orders import PreparationFailed
from perf.rows import Check, Row, SteadyExtras

SYSTEMS = ("noop", "usual", "tuned", "batched", "batched-asgi", "ocefs")
WORKS = (
    "updates",
    "bodies",
    "placements",
    "availability",
    "availability50",
    "anywhere",
    "router",
    "steady",
    "identity",
    "tls",
    "sourcing",
    "inside",
)


class Report(msgspec.Struct, frozen=True):
    """`.ocefs/bench-report.json`: what a row can't carry."""

    machine: dict[str, str]
    options: Options
    rows: list[Row]
    notes: dict[str, str]
    checks: list[Check]
    steady: SteadyExtras | None


def _names(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def split(text: str) -> tuple[str, ...]:
        chosen = tuple(name.strip() for name in text.split(",") if name.strip())
        wrong = sorted(set(chosen) - set(known))
        if wrong or not chosen:
            raise argparse.ArgumentTypeError(f"{', '.join(wrong) or 'nothing'} is unknown; known: {', '.join(known)}")
        return tuple(name for name in known if name in chosen)

    return split


def _usual_works() -> tuple[str, ...]:
    """What TLS costs is told where it is on."""
    return tuple(work for work in WORKS if work != "tls" or load_region(REGION).tls.mode == "required")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m perf.bench", description=__doc__)
    add = parser.add_argument
    add("--systems", type=_names(SYSTEMS), default=SYSTEMS, help=f"of {','.join(SYSTEMS)}")
    add(
        "--only", type=_names(WORKS), metavar="WORKS",
        help=f"of {','.join(WORKS)} (default: all; tls only where the region has it on)",
    )  # fmt: skip
    add("--base", help="address of a running cell; by default one is started and stopped")
    add("--router", help="address of a running router; by default one is started and stopped, unless --base is given")
    add("--seconds", type=int, default=10, help="of each measurement (default: %(default)s)")
    add("--probe-seconds", type=int, default=3, help="of the try with one worker and with two (default: %(default)s)")
    add("--orders", type=int, default=20_000, help="orders that are updated (default: %(default)s)")
    add("--connections", type=int, default=128, help="of the load generator (default: %(default)s)")
    add("--steady-seconds", type=int, default=300, help="of the steady run (default: %(default)s)")
    add("--steady-rate", type=int, default=3000, help="updates/s of the steady run (default: %(default)s)")
    add("--postgres-url", help="PostgreSQL for the comparisons; by default one is started as a cell's is")
    add("--out", type=Path, default=home_folder(), help="folder of bench.json (default: %(default)s)")
    return parser


def _options(arguments: argparse.Namespace) -> Options:
    return Options(
        works=arguments.only or _usual_works(),
        base=arguments.base and arguments.base.rstrip("/"),
        router=arguments.router and arguments.router.rstrip("/"),
        postgres_url=arguments.postgres_url,
        seconds=arguments.seconds,
        probe_seconds=arguments.probe_seconds,
        orders=arguments.orders,
        connections=arguments.connections,
        steady_seconds=arguments.steady_seconds,
        steady_rate=arguments.steady_rate,
    )


def _show_machine(console: Console, facts: dict[str, str]) -> None:
    table = Table(title="machine", title_justify="left", title_style="bold", show_header=False)
    for name, value in facts.items():
        table.add_row(name, value)
    console.print(table)


def _measure(console: Console, bench: Bench, systems: tuple[str, ...]) -> None:
    """Comparisons by turns with a cell of our own; one that is given can't be told to stand still meanwhile,
    so they come before it."""
    compared = [name for name in systems if name != rows.OURS]
    options, ours, url = bench.options, rows.OURS in systems, ""
    with ExitStack() as stack:
        if compared and set(options.works) & set(COMPARED_WORKS):
            if options.base and answers(options.base, "/healthz"):
                console.print(
                    "[yellow]A cell runs beside the comparisons: they get less of the machine than alone.[/yellow]"
                )
            url = stack.enter_context(bench.database())
            for system in compared:
                bench.compare(system, url, beside=ours and not options.base)
        if ours:
            bench.inside()
            bench.ocefs(url)
    if ours:
        bench.switches()


def main() -> int:
    """Runs what was asked for; 0 when no measured target falls short, 2 when one does, 1 when it
    could not run to its end."""
    arguments = _parser().parse_args()
    console = Console()
    # A SIGTERM must stop what was started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        require_wrk()
    except GeneratorError as error:
        console.print(f"[red]{error}[/red]")
        return 1
    try:
        options = _options(arguments)
    except CellError as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        return 1
    bench = Bench(options, console)
    facts = machine.describe()
    failed = False
    try:
        _measure(console, bench, arguments.systems)
    except (GeneratorError, StartFailed, PreparationFailed, CellError, CellFailed, OSError) as error:
        console.print(f"{type(error).__name__}: {error}", style="red", markup=False, highlight=False)
        failed = True
    except (KeyboardInterrupt, SystemExit):
        console.print("[yellow]stopped: what was measured until then follows[/yellow]")
        failed = True
    facts |= bench.facts
    if told := pace.described(bench.loops_ms):
        facts["pace"] = told
    _show_machine(console, facts)
    rows.show_rows(console, bench.rows, bench.notes)
    checks = rows.checks(bench.rows, bench.steady, bench.promises)
    rows.show_checks(console, checks)
    notes = {f"{work} / {system}": note for (work, system), note in bench.notes.items()}
    report = Report(facts, options, bench.rows, notes, checks, bench.steady)
    rows.write_rows(bench.rows, arguments.out / "bench.json")
    (arguments.out / "bench-report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))
    console.print(f"rows: {arguments.out / 'bench.json'}; all of it: {arguments.out / 'bench-report.json'}")
    if failed:
        return 1
    return 2 if any(check.met is False for check in checks) else 0


if __name__ == "__main__":
    sys.exit(main())
