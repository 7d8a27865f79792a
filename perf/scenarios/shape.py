"""The settings of the load test, and the shape of a Black Friday: quiet, ramp, a peak of twice the ramp's end, tail."""

import itertools
import os

from perf.cell import running_router

STAGES = ((0.0, 0.15), (0.10, 0.20), (0.45, 0.50), (0.50, 1.00), (0.70, 1.00), (1.00, 0.10))
"""(share of the time, share of the users); straight lines between."""

USERS_DEFAULT = 60
MINUTES_DEFAULT = 3.0


def setting(name: str, default: str) -> str:
    """An environment variable, or the default when it is unset or empty (as make passes it)."""
    return os.environ.get(name) or default


def router_address() -> str:
    """Where the load goes: HOST, by default the router that `make up` started."""
    return setting("HOST", running_router()).rstrip("/")


def region_names() -> list[str]:
    """The regions that are to take part: those named in REGIONS, with commas or spaces between
    as `make up` takes them."""
    return setting("REGIONS", "us,eu,latam").replace(",", " ").split()


def positive(name: str, default: float) -> float:
    """An environment variable as a number above zero. Ends with a clear message when it is none."""
    text = setting(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise SystemExit(f"{name}={text}: a number above zero is wanted, for example {name}={default:g}")
    return value


def users_at(share: float, users_peak: int) -> int | None:
    """How many users there are when this share of the time has passed; None when it is over."""
    if share >= 1:
        return None
    for (start, below), (end, above) in itertools.pairwise(STAGES):
        if start <= share < end:
            part = below + (above - below) * (share - start) / (end - start)
            return max(1, round(part * users_peak))
    return None
