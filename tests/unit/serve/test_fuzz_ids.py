"""Ids of every bad shape in every path: never a fault, never another's data, always a problem with a code that is in
the table, and nothing changed."""

import re
import string
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.endpoint_needs import NEEDS, OPEN
from tests.unit.serve.fuzzed_cell import JSON, Fuzzed, bearer, check_refused, fuzz, good_token, made_in


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory) -> Iterator[Fuzzed]:
    yield from made_in(tmp_path_factory.mktemp("cell"))


def by_id() -> list[tuple[str, str]]:
    """Every guarded route with an id in its path. A PUT may make what it names, so it is not here."""
    return [(m, t) for (m, t), need in NEEDS.items() if "{" in t and need != OPEN and m != "PUT"]


BODIES = {
    "/updates": b'{"update":"cancel"}',
    "/receipts": b'{"lines":[{"sku":"A1","quantity":1}]}',
    "/adjustments": b'{"lines":[{"sku":"A1","on_hand":1}]}',
    "/changes": b'{"change":"disable"}',
    "/extensions": b'{"ttl_s":60}',
}
SPELT = st.text(string.ascii_lowercase + string.digits + "-_.~%/:;@ \x00é𝟜\u202e", max_size=30).map(
    lambda text: "".join(c if c in string.ascii_lowercase + string.digits + "-" else "".join(f"%{b:02X}" for b in c.encode()) for c in text).encode()
)  # fmt: skip


@st.composite
def odd_ids(draw: st.DrawFn) -> bytes:
    """As it stands in the path. `{o}` and `{a}` stand for the order and the account that there are."""
    ids = [
        b"..", b"%2e%2e%2f%2e%2e%2fetc%2fpasswd", b"..%5c..", b"%00", b"{o}%00", b"%00{o}", b"{o}%20", b"{o}%0d%0a", b"{o}/..", b"{o}%2F",
        b"%7Bo%7D", b"us-", b"-", b"us", b"a" * 5_000, b"us-" + b"0" * 26, b"us-" + b"0" * 4_000, b"eu-" + b"0" * 26, b"zz-" + b"0" * 26,
        b"us-wh-nowhere", b"eu-wh-berlin", b"us-client-x", b"us-acct-" + b"0" * 26, b"us-catalogue", b"us-revocations", b"us-trail-0",
        b"us-req-0123456789abcdef", b"%EF%BC%95", b"%E2%80%AE{o}", b"%FF%FE", b"'%20OR%201=1--", b"%24%7Bjndi:x%7D", b"null", b"-1", b"%25%30%30",
        b"{a}x", b"{o}x", b"x{o}",
    ]  # fmt: skip
    return draw(st.sampled_from(ids) | SPELT)


@settings(fuzz, max_examples=600)
@given(odd=odd_ids(), which=st.integers(0, 10_000), as_customer=st.booleans())
def test_an_id_that_is_none_reaches_something(fuzzed, odd, which, as_customer):
    routes = by_id()
    method, template = routes[which % len(routes)]
    there = odd.replace(b"{o}", fuzzed.order_id.encode()).replace(b"{a}", fuzzed.account_id.encode())
    path = re.sub(rb"\{\w+\}", lambda _: there, template.encode())
    refuse_id(fuzzed, method, path, as_customer=as_customer)


@pytest.mark.parametrize("as_customer", [False, True])
def test_an_id_of_another_kind_or_another_s_reaches_something(fuzzed, as_customer):
    """The order where an account belongs, the account where an order belongs, and so on; for a customer,
    the order is another's."""
    for method, template in by_id():
        for noun, there in (("order", fuzzed.order_id), ("account", fuzzed.account_id), ("location", "us-wh-seattle")):
            if f"{{{noun}_id}}" not in template or as_customer:
                path = re.sub(r"\{\w+\}", there, template).encode()
                refuse_id(fuzzed, method, path, as_customer=as_customer)


def refuse_id(fuzzed: Fuzzed, method: str, path: bytes, *, as_customer: bool) -> None:
    """By somebody who may do everything, with a fresh second factor, or by a customer to whom nothing of it belongs."""
    now_s = fuzzed.cell.clock.now // 1000
    claims = {"role": "customer", "scopes": (), "sub": "us-cust-" + "1" * 26, "auth_time": now_s} if as_customer else {}
    body = (
        next((body for end, body in BODIES.items() if path.endswith(end.encode())), b"{}") if method == "POST" else b""
    )
    before = fuzzed.state()
    headers = [bearer(good_token(fuzzed, **claims)), JSON, (b"idempotency-key", b"ids")]
    check_refused(fuzzed.ask(method, path, headers, body))
    assert fuzzed.state() == before


def test_a_read_changes_something(fuzzed):
    """Then another site could have it done by a link or a picture."""
    there = {"order_id": fuzzed.order_id, "account_id": fuzzed.account_id, "location_id": "us-wh-seattle"}
    before, done = fuzzed.cell.state(), 0
    for method, template in NEEDS:
        if method == "GET":
            path = re.sub(r"\{(\w+)\}", lambda found: there.get(found[1], "us-x"), template)
            path += {"/v1/live": "?kinds=nothing", "/v1/availability": "?sku=A1"}.get(path, "")  # a stream has no end
            done += fuzzed.ask("GET", path.encode(), [bearer(good_token(fuzzed))]).status == 200
    assert done > 10
    assert fuzzed.cell.state() == before
