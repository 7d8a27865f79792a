"""The places where stock is received: those of the cell, or where it has none, those of a file or a built-in few."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from perf.replay.client import CellClient, CellRefused, encode
from perf.replay.keys import content_key
from perf.replay.supply import WAREHOUSES_MAX

PAGE_LIMIT: Final = "100"
PAGES_MAX: Final = 100
_FIELDS: Final = ("type", "name", "city", "country", "timezone")


class PlacesError(Exception):
    """No usable list of places; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Place:
    """A warehouse or store, as `PUT /v1/locations/{id}` takes it. lat and lon in degrees."""

    location_id: str
    type: str
    name: str
    city: str
    country: str
    lat: float
    lon: float
    timezone: str

    def body(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in (*_FIELDS, "lat", "lon")}


BUILT_IN: Final[dict[str, tuple[Place, ...]]] = {
    "us": (
        Place("us-wh-new-york", "warehouse", "New York", "New York", "US", 40.71, -74.01, "America/New_York"),
        Place("us-wh-chicago", "warehouse", "Chicago", "Chicago", "US", 41.88, -87.63, "America/Chicago"),
        Place(
            "us-wh-los-angeles", "warehouse", "Los Angeles", "Los Angeles", "US", 34.05, -118.24, "America/Los_Angeles"
        ),
    ),
    "eu": (
        Place("eu-wh-london", "warehouse", "London", "London", "GB", 51.51, -0.13, "Europe/London"),
        Place("eu-wh-frankfurt", "warehouse", "Frankfurt", "Frankfurt", "DE", 50.11, 8.68, "Europe/Berlin"),
        Place("eu-wh-madrid", "warehouse", "Madrid", "Madrid", "ES", 40.42, -3.70, "Europe/Madrid"),
    ),
    "latam": (
        Place("latam-wh-sao-paulo", "warehouse", "São Paulo", "São Paulo", "BR", -23.55, -46.63, "America/Sao_Paulo"),
        Place(
            "latam-wh-mexico-city",
            "warehouse",
            "Mexico City",
            "Mexico City",
            "MX",
            19.43,
            -99.13,
            "America/Mexico_City",
        ),
        Place("latam-wh-bogota", "warehouse", "Bogotá", "Bogotá", "CO", 4.71, -74.07, "America/Bogota"),
    ),
}


def read_places(path: Path, region: str) -> list[Place]:
    """The region's rows of a CSV file with location_id, region, type, name, city, country, lat, lon, timezone.

    Raises PlacesError naming the row that is wrong.
    """
    places = []
    try:
        with path.open(encoding="utf-8", newline="") as text:
            for number, row in enumerate(csv.DictReader(text), 1):
                if row.get("region") != region:
                    continue
                try:
                    fields = {name: row[name] for name in _FIELDS}
                    places.append(Place(row["location_id"], lat=float(row["lat"]), lon=float(row["lon"]), **fields))
                except (KeyError, TypeError, ValueError) as error:
                    raise PlacesError(f"{path} row {number}: {error}") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PlacesError(f"{path} can't be read: {error}") from error
    if not places:
        raise PlacesError(f"{path} has no row of region {region}")
    return places


async def open_places(client: CellClient, region: str, file: Path | None) -> list[Place]:
    """The cell's places; where it has none, opens those of `file` or the built-in ones first. Raises
    CellError, PlacesError."""
    present = await known_places(client, region)
    if present:
        return present
    places = read_places(file, region) if file else list(BUILT_IN.get(region, ()))
    if not places:
        raise PlacesError(f"the cell has no locations and none are built in for region {region}: give --locations FILE")
    for place in places:
        path, body = f"/v1/locations/{place.location_id}", encode(place.body())
        answer = await client.put(path, body, content_key(f"PUT {path}", body))
        if not answer.ok:
            raise CellRefused(f"location {place.location_id} was refused: {answer.code} {answer.detail}")
    return places


async def known_places(client: CellClient, region: str) -> list[Place]:
    """All locations that the region's cell knows, page by page. Raises CellError."""
    places: list[Place] = []
    query = {"limit": PAGE_LIMIT}
    for _ in range(PAGES_MAX):
        answer = await client.get("/v1/locations", query)
        if not answer.ok or not isinstance(answer.body, dict):
            raise CellRefused(f"GET /v1/locations: {answer.code} {answer.detail}")
        for row in answer.body.get("locations", []):
            fields = {name: str(row.get(name) or "") for name in _FIELDS}
            place = Place(row["location_id"], lat=float(row["lat"]), lon=float(row["lon"]), **fields)
            if place.location_id.startswith(f"{region}-"):
                places.append(place)
        cursor = answer.body.get("next_cursor")
        if not cursor:
            break
        query = {"limit": PAGE_LIMIT, "cursor": cursor}
    return places


def receiving(places: Iterable[Place]) -> list[Place]:
    """Where the trace's stock goes: the first warehouses by id, or any places where there are no warehouses."""
    ordered = sorted(places, key=lambda place: place.location_id)
    warehouses = [place for place in ordered if place.type == "warehouse"]
    return (warehouses or ordered)[:WAREHOUSES_MAX]
