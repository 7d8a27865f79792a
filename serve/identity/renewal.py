"""New hashes for old: what was hashed with parameters of another time is hashed anew when its person
has just proved the password.

Behind the sign-in's back, which has its answer already; one at a time in a replica, so that a morning after new
parameters does not make people wait. Whose turn it is not gets it the next time. What goes wrong is logged and changes
nothing: the old hash is as good as before.
"""

from __future__ import annotations

import asyncio
import logging

from actors.domain.account_commands import RenewHash
from actors.domain.account_views import Credentials, HashRenewal
from serve.context import Scope
from serve.identity.desk import Desk
from serve.identity.passwords import needs_rehash
from serve.problems import Problem

# Its task's name.
TASK = "hash renewal"
log = logging.getLogger("ocefs.identity")


class Renewals:
    """Of one replica."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._running: asyncio.Task[None] | None = None

    def begin(self, known: Credentials, password: str, scope: Scope) -> None:
        """Gives the account another hash of this password, which is its right one, if it needs one and no other is
        being made. Never raises, nor waits."""
        if not needs_rehash(known.password_hash) or (self._running is not None and not self._running.done()):
            return
        self._running = asyncio.get_running_loop().create_task(self._renew(known, password, scope), name=TASK)

    async def _renew(self, known: Credentials, password: str, scope: Scope) -> None:
        try:
            command = RenewHash(await self._desk.hashed(password), known.generation)
            await self._desk.ask("account", known.account_id, command, scope, HashRenewal)
        except Problem as problem:
            log.warning("hash.not_renewed", extra={"entity_id": known.account_id, "code": problem.code})
        except Exception:
            log.exception("hash.not_renewed", extra={"entity_id": known.account_id})
