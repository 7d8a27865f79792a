"""`python -m cells account | token | code | demo-people | rotate-keys`: what an operator on the cell's
machine does about identity."""

import argparse
import getpass
import secrets
import sys

from rich.console import Console

from cells import demo_leaving, rotation
from cells.calls import call
from cells.config import load_region
from cells.demo_people import IDENTITY_OFF, code_of
from cells.errors import CellError
from cells.keys import had_keyring, local_token, rotate_keys
from cells.operators import write_down
from cells.paths import CellPaths
from cells.running import if_running
from cells.state import as_it_runs
from cells.trust import of_cell
from serve.permissions import PERMISSIONS

_TAKEN = (
    "choose another login; or, if it is that person's, change the account that there is (password, role, second factor): "
    "POST /v1/accounts/{account_id}/changes, see /docs"
)


def run(options: argparse.Namespace, console: Console) -> int:
    """One of the commands; the exit code. Raises CellError."""
    paths = CellPaths(load_region(options.region).name)
    disables = options.command == "demo-people" and options.disable
    if (disables or options.command in {"token", "rotate-keys", "account"}) and not had_keyring(paths):
        raise _no_keys(options.region, paths, disables=disables)
    if options.command == "token":
        print(local_token(paths, options.region, options.scope or PERMISSIONS))
        # Standard output is for the token alone.
        write_down(paths, options.region, "token.give", "", Console(stderr=True))
    elif options.command == "code":
        if not load_region(options.region).identity.demo_accounts:
            raise CellError(
                f"{options.region} is to have no demo accounts: identity.demo_accounts is false",
                f"if it has some from before: python -m cells demo-people {options.region} --disable",
            )
        person, code, seconds = code_of(paths, options.role)
        console.print(f"{person.login}  password {person.password}  code [bold]{code}[/] (for {seconds} s more, once)")
    elif disables:
        demo_leaving.disable_people(as_it_runs(load_region(options.region), paths), paths, console)
    elif options.command == "demo-people":
        demo_leaving.list_people(paths, console)
    elif options.command == "rotate-keys" and options.wrapping:
        rotation.rotate(as_it_runs(load_region(options.region), paths), paths, console)
        write_down(paths, options.region, "keys.rotate_wrapping", "", console)
    elif options.command == "rotate-keys" and options.sealing:
        number = rotation.rotate_sealing(as_it_runs(load_region(options.region), paths), paths, console)
        write_down(paths, options.region, "keys.rotate_sealing", str(number), console)
    elif options.command == "rotate-keys":
        kid = rotate_keys(paths, compromised=options.compromised)
        told = (
            "those before it are believed no more, and a new key seals. Next: the same with --wrapping, and docs/security/keys.md"
            if options.compromised
            else "those before it verify for a day more"
        )
        console.print(f"{kid} signs from now on; {told}")
        action = "keys.rotate_compromised" if options.compromised else "keys.rotate"
        write_down(paths, options.region, action, kid, console)
    else:
        _open_account(options, paths, console)
    return 0


def _no_keys(region: str, paths: CellPaths, *, disables: bool) -> CellError:
    never = f"{region} has no keys here: it never ran with identity on, or elsewhere (OCEFS_HOME)"
    if disables:
        return CellError(never, "if it never did, it has no accounts to disable; else set OCEFS_HOME as it was")
    state = if_running(paths)
    if state is not None and any(run.identity == "off" for run in state.going_on()):
        return CellError(f"{region} has no keys here: it runs with identity off", IDENTITY_OFF)
    return CellError(never, f"start it: python -m cells up {region}")


def _open_account(options: argparse.Namespace, paths: CellPaths, console: Console) -> None:
    # Never on the command line: others can read that.
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    config = as_it_runs(load_region(options.region), paths)
    body = {"login": options.login, "role": options.role, "password": password, "locations": options.location}
    headers = {
        "Authorization": f"Bearer {local_token(paths, options.region, ['accounts.write'])}",
        "Idempotency-Key": secrets.token_hex(16),
    }
    answer = call("POST", f"{config.address}/v1/accounts", body, headers, trust=of_cell(config, paths.home))
    if not answer.fine:
        if isinstance(answer.body, dict) and answer.body.get("code") == "request.route_unknown":
            raise CellError(f"the account was not opened: identity is off in {options.region}", IDENTITY_OFF)
        if isinstance(answer.body, dict) and "detail" in answer.body:
            told = f"the account was not opened: {answer.body['detail']}"
            raise CellError(
                told, _TAKEN if answer.body.get("code") == "account.exists" else "correct that, and try again"
            )
        raise CellError("the account was not opened: nobody answered", "is the cell up? see: python -m cells status")
    console.print(
        f"{answer.body['account_id']} is open; at the first sign-in, within four days, its person enrols a second factor and "
        "takes another password (`new_password`)"
    )
