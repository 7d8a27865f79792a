"""One call's commands to many entities: each under the call's own key, so that the call
repeated gives the same again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from actors.domain.privacy_commands import Command
from actors.domain.privacy_state import RequestView
from serve.context import REQUEST_ID, WHO, Scope
from serve.gateway import Gateway
from serve.replies import body_of

# To so many entities at the same time.
AT_ONCE = 50
_T = TypeVar("_T")
_One = TypeVar("_One")
_decode_request = msgspec.json.Decoder(RequestView).decode


class Asking(NamedTuple):
    """A call that is being served. `key`: of the write that it is; a command id is unique within its entity. `digest`:
    of its body, a keyed one where that names people."""

    gateway: Gateway
    scope: Scope
    key: str
    digest: int

    @property
    def cause(self) -> str:
        """The request's id."""
        cause: str = self.scope[REQUEST_ID]
        return cause

    def again(self, part: str) -> Asking:
        """The same call, for commands that the same entities get once more."""
        return self._replace(key=f"{self.key}{part}")

    async def ask(
        self, kind: str, entity_id: str, command: msgspec.Struct | None, part: str = "", refused: bytes = b""
    ) -> bytes:
        """What the entity answers, as JSON. `part`: where one entity gets several commands of the call; `refused`: see
        `judging.judged`. Raises Problem."""
        reply = await self.gateway.ask(
            kind, entity_id, command,
            command_id=f"{self.key}{part}", digest=self.digest, cause=self.cause, who=self.scope.get(WHO), refused=refused,
        )  # fmt: skip
        return body_of(reply)

    async def of_request(
        self, request_id: str, command: Command | None, part: str = "", refused: bytes = b""
    ) -> RequestView:
        """A command to a privacy request; `refused`: see `judging.judged`. Raises Problem."""
        return _decode_request(await self.ask("privacy_request", request_id, command, part, refused))


async def each(work: Callable[[_One], Awaitable[_T]], ones: Sequence[_One]) -> list[_T]:
    """The work on all of them, AT_ONCE at the same time; results in their order."""
    results: list[_T] = []
    for first in range(0, len(ones), AT_ONCE):
        results += await asyncio.gather(*(work(one) for one in ones[first : first + AT_ONCE]))
    return results
