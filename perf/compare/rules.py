"""The rules that every comparison system applies: which update is legal when, and where an order's lines are reserved.

The SQL of *tuned* says the same again in PL/pgSQL; tests/unit/perf checks that both agree.
"""

from collections.abc import Mapping, MutableMapping, Sequence

LEGAL: Mapping[tuple[str, str], str] = {
    ("allocated", "start_picking"): "picking",
    ("picking", "pause_picking"): "allocated",
    ("picking", "pack"): "packed",
    ("packed", "ship"): "shipped",
    ("shipped", "deliver"): "delivered",
    ("allocated", "cancel"): "cancelled",
    ("picking", "cancel"): "cancelled",
    ("packed", "cancel"): "cancelled",
}
"""(present status, update) → next status."""

OK = "ok"
UNKNOWN_ORDER = "order.unknown"
ILLEGAL_TRANSITION = "order.illegal_transition"
KEY_REUSED = "idempotency.key_reused"
KEY_MISSING = "idempotency.key_missing"
BODY_INVALID = "body.invalid"

HTTP_STATUS: Mapping[str, int] = {
    OK: 200,
    UNKNOWN_ORDER: 404,
    ILLEGAL_TRANSITION: 409,
    KEY_REUSED: 422,
    KEY_MISSING: 400,
    BODY_INVALID: 422,
}

Want = tuple[str, int]
"""A SKU and how many units of it are ordered; an order's SKUs are distinct."""
Reserved = tuple[str, str, int]
"""A location, a SKU and how many units were reserved there."""


def rank_locations(places: Sequence[tuple[str, float, float]], lat: float, lon: float) -> list[str]:
    """Location ids, nearest first. Squared degrees order two places well enough to compare systems with."""
    return [place for place, _, _ in sorted(places, key=lambda p: (p[1] - lat) ** 2 + (p[2] - lon) ** 2)]


def allocate(
    wants: Sequence[Want], ranked: Sequence[str], free: MutableMapping[tuple[str, str], int]
) -> list[Reserved]:
    """Reserves at the nearest location that can serve the whole order, else splits it, else leaves units missing.

    `free` maps (sku, location) to the units that may still be promised; what is reserved is taken from it.
    """
    whole = next((p for p in ranked if all(free.get((sku, p), 0) >= quantity for sku, quantity in wants)), None)
    places = ranked if whole is None else (whole,)
    reserved: list[Reserved] = []
    for sku, quantity in wants:
        missing = quantity
        for place in places:
            taken = min(missing, free.get((sku, place), 0))
            if taken > 0:
                free[sku, place] -= taken
                missing -= taken
                reserved.append((place, sku, taken))
    return reserved


def placed_status(wants: Sequence[Want], reserved: Sequence[Reserved]) -> str:
    """The order's status after allocation."""
    units_reserved = sum(quantity for _, _, quantity in reserved)
    if units_reserved == sum(quantity for _, quantity in wants):
        return "allocated"
    return "partly_allocated" if units_reserved else "backordered"
