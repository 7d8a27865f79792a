"""Somebody is known by what only the cell's key tells, and never as somebody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.domain.audit import Who
from serve.audit import who
from serve.audit.who import WhoAsks, address_digest, named, on_device, proved, pseudonym
from serve.context import PRINCIPAL, WHO
from serve.identity.keyring import Keyring, create, load

TABLET = "us-device-01kah2v3nq7h3k2m9qk4t1x0ab"
SOMEBODY = Who(address="a-1", device=TABLET)
MIA = Who("us-acct-mia", "manager", "s-7", "a-1", TABLET)


def keys_of(folder: Path) -> Keyring:
    path = folder / "keyring.json"
    create(path, 1)
    return load(path)


def test_whoever_has_the_audit_tries_out_whom_a_digest_means(tmp_path: Path):
    keys, others = keys_of(tmp_path / "us"), keys_of(tmp_path / "eu")
    assert pseudonym(keys, "customer", "c-77") == pseudonym(keys, "customer", "c-77")
    assert pseudonym(keys, "customer", "c-77") != pseudonym(others, "customer", "c-77")
    # What is said of a customer is not found by an order's reference that is spelt alike.
    assert pseudonym(keys, "customer", "c-77")[2:] != pseudonym(keys, "order", "c-77")[2:]


def test_an_address_is_still_the_one_of_keys_that_are_gone(tmp_path: Path):
    before, after = keys_of(tmp_path / "before"), keys_of(tmp_path / "after")
    asks = WhoAsks()
    for keys in (before, after, before):
        assert asks.from_address(keys, "203.0.113.7").address == address_digest(keys, "203.0.113.7")


def test_each_address_that_ever_asked_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(who, "KNOWN_MAX", 3)
    keys, asks = keys_of(tmp_path), WhoAsks()
    for n in range(10):
        assert asks.from_address(keys, f"203.0.113.{n}").address == address_digest(keys, f"203.0.113.{n}")
        assert len(asks._addresses) <= 3


def test_who_is_signed_in_is_written_down_as_whom_he_names():
    assert named({WHO: MIA, PRINCIPAL: object()}, "us-acct-tom") is MIA
    assert named({WHO: SOMEBODY}, "us-acct-tom") == Who("us-acct-tom", "", "", "a-1", TABLET)
    assert named({}, "us-acct-tom") is None


def test_of_a_machine_that_proves_itself_the_session_or_from_where_it_comes_is_not_known():
    scope = {WHO: SOMEBODY}
    proved(scope, "us-client-erp", "us-client-erp.3")
    assert scope[WHO] == Who("us-client-erp", "", "us-client-erp.3", "a-1", TABLET)


def test_on_which_device_somebody_signs_in_is_not_known_or_forgotten():
    scope = {WHO: Who(address="a-1")}
    on_device(scope, TABLET)
    on_device(scope, "")
    assert scope[WHO] == SOMEBODY


def test_who_works_on_a_device_seems_to_be_without_it(tmp_path: Path):
    keys = keys_of(tmp_path)

    class Principal:
        subject, role, session_id, device = MIA.subject, MIA.role, MIA.session_id, TABLET

    found = WhoAsks().from_address(keys, "203.0.113.7", Principal())
    assert found == Who(MIA.subject, MIA.role, MIA.session_id, address_digest(keys, "203.0.113.7"), TABLET)
