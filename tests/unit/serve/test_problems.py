"""A code that the table lacks would be a 500 to a caller who did nothing wrong to us."""

import re
from pathlib import Path

from actors.domain.errors import RefusalBody
from actors.runtime import wire
from serve.problem_codes import TABLE
from serve.problem_page import page
from serve.problems import Problem, of_refusal
from tests.unit.serve.fake_gateway import encode

PROJECT = Path(__file__).parents[3]


def codes_in(folder: str, pattern: str) -> set[str]:
    files = (PROJECT / folder).rglob("*.py")
    return {code for file in files for code in re.findall(pattern, file.read_text(), re.DOTALL)}


def test_every_refusal_of_the_domain_has_a_status():
    found = codes_in("actors", r'Refused\(\s*"([a-z_.]+)"')
    assert len(found) > 8
    assert not found - TABLE.keys()


def test_every_code_of_the_runtime_has_a_status():
    found = {value for name, value in vars(wire).items() if name.startswith("CODE_")}
    found |= codes_in("actors/runtime", r'RefusalBody\(\s*"([a-z_.]+)"')
    assert not found - TABLE.keys()


def test_every_problem_of_the_api_is_in_the_table():
    found = codes_in("serve", r'(?:Problem|field_problem|_header_problem)\(\s*"([a-z_.0-9]+\.[a-z_.0-9]+)"')
    assert len(found) > 15
    assert not found - TABLE.keys()


def test_the_page_that_people_read_is_not_the_one_of_the_code():
    assert (PROJECT / "docs" / "errors.md").read_text() == page(), "make pages writes it anew"


def test_nothing_is_said_of_a_status_that_a_code_has():
    told = {int(status) for row in re.findall(r"^\| ([\d, ]+) \|", page(), re.MULTILINE) for status in row.split(", ")}
    assert {entry.status for entry in TABLE.values()} <= told


def test_statuses_are_those_of_errors():
    assert all(400 <= entry.status < 600 for entry in TABLE.values())


def test_unknown_code_is_our_fault_and_tells_nothing():
    problem = of_refusal(wire.Reply(wire.REFUSED, encode(RefusalBody("secret.thing", "password is 123", {"a": 1}))))
    assert problem.status == 500
    assert b"123" not in problem.body("r")


def test_facts_do_not_replace_standard_members():
    members = Problem("order.illegal_transition", "no", extra={"status": "packed", "allowed": ["ship"]}).members("r-1")
    assert members["status"] == 409
    assert members["order_status"] == "packed"
    assert members["allowed"] == ["ship"]
    assert members["type"] == "urn:ocefs:problem:order.illegal_transition"
    assert members["request_id"] == "r-1"
