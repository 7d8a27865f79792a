"""What holds for a passkey, whoever's it is."""

import pytest

from actors.domain import passkeys
from actors.domain.account_state import Account
from actors.domain.customer_state import Customer
from actors.domain.errors import Refused
from actors.domain.passkeys import PASSKEYS_MAX, AddPasskey, Passkey, PasskeyUse

NOW_MS = 1_767_225_600_000
UNTIL_MS = NOW_MS + 300_000


def passkey(name: str, count: int = 0) -> Passkey:
    return Passkey(name, name.encode(), b"k", count, name)


@pytest.fixture(params=["account", "customer"])
def holder(request):
    made = Account("us-acct-x", "manager", [], "h") if request.param == "account" else Customer()
    passkeys.keep(made, passkey("phone", 5), "made", UNTIL_MS, NOW_MS)
    return made


def code_of(work, *args) -> str:
    with pytest.raises(Refused) as refused:
        work(*args)
    return refused.value.body.code


@pytest.mark.parametrize(
    ("count", "suspect"), [(4, True), (5, True), (0, True), (6, False)]
)  # fmt: skip
def test_a_count_that_does_not_rise_proves_something(holder, count, suspect):
    use = PasskeyUse("phone", count, "c", UNTIL_MS)
    assert passkeys.is_suspect(holder, use, NOW_MS) == suspect
    assert passkeys.fits(holder, use, NOW_MS) != suspect


def test_an_authenticator_that_does_not_count_is_suspected(holder):
    passkeys.keep(holder, passkey("key"), "made-too", UNTIL_MS, NOW_MS)
    for challenge in ("1", "2"):
        use = PasskeyUse("key", 0, challenge, UNTIL_MS)
        assert passkeys.fits(holder, use, NOW_MS)
        passkeys.use_up(holder, use, NOW_MS)


def test_a_challenge_is_taken_twice_by_whatever_answered_it(holder):
    first, second = (PasskeyUse("phone", count, f"c-{count}", UNTIL_MS) for count in (6, 7))
    passkeys.use_up(holder, first, NOW_MS)
    passkeys.suspect(holder, second, NOW_MS)
    for spent in ("made", "c-6", "c-7"):
        assert not passkeys.fits(holder, PasskeyUse("phone", 99, spent, UNTIL_MS), NOW_MS)
        assert code_of(passkeys.check_fresh, holder, spent, UNTIL_MS, NOW_MS) == "passkey.challenge_spent"
        adding = AddPasskey("s", passkey("key"), spent, UNTIL_MS)
        assert code_of(passkeys.check_new, holder, adding, NOW_MS) == "passkey.challenge_spent"
    assert passkeys.fits(holder, PasskeyUse("phone", 99, "c-8", UNTIL_MS), NOW_MS)
    assert not passkeys.fits(holder, PasskeyUse("phone", 99, "c-8", UNTIL_MS), UNTIL_MS)


def test_a_suspicion_lowers_the_count_or_hits_another_passkey(holder):
    passkeys.keep(holder, passkey("key"), "made-too", UNTIL_MS, NOW_MS)
    passkeys.suspect(holder, PasskeyUse("phone", 1, "c", UNTIL_MS), NOW_MS + 7)
    assert [(one.sign_count, one.suspect_ms, one.used_ms) for one in holder.passkeys] == [(5, NOW_MS + 7, 0), (0, 0, 0)]


def test_there_are_too_many_or_one_twice_or_a_removed_one_proves_something(holder):
    assert (
        code_of(passkeys.check_new, holder, AddPasskey("s", passkey("phone"), "c", UNTIL_MS), NOW_MS)
        == "passkey.exists"
    )
    for number in range(PASSKEYS_MAX - 1):
        adding = AddPasskey("s", passkey(f"key-{number}"), f"c-{number}", UNTIL_MS)
        passkeys.check_new(holder, adding, NOW_MS)
        passkeys.keep(holder, adding.passkey, adding.challenge, UNTIL_MS, NOW_MS)
    one_more = AddPasskey("s", passkey("tablet"), "c", UNTIL_MS)
    assert code_of(passkeys.check_new, holder, one_more, NOW_MS) == "passkey.too_many"
    passkeys.drop(holder, "phone")
    assert [one.passkey_id for one in holder.passkeys] == [f"key-{number}" for number in range(PASSKEYS_MAX - 1)]
    passkeys.check_new(holder, one_more, NOW_MS)
    assert not passkeys.fits(holder, PasskeyUse("phone", 99, "d", UNTIL_MS), NOW_MS)
    assert code_of(passkeys.check_known, holder, "phone") == "passkey.unknown"
