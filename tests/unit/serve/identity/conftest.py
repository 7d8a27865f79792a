from pathlib import Path

import pytest

from serve.identity.keyring import Keyring, create, load

MADE_AT_MS = 1_790_000_000_000


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return _made(tmp_path_factory.mktemp("cell") / "keys.json")


@pytest.fixture(scope="session")
def other_keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return _made(tmp_path_factory.mktemp("other") / "keys.json")


def _made(path: Path) -> Keyring:
    create(path, MADE_AT_MS)
    return load(path)
