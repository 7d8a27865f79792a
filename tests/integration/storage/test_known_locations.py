"""A start asks the store whether its configuration names locations that there are."""

from __future__ import annotations

import psycopg
import pytest

from actors.runtime.errors import StoreUnavailable
from actors.storage.known_locations import unknown_locations

pytestmark = pytest.mark.real


def test_a_location_that_is_there_is_unknown_or_one_that_is_not_known(clean_url: str) -> None:
    assert unknown_locations(clean_url, ["us-wh-b"]) == (["us-wh-b"], [])
    with psycopg.connect(clean_url) as connection:
        columns = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'locations'"
            " AND is_nullable = 'NO' AND column_default IS NULL AND column_name <> 'location_id'"
        ).fetchall()
        plain = {"text": "''", "bytea": "''", "boolean": "false"}
        values = ", ".join(plain.get(kind, "now()" if kind.startswith("timestamp") else "0") for _, kind in columns)
        names = ", ".join(name for name, _ in columns)
        connection.execute(
            f"INSERT INTO locations (location_id, {names}) VALUES ('us-wh-b', {values}), ('us-wh-a', {values})"
        )
    assert unknown_locations(clean_url, ["us-wh-c", "us-wh-b"]) == (["us-wh-c"], ["us-wh-a", "us-wh-b"])


def test_a_database_that_is_away_is_an_error_of_the_driver(clean_url: str) -> None:
    with pytest.raises(StoreUnavailable):
        unknown_locations(f"{clean_url}_that_is_not_there", ["us-wh-a"])
