"""Messages that were on their way when an older program stopped are understood by this one, and are the same messages.

After a takeover they are built anew from the events that were written then, or read from the store's outbox and encoded
again. Their digest is made of their bytes: when the receiver has had one already and its bytes are others, it answers
`KEY_REUSED`, and the message is parked for good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from actors.domain import approval, count, order_pickup_evolve, shipment_messages, transfer
from actors.domain.errors import RefusalBody
from actors.domain.kind import Message
from actors.domain.location_commands import AdjustmentLine, AdjustStock, Allocate, Command, EndCounting, Ship
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_pickup_events import PickupEvent
from actors.domain.shipment_commands import Command as ShipmentCommand
from actors.domain.shipment_commands import MissingAnswered
from actors.domain.shipment_events import Event as ShipmentEvent
from actors.domain.transfer_events import Event as TransferEvent

COUNT = "us-count-01kah2v3nq7h3k2m9qk4t1x0ab"
LOSS = AdjustStock([AdjustmentLine("a", -9, "count", bin="A")], COUNT, as_far=True)
OLD_LOSS = (
    b'{"type":"AdjustStock","lines":[["a",-9,"count",null,null,"","sellable","A"]],"reference":"%b","cause":"%%b","as_far":true}'
    % COUNT.encode()
)

# As the program wrote them that knew no carts (`Reserve` was an order's).
BEFORE_CARTS: Mapping[bytes, Any] = {
    b'{"type":"Reserve","order_id":"us-o","fulfilment":1,"lines":[["a",2]]}': Allocate("us-o", 1, [("a", 2)]),
    b'{"type":"Ship","order_id":"us-o","fulfilment":1,"lines":[["a",2]]}': Ship("us-o", 1, [("a", 2)]),
}

# As the program wrote them by which a count was not told that an approval is over, and a
# shipment not what its order holds.
BEFORE_TOLD: Mapping[bytes, Any] = {
    OLD_LOSS % b"": LOSS,
    b'{"type":"EndCounting","count_id":"us-c","spots":[["A",""]],"counted":[]}': EndCounting("us-c", [("A", "")]),
    b'{"type":"AskApproval","location_id":"us-l","target_id":"us-l","wanted":%b,"asked_by":"us-p","good_for_ms":1000}'
    % (OLD_LOSS % b""): approval.AskApproval("us-l", "us-l", LOSS, "us-p", 1000),
    b'{"type":"MissingAnswered","code":""}': MissingAnswered(),
    b'{"type":"MissingAnswered","code":"order.unknown"}': MissingAnswered("order.unknown"),
}

Messages = Callable[[str, Any], Iterable[Message]]

# By whom and of which event, as that program wrote it: the message that it sent with it.
SENT_WITH: list[tuple[str, Messages, Any, bytes, bytes]] = [
    (
        COUNT, count.messages, count.Event,
        b'{"type":"SpotsReleased","location_id":"us-l","spots":[["A",""]],"counted":[["a",5]]}',
        b'{"type":"EndCounting","count_id":"%b","spots":[["A",""]],"counted":[["a",5]]}' % COUNT.encode(),
    ),
    (
        COUNT, count.messages, count.Event,
        b'{"type":"VarianceSent","location_id":"us-l","spot":["A",""],"lines":[["a","",-9]]}',
        OLD_LOSS % COUNT.encode(),
    ),
    (
        COUNT, count.messages, count.Event,
        b'{"type":"VarianceAsked","approval_id":"us-a","location_id":"us-l","spots":[["A",""]],"lines":[["A","a","",-9]],"asked_by":"us-p","good_for_ms":1000}',
        b'{"type":"AskApproval","location_id":"us-l","target_id":"us-l","wanted":%b,"asked_by":"us-p","good_for_ms":1000}'
        % (OLD_LOSS % b""),
    ),
    (
        "us-a", approval.messages, approval.Event,
        b'{"type":"ApprovalGiven","by":"us-q","target_id":"us-l","wanted":%b}' % (OLD_LOSS % b""),
        OLD_LOSS % b"us-a",
    ),
    (
        "us-s", shipment_messages.messages, ShipmentEvent,
        b'{"type":"MissingAsked","location_id":"us-l","order_id":"us-o","number":1,"lines":[["a",2]],"command_id":"c"}',
        b'{"type":"UpdateOrder","update":"short_pick","fulfilment":1,"lines":[["a",2]]}',
    ),
    (
        "us-s", shipment_messages.messages, ShipmentEvent,
        b'{"type":"MissingAsked","location_id":"us-l","order_id":"","number":1,"lines":[["a",2]],"command_id":"c"}',
        b'{"type":"ShortPick","order_id":"us-s","fulfilment":1,"lines":[["a",2]]}',
    ),
    (
        "us-s", shipment_messages.messages, ShipmentEvent,
        b'{"type":"PackAsked","location_id":"us-l","order_id":"","number":1,"lines":[["a",2]],"command_id":"c"}',
        b'{"type":"Pick","order_id":"us-s","fulfilment":1,"lines":[["a",2]]}',
    ),
    (
        "us-s", shipment_messages.messages, ShipmentEvent,
        b'{"type":"ShipmentStopped","location_id":"us-l","order_id":"us-o","number":1,"why":"nothing_left","released":[]}',
        b'{"type":"UpdateOrder","update":"cancel","fulfilment":1,"by_floor":true}',
    ),
    (
        "us-t", transfer.messages, TransferEvent,
        b'{"type":"UnitsMissing","source_id":"us-l","lines":[["a",2]]}',
        b'{"type":"ShortPick","order_id":"us-t","fulfilment":1,"lines":[["a",2]]}',
    ),
    (
        "us-o", order_pickup_evolve.messages, PickupEvent,
        b'{"type":"StoreSupplyAsked","location_id":"us-l","supplies":[[1,"us-k","us-t",[["a",2]],5]],"places":[]}',
        b'{"type":"RequestTransfer","source_id":"us-k","destination_id":"us-l","lines":[["a",2]],"reference":"us-o","expected_at_ms":null,"approval_ms":5,"asked_by":"us-o","within":[],"for_order":["us-o",1]}',
    ),
]  # fmt: skip


def test_a_message_of_an_older_program_stops_the_cell_or_is_taken_for_another():
    commands = Command | approval.Command | ShipmentCommand
    for old, meant in {**BEFORE_CARTS, **BEFORE_TOLD}.items():
        assert msgspec.json.decode(old, type=commands) == meant
        # Its digest is made of its bytes: the same message sent again must have the same.
        assert msgspec.json.encode(meant) == old
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(msgspec.json.decode(old)), type=commands)
        assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(msgspec.json.decode(old))


def test_an_event_of_an_older_program_sends_another_message_than_it_did_then():
    for name, messages, events, event, sent in SENT_WITH:
        told = [
            msgspec.json.encode(message.command) for message in messages(name, msgspec.json.decode(event, type=events))
        ]
        assert told == [sent], event


def test_an_answer_to_what_an_older_program_asked_is_another_than_it_was_then():
    asked = msgspec.json.decode(
        b'{"type":"UpdateOrder","update":"short_pick","fulfilment":1,"lines":[["a",2]]}', type=UpdateOrder
    )
    refusal = msgspec.json.encode(RefusalBody("order.illegal_transition", "", {"status": "cancelled"}))
    for reply, refused, code in ((b"{}", False, b""), (refusal, True, b"order.illegal_transition")):
        answer = shipment_messages.on_reply(Message("order", "us-o", asked, on_reply=True), reply, refused)
        assert msgspec.json.encode(answer) == b'{"type":"MissingAnswered","code":"%b"}' % code


def test_what_is_new_is_not_told():
    event = count.VarianceAsked("us-a", "us-l", [("A", "")], [("A", "a", "", -9)], "us-p", 1000, told=True)
    (asked,) = count.messages(COUNT, event)
    assert type(asked.command) is approval.AskApproval
    assert type(asked.command.wanted) is AdjustStock
    assert (asked.command.waiting, asked.command.wanted.as_left) == (COUNT, True)
    update = UpdateOrder("short_pick", 1, lines=[("a", 2)], held=[])
    refusal = msgspec.json.encode(
        RefusalBody("order.fulfilment_changed", "", {"lines": [["a", 1]], "status": "cancelled"})
    )
    answer = shipment_messages.on_reply(Message("order", "us-o", update, on_reply=True), refusal, True)
    assert answer == MissingAnswered("order.fulfilment_changed", "cancelled", [("a", 1)])
