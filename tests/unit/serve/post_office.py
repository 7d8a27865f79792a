"""What a delivery worker would find to be sent, opened with the cell's keys."""

from typing import Any

import httpx
import msgspec
import pytest

import serve.customers.accounts
import serve.customers.guests
import serve.customers.passkeys
from serve.customers import quiet
from serve.keys.envelope import key_of
from serve.orders import own
from tests.unit.serve.guarded_cell import GuardedCell

MIA = "Mia.Muster@Example.com"


def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers come as soon as the work is done; that they come at one time is tested by itself."""

    async def at_once(moment_s: float) -> None:
        pass

    monkeypatch.setattr(quiet, "ANSWER_S", 100.0)
    monkeypatch.setattr(quiet, "not_before", at_once)
    monkeypatch.setattr(serve.customers.guests, "REFUSAL_S", 0.0)
    monkeypatch.setattr(serve.customers.accounts, "REFUSAL_S", 0.0)
    monkeypatch.setattr(serve.customers.passkeys, "REFUSAL_S", 0.0)
    monkeypatch.setattr(own, "UNKNOWN_S", 0.0)


def letters(cell: GuardedCell) -> list[tuple[str, str, dict[str, Any]]]:
    """(template, address, values) of each notice, oldest first; of those whose key was destroyed
    nobody learns anything."""
    found = []
    for (kind, identity), (notice, _) in cell.gateway.entities.items():
        if kind == "notice" and not notice.withdrawn and _opens(cell, notice.sealed_address):
            address = cell.unsealed(notice.sealed_address, f"notice:{identity}:address").decode()
            content = cell.unsealed(notice.sealed_content, f"notice:{identity}:content")
            found.append((notice.template, address, msgspec.json.decode(content)))
    return found


def _opens(cell: GuardedCell, sealed: bytes) -> bool:
    key, _ = cell.gateway.entities["data_key", key_of(sealed)]
    return bool(key.wrapped)


def code_in(cell: GuardedCell) -> str:
    """The newest code."""
    codes: list[str] = [values["code"] for _, _, values in letters(cell) if "code" in values]
    return codes[-1]


def bearer(told: dict[str, Any]) -> dict[str, str]:
    """The header of whoever was told a token."""
    return {"Authorization": f"Bearer {told['access_token']}"}


async def joined(cell: GuardedCell, email: str = MIA) -> dict[str, Any]:
    """The tokens of a customer with a new account."""
    assert (await cell.plain("/v1/customers", {"email": email})).status_code == 202
    answer = await cell.plain("/v1/customers/sessions", {"email": email, "code": code_in(cell)})
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def coded(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["code"]
