"""`python -m perf.replay --trace PATH`: see README.md for the format, the special cases and the exit codes."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

from rich.console import Console

from perf.cell import running_router
from perf.replay.run import COULD_NOT_RUN, Settings, replay

INTERRUPTED = 130
CONCURRENCY_MAX = 1_000
SPEED_BELOW = 1_000_000_000
_PROJECT = Path(__file__).resolve().parents[2]


def known_regions(folder: Path) -> list[str]:
    """The regions that are configured, by name."""
    return sorted(file.stem for file in folder.glob("*.toml"))


def region_of(trace: Path, regions: Sequence[str]) -> str:
    """The region that the file's name ends in (`us.csv.gz`, `sample_us.csv`), or ""."""
    name = trace.name.partition(".")[0]
    return next((region for region in regions if name == region or name.endswith((f"_{region}", f"-{region}"))), "")


def _share(text: str) -> Fraction:
    with suppress(ValueError, ZeroDivisionError):
        value = Fraction(text)
        if 0 <= value <= 1:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is no share: from 0 to 1, e.g. 0.9 or 9/10")


def _speed(text: str) -> float:
    with suppress(ValueError):
        value = float(text)
        if 0 < value < SPEED_BELOW:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is no speed: above 0 and below {SPEED_BELOW:,}, e.g. 100")


def _concurrency(text: str) -> int:
    with suppress(ValueError):
        value = int(text)
        if 1 <= value <= CONCURRENCY_MAX:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} can't be in flight: from 1 to {CONCURRENCY_MAX} requests")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(
        prog="python -m perf.replay", description="Sends a real order trace through OCEFS."
    )
    options.add_argument("--trace", type=Path, required=True, help="CSV or gzipped CSV, see perf/replay/README.md")
    options.add_argument("--base", default=running_router(), help="the router, or one cell (default %(default)s)")
    options.add_argument("--region", default="", help="default: the end of the trace's name")
    options.add_argument("--scarce", type=_share, help="receive only this share of the demand, e.g. 0.9")
    options.add_argument("--speed", type=_speed, help="replay in trace time times this (default: as fast as possible)")
    options.add_argument(
        "--concurrency", type=_concurrency, default=64, help="requests in flight (default %(default)s)"
    )
    options.add_argument("--locations", type=Path, help="CSV of places to open where the cell has none")
    options.add_argument(
        "--home-country", default="", help="for orders without a usable country (default: the most frequent)"
    )
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses, replays, returns the exit code."""
    options = parser().parse_args(arguments)
    console = Console(emoji=False)  # a reference as `shop:100:2` would be shown as a picture
    region = options.region or region_of(options.trace, known_regions(_PROJECT / "config" / "regions"))
    if not region:
        console.print(f"{options.trace.name} does not end in the name of a region: give --region", markup=False)
        return COULD_NOT_RUN
    settings = Settings(
        trace=options.trace,
        base=options.base,
        region=region,
        scarce=options.scarce,
        speed=options.speed,
        concurrency=options.concurrency,
        locations=options.locations,
        home_country=options.home_country,
        home=Path(os.environ.get("OCEFS_HOME") or _PROJECT / ".ocefs"),
    )
    try:
        return replay(settings, console)
    except KeyboardInterrupt:
        console.print("interrupted; run the same command again to go on")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
