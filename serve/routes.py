"""All routes that FastAPI serves, a router a noun, and which of them a cell does without."""

from __future__ import annotations

from fastapi import APIRouter

import serve.alerts.endpoints
import serve.approvals.endpoints
import serve.audit.endpoints
import serve.audit.keeper
import serve.audit.operators
import serve.breaches.endpoints
import serve.catalogue.endpoints
import serve.collections.endpoints
import serve.counts.endpoints
import serve.counts.suggestions
import serve.figures.endpoints
import serve.floor.endpoints
import serve.health.endpoints
import serve.inbounds.endpoints
import serve.inventory.endpoints
import serve.keys.endpoints
import serve.live.endpoints
import serve.locations.endpoints
import serve.orders.bulk
import serve.orders.changing
import serve.orders.explaining
import serve.orders.reading
import serve.orders.refunding
import serve.orders.searching
import serve.packing.endpoints
import serve.reservations.endpoints
import serve.sourcing.endpoints
import serve.sourcing.promises
import serve.sourcing.simulations
import serve.transfers.endpoints
from serve.catalogue.known import KnownSkuCheck
from serve.identity.routes import identity_routers
from serve.orders.places import PlacesOfOrders
from serve.orders.private import PrivateOrders
from serve.privacy.routes import privacy_routers
from serve.regions import Territory
from serve.services import Services


def all_routers(
    services: Services, territory: Territory, known: KnownSkuCheck, private: PrivateOrders, places: PlacesOfOrders
) -> list[APIRouter]:  # fmt: skip
    """In the order in which they are tried."""
    return [
        serve.orders.reading.router(services, territory, private),
        serve.orders.searching.router(services, private),
        serve.orders.explaining.router(services, territory, private),
        serve.orders.bulk.router(services, territory, private),
        serve.orders.changing.router(services, territory, private, places),
        serve.orders.refunding.router(services, territory),
        serve.sourcing.endpoints.router(services, territory),
        serve.sourcing.simulations.router(services, territory, private),
        serve.sourcing.promises.router(services),
        serve.reservations.endpoints.router(services, territory, places, known),
        serve.locations.endpoints.router(services, territory, known),
        serve.inventory.endpoints.router(services),
        serve.catalogue.endpoints.router(services, territory),
        serve.counts.endpoints.router(services, territory, known),
        serve.floor.endpoints.router(services, territory, known),
        serve.transfers.endpoints.router(services, territory, known),
        serve.inbounds.endpoints.router(services, territory, known),
        serve.packing.endpoints.router(services, territory, known, private),
        serve.collections.endpoints.router(services, territory, known, private),
        serve.counts.suggestions.router(services, territory),
        serve.figures.endpoints.router(services, territory),
        serve.live.endpoints.router(services),
        serve.health.endpoints.router(services),
        *_audit(services),
        *_alerts(services),
        *_keys(services),
        *_approvals(services),
        *_breaches(services),
        *identity_routers(services),
        *privacy_routers(services, private),
    ]


def _audit(services: Services) -> list[APIRouter]:
    """None in a cell that keeps no audit."""
    if services.audit is None:
        return []
    return [
        serve.audit.endpoints.router(services, services.audit), serve.audit.operators.router(services), serve.audit.keeper.router(services),
    ]  # fmt: skip


def _alerts(services: Services) -> list[APIRouter]:
    """None in a cell whose audit nobody watches."""
    return [] if services.alerts is None else [serve.alerts.endpoints.router(services, services.alerts)]


def _approvals(services: Services) -> list[APIRouter]:
    """None in a cell that knows nobody: four eyes are of two people."""
    return [serve.approvals.endpoints.router(services)] if services.guard.required else []


def _breaches(services: Services) -> list[APIRouter]:
    """None in a cell that knows nobody, and has no keys to seal a summary with."""
    return [serve.breaches.endpoints.router(services)] if services.guard.required else []


def _keys(services: Services) -> list[APIRouter]:
    """None in a cell that seals nothing."""
    return [] if services.data_keys is None else [serve.keys.endpoints.router(services, services.data_keys)]
