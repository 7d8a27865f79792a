"""One real cell with identity for all tests of this folder: each leaves it whole."""

import os
from collections.abc import Iterator

import pytest

from perf.chaos.own_cell import OwnCell
from tests.fakes.log_server import TOKEN, LogServer
from tests.system.guarded.guarded_cell import GuardedCell


@pytest.fixture(scope="package")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedCell]:
    folder = tmp_path_factory.mktemp("receiver")
    secret, token = folder / "secret", folder / "token"
    for file, content in ((secret, os.urandom(32).hex()), (token, TOKEN)):
        file.touch(0o600)
        file.write_text(content)
    copy = LogServer(secret.read_bytes())
    audit = {
        "forward_url": copy.url, "forward_secret_file": str(secret), "forward_authorization_file": str(token),
    }  # fmt: skip
    try:
        with OwnCell({"identity": {"mode": "required"}, "audit": audit}, name="ocefs-id-") as cell:
            yield GuardedCell(cell, copy)
    finally:
        copy.stop()
