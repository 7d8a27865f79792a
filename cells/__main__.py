"""The cells' command line.

python -m cells up [regions…]        start cells and the router, fill them with demo data
python -m cells down [regions…]      end what up started
python -m cells status [regions…]    tables of cells, hosts, stores and the router
python -m cells logs [regions…]      the last lines of the logs
python -m cells account us mia --role manager   open an account; the password is asked for, or read from standard input
python -m cells token us             a token for five minutes, for whoever may read the cell's keys
python -m cells code us manager      what the authenticator of a demo account shows now
python -m cells demo-people us       the demo accounts that the cell has; --disable: an end to them, before others may reach the cell
python -m cells rotate-keys us       a new key signs tokens; nobody is signed out (--compromised: everybody, at once)
python -m cells rotate-keys us --sealing        a new key seals secrets of second factors and tickets
python -m cells rotate-keys us --wrapping       a new key wraps customers' data keys: after an erasure, docs/security/keys.md
python -m cells audit verify [regions…]   recomputes the audit's chains; also, of one region: anchor, prune, hold, lift
python -m cells certs                our own certificates: makes what is missing or soon ends, and says how long each lasts
python -m cells demo us              play a day: a delivery, a rush, a short pick, a transfer, a count, a pickup
python -m cells scale us --hosts 4   move shards to more or fewer hosts, live; also: --parked, --retry-parked
python -m cells keep us              the keeper itself, in the foreground; deploy and withdraw are what it runs

`. .venv/bin/activate` first; or write .venv/bin/python for python.
"""

import argparse
import logging
import sys

from rich.console import Console

from actors.logs import PlainLines
from cells.config import load_all
from cells.errors import CellError, refused
from cells.keeper_lines import LINES, also_said_in
from cells.parser import parser
from cells.paths import CellPaths, home_refused
from cells.shell import typed


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code. An expected failure is told in words with its next step, without a traceback."""
    arguments = sys.argv[1:] if arguments is None else arguments
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    try:
        return _run(parser(__doc__).parse_args(arguments), console)
    except CellError as error:
        return _told(error, console)
    except OSError as error:
        return _told(home_refused(error) or refused(error), console)
    except KeyboardInterrupt:
        return 130


def _told(error: CellError, console: Console) -> int:
    console.print(typed(error.problem), style="red", markup=False, soft_wrap=True)
    if error.next_step:
        console.print(f"  Next: {typed(error.next_step)}", style="yellow", markup=False, soft_wrap=True)
    return 1


def _run(options: argparse.Namespace, console: Console) -> int:
    if options.command in {"keep", "deploy", "withdraw"}:
        return _inside(options.command, options.region)
    if options.command in {"account", "token", "code", "demo-people", "rotate-keys"}:
        from cells import identity

        return identity.run(options, console)
    if options.command == "demo":
        from cells import demo_scenes
        from cells.state import as_it_runs

        (config,) = load_all([options.region])
        return demo_scenes.run(as_it_runs(config, CellPaths(config.name)), console, options.pause)
    if options.command == "audit":
        from cells import audit

        return audit.run(options, console)
    if options.command == "certs":
        from cells import show_certs

        return show_certs.run(console)
    if options.command == "scale":
        from cells import scale

        return scale.run(options, console)
    names: list[str] | None = options.regions or None
    if options.command == "up":
        from cells.up import up

        return up(names, console, demo=not options.empty)
    if options.command == "down":
        from cells.down import down

        return down(names, console)
    from cells import show

    if options.command == "logs":
        return show.logs(names, console, options.lines)
    return show.status(load_all(names), console, named=names is not None)


def _inside(command: str, name: str) -> int:
    """What the keeper is and runs: one region, logs to standard output."""
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(PlainLines(LINES))
    logging.basicConfig(level=logging.INFO, handlers=[lines])
    # Eight lines of what Alembic could do, before whatever is wrong.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    (config,) = load_all([name])
    paths = CellPaths(name)
    try:
        if command == "keep":
            from cells.keeper import Keeper

            return Keeper(config, paths).run()
        from cells import connection

        # What was given up, or logged instead of refused, is asked for long after another deploy.
        with also_said_in(paths.keeper_log, "ocefs.keeper"):
            (connection.deploy if command == "deploy" else connection.withdraw)(config, paths)
    except OSError:
        # A log, other than a person, has a use for the place where it happened.
        logging.getLogger(f"ocefs.{command}").exception("%s of %s is broken off", command, name)
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
