"""What is written down of limits and fields is what the code does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from actors.domain.order_views import OrderView
from actors.domain.personal_notes import SHOWN_NAME, SHOWN_NOTE
from serve import fields_page, limits_page
from serve.permissions import OWN, PERMISSIONS, ROLES

DOCS = Path(__file__).parents[3] / "docs" / "security"


class Neighbour(msgspec.Struct):
    doorbell: Annotated[str, SHOWN_NAME]
    remark: Annotated[str, SHOWN_NOTE]
    floor: int


class More(msgspec.Struct):
    order: OrderView
    neighbours: list[Neighbour] | None = None


@pytest.mark.parametrize(("name", "made"), [("limits", limits_page.page), ("fields", fields_page.page)])
def test_the_page_that_people_read_is_not_the_one_of_the_code(name, made):
    assert (DOCS / f"{name}.md").read_text() == made(), "make pages writes it anew"


def test_a_permission_reaches_fields_of_which_the_page_does_not_tell():
    told = {permission for one in fields_page.FIELDS for permission in (*one.seen, *one.changed)}
    # They reach no field that the page does not name under another one: carts and routine work; what is counted over
    # all; who may tell or do something by himself.
    others = {
        "orders.place", "orders.place_own", "floor.work", "packing.manual", "figures.read", "live.read", "sourcing.simulate",
        "notices.deliver", "keys.rotate", "operators.note",
    }  # fmt: skip
    assert set(PERMISSIONS) - told == others


def test_a_field_about_an_orders_person_is_not_on_the_page():
    known = fields_page.shown_of_person()
    assert fields_page.shown_of_person(More) == [*known, "`doorbell`"]
    assert {"`recipient`", "`country`", "`message`"} <= {*known}


def test_a_role_is_said_to_see_or_change_what_it_may_not():
    assert fields_page.roles_of(("refunds.give",)) == "manager, support: `refunds.give`"
    assert fields_page.roles_of(("",)) == "nobody"
    assert fields_page.roles_of(tuple(OWN)).count("(own)") == len(ROLES.keys() & {"customer", "guest"})
