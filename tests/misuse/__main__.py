"""`python -m tests.misuse --seeds 1 2 3`: what the monitor finds of planted misuse, by kind, and how often it is wrong.

Seeds from 100 on are for tuning, those below for measuring: nothing is changed after looking at the latter.
`--ablation` leaves parts out.
"""

from __future__ import annotations

import argparse

from actors.anomalies.model import VOICES
from actors.anomalies.monitor import Monitor
from tests.misuse.judge import SETTINGS, Verdict, judged
from tests.misuse.month import month

PARTS: dict[str, tuple[tuple[str, ...], bool]] = {
    "rules and model": (VOICES, True),
    "rules alone": ((), True),
    "model alone": (VOICES, False),
    "rules and distance": (("distance",), True),
    "rules and trees": (("trees",), True),
}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.misuse", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--each", type=int, default=2, help="episodes of each kind a month")
    parser.add_argument(
        "--ablation", action="store_true", help="also without the model, without the rules, with one voice"
    )
    parser.add_argument("--false", action="store_true", help="name the false alerts")
    asked = parser.parse_args()
    parts = PARTS if asked.ablation else {"rules and model": PARTS["rules and model"]}
    verdicts = {name: Verdict() for name in parts}
    for seed in asked.seeds:
        played = month(seed, asked.people, asked.days, asked.each)
        for name, (voices, with_rules) in parts.items():
            monitor = Monitor("us", SETTINGS, voices=voices, with_rules=with_rules)
            verdicts[name].add(judged(played, monitor))
    print(f"{len(asked.seeds)} months of {asked.people} people, {asked.days} days, seeds {asked.seeds}")
    for name, verdict in verdicts.items():
        print(name)
        print("\n".join(verdict.lines()))
        if asked.false:
            print("\n".join(f"    {told}" for told in verdict.told))


if __name__ == "__main__":
    main()
