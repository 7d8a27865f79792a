"""`python -m tests.simulation`: see the package's docstring. Exit code 1 when a check fails."""

from __future__ import annotations

import argparse
import os
import sys
import time


def main(arguments: list[str]) -> int:
    """Runs seeds; prints each failing one with the command that replays it."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--verbose", action="store_true", help="tell every event")
    parser.add_argument("--plant", default="", help="plant a fault in the runtime: the checks must find it")
    parser.add_argument("--failures", type=int, default=3, help="stop after so many failing seeds")
    options = parser.parse_args(arguments)

    from tests.simulation.plants import PLANTS
    from tests.simulation.world import run_seed

    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    began, failed, totals, done = time.perf_counter(), [], {}, 0
    for seed in seeds:
        verdict = run_seed(seed, PLANTS[options.plant]() if options.plant else None, aloud=options.verbose)
        done += 1
        for name, count in verdict.counted.items():
            totals[name] = totals.get(name, 0) + count
        if verdict.wrong:
            failed.append(seed)
            planted = f" --plant '{options.plant}'" if options.plant else ""
            print(f"seed {seed} FAILED; again: python -m tests.simulation --seed {seed} --verbose{planted}")
            for sentence in verdict.wrong:
                print(f"    {sentence}")
        if options.seed is not None:
            print(f"seed {seed}: trace {verdict.digest}")
        if len(failed) >= options.failures:
            break
        if done % 500 == 0:
            print(f"{done} seeds, {len(failed)} failed", flush=True)
    took = time.perf_counter() - began
    print(
        f"{done} seeds, {len(failed)} failed, {took:.1f} s; " + ", ".join(f"{n} {c}" for n, c in sorted(totals.items()))
    )
    return 1 if failed else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets of strings must be the same in every process.
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
            os.environ | {"PYTHONHASHSEED": "0"},
        )
    sys.exit(main(sys.argv[1:]))
