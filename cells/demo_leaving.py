"""`python -m cells demo-people us --disable`: nobody signs in any more by what everybody knows, and nothing plays their authenticators."""

from __future__ import annotations

import secrets

from rich.console import Console

from cells.calls import call
from cells.demo_people import keep_people, read_people
from cells.errors import CellError
from cells.keys import local_token
from cells.paths import CellPaths
from cells.settings import RegionConfig
from cells.trust import of_cell


def list_people(paths: CellPaths, console: Console) -> None:
    """The demo accounts that the cell has."""
    for person in read_people(paths):
        console.print(f"{person.role}  {person.login}  {person.account_id}")


def disable_people(config: RegionConfig, paths: CellPaths, console: Console) -> None:
    """Through the API, which ends their sessions and writes it into the audit. What is done is forgotten here, one by one, so it may be repeated.

    Raises CellError when one is not disabled: he and those after him are still kept.
    """
    people = read_people(paths)
    while people:
        person = people[0]
        headers = {
            "Authorization": f"Bearer {local_token(paths, config.name, ['accounts.write'])}",
            "Idempotency-Key": secrets.token_hex(16),
        }
        url = f"{config.address}/v1/accounts/{person.account_id}/changes"
        answer = call("POST", url, {"change": "disable"}, headers, trust=of_cell(config, paths.home))
        refusal = answer.body if isinstance(answer.body, dict) else {}
        # Unknown: of a database that is no more.
        if not answer.fine and refusal.get("code") != "account.unknown":
            told = refusal.get("detail", answer.status or "nobody answered")
            raise CellError(
                f"{person.login} was not disabled: {told}",
                "the cell has to be up with identity: python -m cells status",
            )
        del people[0]
        keep_people(paths, people)
        console.print(f"{person.login} is disabled")
    paths.demo_people.unlink(missing_ok=True)
    console.print(f"{config.name} has no demo accounts")
    if config.identity.demo_accounts:
        console.print(
            "the next make up would open them again: write demo_accounts = false under [identity]", style="yellow"
        )
