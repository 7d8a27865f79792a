"""`make chaos`: a real cell under load while its parts are killed and paused; then what clients were told is
compared with what is there.

python -m perf.chaos [--seconds 120] [--seed N] [--only host,redis]   one fault at a time
python -m perf.chaos --kill-all                                       all processes at once, then the next start

The cell is one of its own: temporary folder, ports of its own. Exit code 1 if an acknowledged update is lost or
doubled, if anything else that was promised does not hold, or if the cell does not settle.
"""

import argparse
import random
import sys

from rich.console import Console

from perf.chaos.faults import KINDS
from perf.chaos.own_cell import CellFailed, OwnCell
from perf.chaos.report import report
from perf.chaos.run import Settings, run

# Two API replicas, so that killing one shows what the other one does.
CHANGES = {"api": {"replicas": 2}}


def main(arguments: list[str] | None = None) -> int:
    """Runs it; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m perf.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=120.0, help="of load with faults")
    parser.add_argument(
        "--seed", type=int, default=None, help="of the plan of faults and of the clients; default: a new one"
    )
    parser.add_argument("--only", default=",".join(KINDS), help=f"kinds of faults, of: {', '.join(KINDS)}")
    parser.add_argument("--rate", type=float, default=400.0, help="updates a second")
    parser.add_argument("--kill-all", action="store_true", help="all processes at once, then up again")
    options = parser.parse_args(arguments)
    kinds = tuple(kind for kind in options.only.split(",") if kind)
    if not kinds or any(kind not in KINDS for kind in kinds):
        parser.error(f"--only takes some of {', '.join(KINDS)}")
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    settings = Settings(options.seconds, seed, kinds, options.rate, options.kill_all)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)

    def say(line: str) -> None:
        console.print(line, markup=False)

    say(f"starting a cell of our own (seed {seed})")
    try:
        with OwnCell(CHANGES) as cell:
            say(f"{cell.base} is up after {cell.started_s:.1f} s")
            outcome = run(cell, settings, say)
    except CellFailed as error:
        console.print(str(error), style="red", markup=False)
        return 1
    report(outcome, console)
    return 0 if outcome.good else 1


if __name__ == "__main__":
    sys.exit(main())
