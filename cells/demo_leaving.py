"""`python -m cells demo-people us --disable`: nobody signs in any more by what everybody knows, and nothing
plays their authenticators."""

from __future__ import annotations

import secrets

from rich.console import Console

from cells.calls import call
from cells.demo_people import STAFF, Person, demo_person, keep_people, read_people
from cells.errors import CellError
from cells.keys import account_of, local_token
from cells.paths import CellPaths
from cells.settings import RegionConfig
from cells.trust import of_cell


def list_people(paths: CellPaths, console: Console) -> None:
    """The demo accounts that the cell has."""
    for person in read_people(paths):
        console.print(f"{person.role}  {person.login}  {person.account_id if person.is_ready else 'not finished'}")
    if not read_people(paths):
        console.print("it has none")


def disable_people(config: RegionConfig, paths: CellPaths, console: Console) -> None:
    """Through the API, which ends their sessions and writes it into the audit. What is done is forgotten here, one by
    one, so it may be repeated.

    All that there could be are gone through, also whoever is not kept: a making that was cut short may have left an
    account, whose password everybody knows. Raises CellError when one is not disabled: he and
    those after him are still kept.
    """
    kept = {person.role: person for person in read_people(paths)}
    others = [demo_person(config.name, role) for role in STAFF if role not in kept]
    for person in [*kept.values(), *others]:
        if _disabled(config, paths, person, kept=person.role in kept):
            console.print(f"{person.login} is disabled")
        if kept.pop(person.role, None):
            keep_people(paths, list(kept.values()))
    paths.demo_people.unlink(missing_ok=True)
    console.print(f"{config.name} has no demo accounts")
    if config.identity.demo_accounts:
        console.print(
            "the next make up would open them again: write demo_accounts = false under [identity]", style="yellow"
        )


def _disabled(config: RegionConfig, paths: CellPaths, person: Person, *, kept: bool) -> bool:
    """False when there is no such account: it never was, or its database is no more. Raises CellError."""
    account_id = person.account_id or account_of(paths, config.name, person.login)
    headers = {
        "Authorization": f"Bearer {local_token(paths, config.name, ['accounts.write'])}",
        "Idempotency-Key": secrets.token_hex(16),
    }
    url = f"{config.address}/v1/accounts/{account_id}/changes"
    answer = call("POST", url, {"change": "disable"}, headers, trust=of_cell(config, paths.home))
    refusal = answer.body if isinstance(answer.body, dict) else {}
    if not answer.fine and refusal.get("code") != "account.unknown":
        told = refusal.get("detail", answer.status or "nobody answered")
        problem = "was not disabled" if kept else "is not kept here, and whether there is such an account is not known"
        raise CellError(
            f"{person.login} {problem}: {told}", "the cell has to be up with identity: python -m cells status"
        )
    return answer.fine
