"""Who approves what the replay asks for: large corrections of stock wait for a second person
(docs/security/approvals.md).

The tools' own token is a machine's, and only people decide. So the cell's demo manager signs in as anybody does, with
password and code, and approves what the replay has asked for and nothing else. A cell without demo accounts has people
of its own: what waits is told, and the same command goes on once they have decided.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from cells.demo_people import code_of, read_people
from cells.paths import CellPaths
from perf.credentials import Credentials
from perf.replay.client import Answer, CellClient, CellRefused, encode
from perf.replay.keys import step_key

ROLE: Final = "manager"
# Approving needs a second factor that is at most five minutes old.
SIGNED_IN_S: Final = 240.0
SIGN_INS_MAX: Final = 3
OUTCOME_S_MAX: Final = 30.0
POLL_S: Final = 0.05

Sleep = Callable[[float], Awaitable[None]]


class SecondPerson:
    """The demo manager of `region`, signed in when the first approval is wanted. `client`: a connection of its own.
    `sleep`: how to wait for seconds."""

    def __init__(self, client: CellClient, region: str, home: Path, sleep: Sleep = asyncio.sleep) -> None:
        self._client = client
        self._paths = CellPaths(region, home)
        self._sleep = sleep
        self._signing_in = asyncio.Lock()
        self._signed_in_until = float("-inf")

    async def decided(self, asked: Answer) -> Answer:
        """What became of what was answered with 202: 200 when it was approved and is done; else a
        problem that says why not.

        Raises CellUnreachable; CellRefused when the manager can't sign in.
        """
        approval_id = str(asked.body["approval_id"])
        if not any(person.role == ROLE and person.is_ready for person in read_people(self._paths)):
            return _refused(
                "approval.pending",
                f"somebody else has to approve {approval_id}: see GET /v1/approvals?status=pending, then run the same command again",
            )
        await self._sign_in()
        path = f"/v1/approvals/{approval_id}"
        found = await self._client.get(path)
        if _status(found) == "pending":
            body, key = encode({"decision": "approve"}), step_key(approval_id, "approve")
            found = await self._client.post(f"{path}/decision", body, key)
        waited_s = 0.0
        while _status(found) == "approved" and waited_s < OUTCOME_S_MAX:
            await self._sleep(POLL_S)
            waited_s += POLL_S
            found = await self._client.get(path)
        return _outcome(found)

    async def sign_out(self) -> None:
        """Ends the manager's shift, if there is one. Raises CellUnreachable."""
        if self._signed_in_until > 0:
            await self._client.delete("/v1/sessions/current")

    async def _sign_in(self) -> None:
        """A fresh sign-in, unless the last one is. A code is good for one sign-in, so a refused one is
        tried again with the next."""
        clock = asyncio.get_running_loop().time
        async with self._signing_in:
            for tries_left in reversed(range(SIGN_INS_MAX)):
                if clock() < self._signed_in_until:
                    return
                person, code, seconds = code_of(self._paths, ROLE)
                body = encode({"login": person.login, "password": person.password, "code": code})
                answer = await self._client.post("/v1/sessions", body, "")
                if answer.ok:
                    token = str(answer.body["access_token"])
                    self._client.credentials = Credentials(partial(str, token))
                    self._signed_in_until = clock() + SIGNED_IN_S
                    return
                if answer.code != "session.refused" or not tries_left:
                    raise CellRefused(f"{person.login} can't sign in to approve: {answer.code} {answer.detail}")
                await self._sleep(seconds + 1.0)


def _status(found: Answer) -> str:
    body: Mapping[str, Any] = found.body if found.ok and isinstance(found.body, dict) else {}
    return str(body.get("status", ""))


def _outcome(found: Answer) -> Answer:
    """The answer as if one person had done it: a failure has the code of the location's refusal."""
    if not found.ok:
        return found
    status = _status(found)
    if status == "done":
        return found
    if status == "failed":
        return _refused(str(found.body["failure"]), "approved, and then refused by the location")
    return _refused(f"approval.{status or 'unknown'}", "it was not approved")


def _refused(code: str, detail: str) -> Answer:
    return Answer(409, {"code": code, "detail": detail})
