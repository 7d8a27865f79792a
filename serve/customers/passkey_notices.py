"""Tells customers that a passkey of theirs was made or removed: if it was somebody else who was signed in as they, they learn of it."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from actors.domain.customer_views import KeptOfCustomer, ViewCustomer
from serve.context import REQUEST_ID, Scope
from serve.customers.accounts import place_of_email
from serve.identity.desk import Desk
from serve.keys.data_keys import Erased
from serve.notices.port import Notice, Notifications, Template

# Later it is no news.
NEWS_MS = 7 * 24 * 3_600_000


class PasskeyNotices:
    """By the address that the customer has proved."""

    def __init__(self, desk: Desk, notifications: Notifications) -> None:
        self._desk = desk
        self._notifications = notifications

    async def tell(self, template: Template, customer_id: str, once: str, scope: Scope) -> None:
        """once: the same for a call that is repeated, which then tells nothing anew. Raises Problem."""
        desk = self._desk
        kept = await desk.view("customer", customer_id, ViewCustomer(), scope, KeptOfCustomer)
        if not kept.sealed_email:
            return
        try:
            address, _ = await desk.data_keys().unseal(
                kept.sealed_email, place_of_email(customer_id), scope[REQUEST_ID]
            )  # fmt: skip
        except Erased:
            return
        now_ms = desk.now_ms()
        values = {"at": datetime.fromtimestamp(now_ms // 1000, UTC).isoformat()}
        seed = sha256(f"{template}\0{customer_id}\0{once}".encode()).digest()
        notice = Notice(template, address.decode(), customer_id, values, now_ms + NEWS_MS, once=seed)
        await self._notifications.send(notice, scope)
