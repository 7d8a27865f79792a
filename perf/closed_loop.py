"""Runs `wrk` with one of our scripts and reads its figures.

wrk is a closed loop: each of its connections asks again as soon as it is answered. So the rate is what the system
can do with that many callers, and the latency is that of a fully loaded system. For latency at a given rate see
`perf.open_loop`.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import msgspec

from perf.https import host_of
from perf.run_names import new_run

MARK = "OCEFS "
GRACE_S = 30
REPLY_TIMEOUT_S = 10


class GeneratorError(Exception):
    """The load generator is missing, or its run failed; the message says the next step."""


class WrkFigures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What wrk measured; times in microseconds."""

    requests: int
    duration_us: int
    p50_us: int
    p95_us: int
    p99_us: int
    max_us: int
    status_errors: int
    connect_errors: int
    read_errors: int
    write_errors: int
    timeouts: int
    items_failed: int

    @property
    def rate_per_s(self) -> float:
        """Answered requests a second."""
        return self.requests * 1e6 / self.duration_us if self.duration_us else 0.0

    @property
    def errors(self) -> int:
        """Everything that was not a good answer: refusals, broken connections, time-outs, failed items of bodies."""
        socket_errors = self.connect_errors + self.read_errors + self.write_errors
        return self.status_errors + socket_errors + self.timeouts + self.items_failed


def together(parts: Sequence[WrkFigures]) -> WrkFigures:
    """Several runs of the same thing as one: sums, and the mean of each percentile weighted by its run's requests."""
    requests = sum(part.requests for part in parts)

    def mean(figures: Iterable[int]) -> int:
        weighed = zip(figures, parts, strict=True)
        return round(sum(figure * part.requests for figure, part in weighed) / max(1, requests))

    return WrkFigures(
        requests=requests,
        duration_us=sum(part.duration_us for part in parts),
        p50_us=mean(part.p50_us for part in parts),
        p95_us=mean(part.p95_us for part in parts),
        p99_us=mean(part.p99_us for part in parts),
        max_us=max(part.max_us for part in parts),
        status_errors=sum(part.status_errors for part in parts),
        connect_errors=sum(part.connect_errors for part in parts),
        read_errors=sum(part.read_errors for part in parts),
        write_errors=sum(part.write_errors for part in parts),
        timeouts=sum(part.timeouts for part in parts),
        items_failed=sum(part.items_failed for part in parts),
    )


def require_wrk() -> str:
    """The path of wrk. Raises GeneratorError where it is missing."""
    path = shutil.which("wrk")
    if path is None:
        raise GeneratorError(
            "The benchmark's load generator `wrk` is not installed. Next step: `apt-get install wrk` (Debian, Ubuntu), "
            "`brew install wrk` (macOS), then run it again."
        )
    return path


def parse(output: str) -> WrkFigures:
    """The figures in what wrk printed. Raises GeneratorError when there are none."""
    for line in output.splitlines():
        if line.startswith(MARK):
            try:
                return msgspec.json.decode(line[len(MARK) :], type=WrkFigures)
            except msgspec.DecodeError as error:
                raise GeneratorError(f"wrk's figures can't be read ({error}): {line[:200]}") from error
    raise GeneratorError(f"wrk printed no figures; it said: {output.strip()[-500:]}")


def run(
    script: str,
    base: str,
    *,
    seconds: int,
    connections: int,
    orders: Path | None = None,
    body_items: int = 100,
    headers: Mapping[str, str] | None = None,
) -> WrkFigures:
    """Runs `perf/wrk/<script>.lua` against the address `base`; one thread, which is enough for our rates."""
    folder = str(files("perf").joinpath("wrk"))
    environment = os.environ | {
        "LUA_PATH": f"{folder}/?.lua",
        "OCEFS_BENCH_RUN": new_run(),
        "OCEFS_BENCH_HOST": host_of(base),
        "OCEFS_BENCH_ORDERS": str(orders or ""),
        "OCEFS_BENCH_BODY": str(body_items),
        "OCEFS_BENCH_HEADERS": "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items()),
    }
    command = [require_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={REPLY_TIMEOUT_S}s"]
    command += ["-s", f"{folder}/{script}.lua", base]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=seconds + GRACE_S, check=False
    )
    if done.returncode != 0:
        raise GeneratorError(f"wrk failed against {base}: {(done.stderr or done.stdout).strip()[-500:]}")
    return parse(done.stdout)
