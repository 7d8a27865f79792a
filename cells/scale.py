"""`python -m cells scale us --hosts 4`: more or fewer hosts while the cell works; shards move live.

`python -m cells scale us --parked` lists the messages that wait for an operator, `--retry-parked` tries them again.
"""

from __future__ import annotations

import argparse
import json

from rich.console import Console
from rich.table import Table

from cells.config import load_region
from cells.connection import connect
from cells.paths import CellPaths
from cells.state import as_it_runs


def main(arguments: list[str]) -> int:
    """Runs the command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m cells scale", description=__doc__)
    parser.add_argument("region")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--hosts", type=int, help="how many hosts there shall be")
    what.add_argument("--parked", action="store_true", help="list parked messages")
    what.add_argument("--retry-parked", action="store_true", help="try parked messages again")
    options = parser.parse_args(arguments)
    config = load_region(options.region)
    config = as_it_runs(config, CellPaths(config.name))
    if options.hosts is not None and not 1 <= options.hosts <= config.runtime.shards:
        parser.error(f"--hosts must be between 1 and {config.runtime.shards}, the number of shards of {config.name}")
    connect(config)
    console = Console(highlight=False)
    if options.hosts is not None:
        _scale(config.name, options.hosts, console)
    else:
        _parked(config.name, console, retry=options.retry_parked)
    return 0


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

    supervisor = ray.get_actor(supervisor_name(region), NAMESPACE)
    if retry:
        console.print(f"{ray.get(supervisor.retry_parked.remote())} messages are tried again")
        return
    table = Table("message", "to sender", "attempts", "error")
    for host in ray.get(supervisor.parked.remote()):
        for entry in json.loads(host):
            table.add_row(entry["message_id"], entry["sender_id"], str(entry["attempts"]), entry["error"])
    console.print(table if table.row_count else "nothing is parked")
