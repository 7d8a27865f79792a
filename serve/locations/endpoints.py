"""`/v1/locations` and what is below, by subject."""

from __future__ import annotations

from fastapi import APIRouter

from serve.catalogue.known import KnownSkuCheck
from serve.locations import (
    bins,
    conditions,
    corrections,
    demand,
    ledger,
    level_suggestions,
    levels,
    moves,
    particulars,
    profiles,
    receipts,
    stock,
)
from serve.locations.calls import LocationCalls
from serve.regions import Territory
from serve.services import Services


def router(services: Services, territory: Territory, known: KnownSkuCheck) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["locations"])
    calls = LocationCalls(services, territory, known)
    particulars.add(api, calls)
    receipts.add(api, calls)
    corrections.add(api, calls)
    conditions.add(api, calls)
    levels.add(api, calls)
    level_suggestions.add(api, calls)
    demand.add(api, calls)
    bins.add(api, calls)
    moves.add(api, calls)
    profiles.add(api, calls)
    stock.add(api, calls)
    ledger.add(api, calls)
    return api
