"""The routes of identity; none in a cell without keys."""

from __future__ import annotations

from fastapi import APIRouter

import serve.customers.accounts
import serve.customers.guests
import serve.customers.orders
import serve.customers.passkeys
import serve.customers.sessions
import serve.devices.endpoints
import serve.notices.endpoints
from serve.identity import accounts, clients, factors, own_password, passkeys, sessions
from serve.identity.desk import Desk
from serve.notices.outbox import NoticeOutbox
from serve.services import Services


def identity_routers(services: Services) -> list[APIRouter]:
    """To be included in the app."""
    if services.keys is None:
        return []
    desk = Desk(services)
    notifications = services.notifications or NoticeOutbox(desk)
    return [
        *(module.router(desk) for module in (sessions, own_password, factors, passkeys, accounts, clients)),
        serve.customers.guests.router(desk, notifications),
        serve.customers.accounts.router(desk, notifications),
        serve.customers.passkeys.router(desk, notifications),
        serve.customers.sessions.router(desk),
        serve.customers.orders.router(desk),
        serve.notices.endpoints.router(desk),
        serve.devices.endpoints.router(desk),
    ]
