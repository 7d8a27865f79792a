"""What the audit says of commands: the right name, and what was there before."""

import contextlib

import msgspec
import pytest

from actors.domain import device, guest
from actors.domain.account import Disable, OpenAccount
from actors.domain.account_commands import SignIn
from actors.domain.account_events import SignedIn, SignInFailed
from actors.domain.account_state import Shift
from actors.domain.acts import audited_of
from actors.domain.acts_changes import CHANGES_MAX, WORDS_CHARS_MAX, totals_of
from actors.domain.approval import (
    Approval,
    AskApproval,
    DecideApproval,
    ExpireApproval,
    TargetAnswered,
    WithdrawApproval,
)
from actors.domain.article import Details
from actors.domain.audit import Act, Audited, Changes, Who
from actors.domain.catalogue import Catalogue, DefineSkus, DetailsDefined, Said, SkusDefined
from actors.domain.claim import Take
from actors.domain.client import ClientSecretRotated, RegisterClient, RotateClientSecret
from actors.domain.customer_commands import EndOtherSessions, EndSession, RefreshSession, TryCode, TryPasskey
from actors.domain.customer_events import CodeMissed, SessionOpened
from actors.domain.customer_state import Session
from actors.domain.errors import Refused
from actors.domain.ids import account_id
from actors.domain.kind import Context
from actors.domain.kinds import KINDS
from actors.domain.location_commands import AdjustmentLine, AdjustStock, ChangeCondition, ConditionLine
from actors.domain.location_events import LocationOpened
from actors.domain.location_profile import Profile, ProfileSet, SetProfile
from actors.domain.location_state import Location, Stock
from actors.domain.passkeys import AddPasskey, Passkey, PasskeySuspected, PasskeyUse, RemovePasskey
from actors.domain.sourcing_calendar import WorkDay
from actors.domain.trail import Note
from actors.domain.transfer_commands import ApproveTransfer, CloseTransfer, FoundLine, TellMissing, WantStep

TOM = account_id("us", b"t" * 16)
MIA = Who("us-acct-mia", "manager", "s-1", "a-1")
LOSS = AdjustStock(
    [AdjustmentLine("A", -4, "loss"), AdjustmentLine("A", -2, "loss"), AdjustmentLine("B", 2, "found"),
     AdjustmentLine("C", 0, "count", None, 9)]
)  # fmt: skip
AUSTIN = Location(LocationOpened("store", "Austin", "", "US", 0.0, 0.0, "UTC"), {"A": Stock(10, 2, safety_stock=1)})


USE = PasskeyUse("p-1", 1, "c-1", 1, alone=True)
PHONE = Passkey("p-1", b"c", b"k", 0, "")


def act_of(kind: str, state, command, events=()) -> Act:
    [line] = audited_of(KINDS[kind], MIA, state, command, list(events))
    assert line.who is MIA
    return line.act


def totals(lines, down, up):
    return {"lines": (None, lines), "units_down": (None, down), "units_up": (None, up)}


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


@pytest.mark.parametrize(("grace_ms", "end_older", "told"), [(0, False, True), (1, True, True), (1, False, False)])
def test_nobody_finds_when_a_machine_s_leaked_secret_ended(grace_ms, end_older, told):
    rotated = ClientSecretRotated("h", 1, end_older)
    act = act_of("client", None, RotateClientSecret("h", grace_ms, "", end_older), [rotated])
    assert act == Act("client.rotate_secret", "", "", {"older_secrets": (None, "ended")} if told else {})


def test_counts_and_thresholds_are_told_as_they_were_and_as_they_became():
    lines = [
        AdjustmentLine("A", -3, "damage"),
        AdjustmentLine("A", 1, "found"),
        AdjustmentLine("B", 0, "other", None, 4),
    ]
    act = act_of("location", AUSTIN, AdjustStock(lines))
    assert act.changes == {"A.on_hand": (10, 8), "B.safety_stock": (0, 4), **totals(2, 2, 0)}
    assert (act.action, act.why) == ("location.adjust", "damage,found")
    only_threshold = act_of("location", AUSTIN, AdjustStock([AdjustmentLine("A", 0, "other", None, 4)]))
    assert only_threshold == Act("location.set_safety_stock", "", "other", {"A.safety_stock": (1, 4)})


HIDDEN = [
    *(AdjustmentLine(f"S{n:03}", 1, "found", None, n) for n in range(CHANGES_MAX)),
    AdjustmentLine("PHONE", -449, "count"),
]


def test_a_body_of_a_thousand_lines_does_not_make_a_line_of_a_thousand_changes():
    lines = [AdjustmentLine(f"S{n}", 1, "found") for n in range(1000)]
    changes = act_of("location", AUSTIN, AdjustStock(lines)).changes
    assert (len(changes), len(changes.keys() - totals(1, 0, 0).keys())) == (CHANGES_MAX + 3, CHANGES_MAX)
    assert totals(1000, 0, 1000).items() <= changes.items()


def test_what_is_taken_hides_behind_many_small_finds():
    phones = msgspec.structs.replace(AUSTIN, stock={"PHONE": Stock(900)})
    told = act_of("location", phones, AdjustStock(HIDDEN)).changes
    assert next(iter(told.items())) == ("PHONE.on_hand", (900, 451))
    assert totals(2 * CHANGES_MAX + 1, 449, CHANGES_MAX).items() <= told.items()
    assert not [name for name in told if name.endswith(".safety_stock")], "a threshold pushes a count out"
    asked = act_of("approval", None, AskApproval("us-wh", "us-wh", AdjustStock(HIDDEN), MIA.subject, 1), [object()])
    assert asked.changes["PHONE.on_hand_delta"] == (None, -449)
    assert totals(CHANGES_MAX + 1, 449, CHANGES_MAX).items() <= asked.changes.items()


def test_the_units_of_a_sku_hide_behind_those_of_others_in_what_is_moved():
    wanted = [*((f"S{n:03}", 1) for n in range(CHANGES_MAX)), ("PHONE", 400), ("PHONE", 49)]
    asked = act_of(
        "approval",
        None,
        AskApproval("us-wh", "us-tr", ApproveTransfer("us-wh", "us-st", wanted), MIA.subject, 1),
        [object()],
    )
    assert (asked.changes["PHONE.units"], asked.changes["lines"]) == ((None, 449), (None, CHANGES_MAX + 1))
    held = [ConditionLine(sku, units, "sellable", "damaged") for sku, units in wanted]
    changed = act_of("location", AUSTIN, ChangeCondition(held), [object()]).changes
    assert (changed["PHONE.damaged_delta"], changed["lines"]) == ((None, 449), (None, CHANGES_MAX + 1))


def test_the_audit_tells_an_approval_without_what_it_takes_off_the_books_or_a_question_with_it():
    steps = {
        "short_pick": (TellMissing([("A", 6), ("A", 1)]), {"A.missing": (None, 7)}),
        "close": (CloseTransfer([("A", 6)], [FoundLine("A", 1)]), {"A.lost": (None, 6), "A.found": (None, 1)}),
    }
    for name, (step, gone) in steps.items():
        asked = act_of("approval", None, AskApproval("us-wh", "us-tr", step, MIA.subject, 1), [object()])
        assert asked == Act("approval.ask", "us-wh", "", {"status": (None, "pending"), **gone})
        held = Approval("us-wh", "us-tr", step, MIA.subject, 1, 2)
        given = act_of("approval", held, DecideApproval("approve", TOM), [object()])
        assert given.changes.items() >= gone.items()
        refused = act_of("approval", held, DecideApproval("refuse", TOM, [], "other"), [object()])
        assert not refused.changes.keys() & gone.keys()
        assert act_of("transfer", None, WantStep(step)) == Act(f"transfer.want_{name}")


def test_a_line_of_before_there_were_totals_is_taken_for_one_that_changes_nothing():
    assert totals_of({"A.on_hand": (3, 1)}) is None
    assert totals_of(totals(1, 2, 0)) == (2, 0)


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
    more = DefineSkus([("A", "a"), ("B", "b")], [Said("A", Details(weight_g=5), ["weight_g"])])
    assert act_of("catalogue", None, more).changes == {"skus": (None, 2), "details": (None, 1)}


def test_what_a_sku_costs_is_another_and_nobody_can_tell_what_it_was():
    known = Catalogue(
        {"A": "a", "B": "b", "C": "c"}, {"A": Details(cost_minor=9_900, currency="USD"), "C": Details(cost_minor=5)}
    )
    said = [
        Said("A", Details(cost_minor=100, currency="USD"), ["cost_minor", "currency"]),
        Said("B", Details(cost_minor=700, currency="EUR"), ["cost_minor", "currency"]),
        Said("C", Details(weight_g=5), ["weight_g"]),
    ]
    command = DefineSkus([("A", "a"), ("B", "b"), ("C", "c")], said)
    happened = KINDS["catalogue"].decide(known, command, Context("us-catalogue", "c", 0)).events
    assert act_of("catalogue", known, command, happened).changes == {
        "skus": (None, 3), "details": (None, 3), "A.unit_cost": (9_900, 100), "B.unit_cost": (None, 700), "B.currency": ("", "EUR"),
    }  # fmt: skip
    refused = act_of("catalogue", known, command)
    assert refused.changes == {"skus": (None, 3), "details": (None, 3)}


def test_the_cost_that_is_lowered_or_taken_away_hides_behind_others():
    many = {f"S{n:03}": Details(cost_minor=10, currency="USD") for n in range(200)}
    known = Catalogue(dict.fromkeys(many, ""), many)
    now = [(sku, Details(cost_minor=11, currency="USD")) for sku in many]
    now[150:152] = [("S150", Details(cost_minor=1, currency="USD")), ("S151", Details())]
    changes = act_of("catalogue", known, DefineSkus([]), [DetailsDefined(now)]).changes
    assert (changes["S150.unit_cost"], changes["S151.unit_cost"], changes["lines"]) == (
        (10, 1),
        (10, None),
        (None, 201),
    )
    assert len(changes) == CHANGES_MAX + 2


def test_a_location_can_do_something_else_and_nobody_can_tell_what_it_was():
    profile = Profile(
        ships=False, serves=("US", "CA"), units_a_day=9, holidays=tuple(f"2026-01-{n:02}" for n in range(1, 32))
    )
    first = act_of("location", AUSTIN, SetProfile(profile), [ProfileSet(profile)])
    assert first.action == "location.set_profile"
    assert first.changes.keys() == {"ships", "serves", "units_a_day", "holidays"}
    assert (first.changes["ships"], first.changes["serves"]) == ((1, 0), ("[]", '["US","CA"]'))
    assert len(str(first.changes["holidays"][1])) == WORDS_CHARS_MAX
    known = msgspec.structs.replace(AUSTIN, profile=profile)
    again = SetProfile(msgspec.structs.replace(profile, units_a_day=0, week=(WorkDay(540, 1020),) * 7))
    changes = act_of("location", known, again, [ProfileSet(again.profile)]).changes
    assert (changes.keys(), changes["units_a_day"]) == ({"units_a_day", "week"}, (9, 0))
    assert act_of("location", known, again).changes == {}
    for told in (first.changes, changes):
        assert msgspec.json.decode(msgspec.json.encode(told), type=Changes) == told, "whoever reads the line can't"


@pytest.mark.parametrize(
    ("kind", "command", "events", "action", "refused"),
    [
        ("guest", guest.TryCode(b"d"), [guest.CodeUsed()], "session.open", ""),
        ("guest", guest.TryCode(b"d"), [guest.CodeMissed()], "session.open", "code.refused"),
        ("guest", guest.TryCode(b"d"), [], "session.open", "code.refused"),
        ("customer", TryCode(b"d", "s-1"), [CodeMissed()], "session.open", "code.refused"),
        ("customer", TryPasskey(USE, "s-1"), [SessionOpened(Session("s-1", 1, 1, 1), [], 1, USE)], "session.open", ""),
        ("customer", TryPasskey(USE, "s-1"), [PasskeySuspected(USE)], "session.open", "session.refused"),
        ("customer", TryPasskey(None, "s-1"), [], "session.open", "session.refused"),
        ("customer", AddPasskey("s-1", PHONE, "c-1", 1), [], "account.add_passkey", ""),
        ("account", AddPasskey("s-1", PHONE, "c-1", 1), [], "account.add_passkey", ""),
        ("customer", RemovePasskey("s-1", "p-1"), [], "account.remove_passkey", ""),
        ("account", RemovePasskey("s-1", "p-1"), [], "account.remove_passkey", ""),
        ("customer", RefreshSession("s-1", 1), [], "session.refresh", "session.token_reused"),
        ("customer", EndSession("s-1"), [], "session.close", ""),
        ("customer", EndOtherSessions("s-1"), [], "session.close_others", ""),
        ("device", device.ClaimDevice(b"d", b"k"), [device.DeviceClaimed(b"k", "", 0)], "device.claim", ""),
        ("device", device.ClaimDevice(b"d", b"k"), [device.CodeMissed()], "device.claim", "code.refused"),
        ("device", device.UseAssertion("a", 1, 1), [device.AssertionUsed("a", 1)], "device.sign_in", ""),
        ("device", device.UseAssertion("a", 1, 1), [], "device.sign_in", "client.refused"),
        ("device", device.RenewCode("us-wh-1", b"d"), [], "device.renew_code", ""),
        ("device", device.RevokeDevice("us-wh-1"), [], "device.revoke", ""),
    ],
)
def test_a_customers_or_guests_sign_in_is_called_otherwise_than_that_of_staff(kind, command, events, action, refused):
    [line] = audited_of(KINDS[kind], MIA, None, command, events)
    assert (line.act.action, line.outcome) == (action, refused)


def test_a_sign_in_does_not_say_which_shift_began_and_where():
    nobody_yet = Who(MIA.subject, address="a-77", device="us-device-1")
    command = SignIn("s-9", True, 1, "", "us-st-austin", 0, "till")
    shift = Shift("s-9", "manager", "us-st-austin", 0, 1, 0, 0, 1, "till", "us-device-1", "us-device-1.1")
    [line] = audited_of(KINDS["account"], nobody_yet, None, command, [SignedIn(shift, 1, "")])
    assert line.who == Who(MIA.subject, "manager", "s-9", "a-77", "us-device-1")
    assert (line.act.location_id, line.outcome) == ("us-st-austin", "")
    [line] = audited_of(KINDS["account"], nobody_yet, None, command, [SignInFailed(1)])
    assert (line.who, line.outcome) == (nobody_yet, "session.refused")


@pytest.mark.parametrize(
    ("command", "act"),
    [
        (
            AskApproval("us-wh", "us-wh", LOSS, MIA.subject, 1),
            Act(
                "approval.ask", "us-wh", "loss,found",
                {"status": (None, "pending"), "A.on_hand_delta": (None, -6), "B.on_hand_delta": (None, 2), **totals(2, 6, 2)},
            ),
        ),
        (
            DecideApproval("approve", TOM),
            Act(
                "approval.approve", "us-wh", "loss,found",
                {
                    "status": ("pending", "approved"), "person": (MIA.subject, TOM),
                    "A.on_hand_delta": (None, -6), "B.on_hand_delta": (None, 2), **totals(2, 6, 2),
                },
            ),
        ),
        (
            DecideApproval("refuse", TOM, [], "count_again"),
            Act(
                "approval.refuse", "us-wh", "count_again",
                {"status": ("pending", "refused"), "person": (MIA.subject, TOM)},
            ),
        ),
        (DecideApproval("approve", MIA.subject), Act("approval.approve", "us-wh", "loss,found")),
        (
            WithdrawApproval(MIA.subject),
            Act("approval.withdraw", "us-wh", "", {"status": ("pending", "withdrawn")}),
        ),
    ],
)  # fmt: skip
def test_four_eyes_are_told_without_whose_they_are_or_what_they_saw(command, act):
    state = None if type(command) is AskApproval else Approval("us-wh", "us-wh", LOSS, MIA.subject, 0, 1)
    events = []
    with contextlib.suppress(Refused):
        events = KINDS["approval"].decide(state, command, Context("us-approval-x", "c", 0)).events
    assert act_of("approval", state, command, events) == act


@pytest.mark.parametrize(
    ("status", "command", "now_ms", "outcome", "changes"),
    [
        ("approved", TargetAnswered(""), 0, "", {"status": ("approved", "done"), "person": (MIA.subject, TOM)}),
        (
            "approved", TargetAnswered("refund.too_much"), 0, "refund.too_much",
            {"status": ("approved", "failed"), "person": (MIA.subject, TOM)},
        ),
        ("pending", ExpireApproval(), 1, "approval.expired", {"status": ("pending", "expired"), "person": (MIA.subject, "")}),
        # Too early, or heard already.
        ("pending", ExpireApproval(), 0, None, {}),
        ("failed", TargetAnswered(""), 0, None, {}),
    ],
)  # fmt: skip
def test_what_was_approved_is_told_and_never_that_it_was_not_done(status, command, now_ms, outcome, changes):
    decided = "" if status == "pending" else TOM
    state = Approval("us-wh", "us-wh", LOSS, MIA.subject, 0, 1, status, decided)
    events = KINDS["approval"].decide(state, command, Context("us-approval-x", "c", now_ms)).events
    act = Act("approval.settle", "us-wh", "loss,found", changes)
    expected = [] if outcome is None else [Audited(Who(), act, outcome)]
    assert audited_of(KINDS["approval"], None, state, command, events) == expected
