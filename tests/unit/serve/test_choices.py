"""Who sends a word that a field does not know is told which it knows."""

import msgspec
import pytest

from actors.domain.sourcing_policy import Policy
from serve.breaches.schemas import AuthorityStep
from serve.devices.schemas import NewDevice
from serve.identity.schemas import NewClient, SignInRequest
from serve.packing.schemas import ShipToParty
from serve.privacy.schemas import NewRequest
from serve.problems import Problem
from serve.requests import decode
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import order

ORDER = "/v1/orders/us-01kah2v3nq7h3k2m9qk4t1x0ab"


@pytest.mark.parametrize(
    ("path", "body", "pointer", "some"),
    [
        (f"{ORDER}/updates", {"update": "explode"}, "/update", {"start_picking", "cancel"}),
        ("/v1/order-updates", {"updates": [{"order_id": "us-x", "update": "explode"}]}, "/updates/0/update", {"ship"}),
        ("/v1/orders", order(channel="fax"), "/channel", {"online", "store"}),
        ("/v1/skus", {"skus": [{"sku": "E5", "temperature": "hot"}]}, "/skus/0/temperature", {"ambient", "frozen"}),
    ],
)
async def test_a_word_that_is_not_known_leaves_one_to_guess(cell, path, body, pointer, some):
    answer = await cell.post(path, body)
    told = answer.json()
    if "results" in told:
        told = told["results"][0]["error"]
    assert (told["status"], told["code"]) == (422, "body.invalid"), told
    [place] = told["errors"]
    assert place["pointer"] == pointer
    words = place["detail"].partition(": it is one of ")[2].split(", ")
    assert some <= set(words), place


FLOOR = "/v1/locations/us-wh-seattle/floor"
BACK = {"fulfilment_id": "us-x.1", "sku": "A1", "units": 1}
GROUPED = order()["lines"][0] | {"group": "a b"}


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        (f"{FLOOR}/put-backs", BACK | {"bin_id": "acc-02-01"}, "capital letters, digits and dashes; empty for none, e.g. A-01-03"),
        (f"{FLOOR}/put-backs", BACK | {"lot": "a\nb"}, "Expected text without control characters"),
        ("/v1/counts", {"location_id": "us-wh-seattle", "spots": [{"bin_id": "a 1"}]}, "capital letters, digits and dashes"),
        ("/v1/orders", order(ship_to={"country": "us"}), "ISO 3166-1 alpha-2, e.g. US"),
        ("/v1/orders", order(lines=[GROUPED]), "letters, digits and ._:/- only"),
    ],
)  # fmt: skip
async def test_how_a_text_has_to_look_is_told_as_a_regular_expression(cell, path, body, detail):
    [place] = (await cell.post(path, body)).json()["errors"]
    assert detail in place["detail"]
    assert "regex" not in place["detail"]


TO = {"name": "Mia", "street": ["Wharf 1"], "city": "Seattle", "country": "US"}


@pytest.mark.parametrize(
    ("kind", "body", "look"),
    [
        (SignInRequest, {"login": "a", "password": "b", "code": "12a"}, "digits; blanks between them are fine"),
        (SignInRequest, {"location_id": "US ST"}, "a location's id, e.g. us-wh-seattle"),
        (NewDevice, {"name": "gate", "model": "till", "location_id": "Seattle"}, "a location's id, e.g. us-wh-seattle"),
        (NewClient, {"name": "Web Shop"}, "small letters, digits and dashes, e.g. web-shop"),
        (ShipToParty, TO | {"phone": "206 555"}, "+, country code and number, without blanks; empty for none, e.g. +1"),
        (NewRequest, {"customer_id": "mia"}, "a customer's id, e.g. us-cust-01k"),
        (NewRequest, {"order_ids": ["17"]}, "an order's id, e.g. us-01k"),
        (Policy, {"bans": [{"goods": "Big Knives"}]}, "a small letter, then small letters, digits, _ and -"),
        (Policy, {"bans": [{"goods": "knives", "to": ["us"]}]}, "ISO 3166-1 alpha-2, e.g. US"),
        (
            AuthorityStep,
            {"type": "tell_authority", "reference": "#17"},
            "a letter or digit, then letters, digits, blanks and ./_-",
        ),
    ],
)
def test_what_people_type_is_answered_with_a_regular_expression(kind, body, look):
    with pytest.raises(Problem) as refused:
        decode(msgspec.json.Decoder(kind), msgspec.json.encode(body))
    assert str(refused.value.detail).startswith(f"Expected {look}")


@pytest.mark.parametrize(
    ("path", "body", "pointer", "known"),
    [
        (f"{FLOOR}/put-backs", BACK | {"sscc": "1"}, "/sscc", "fulfilment_id, sku, units, bin_id, lot"),
        ("/v1/skus", {"skus": [{"sku": "E5", "sizes": 1}]}, "/skus/0/sizes", "sku, description"),
        (f"{FLOOR}/trips/1/abandonment", {"why": 1}, "/why", ""),
    ],
)
async def test_who_names_a_field_that_there_is_not_has_to_guess_which_there_are(cell, path, body, pointer, known):
    [place] = (await cell.post(path, body)).json()["errors"]
    assert (place["pointer"], len(place["detail"]) < 1_000) == (pointer, True)
    assert place["detail"].startswith("Unknown field `")
    assert known in place["detail"]


async def test_a_long_list_of_fields_has_no_end():
    many = msgspec.defstruct("Many", [(f"f{number}", int) for number in range(99)], forbid_unknown_fields=True)
    with pytest.raises(Problem) as caught:
        decode(msgspec.json.Decoder(many), b'{"x":1}')
    assert caught.value.detail.endswith("f29 and 69 more.")


async def test_a_sent_value_that_looks_like_a_message_of_ours_is_a_fault(cell):
    for word in ("x' - at `$.nowhere", "Invalid enum value 'y'", "x` - at `$[0].update`"):
        answer = await cell.post(f"{ORDER}/updates", {"update": word})
        assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")


async def test_kinds_of_a_stream_are_asked_for_with_ands_between_them(cell):
    told = (await cell.get("/v1/live", kinds="prices")).json()
    assert "collection, figures, floor, location, order" in told["detail"]


async def test_who_sends_json_where_a_form_is_wanted_is_asked_for_json(tmp_path):
    cell = GuardedCell(tmp_path)
    answer = await cell.post("/v1/oauth/token", {"grant_type": "client_credentials"})
    await cell.http.aclose()
    told = answer.json()
    assert (answer.status_code, "JSON" in told["title"]) == (415, False)
    assert "application/x-www-form-urlencoded" in told["detail"]
