"""Before the first order: the SKUs are defined and the stock is received."""

import asyncio
from collections.abc import Callable
from fractions import Fraction

from perf.replay.client import CellClient, CellRefused, encode
from perf.replay.keys import content_key
from perf.replay.supply import receipts, receipts_reference, sku_bodies
from perf.replay.survey import Survey


async def define_skus(client: CellClient, found: Survey, progress: Callable[[int], None]) -> None:
    """Defines every SKU of the trace; one that exists gets the trace's description. Raises CellError."""
    for skus in sku_bodies(found.needs):
        body = encode({"skus": skus})
        answer = await client.post("/v1/skus", body, content_key("POST /v1/skus", body))
        if not answer.ok:
            raise CellRefused(f"the SKUs were refused: {answer.code} {answer.detail}")
        progress(len(skus))


async def receive_stock(
    client: CellClient, found: Survey, warehouses: list[str], scarce: Fraction | None, progress: Callable[[int], None]
) -> None:
    """Sends the receipts, each place's one after the other, the places beside each other. Raises CellError."""
    by_place: dict[str, list[bytes]] = {}
    reference = receipts_reference(found.needs, warehouses, scarce)
    for location_id, lines in receipts(found.needs, warehouses, scarce):
        # The part's number is in the reference, so that two equal parts of a huge demand are two receipts.
        parts = by_place.setdefault(location_id, [])
        parts.append(encode({"reference": f"{reference} {len(parts) + 1}", "lines": lines}))

    async def deliver(location_id: str, bodies: list[bytes]) -> None:
        path = f"/v1/locations/{location_id}/receipts"
        for body in bodies:
            answer = await client.post(path, body, content_key(f"POST {path}", body))
            if not answer.ok:
                raise CellRefused(f"a receipt at {location_id} was refused: {answer.code} {answer.detail}")
            progress(1)

    await asyncio.gather(*(deliver(location_id, bodies) for location_id, bodies in by_place.items()))
