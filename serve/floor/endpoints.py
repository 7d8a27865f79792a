"""`/v1/locations/{location_id}/floor`: picking as the building's floor runs it. What is allowed when,
the floor judges itself."""

from __future__ import annotations

from fastapi import APIRouter

from serve.catalogue.known import KnownSkuCheck
from serve.floor import marks, queue, switch, trips
from serve.floor.calls import FloorCalls
from serve.locations.calls import LocationCalls
from serve.regions import Territory
from serve.services import Services


def router(services: Services, territory: Territory, known: KnownSkuCheck) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["floor"])
    calls = FloorCalls(LocationCalls(services, territory, known))
    switch.add(api, calls)
    marks.add(api, calls)
    queue.add(api, calls)
    trips.add(api, calls)
    return api
