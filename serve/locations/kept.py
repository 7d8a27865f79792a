"""What is found gets into the books as the catalogue keeps it: by lot or by number where it is
kept so, and never as a kit.

Units without a lot would bar the location from receiving any of the SKU: it keeps all of a SKU by lot, or none. So a
receipt, a correction upwards, a counted line and what is found of a transfer are all asked for it. Of a SKU that was
there before it was kept by lot, more may be found without one: until these units are gone, that
is how the location has it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from actors.domain.location_views import SkuStockView, ViewSku
from serve.catalogue.known import Catalogue
from serve.locations.calls import LocationCalls
from serve.problems import Problem, field_problem
from serve.receiving.lines import check_no_kit

_sku_decoder = msgspec.json.Decoder(SkuStockView)


class FoundGoods(NamedTuple):
    """Units more than the books have. pointer: of the line."""

    sku: str
    lot: str
    units: int
    pointer: str


async def require_kept(calls: LocationCalls, place: Callable[[], Awaitable[str]], found: Sequence[FoundGoods], cause: str) -> None:  # fmt: skip
    """place: where it was found, asked only when something would be refused. Raises Problem 422 `stock.lot_required`,
    `stock.serials_differ`, `stock.kit_not_kept`; what the location refuses a look."""
    skus = [one.sku for one in found]
    try:
        await calls.known.judged(partial(check_kept, found), skus, cause)
    except Problem:
        loose = await _without_lots(calls, place, found, cause)
        await calls.known.judged(partial(check_kept, [one for one in found if one.sku not in loose]), skus, cause)


def check_kept(found: Sequence[FoundGoods], catalogue: Catalogue) -> None:
    """Raises Problem 422."""
    for one in found:
        details = catalogue.details(one.sku)
        check_no_kit(details, one.sku, one.pointer)
        if details.tracking == "none":
            continue
        if not one.lot:
            detail = f"{one.sku} is kept by lot: name the lot."
            if details.tracking == "serial":
                detail = f"{one.sku} is kept by serial number: name that of each unit as its lot."
            raise field_problem("stock.lot_required", detail, f"{one.pointer}/lot")
        if details.tracking == "serial" and one.units > 1:
            detail = f"{one.sku} is kept by serial number: {one.lot} is one unit."
            raise field_problem("stock.serials_differ", detail, f"{one.pointer}/quantity", serials=1, units=one.units)


async def _without_lots(calls: LocationCalls, place: Callable[[], Awaitable[str]], found: Sequence[FoundGoods], cause: str) -> set[str]:  # fmt: skip
    """SKUs of which units without a lot are there."""
    known = {one.sku: calls.services.index.details(one.sku) for one in found if not one.lot}
    bare = [sku for sku, details in known.items() if details.tracking != "none" or details.kit]
    if not bare:
        return set()
    location_id, loose = await place(), set[str]()
    for sku in bare:
        try:
            told = _sku_decoder.decode(await calls.view(location_id, ViewSku(location_id, sku), cause))
        except Problem as problem:
            if problem.code == "stock.sku_not_here":
                continue
            raise
        if told.stock.on_hand and not told.lots:
            loose.add(sku)
    return loose
