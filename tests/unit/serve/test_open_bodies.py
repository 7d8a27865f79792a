"""Who is not signed in can't make a replica keep much: bodies are small where anybody may send them, and whoever is
held up is so before his is read."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from serve.endpoint_needs import NEEDS, OPEN
from serve.identity import limits
from serve.requests import OPEN_BODY_MAX
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.post_office import without_waiting

# Of these a body is read.
POSTS = sorted(path for (method, path), need in NEEDS.items() if method == "POST" and need == OPEN)
# Ask for a challenge, and have no body.
BODILESS = {"/v1/sessions/passkey-options", "/v1/customers/sessions/passkey-options"}


@pytest.fixture
async def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GuardedCell]:
    without_waiting(monkeypatch)
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


def headers(path: str) -> dict[str, str]:
    form = path == "/v1/oauth/token"
    return {"Content-Type": "application/x-www-form-urlencoded" if form else "application/json"}


@pytest.mark.parametrize("path", [path for path in POSTS if path not in BODILESS])
@pytest.mark.parametrize("told", [True, False])
async def test_a_replica_keeps_a_large_body_of_somebody_whom_nobody_knows(cell, path, told):
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 4096

    content = b" " * (OPEN_BODY_MAX + 1) if told else pieces()
    answer = await cell.http.post(path, content=content, headers=headers(path))
    assert (answer.status_code, answer.json()["code"]) == (413, "body.too_large")
    assert answer.json()["limit_bytes"] == OPEN_BODY_MAX


async def test_who_is_signed_in_may_send_no_more_than_a_stranger(cell):
    body = b'{"skus": [' + b" " * OPEN_BODY_MAX + b'{"sku": "X1"}]}'
    sent = {"Content-Type": "application/json", "Idempotency-Key": "k"} | cell.bearer()
    answer = await cell.http.post("/v1/skus", content=body, headers=sent)
    assert answer.json().get("code") != "body.too_large", answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/v1/sessions", "/v1/customers/sessions", "/v1/customers/sessions/passkey", "/v1/guest/sessions", "/v1/guest/codes",
        "/v1/customers", "/v1/customers/codes", "/v1/devices/claim",
    ],
)  # fmt: skip
async def test_the_body_of_who_tries_too_often_is_read_all_the_same(cell, path):
    codes = []
    for _ in range(max(limits.BY_ADDRESS.burst, limits.CODES_BY_ADDRESS.burst) + 1):
        answer = await cell.http.post(path, content=b"no json", headers=headers(path))
        codes.append(answer.json()["code"])
    assert codes[0] == "body.malformed_json"
    assert codes[-1] == "auth.too_often"
