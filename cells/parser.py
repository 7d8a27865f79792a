"""What the cells' command line understands; `cells/__main__.py` lists it for people, and does it."""

import argparse


def parser(description: str | None = None) -> argparse.ArgumentParser:
    """All commands, each with its own text and options."""
    result = argparse.ArgumentParser(
        prog="python -m cells", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = result.add_subparsers(dest="command", required=True, metavar="command")
    _add_start_and_look(commands)
    _add_identity(commands)
    _add_audit(commands)
    _add(
        commands,
        "certs",
        "see that there are certificates of our own, renew what ends within a week, say how long each lasts",
    )
    demo = _add(
        commands,
        "demo",
        "play a day in a running cell: a delivery, a rush, a short pick, a transfer, a count, a pickup",
    )
    demo.add_argument("region", nargs="?", default="us", help="default: us")
    demo.add_argument(
        "--pause", type=float, default=3.0, metavar="SECONDS", help="after each line, to read it (default: 3)"
    )
    _add_scale(commands)
    _for_region(
        commands,
        "keep",
        "the keeper itself, in the foreground: starts the region's processes and starts again what dies",
    )
    _for_region(
        commands,
        "deploy",
        "what the keeper runs as soon as Ray is there: hosts, supervisor and API; no need to call it",
    )
    _for_region(
        commands,
        "withdraw",
        "what the keeper runs before it stops Ray: the API lets its callers finish; no need to call it",
    )
    return result


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")


def _for_region(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    command = _add(commands, name, text)
    command.add_argument("region", help="e.g. us")
    return command


def _lines(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 100000")
    return number


def _add_start_and_look(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    texts = {
        "up": "start cells and the router, and fill cells that never were with demo data",
        "down": "end exactly what up started",
        "status": "tables of cells, hosts, stores and the router; exit code 1 unless all of them are ready",
        "logs": "the last lines of every log",
    }
    for name, text in texts.items():
        command = _add(commands, name, text)
        command.add_argument("regions", nargs="*", help="default: all")
        if name == "up":
            command.add_argument("--empty", action="store_true", help="without demo data, now and later")
        if name == "logs":
            command.add_argument(
                "--lines", type=_lines, default=20, help="how many of each log, up to 100,000 (default: 20)"
            )


def _add_identity(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    account = _for_region(
        commands, "account", "open an account; the password is asked for, or read from standard input"
    )
    account.add_argument("login", help="the name to sign in with")
    account.add_argument("--role", required=True, help="one of docs/security/permissions.md")
    account.add_argument("--location", action="append", default=[], help="where the rights reach; default: the region")
    token = _for_region(commands, "token", "a token for five minutes, for whoever may read the cell's key file")
    token.add_argument("--scope", action="append", default=[], help="default: every permission")
    code = _for_region(commands, "code", "what the authenticator of a demo account shows now")
    code.add_argument("role", help="whose account, e.g. manager")
    people = _for_region(
        commands, "demo-people", "the demo accounts that a cell has; or, with --disable, an end to them"
    )
    people.add_argument(
        "--disable", action="store_true", help="nobody signs in by them any more; their secrets are removed"
    )
    rotate = _for_region(
        commands,
        "rotate-keys",
        "a new key signs tokens, nobody is signed out; or, with an option, others of the cell's keys are changed",
    )
    which = rotate.add_mutually_exclusive_group()
    which.add_argument(
        "--compromised",
        action="store_true",
        help="believe the old keys no more: everybody signs in again, and a new key seals",
    )
    which.add_argument("--sealing", action="store_true", help="the key that seals, instead of the one that signs")
    which.add_argument(
        "--wrapping", action="store_true", help="the key that wraps customers' data keys, instead of the one that signs"
    )


def _add_audit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    tasks = _add(commands, "audit", "verify, anchor or prune the audit, or hold all of it for a case").add_subparsers(
        dest="audit", required=True, metavar="what"
    )
    texts = {
        "verify": "recompute every chain; exit code 1 if one is broken",
        "anchor": "sign yesterday's ends, as the keeper does each hour",
        "prune": "drop months that are past [audit] keep_days, as the keeper does each hour",
        "hold": "nothing is dropped any more, until the hold is lifted",
        "lift": "end a hold",
    }
    for name, text in texts.items():
        if name == "verify":
            _add(tasks, name, text).add_argument(
                "regions", nargs="*", help="default: all that have run on this machine"
            )
            continue
        task = _for_region(tasks, name, text)
        if name in {"hold", "lift"}:
            task.add_argument("name", help="of the hold, e.g. case-2027-14")
        if name == "hold":
            task.add_argument("--reason", required=True)


def _add_scale(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    scale = _for_region(
        commands, "scale", "move shards to more or fewer hosts, live; or look after messages that wait for an operator"
    )
    what = scale.add_mutually_exclusive_group(required=True)
    what.add_argument("--hosts", type=int, help="how many hosts there shall be")
    what.add_argument("--parked", action="store_true", help="list parked messages: what could not be delivered")
    what.add_argument("--retry-parked", action="store_true", help="try parked messages again")
