"""`python -m cells scale us --hosts 4`: more or fewer hosts while the cell works; shards move live.

`python -m cells scale us --parked` lists the messages that wait for an operator, `--retry-parked` tries them again.
"""

from __future__ import annotations

import argparse
import time

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from cells.config import load_region
from cells.connection import connect
from cells.errors import CellError
from cells.paths import CellPaths
from cells.running import record_of
from cells.state import as_it_runs


def run(options: argparse.Namespace, console: Console) -> int:
    """Runs the command; the exit code. Raises CellError."""
    config = load_region(options.region)
    paths = CellPaths(config.name)
    _check_runs(paths, config.name)
    config = as_it_runs(config, paths)
    if options.hosts is not None and not 1 <= options.hosts <= config.runtime.shards:
        raise CellError(
            f"{config.name} can't have {options.hosts} hosts",
            f"--hosts must be between 1 and {config.runtime.shards}, the number of its shards",
        )
    connect(config)
    if options.hosts is not None:
        _scale(config.name, options.hosts, console)
    else:
        _parked(config.name, console, retry=options.retry_parked)
    return 0


def _check_runs(paths: CellPaths, name: str) -> None:
    """Ray itself would look for it for minutes. Its keeper may be gone: hosts go on without. Raises CellError."""
    state = record_of(paths)
    if state is None or not state.anything_runs:
        raise CellError(f"{name} does not run", f"start it: python -m cells up {name}")
    if not any("Ray" in run.left() for run in state.going_on()):
        comes = state.keeper_lives
        raise CellError(
            f"Ray of {name} does not run",
            f"it starts, or comes back: python -m cells status {name}"
            if comes
            else f"start it: python -m cells up {name}",
        )


def _scale(region: str, hosts: int, console: Console) -> None:
    from cells.deploy import scale

    with console.status(f"{region}: moving shards to {hosts} hosts"):
        status = scale(region, hosts)
    table = Table("host", "shards")
    for name, shards in sorted(status["hosts"].items()):
        table.add_row(name, str(shards))
    console.print(table)


def _parked(region: str, console: Console, *, retry: bool) -> None:
    import ray

    from actors.ray_gateway import NAMESPACE, supervisor_name
    from actors.runtime.outbox import recipient_of
    from actors.runtime.ports import OutboxEntry

    supervisor = ray.get_actor(supervisor_name(region), NAMESPACE)
    if retry:
        console.print(f"{ray.get(supervisor.retry_parked.remote())} messages are tried again")
        return
    heads = ("message", "sender", "recipient", "since", "attempts", "error")
    table = Table(*(Column(head, overflow="fold") for head in heads))  # ids are whole in narrow terminals, too
    for host in ray.get(supervisor.parked.remote()):
        for entry in msgspec.json.decode(host, type=list[OutboxEntry]):
            sender, recipient = f"{entry.sender_kind} {entry.sender_id}", " ".join(recipient_of(entry))
            since = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(entry.at_ms / 1000))  # as in the logs
            table.add_row(entry.message_id, sender, recipient, since, str(entry.attempts), escape(entry.error))
    console.print(table if table.row_count else "nothing is parked")
