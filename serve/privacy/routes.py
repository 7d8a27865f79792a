"""The routes of privacy; none in a cell that knows nobody."""

from __future__ import annotations

from fastapi import APIRouter

from serve.orders.private import PrivateOrders
from serve.privacy import consents, endpoints, own
from serve.privacy.persons import Persons
from serve.services import Services


def privacy_routers(services: Services, private: PrivateOrders) -> list[APIRouter]:
    """To be included in the app."""
    if services.data_keys is None or services.signals is None:
        return []
    persons = Persons(services, services.data_keys, private)
    requests = endpoints.Requests(services, persons, private)
    return [
        endpoints.router(requests),
        own.router(requests),
        consents.router(consents.Consenting(services, persons, services.signals)),
    ]
