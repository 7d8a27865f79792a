"""The router's command line: `python -m router <command>`; `--help` lists them.

Settings come from `config/router.toml` and `config/regions/`; state lies under `OCEFS_HOME` or `.ocefs/`.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from cells.config import load_all
from cells.errors import CellError, refused
from cells.modes import check_left_out, check_modes
from cells.paths import home_folder
from cells.shell import typed
from router import process
from router.config import RouterConfig, load
from router.control import Control
from router.haproxy_config import Places, files
from router.regions import check_patience, load_regions, served
from router.state import RouterFolder
from router.topology import Region


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it worked, 1 with a message on stderr when not."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = options.run
    try:
        run(options)
    except CellError as error:
        return _told(error)
    except OSError as error:
        return _told(refused(error))
    except KeyboardInterrupt:
        return 130
    return 0


def _told(error: CellError) -> int:
    print(f"router: {typed(str(error))}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", type=Path, default=home_folder(), help="folder of all state (default: %(default)s)")
    configured = argparse.ArgumentParser(add_help=False, parents=[common])
    configured.add_argument("--config", type=Path, help="the router's settings (default: config/router.toml)")
    configured.add_argument("--regions", help="only these, as us,eu (default: all in config/regions)")
    parser = argparse.ArgumentParser(prog="python -m router", description="The router: one address for all cells.")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(
        name: str, run: Callable[[argparse.Namespace], None], text: str, *, parent: argparse.ArgumentParser
    ) -> None:
        command = commands.add_parser(name, help=text, description=text, parents=[parent])
        command.set_defaults(run=run)
        if name in ("drain", "resume"):
            command.add_argument("region")
        if name == "country":
            command.add_argument("country", help="ISO 3166-1 alpha-2")
            command.add_argument("region", help='a region, or "" for none')

    add("serve", _serve, "run in the foreground until SIGTERM", parent=configured)
    add("start", _start, "start in the background, or bring a running one to the configuration", parent=configured)
    add("render", _render, "print the files that HAProxy would get", parent=configured)
    add("stop", _stop, "stop what start started", parent=common)
    add("status", _status, "print how it is, as JSON", parent=common)
    add("drain", lambda o: Control(o.home).drain(o.region), "give a cell no new requests", parent=common)
    add("resume", lambda o: Control(o.home).resume(o.region), "end a drain", parent=common)
    add(
        "country",
        lambda o: Control(o.home).set_country(o.country, o.region),
        "send callers of a country to a region, until stop",
        parent=common,
    )
    add("addresses", _addresses, "take the address database again if it changed", parent=common)
    add("control", lambda o: Control(o.home).watch(), "the control part alone (start runs it)", parent=common)
    return parser


def _configured(options: argparse.Namespace) -> tuple[RouterConfig, tuple[Region, ...]]:
    names = options.regions.split(",") if options.regions else None
    config = load(options.config)
    check_patience(config, load_all(names))
    return config, tuple(load_regions(names, home=options.home))


def _to_start(options: argparse.Namespace) -> tuple[RouterConfig, tuple[Region, ...]]:
    """Whoever starts it may have said less than who started the cells: a router without TLS before cells that have it,
    one for others before cells that ask nobody, or one that leaves out a cell that runs, and is served by it until now.
    The first is asked of all cells of the home, also of those that are not routed to: one shell's settings hold for all
    of them, and if they are wrong about one that runs, they are not to be believed about those
    that can't be asked now."""
    config, regions = _configured(options)
    check_modes(load_all(), options.home)
    check_left_out(served(options.home), {region.name for region in regions}, options.home)
    return config, regions


def _serve(options: argparse.Namespace) -> None:
    if process.status(options.home).running:
        raise CellError("the router runs already", "stop it first: python -m router stop")
    config, regions = _to_start(options)
    _print(process.start(options.home, config, regions, with_control=False))
    control = Control(options.home)
    control.take_over()
    try:
        control.watch()
    finally:
        process.stop(options.home)


def _start(options: argparse.Namespace) -> None:
    config, regions = _to_start(options)
    _print(process.start(options.home, config, regions))


def _render(options: argparse.Namespace) -> None:
    config, regions = _configured(options)
    places: Places = RouterFolder(options.home).places
    for name, text in files(config, regions, places).items():
        print(f"##### {name}\n{text}")


def _stop(options: argparse.Namespace) -> None:
    print("stopped" if process.stop(options.home) else "nothing ran")


def _status(options: argparse.Namespace) -> None:
    _print(process.status(options.home))


def _addresses(options: argparse.Namespace) -> None:
    print("renewed" if Control(options.home).reload_addresses() else "unchanged")


def _print(status: process.RouterStatus) -> None:
    print(msgspec.json.format(msgspec.json.encode(status), indent=2).decode())


if __name__ == "__main__":
    sys.exit(main())
