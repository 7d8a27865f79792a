"""The routes of identity; none in a cell without keys."""

from __future__ import annotations

from fastapi import APIRouter

from serve.identity import accounts, clients, factors, sessions
from serve.identity.desk import Desk
from serve.services import Services


def identity_routers(services: Services) -> list[APIRouter]:
    """To be included in the app."""
    if services.keys is None:
        return []
    desk = Desk(services)
    return [module.router(desk) for module in (sessions, factors, accounts, clients)]
