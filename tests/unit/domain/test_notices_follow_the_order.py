"""What waits to be sent about an order when its address is corrected."""

from __future__ import annotations

from itertools import permutations

import pytest

from actors.domain.notice import MarkSent, RedirectNotice, WithdrawNotice, WriteNotice
from actors.domain.order_commands import RectifyOrder
from actors.domain.order_terms_commands import ChangeOrder, NewAddress
from tests.unit.domain.test_forgetting import NOW_MS, PLACE, SEALED, Entity

ORDER, LETTER = "us-o", "us-notice-1"
UNTIL_MS = NOW_MS + 600_000


def letter(address: bytes = SEALED) -> Entity:
    made = Entity("notice", LETTER)
    made.do(WriteNotice("order.new_date", ORDER, address, b"content", UNTIL_MS))
    return made


def order() -> Entity:
    made = Entity("order", ORDER)
    made.do(PLACE)
    made.post.clear()
    return made


def rectified(entity: Entity, sealed: bytes, email_digest: str, waiting: tuple[str, ...] = (LETTER,)) -> list:
    """What the order says to notices."""
    entity.post.clear()
    entity.do(RectifyOrder("r", sealed, email_digest, was=entity.state.sealed, waiting=list(waiting)))
    assert {(message.kind, message.entity_id) for message in entity.post} == {("notice", name) for name in waiting}
    return [message.command for message in entity.post]


def read(one: Entity) -> tuple[str, bytes, bytes]:
    (row,) = one.rows
    assert one.kind.restore(LETTER, {"notices": [row]}) == (one.state, one.version)
    return row.status, row.sealed_address, row.sealed_content


def test_a_letter_of_a_new_date_goes_to_the_address_before_or_to_nobody():
    one, told = order(), letter()
    (command,) = rectified(one, b"right", "f" * 32)
    told.do(command)
    assert read(told) == ("pending", b"right", b"content")
    assert told.rows[0].due_at == UNTIL_MS


def test_a_name_or_a_street_that_is_corrected_first_costs_the_letter():
    one, told, code = order(), letter(), letter(b"of its own")
    (command,) = rectified(one, b"street", PLACE.email_digest)
    told.do(command)
    assert code.do(command).events == []
    (command,) = rectified(one, b"right", "f" * 32)
    told.do(command)
    assert read(told) == ("pending", b"right", b"content")
    # Whose address is none of the order's can't be told another.
    code.do(command)
    assert read(code) == ("withdrawn", b"", b"")


def test_a_letter_waits_for_an_order_that_has_no_address_any_more():
    one, told = order(), letter()
    commands = rectified(one, b"without", "")
    assert commands == [WithdrawNotice()]
    told.do(*commands)
    assert read(told)[0] == "withdrawn"


def test_an_address_that_its_customer_changes_costs_the_letter_at_the_next_correction():
    one, told = order(), letter()
    to = NewAddress(None, "r", b"moved house", PLACE.email_digest, SEALED, [LETTER])
    one.do(ChangeOrder(address=to))
    (message,) = one.post
    told.do(message.command)
    assert read(told) == ("pending", b"moved house", b"content")
    told.do(*rectified(one, b"right", "f" * 32))
    assert read(told) == ("pending", b"right", b"content")


@pytest.mark.parametrize("turns", list(permutations(range(3))))
def test_corrections_that_cross_each_other_send_a_letter_to_an_address_before(turns):
    one, told = order(), letter()
    commands = [*rectified(one, b"1", "1" * 32), *rectified(one, b"2", "2" * 32), *rectified(one, b"3", "3" * 32)]
    for turn in turns:
        told.do(commands[turn])
    assert read(told)[:2] == (("pending", b"3") if turns == (0, 1, 2) else ("withdrawn", b""))


@pytest.mark.parametrize("over", [MarkSent(), WithdrawNotice()])
def test_a_letter_that_is_over_comes_back_by_a_correction(over):
    told = letter()
    told.do(over)
    before = read(told)
    assert told.do(RedirectNotice(SEALED, b"right", moved=True)).events == []
    assert told.do(RedirectNotice(b"", b"right", moved=True)).events == []
    assert read(told) == before


def test_an_order_of_which_nothing_waits_keeps_what_was_sealed_before():
    one = order()
    one.post.clear()
    (event,) = one.do(RectifyOrder("r", b"right", "f" * 32, was=SEALED)).events
    assert (event.waiting, event.was, event.moved, one.post) == ([], b"", False, [])


def test_a_letter_that_is_not_there_is_made_by_a_correction():
    assert Entity("notice", LETTER).refused(RedirectNotice(SEALED, b"right", moved=True)) == "notice.unknown"
