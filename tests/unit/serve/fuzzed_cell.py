"""A guarded cell with an order and an account in it, asked by tests that Hypothesis calls, and what has
to hold of every refusal."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from serve.identity.tokens import issue
from serve.orders import own
from serve.problem_codes import TABLE
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.raw_request import Answered, Header, ask
from tests.unit.serve.small_cell import furnish_with, order

# The same cases each time.
fuzz = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.generate],  # to make a case smaller takes longer than to read it
)
# No made id has this in it, as one may have "c-17".
CUSTOMER = "planted-customer"
# What stands in the data of people whose tokens are not used here.
PLANTED = (CUSTOMER.encode(), b"98101", b"Seattle", b"mia.manager")
JSON = (b"content-type", b"application/json")
ORDER_BODY = json.dumps(order()).encode()


class Fuzzed:
    """The cell, one order of somebody, one account, and a loop to ask them from tests that Hypothesis calls."""

    def __init__(self, cell: GuardedCell) -> None:
        self.cell = cell
        self.order_id = ""
        self.account_id = ""
        self._loop = asyncio.new_event_loop()
        self._asked = itertools.count(1)

    def run(self, awaited: Any) -> Any:
        return self._loop.run_until_complete(awaited)

    async def furnish(self) -> None:
        everything = self.cell.bearer()
        await furnish_with(self.cell, everything)
        planted = order(("A1", 2), customer={"customer_ref": CUSTOMER, "country": "US"})
        placed = await self.cell.post("/v1/orders", planted, **everything)
        self.order_id = placed.json()["order_id"]
        self.account_id = await self.cell.opened("mia.manager", "manager")

    def ask(self, method: str, path: bytes, headers: list[Header], body: bytes = b"") -> Answered:
        """From a new address each time: who tries too often from one is told so, and nothing else."""
        number = next(self._asked)
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        answer: Answered = self.run(ask(self.cell.app, method, path, headers, body, address=address))
        return answer

    def state(self) -> tuple[Any, ...]:
        """What a refused request must not have changed. Refusals themselves are remembered."""
        versions, events, ledger, _ = self.cell.state()
        return versions, events, ledger

    def close(self) -> None:
        self.run(self.cell.http.aclose())
        self._loop.close()


def made_in(folder: Path) -> Iterator[Fuzzed]:
    """For a fixture: furnished, and closed afterwards."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(own, "UNKNOWN_S", 0.0)
        made = Fuzzed(GuardedCell(folder))
        made.run(made.furnish())
        yield made
        made.close()


def bearer(token: bytes) -> Header:
    return b"authorization", b"Bearer " + token


def good_token(fuzzed: Fuzzed, **claims: Any) -> bytes:
    return issue(fuzzed.cell.keys, fuzzed.cell.claims(**claims)).encode()


def check_refused(answer: Answered) -> str:
    """A problem document whose code is in the table, with nothing of anybody; its code."""
    assert 400 <= answer.status < 500, answer
    assert answer.header(b"content-type") == b"application/problem+json", answer
    problem = answer.json()
    assert problem["status"] == answer.status == TABLE[problem["code"]].status
    assert problem["request_id"] == answer.header(b"x-request-id").decode()
    said = answer.body.replace(answer.header(b"x-request-id"), b"")  # of random digits: any of these could stand in it
    for planted in PLANTED:
        assert planted not in said, planted
    check_headers(answer)
    code: str = problem["code"]
    return code


def check_headers(answer: Answered) -> None:
    """No header breaks off into another, and none is set that a browser would send again by itself."""
    for name, value in answer.headers:
        assert not set(name + value) & {0, 10, 13}, (name, value)
        assert name != b"set-cookie"
