"""A password hint or a secret question opens an account (ASVS 5.0.0, 6.4.2)."""

import re

from serve.endpoint_needs import NEEDS
from tests.unit.serve.guarded_cell import furnished

ASKED = re.compile(r"hint|question|security_?answer|mother|maiden|pet_?name|birth", re.IGNORECASE)


async def test_a_route_or_a_field_asks_for_a_hint_or_a_secret_question(tmp_path):
    assert [path for _, path in NEEDS if ASKED.search(path)] == []
    async with furnished(tmp_path) as cell:
        document = (await cell.get("/openapi.json")).json()
    fields = {name for schema in document["components"]["schemas"].values() for name in schema.get("properties", {})}
    assert [name for name in fields if ASKED.search(name)] == []
