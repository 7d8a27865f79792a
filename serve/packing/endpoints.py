"""Packing: shipments, their parcels and papers, docks and manifests."""

from __future__ import annotations

from fastapi import APIRouter

from serve.catalogue.known import KnownSkuCheck
from serve.orders.private import PrivateOrders
from serve.packing import docks, documents, opening, station, tracking
from serve.packing.calls import PackingCalls
from serve.packing.labels import Labels
from serve.packing.proposing import Proposing
from serve.packing.recipients import Recipients
from serve.regions import Territory
from serve.services import Services


def router(services: Services, territory: Territory, known: KnownSkuCheck, private: PrivateOrders) -> APIRouter:
    """The routes with their services."""
    api = APIRouter(tags=["packing"])
    calls = PackingCalls(services, territory, known, private)
    recipients = Recipients(calls)
    labels = Labels(calls, recipients)
    opening.add(api, calls, Proposing(services.index, services.settings.packing.cartons), recipients)
    station.add(api, calls, labels)
    documents.add(api, calls, labels, recipients)
    docks.add(api, docks.DockCalls(calls, labels))
    tracking.add(api, calls)
    return api
