from __future__ import annotations

import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import catalogue
from actors.domain.article import NO_DETAILS, Article, Details
from actors.domain.catalogue import (
    CATALOGUE,
    KITS_PER_PART_MAX,
    Catalogue,
    DefineSkus,
    DetailsDefined,
    KnownSkus,
    Said,
    ShowArticle,
    SkusDefined,
)
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.rows import SkuRow

ID = "us-catalogue"
CONTEXT = Context(ID, "command", 1_767_225_600_000)


def said(sku, **fields):
    return Said(sku, Details(**fields), list(fields))


def kit(sku, *parts):
    return said(sku, kit=tuple((part, 1) for part in parts))


class Desk:
    """A catalogue, and the read model that is written behind it."""

    def __init__(self, *skus):
        self.state, self.version, self.rows = None, 0, {}
        if skus:
            self.define(*skus)

    def define(self, *skus, say=()):
        """Everything as it goes through the journal."""
        command = msgspec.msgpack.decode(
            msgspec.msgpack.encode(DefineSkus([(sku, sku.lower()) for sku in skus], list(say))), type=CATALOGUE.commands
        )
        return self.do(command)

    def do(self, command):
        before = copy.deepcopy(self.state)
        try:
            decision = catalogue.decide(self.state, command, CONTEXT)
        finally:
            assert self.state == before
        events = msgspec.json.decode(msgspec.json.encode(decision.events), type=list[CATALOGUE.events])
        for event in events:
            self.state = catalogue.evolve(self.state, event, CONTEXT)
        self.version += len(events)
        if events:
            self.rows |= {row.sku: row for row in catalogue.rows(self.state, self.version, events, CONTEXT)}
        return events

    def details(self, sku):
        return catalogue.view(self.state, ShowArticle(sku), self.version).details


def refused(work, *args, **more):
    with pytest.raises(Refused) as caught:
        work(*args, **more)
    return caught.value.body


# --- what was written before there were details
def test_a_history_of_before_can_not_be_read():
    event = msgspec.json.decode(b'{"type":"SkusDefined","skus":[["A","a"]]}', type=CATALOGUE.events)
    assert event == SkusDefined([("A", "a")])
    state = catalogue.evolve(None, event, CONTEXT)
    assert catalogue.view(state, ShowArticle("A"), 1) == Article("A", "a", NO_DETAILS)


def test_a_command_or_a_row_of_before_can_not_be_read():
    old = msgspec.msgpack.encode({"type": "DefineSkus", "skus": [["A", "a"]]})
    assert msgspec.msgpack.decode(old, type=CATALOGUE.commands) == DefineSkus([("A", "a")])
    row = msgspec.msgpack.decode(msgspec.msgpack.encode([ID, "A", "a", 3]), type=SkuRow)
    assert catalogue.restore(ID, {"skus": [row]}) == (Catalogue({"A": "a"}), 3)


# --- what is said
def test_saying_nothing_new_is_an_event():
    desk = Desk("A")
    assert desk.define("A") == []
    assert desk.define("A", say=[said("A", weight_g=0)]) == []
    assert desk.define("A", say=[said("A", weight_g=5)]) == [DetailsDefined([("A", Details(weight_g=5))])]
    assert desk.define("A", say=[said("A", weight_g=5)]) == []


def test_what_is_not_said_is_forgotten():
    desk = Desk("A")
    desk.define("A", say=[said("A", weight_g=5, units={"case": 12})])
    desk.define("A", say=[said("A", height_mm=30)])
    desk.define("A")
    assert desk.details("A") == Details(weight_g=5, units={"case": 12}, height_mm=30)
    desk.define("A", say=[said("A", units={})])
    assert desk.details("A") == Details(weight_g=5, height_mm=30)


def test_a_change_of_details_touches_the_rows_of_others():
    desk = Desk("A", "B")
    before = dict(desk.rows)
    desk.define("A", say=[said("A", weight_g=5)])
    assert desk.rows["B"] == before["B"]
    assert desk.rows["A"] == SkuRow(ID, "A", "a", 2, desk.rows["A"].details)
    assert desk.rows["A"].details != b""
    desk.define("A", say=[said("A", weight_g=0)])
    assert desk.rows["A"] == SkuRow(ID, "A", "a", 3, b"")


def test_descriptions_of_a_full_catalogue_can_not_be_changed(monkeypatch):
    monkeypatch.setattr(catalogue, "SKUS_MAX", 2)
    desk = Desk("A", "B")
    assert refused(desk.define, "A", "C").code == "catalogue.full"
    assert desk.do(DefineSkus([("A", "new"), ("B", "new")])) == [SkusDefined([("A", "new"), ("B", "new")])]


def test_one_bad_article_lets_the_others_pass():
    desk = Desk("A")
    code = refused(desk.define, "A", "B", say=[said("A", weight_g=5), said("B", expires=True)]).code
    assert code == "catalogue.expiry_needs_lots"
    assert catalogue.view(desk.state, KnownSkus(["A", "B"]), 1).skus == ["A"]
    assert desk.details("A") == NO_DETAILS


def test_details_of_a_sku_that_there_is_not_are_kept():
    body = refused(Desk("A").define, "A", say=[said("B", weight_g=5)])
    assert (body.code, body.extra) == ("sku.unknown", {"sku": "B"})


def test_an_article_that_there_is_not_is_shown():
    for state in (None, Desk("A").state):
        assert refused(catalogue.view, state, ShowArticle("B"), 0).code == "catalogue.sku_unknown"


def test_tracking_is_changed_once_it_is_set():
    desk = Desk("A")
    desk.define("A", say=[said("A", tracking="lot", expires=True, min_life_days=9)])
    assert refused(desk.define, "A", say=[said("A", tracking="none", expires=False, min_life_days=0)]).code == (
        "catalogue.tracking_fixed"
    )
    desk.define("A", say=[said("A", expires=False, min_life_days=0)])
    assert desk.details("A") == Details(tracking="lot")


# --- kits and substitutes
def test_a_kit_has_parts_that_nobody_knows():
    desk = Desk("A", "B")
    body = refused(desk.define, "A", say=[kit("A", "B", "C")])
    assert (body.code, body.extra) == ("catalogue.part_unknown", {"sku": "A", "field": "kit", "part": "C"})
    body = refused(desk.define, "A", say=[said("A", substitutes=("B", "C"))])
    assert (body.code, body.extra) == ("catalogue.part_unknown", {"sku": "A", "field": "substitutes", "part": "C"})


def test_parts_that_the_same_call_defines_are_not_known():
    desk = Desk()
    desk.define("A", "B", "C", say=[kit("A", "B"), said("B", substitutes=("C",))])
    assert desk.details("A").kit == (("B", 1),)


@pytest.mark.parametrize(
    ("made", "say", "sku", "part"),
    [
        ([kit("B", "C")], [kit("A", "B")], "A", "B"),  # its part is one
        ([kit("A", "B")], [kit("B", "C")], "A", "B"),  # it is a part of one
        ([], [kit("A", "B"), kit("B", "C")], "A", "B"),  # both at once
        ([], [kit("B", "C"), kit("A", "B")], "A", "B"),
        ([], [kit("A", "B"), kit("B", "A")], "A", "B"),
        ([kit("A", "B")], [kit("A", "B", "C"), kit("C", "D")], "A", "C"),
    ],
)
def test_a_kit_is_a_part_of_a_kit(made, say, sku, part):
    desk = Desk("A", "B", "C", "D")
    desk.define("A", say=made)
    body = refused(desk.define, "A", say=say)
    assert (body.code, body.extra) == ("catalogue.part_is_kit", {"sku": sku, "part": part})


def test_a_kit_can_not_give_way_to_another():
    desk = Desk("A", "B", "C")
    desk.define("A", say=[kit("A", "B")])
    desk.define("A", say=[said("A", kit=()), kit("B", "A")])
    assert (desk.details("A").kit, desk.details("B").kit) == ((), (("A", 1),))
    desk.define("A", say=[said("B", kit=()), kit("C", "B", "A")])
    assert desk.details("C").kit == (("B", 1), ("A", 1))


def test_a_part_that_was_given_up_is_held_for_ever():
    desk = Desk("A", "B", "C")
    desk.define("A", say=[kit("A", "B")])
    desk.define("A", say=[kit("A", "C")])
    desk.define("B", say=[said("B", kit=(("C", 2),))])
    desk.define("A", say=[said("A", kit=())])
    desk.define("B", say=[said("B", kit=())])
    assert desk.state == Catalogue({"A": "a", "B": "b", "C": "c"})


def test_one_part_is_in_more_kits_than_a_change_of_it_can_reach(monkeypatch):
    assert KITS_PER_PART_MAX >= 100
    monkeypatch.setattr(catalogue, "KITS_PER_PART_MAX", 2)
    desk = Desk("A", "B", "C", "P", "Q")
    desk.define("A", say=[kit("A", "P"), kit("B", "P")])
    body = refused(desk.define, "C", say=[kit("C", "P")])
    assert (body.code, body.extra) == ("catalogue.part_too_common", {"part": "P", "limit": 2})
    desk.define("A", say=[said("A", kit=(("P", 2),))])
    desk.define("A", say=[kit("A", "Q"), kit("C", "P")])
    assert desk.details("C").kit == (("P", 1),)


SKUS = st.sampled_from("ABCDE")
PARTS = st.lists(st.tuples(SKUS, st.integers(1, 3)), max_size=3).map(tuple)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "kit": PARTS,
        "substitutes": st.lists(SKUS, max_size=2).map(tuple),
        "tracking": st.sampled_from(["none", "none", "lot", "serial"]),
        "expires": st.booleans(),
        "weight_g": st.integers(0, 2),
        "units": st.dictionaries(st.sampled_from(["case", "box", "each"]), st.integers(2, 3), max_size=2),
    },
)
CALLS = st.lists(
    st.tuples(st.lists(SKUS, max_size=3, unique=True), st.dictionaries(SKUS, FIELDS, max_size=3)), max_size=12
)


@given(CALLS)
def test_something_is_broken_by_a_row_of_calls(calls):
    desk = Desk("A", "B")
    model = dict.fromkeys("AB", NO_DETAILS)
    for skus, fields in calls:
        before = dict(model)
        try:
            desk.define(*skus, say=[said(sku, **some) for sku, some in fields.items()])
        except Refused:
            after = before
        else:
            after = before | {sku: before.get(sku, NO_DETAILS) for sku in skus}
            for sku, some in fields.items():
                after[sku] = msgspec.structs.replace(after[sku], **some)
        model = after
        state = desk.state
        assert {sku: desk.details(sku) for sku in state.descriptions} == model
        check_rules(before, model)
        assert catalogue.restore(ID, {"skus": list(desk.rows.values())}) == (state, desk.version)
        fed = {row.sku: row for row in catalogue.feed(ID, state, desk.version)}
        assert {(sku, row.details, row.description) for sku, row in fed.items()} == {
            (sku, row.details, row.description) for sku, row in desk.rows.items()
        }


MADE_OF = st.lists(st.tuples(SKUS, st.integers(1, 3)), max_size=2, unique_by=lambda part: part[0]).map(tuple)


@given(st.lists(st.dictionaries(SKUS, MADE_OF, min_size=1, max_size=3), max_size=20))
def test_kits_that_come_and_go_leave_something_behind(calls):
    desk = Desk(*"ABCDE")
    for kits in calls:
        before = {sku: desk.details(sku) for sku in "ABCDE"}
        after = before | {sku: Details(kit=parts) for sku, parts in kits.items()}
        nested = any(after[part].kit for details in after.values() for part, _ in details.kit)
        say = [said(sku, kit=parts) for sku, parts in kits.items()]
        if nested:
            itself = any(part == sku for sku, parts in kits.items() for part, _ in parts)
            code = "catalogue.part_itself" if itself else "catalogue.part_is_kit"
            assert refused(desk.define, *kits, say=say).code == code
            after = before
        else:
            desk.define(*kits, say=say)
        assert {sku: desk.details(sku) for sku in "ABCDE"} == after
        assert catalogue.restore(ID, {"skus": list(desk.rows.values())}) == (desk.state, desk.version)


def check_rules(before, after):
    assert before.keys() <= after.keys()
    kits = {sku for sku, details in after.items() if details.kit}
    for sku, details in after.items():
        parts = [part for part, _ in details.kit]
        for named in (parts, details.substitutes):
            assert len(set(named)) == len(named)
            assert sku not in named
            assert after.keys() >= set(named)
        assert not kits.intersection(parts)
        assert details.tracking == "none" or not parts
        assert not details.expires or details.tracking == "lot"
        assert "each" not in details.units
        was = before.get(sku, NO_DETAILS).tracking
        assert was in ("none", details.tracking)
