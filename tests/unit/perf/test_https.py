"""Load generators speak to cells that come and go, each with a CA of its own."""

import shutil
import ssl
from pathlib import Path

import pytest

from cells.certs import Holder, make
from perf import https


@pytest.fixture(autouse=True)
def nobody_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "_trusted", [])
    monkeypatch.setattr(https, "_context", None)


def home(folder: Path) -> Path:
    make(folder, [Holder("us", ("us.ocefs.internal",))])
    return folder


def known_to(context: ssl.SSLContext | None) -> int:
    assert context is not None
    return len(context.get_ca_certs())


def test_a_cell_that_has_ended_keeps_the_next_one_from_being_believed(tmp_path):
    first, second = home(tmp_path / "first"), home(tmp_path / "second")
    https.trust(first)
    assert known_to(https.tls_of("https://127.0.0.1:1")) == 1
    https.trust(second)
    assert known_to(https.tls_of("https://127.0.0.1:1")) == 2
    shutil.rmtree(first)
    https.trust(home(tmp_path / "third"))
    assert known_to(https.tls_of("https://127.0.0.1:1")) == 2


def test_a_plain_address_gets_a_context():
    assert https.tls_of("http://127.0.0.1:1") is None
