"""The register of processing is the code's: what is kept of people is noted where it is
declared, and the page says so."""

import types
import typing
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec
import pytest

from actors.domain import personal
from actors.domain.order_state import Order
from actors.domain.personal import BASES, CATEGORIES, KEEPS, PROTECTIONS, PURPOSES, Personal
from actors.domain.rows import OrderRow
from serve import processing
from serve.__main__ import main
from serve.orders.private import Private
from serve.processing import Field, fields, page

# Names that sound as if what they hold were about a person.
TELLING = frozenset(
    {
        "email", "phone", "street", "city", "postcode", "recipient", "name", "shown_as", "address", "country", "lat", "lon",
        "customer_ref", "order_ref", "login", "password", "password_hash", "recovery", "credential_id", "public_key", "owner",
        "subject", "person", "behalf", "about", "asked_by", "decided_by", "by", "assignee", "asker", "session_id",
        "account_id", "customer_id", "device", "summary", "birthday", "gender", "taken_by", "agent", "customer_ids", "subjects", "note", "reason_text",
    }
)  # fmt: skip
TELLING_PARTS = ("sealed", "email_", "_email", "phone", "address_", "_address", "passport", "iban")
PLACE = "of a warehouse or store of the retailer"
DEVICE = "of a scanner, terminal or till, which is a location's and no person's"
MACHINE = "of a program of the retailer"
CODE = "one word of a list"
# By struct: its fields that only sound so, and why.
NOT_PERSONAL = {
    "balancing.Holding": ("lat lon", PLACE),
    "location_commands.OpenLocation": ("name city country lat lon", PLACE),
    "location_events.LocationOpened": ("name city country lat lon", PLACE),
    "rows.LocationRow": ("name city country lat lon", PLACE),
    "sourcing_demand.Candidate": ("country", PLACE),
    "what_if_terms.PastPlace": ("country lat lon", PLACE),
    "sourcing_policy.Carrier": ("name", "of a company that carries parcels"),
    "serve.locations.schemas.Particulars": ("name city country lat lon", PLACE),
    "serve.locations.schemas.LocationView": ("name city country lat lon", PLACE),
    "serve.settings.ApiSettings": ("lat lon", "the region's centre"),
    "serve.health.endpoints.HostReadiness": ("name", "of a host"),
    "serve.keys.settings.KeyPort": ("address", "of the service that keeps the region's key"),
    "approval.Approval": ("note", CODE),
    "approval.ApprovalView": ("note", CODE),
    "alert.Alert": ("note", CODE),
    "alert.AlertView": ("note", CODE),
    "serve.approvals.schemas.ApprovalDetail": ("note", CODE),
    "serve.alerts.schemas.AlertDetail": ("note", CODE),
    "client.ClientCheck": ("session_id", MACHINE),
    "client.ClientView": ("name", MACHINE),
    "serve.identity.schemas.NewClient": ("name", MACHINE),
    "device.EnrolDevice": ("name", DEVICE),
    "device.ClaimDevice": ("public_key", DEVICE),
    "device.UseAssertion": ("name", DEVICE),
    "device.DeviceEnrolled": ("name", DEVICE),
    "device.DeviceClaimed": ("public_key", DEVICE),
    "device.AssertionUsed": ("name", DEVICE),
    "device.Device": ("name public_key", DEVICE),
    "device.DeviceView": ("name", DEVICE),
    "device.DeviceKey": ("public_key", DEVICE),
    "device.ClaimOutcome": ("name", DEVICE),
    "device.DeviceSession": ("session_id", DEVICE),
    "rows.DeviceRow": ("name", DEVICE),
    "serve.devices.schemas.NewDevice": ("name", DEVICE),
    "serve.devices.schemas.ClaimedDevice": ("name", DEVICE),
    "serve.devices.schemas.DeviceDetail": ("name", DEVICE),
    "serve.devices.schemas.ListedDevice": ("name", DEVICE),
}
PAGE = Path(__file__).parents[3] / "docs" / "privacy" / "processing.md"


def tells(field: Field) -> bool:
    """Does it sound as if it were about a person, and can it hold something?"""
    named = field.name in TELLING or any(part in field.name for part in TELLING_PARTS)
    return named and bool(plain_types(field.kind) & {str, bytes, float})


def plain_types(kind: Any) -> set[Any]:
    if typing.get_origin(kind) in (list, tuple, typing.Union, types.UnionType):
        return set().union(*(plain_types(part) for part in get_args(kind)))
    return {kind}


def excused(field: Field) -> bool:
    names, _ = NOT_PERSONAL.get(field.place.rpartition(".")[0], ("", ""))
    return field.name in names.split()


def test_a_field_that_sounds_personal_has_no_note_and_nobody_says_why_not():
    assert [field.place for field in fields() if tells(field) and not field.notes and not excused(field)] == []


def test_an_excuse_is_for_a_field_that_is_not_there_any_more():
    told = {field.place for field in fields() if tells(field) and not field.notes}
    excuses = {f"{struct}.{name}" for struct, (names, _) in NOT_PERSONAL.items() for name in names.split()}
    assert excuses <= told


def test_a_new_field_without_a_note_goes_unnoticed():
    class Parcel(msgspec.Struct):
        recipient: str
        phones: list[str]
        email: Annotated[str | None, Personal("contact", "orders", "erasure", "data_key")]
        lat: float | None
        persons: int

    found = {field.name: field for field in processing.fields_of(Parcel)}
    assert [name for name, field in found.items() if tells(field) and not field.notes] == ["recipient", "phones", "lat"]
    assert found["email"].notes == (Personal("contact", "orders", "erasure", "data_key"),)


def test_what_a_base_keeps_of_a_person_is_missing_among_what_its_struct_keeps():
    class Addressed(msgspec.Struct):
        recipient: Annotated[str, Personal("contact", "orders", "erasure", "data_key")]

    class Letter(Addressed):
        pages: int

    found = {field.name: field for field in processing.fields_of(Letter)}
    assert list(found) == ["recipient", "pages"]
    assert found["recipient"].place.endswith(".Letter.recipient")
    assert found["recipient"].notes == (Personal("contact", "orders", "erasure", "data_key"),)


def test_what_is_sealed_of_an_order_is_noted_field_by_field():
    found = [field for field in fields() if field.struct == "Private"]
    assert {field.name for field in found} == set(Private.__struct_fields__)
    assert {note.protection for field in found for note in field.notes} == {"data_key"}


def test_the_page_that_people_read_is_the_one_of_the_code():
    assert PAGE.read_text() == page(), "make pages writes it anew"


def test_the_command_prints_another_page(capsys: pytest.CaptureFixture[str]):
    assert main(["processing"]) == 0
    assert capsys.readouterr().out == page()


def test_a_noted_field_is_missing_on_the_page():
    text = page()
    for field in fields():
        for note in field.notes:
            part = text.partition(f"## {PURPOSES[note.purpose].title}\n")[2].partition("\n## ")[0]
            lines = [line for line in part.splitlines() if f"`{field.place}`" in line]
            assert any(CATEGORIES[note.category] in line and KEEPS[note.keep] in line for line in lines), field.place


def test_a_purpose_is_declared_for_nothing():
    assert {note.purpose for field in fields() for note in field.notes} == set(PURPOSES)


@pytest.mark.parametrize(
    ("words", "told"),
    [("Category", CATEGORIES), ("Basis", BASES), ("Purpose", PURPOSES), ("Keep", KEEPS), ("Protection", PROTECTIONS)],
)
def test_a_word_of_the_notes_says_nothing(words: str, told: dict[str, Any]):
    assert set(get_args(getattr(personal, words))) == set(told)


def test_a_note_changes_what_is_encoded_or_taken():
    order = OrderRow(
        "us-1", 1, "placed", "online", "r", "c", "", "", "US", "USD", 1, 1, 5, 0, 0, None, b"", b"",
    )  # fmt: skip
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(order), type=OrderRow) == order
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(["us-1", 1, "placed", "online", 7], OrderRow)
    # What a note says of a field reaches nobody who reads our documents.
    assert "data_key" not in str(msgspec.json.schema(Private))
    assert typing.get_type_hints(Order)["owner"] is str
