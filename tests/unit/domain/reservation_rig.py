"""How carts of the shop are looked at, for tests of carts by example."""

from __future__ import annotations

import pytest

from actors.domain.errors import Refused
from tests.unit.domain.cart_rig import Shop

HOUR_MS = 3_600_000


def refused(shop: Shop, cart: str, command) -> str:
    before = shop.entities["reservation", cart]
    with pytest.raises(Refused) as raised:
        shop.do("reservation", cart, command)
    assert shop.entities["reservation", cart] == before
    return raised.value.body.code


def statuses(shop: Shop, cart: str) -> tuple[str, dict[str, int]]:
    view = shop.cart_view(cart)
    return view.status, {line.sku: line.held for line in view.lines}


def reserved(shop: Shop, *names: str) -> list[int]:
    return [shop.stock(name).reserved for name in names]
