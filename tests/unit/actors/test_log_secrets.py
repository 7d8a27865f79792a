"""A secret gets into a log: by its name, in an exception's text, in a URL, or deep in a value."""

import json
import logging
import time

import pytest
import structlog

from actors.log_secrets import MASK, without_secrets
from actors.logs import PlainLines
from tests.fakes.process_logs import logs_of

TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1cy1hY2N0LTEifQ.c2lnbmF0dXJl"
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHh\n-----END PRIVATE KEY-----"
HIDDEN = "hunter2-Quillfeather"


@pytest.fixture
def lines(tmp_path):

    def read() -> list[dict]:
        return [json.loads(line) for line in (tmp_path / "us-host-0.log").read_text().splitlines()]

    with logs_of(str(tmp_path), "us/host-0"):
        yield read


@pytest.mark.parametrize(
    "name",
    ["password", "old_password", "client_secret", "token", "refresh_token", "Authorization", "set-cookie", "credentials",
     "api_key", "private_key", "recovery_codes", "passphrase"],
)  # fmt: skip
def test_a_field_of_a_secrets_name_is_logged(lines, name):
    structlog.get_logger("ocefs.test").info("signed in", **{name: HIDDEN}, account_id="us-acct-1", request_id="r-1")
    logging.getLogger("ocefs.test").info("signed in", extra={name: [HIDDEN]})
    first, second = lines()
    assert (first[name], second[name]) == (MASK, MASK)
    assert (first["account_id"], first["request_id"], first["event"]) == ("us-acct-1", "r-1", "signed in")


@pytest.mark.parametrize(
    "text",
    [
        f"can't connect to postgresql://ocefs:{HIDDEN}@db.internal:5432/ocefs",
        f"redis://:{HIDDEN}@cache:6379/0",
        f"GET /x?access_token={HIDDEN}&sku=A1",
        f"Authorization: Bearer {HIDDEN}",
        f"authorization: Basic {HIDDEN}",
        f'{{"login": "ann", "password": "{HIDDEN}"}}',
        f"{{'client_secret': b'{HIDDEN}'}}",
        f"Cookie: session={HIDDEN}",
        f"password={HIDDEN}",
        f"bearer {HIDDEN}",
    ],
)
def test_a_secret_in_a_text_or_an_exception_is_logged(lines, text):
    log = structlog.get_logger("ocefs.test")
    log.warning(text, detail=text, deep={"a": [{"b": text}], text: 1})
    try:
        raise ValueError(text)
    except ValueError as fault:
        log.exception("it failed", fault=fault)
        logging.getLogger("ocefs.test").exception("it failed: %s", text)
    assert len(lines()) == 3
    for line in lines():
        assert HIDDEN not in json.dumps(line)
        assert MASK in json.dumps(line)


@pytest.mark.parametrize("secret", [TOKEN, PEM])
def test_a_token_or_a_key_is_logged_whatever_stands_around_it(secret):
    assert without_secrets(f"it was {secret}, and more") == f"it was {MASK}, and more"


@pytest.mark.parametrize(
    "text",
    [
        "the token of us-acct-1 has ended",
        "postgresql://db.internal:5432/ocefs at 10:30",
        "https://shop.example/a@b",
        "a secret is missing: see config/regions/us.toml",
        "token_type is Bearer",
        "no password was given",
    ],
)
def test_what_an_operator_needs_is_taken_for_a_secret(text):
    assert without_secrets(text) == text


def test_the_keepers_lines_hold_secrets():
    lines = PlainLines("%(levelname)s %(message)s")
    record = logging.LogRecord("ocefs", logging.INFO, "", 1, "%s and 4111111111111111", (f"redis://:{HIDDEN}@c",), None)
    assert lines.format(record) == f"INFO redis://:{MASK}@c and [card number]"


def test_a_line_for_people_has_the_machine_s_own_time(monkeypatch):
    monkeypatch.setenv("TZ", "America/Bogota")
    time.tzset()
    try:
        record = logging.LogRecord("ocefs", logging.INFO, "", 0, "us runs", (), None)
        record.created, record.msecs = 1_772_366_400.25, 250.0
        line = PlainLines("%(asctime)s %(levelname)s %(message)s").format(record)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert line == "2026-03-01T12:00:00.250Z INFO us runs"
