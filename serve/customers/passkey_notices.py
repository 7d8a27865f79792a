"""Tells customers that a passkey of theirs was made or removed: if it was somebody else who was signed in as
they, they learn of it."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from actors.domain.customer_views import KeptOfCustomer
from actors.domain.passkeys import Passkey
from actors.domain.times import DAY_MS
from serve.context import REQUEST_ID, Scope
from serve.customers.proved_email import opened_email
from serve.identity.desk import Desk
from serve.notices.port import Notice, Notifications, Template

# Later it is no news.
NEWS_MS = 7 * DAY_MS


class PasskeyNotices:
    """By the address that the customer has proved."""

    def __init__(self, desk: Desk, notifications: Notifications) -> None:
        self._desk = desk
        self._notifications = notifications

    async def address(self, kept: KeptOfCustomer, customer_id: str, scope: Scope) -> str:
        """Where to write; to be asked before anything is changed, since it can fail. "":
        nowhere. Raises Problem 503."""
        return await opened_email(self._desk.data_keys(), customer_id, kept.sealed_email, scope[REQUEST_ID])

    async def tell(self, template: Template, address: str, customer_id: str, passkey: Passkey, scope: Scope) -> None:
        """Once for each template and passkey, however often it is called. Raises Problem."""
        if not address:
            return
        now_ms = self._desk.now_ms()
        values = {"at": datetime.fromtimestamp(now_ms // 1000, UTC).isoformat()}
        seed = sha256(f"{template}\0{customer_id}\0{passkey.passkey_id}\0{passkey.created_ms}".encode()).digest()
        notice = Notice(template, address, customer_id, values, now_ms + NEWS_MS, once=seed)
        await self._notifications.send(notice, scope)
