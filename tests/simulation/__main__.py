"""`python -m tests.simulation`: see the package's docstring. Exit code 1 when a check fails."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

CHUNK = 20
# Below that many seeds a second process costs more than it saves.
SHARED_FROM = 200


def main(arguments: list[str]) -> int:
    """Runs seeds; prints each failing one with the command that replays it."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--verbose", action="store_true", help="tell every event")
    parser.add_argument("--plant", default="", help="plant a fault in the runtime: the checks must find it")
    parser.add_argument("--failures", type=int, default=3, help="stop after so many failing seeds")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0: one a core when there are many seeds")
    options = parser.parse_args(arguments)

    if options.seeds < 1:
        parser.error(f"--seeds must be 1 or more, not {options.seeds}: without seeds nothing is checked")
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    workers = options.workers or (os.cpu_count() or 1 if len(seeds) >= SHARED_FROM else 1)
    began, failed, totals, done = time.perf_counter(), [], dict[str, int](), 0
    for seed, digest, wrong, counted in _verdicts(seeds, options.plant, options.verbose, workers):
        done += 1
        for name, count in counted.items():
            totals[name] = totals.get(name, 0) + count
        if wrong:
            failed.append(seed)
            planted = f" --plant '{options.plant}'" if options.plant else ""
            print(f"seed {seed} FAILED; again: python -m tests.simulation --seed {seed} --verbose{planted}")
            for sentence in wrong:
                print(f"    {sentence}")
        if options.seed is not None:
            print(f"seed {seed}: trace {digest}")
        if len(failed) >= options.failures:
            break
        if done % 500 == 0:
            print(f"{done} seeds, {len(failed)} failed", flush=True)
    took = time.perf_counter() - began
    print(
        f"{done} seeds, {len(failed)} failed, {took:.1f} s; " + ", ".join(f"{n} {c}" for n, c in sorted(totals.items()))
    )
    return 1 if failed else 0


# seed, digest of its trace, what is wrong, what was counted
Outcome = tuple[int, str, list[str], dict[str, int]]


def _verdicts(seeds: list[int] | range, plant: str, aloud: bool, workers: int) -> Iterator[Outcome]:
    """The seeds' outcomes, in their order."""
    chunks = [list(seeds[at : at + CHUNK]) for at in range(0, len(seeds), CHUNK)]
    run = partial(_run, plant=plant, aloud=aloud)
    if workers == 1:
        for seed in seeds:
            yield from run([seed])
        return
    pool = ProcessPoolExecutor(workers)
    try:
        for outcomes in pool.map(run, chunks):
            yield from outcomes
    finally:
        pool.shutdown(cancel_futures=True)


def _run(seeds: list[int], plant: str, aloud: bool) -> list[Outcome]:
    from tests.simulation.plants import PLANTS
    from tests.simulation.world import run_seed

    verdicts = [run_seed(seed, PLANTS[plant]() if plant else None, aloud=aloud) for seed in seeds]
    return [(verdict.seed, verdict.digest, verdict.wrong, verdict.counted) for verdict in verdicts]


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets of strings must be the same in every process.
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
            os.environ | {"PYTHONHASHSEED": "0"},
        )
    sys.exit(main(sys.argv[1:]))
