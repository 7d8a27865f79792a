"""Is there such a location, here?"""

from __future__ import annotations

from actors.domain.location_views import ViewStock
from serve.regions import Territory
from serve.replies import body_of
from serve.services import Services


async def require_place(services: Services, territory: Territory, location_id: str, cause: str) -> None:
    """Raises Problem 404 or 421."""
    territory.check_location(location_id)
    if location_id not in services.index.places:
        # This replica may not have heard of it yet; the actor has, or refuses.
        body_of(await services.gateway.view("location", location_id, ViewStock(location_id, "", 1), cause=cause))
