"""What the audit says of commands: the right name, and what was there before."""

import msgspec
import pytest

from actors.domain import customer, guest
from actors.domain.account import Disable, OpenAccount
from actors.domain.acts import CHANGES_MAX, audited_of
from actors.domain.audit import Act, Audited, Who
from actors.domain.catalogue import DefineSkus, SkusDefined
from actors.domain.claim import Take
from actors.domain.client import RegisterClient
from actors.domain.kind import Context
from actors.domain.kinds import KINDS
from actors.domain.location import AdjustmentLine, AdjustStock, Location, LocationOpened, Stock
from actors.domain.trail import Note

MIA = Who("us-acct-mia", "manager", "s-1", "a-1")
AUSTIN = Location(LocationOpened("store", "Austin", "", "US", 0.0, 0.0, "UTC"), {"A": Stock(10, 2, 1)})


def act_of(kind: str, state, command, events=()) -> Act:
    [line] = audited_of(KINDS[kind], MIA, state, command, list(events))
    assert line.who is MIA
    return line.act


def test_what_nobody_asked_for_has_no_line():
    assert audited_of(KINDS["claim"], None, None, Take(3), []) == []


def test_a_trail_brings_its_own_lines_whoever_hands_them_over():
    lines = [Audited(MIA, Act("order.read"))]
    assert audited_of(KINDS["trail"], None, None, Note(lines), []) == lines


@pytest.mark.parametrize(
    ("kind", "state", "command", "name"),
    [
        ("claim", None, Take(3), "claim.take"),
        ("account", None, Disable(), "account.disable"),
        ("client", None, RegisterClient(["stock.read"], [], "h"), "client.register"),
    ],
)
def test_a_command_is_called_by_another_name(kind, state, command, name):
    assert act_of(kind, state, command).action == name


def test_counts_and_thresholds_are_told_as_they_were_and_as_they_became():
    lines = [
        AdjustmentLine("A", -3, "damage"),
        AdjustmentLine("A", 1, "found"),
        AdjustmentLine("B", 0, "other", None, 4),
    ]
    act = act_of("location", AUSTIN, AdjustStock(lines))
    assert act.changes == {"A.on_hand": (10, 8), "B.safety_stock": (0, 4)}
    assert (act.action, act.why) == ("location.adjust", "damage,found")
    only_threshold = act_of("location", AUSTIN, AdjustStock([AdjustmentLine("A", 0, "other", None, 4)]))
    assert only_threshold == Act("location.set_safety_stock", "", "", {"A.safety_stock": (1, 4)})


def test_a_body_of_a_thousand_lines_does_not_make_a_line_of_a_thousand_changes():
    lines = [AdjustmentLine(f"S{n}", 1, "found") for n in range(1000)]
    assert len(act_of("location", AUSTIN, AdjustStock(lines)).changes) == CHANGES_MAX


def test_a_refused_command_says_why_and_changes_nothing():
    adjust = AdjustStock([AdjustmentLine("A", -3, "damage")])
    [line] = audited_of(KINDS["location"], MIA, AUSTIN, adjust, [], "stock.insufficient")
    assert line.outcome == "stock.insufficient"
    assert AUSTIN.stock["A"].on_hand == 10


def test_no_line_holds_a_hash_of_a_password():
    opened = KINDS["account"].decide(None, OpenAccount("manager", [], "$argon2id$x"), Context("us-acct-x", "c", 0))
    act = act_of("account", None, OpenAccount("manager", [], "$argon2id$x"), opened.events)
    assert b"argon2" not in msgspec.json.encode(act)
    assert act.changes["role"] == ("", "manager")


def test_the_catalogue_says_how_many():
    act = act_of("catalogue", None, DefineSkus([("A", "a")]), [SkusDefined([("A", "a")])])
    assert act == Act("catalogue.define", "", "", {"skus": (None, 1)})


@pytest.mark.parametrize(
    ("kind", "command", "events", "action", "refused"),
    [
        ("guest", guest.TryCode(b"d"), [guest.CodeUsed()], "session.open", ""),
        ("guest", guest.TryCode(b"d"), [guest.CodeMissed()], "session.open", "code.refused"),
        ("guest", guest.TryCode(b"d"), [], "session.open", "code.refused"),
        ("customer", customer.TryCode(b"d", "s-1", b"sealed"), [customer.CodeMissed()], "session.open", "code.refused"),
        ("customer", customer.RefreshSession("s-1", 1), [], "session.refresh", "session.token_reused"),
        ("customer", customer.EndSession("s-1"), [], "session.close", ""),
    ],
)
def test_a_customers_or_guests_sign_in_is_called_otherwise_than_that_of_staff(kind, command, events, action, refused):
    [line] = audited_of(KINDS[kind], MIA, None, command, events)
    assert (line.act.action, line.outcome) == (action, refused)
    assert b"sealed" not in msgspec.json.encode(line)
