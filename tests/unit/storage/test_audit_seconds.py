"""What lines of the audit are found by: each thing once a second, and machines apart from people and devices."""

from actors.domain import ids
from actors.storage import audit_seconds
from actors.storage.audit_seconds import MACHINES, SecondsTold, key_of

NOW_MS = 1_767_225_600_000


def test_a_person_or_device_is_taken_for_a_machine_or_a_machine_for_one_of_them():
    assert MACHINES in ids.client_id("us", "erp-bridge")
    others = (
        ids.account_id("us", b"a digest of sixteen bytes"), ids.device_id("us", NOW_MS, "key-1"),
        ids.customer_id("us", b"a digest of sixteen bytes"),
    )  # fmt: skip
    assert not any(MACHINES in other for other in others)


def test_what_was_said_in_a_second_is_written_again_or_what_is_empty_is():
    told = SecondsTold()
    said = [
        (7, "us-client-shop", "a-1", "order.ship", "", ""),
        (7, "us-acct-mia", "a-1", "order.ship", "us-st-austin", ""),
        (7, "us-client-shop", "a-1", "order.ship", "", "us-an-order-whose-line-was-moved"),
    ]
    rows = told.fresh(said)
    named = [
        ("subject", "us-client-shop"),
        ("address", "a-1"),
        ("action", "order.ship"),
        ("noun", "order"),
        ("location", "us-st-austin"),
        ("entity", "us-an-order-whose-line-was-moved"),
    ]
    assert sorted(rows) == sorted((key_of(field, value), 7) for field, value in named)
    assert told.fresh(said) == rows, "nothing of it is in the store yet"
    told.written(rows)
    assert told.fresh(said) == []
    assert told.fresh([(8, "", "", "order.ship", "", "")]) == [
        (key_of("action", "order.ship"), 8),
        (key_of("noun", "order"), 8),
    ]


def test_a_network_is_not_found_by_its_addresses():
    rows = SecondsTold().fresh([(7, "us-acct-mia", "a-net.whole", "order.ship", "", "")])
    named = [("address", "a-net.whole"), ("address", "a-net"), ("action", "order.ship"), ("noun", "order")]
    assert sorted(rows) == sorted((key_of(field, value), 7) for field, value in named)


def test_what_is_remembered_grows_without_end(monkeypatch):
    monkeypatch.setattr(audit_seconds, "REMEMBERED_MAX", 3)
    told = SecondsTold()
    told.written([(1, second) for second in range(5)])
    assert told._written.keys() == {(1, 2), (1, 3), (1, 4)}
