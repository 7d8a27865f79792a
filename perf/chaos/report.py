"""The tables at the end of a run."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from perf.chaos.faults import ACTIONS, Fault
from perf.chaos.gaps import Felt, felt
from perf.chaos.run import Outcome
from perf.chaos.verdict import SHOWN


def report(outcome: Outcome, console: Console) -> None:
    """Prints what was done, what was felt of it, and whether every promise was kept."""
    if outcome.faults:
        console.print(_faults(outcome))
    console.print(_summary(outcome))
    verdict = outcome.verdict
    for name, lines in (("lost", verdict.lost), ("doubled", verdict.doubled), ("wrong", verdict.wrong)):
        _some(console, name, lines)
    _some(console, "given up", outcome.notebook.given_up)
    for line in outcome.missed:
        console.print(f"not tried: {line}", style="red", markup=False)
    if outcome.unsettled:
        console.print(f"does not settle: {outcome.unsettled}", style="red", markup=False)
    answers = ", ".join(f"{status}: {count}" for status, count in sorted(outcome.notebook.answers.items()))
    console.print(f"answers by status, repeated tries counted: {answers}", style="dim", markup=False)
    for reason, count in outcome.notebook.broken.most_common(SHOWN):
        console.print(f"  no answer: {count} × {reason}", style="dim", markup=False)


def _some(console: Console, name: str, lines: Sequence[str]) -> None:
    for line in lines[:SHOWN]:
        console.print(f"{name}: {line}", style="red", markup=False, soft_wrap=True)
    if len(lines) > SHOWN:
        console.print(f"{name}: … and {len(lines) - SHOWN} more", style="red")


def _faults(outcome: Outcome) -> Table:
    """A row for each kind and action."""
    told = outcome.notebook.acknowledged
    # What was answered after the clients were told to stop is what they waited for longest.
    ends = [fault.at for fault in outcome.faults[1:]] + [max([outcome.ended_at, *(one.at for one in told[-1:])])]
    rows: dict[tuple[str, str], list[tuple[Fault, Felt]]] = {}
    for fault, until in zip(outcome.faults, ends, strict=True):
        rows.setdefault((fault.kind, fault.action), []).append((fault, felt(fault, told, outcome.shard_of, until)))
    table = Table(title="longest, in seconds", title_justify="left")
    for column in (
        "fault",
        "done",
        "survived",
        "nothing acknowledged",
        "a shard silent",
        "a call waited",
        "whole again",
    ):
        table.add_column(column, justify="left" if column == "fault" else "right")
    order = {action: number for number, action in enumerate(ACTIONS)}
    for (kind, action), of_row in sorted(rows.items(), key=lambda row: (row[0][0], order[row[0][1]])):
        survived = sum(not fault.problem for fault, _ in of_row)
        shard = max(one.shard for _, one in of_row)
        whole = max((fault.recovered_at - fault.at for fault, _ in of_row if fault.recovered_at), default=0.0)
        table.add_row(
            f"{action} {kind}", str(len(of_row)), str(survived), f"{max(one.overall for _, one in of_row):.2f}",
            f"{shard:.2f}" if kind == "host" else "", f"{max(one.wait for _, one in of_row):.2f}", f"{whole:.2f}",
        )  # fmt: skip
    return table


def _summary(outcome: Outcome) -> Table:
    notebook, verdict = outcome.notebook, outcome.verdict
    table = Table(show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    survived = sum(not fault.problem for fault in outcome.faults)
    rows: list[tuple[str, object]] = [("faults survived", f"{survived} of {len(outcome.faults)}")]
    if outcome.killed_together:
        rows = [("processes killed at once", outcome.killed_together)]
    if outcome.skipped:
        rows.append(("faults that could not be struck", len(outcome.skipped)))
    rows += [
        ("seed", outcome.settings.seed),
        ("seconds of load", f"{outcome.seconds:.0f}"),
        ("updates acknowledged", f"{verdict.acknowledged:,}"),
        ("… a second", f"{verdict.acknowledged / outcome.seconds:.0f}"),
        ("orders placed", f"{len(notebook.orders):,}"),
        ("… that were short of something", f"{notebook.short:,}"),
        ("reads, never behind what was told", f"{notebook.reads:,}"),
        ("keys sent again, answered the same", f"{notebook.repeats:,}"),
        ("given up without an answer", len(notebook.given_up)),
        ("lost", len(verdict.lost)),
        ("doubled", len(verdict.doubled)),
        ("otherwise wrong", len(verdict.wrong)),
        ("settled", "no" if outcome.unsettled else "yes"),
    ]
    for name, value in rows:
        table.add_row(name, str(value))
    return table
