"""Shipments for the tests of carriers."""

from msgspec.structs import replace

from actors.domain.customs import CustomsDeclaration, CustomsLine
from actors.domain.gs1 import sscc
from actors.domain.money import Money
from actors.domain.postal import Party
from partners.carrier import CarrierParcel, Shipment

SEATTLE = Party("Acme Warehouse", ("1 Main St",), "Seattle", "98101", "US", state="WA")
NEW_YORK = Party("Mia ^Novák~_", ("350 5th Ave", "Apt 2"), "New York", "10118", "US", state="NY")
MADRID = Party("Peñalver", ("C/ Alcalá 5",), "Madrid", "28014", "ES")
LODZ = Party("Zażółć Gęślą", ("Piotrkowska 1",), "Łódź", "90-001", "PL")
PARCEL = CarrierParcel(sscc("9521234", 42), 1_500, 300, 200, 150)
SHIPMENT = Shipment(SEATTLE, NEW_YORK, PARCEL, "us-01jd3k8v9r7h3k2m9qk4t1x0ab")
CUSTOMS = CustomsDeclaration(
    SEATTLE, MADRID, "sale_of_goods", (CustomsLine("cotton shirts", 2, 400, Money(5000, "USD"), "610910", "PT"),), 1_500,
    "us-1", "I-1", "2026-11-26",
)  # fmt: skip


def with_parcel(**changes) -> Shipment:
    """The usual shipment with another parcel."""
    return replace(SHIPMENT, parcel=replace(PARCEL, **changes))
