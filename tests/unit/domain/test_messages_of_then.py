"""Messages that were on their way when an older program stopped are understood by this one, and are the same messages."""

from __future__ import annotations

import msgspec

from actors.domain.location_commands import Allocate, Command, Ship

# As the program wrote them that knew no carts (`Reserve` was an order's).
OLD = {
    b'{"type":"Reserve","order_id":"us-o","fulfilment":1,"lines":[["a",2]]}': Allocate("us-o", 1, [("a", 2)]),
    b'{"type":"Ship","order_id":"us-o","fulfilment":1,"lines":[["a",2]]}': Ship("us-o", 1, [("a", 2)]),
}


def test_a_message_of_an_older_program_stops_the_cell_or_is_taken_for_another():
    for old, meant in OLD.items():
        assert msgspec.json.decode(old, type=Command) == meant
        # Its digest is made of its bytes: the same message sent again must have the same.
        assert msgspec.json.encode(meant) == old
