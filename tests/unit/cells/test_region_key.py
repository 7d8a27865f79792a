"""Before anything of a cell starts, its key wraps and opens a probe."""

import msgspec
import pytest

from cells.errors import CellError
from cells.region_key import check_region_key, key_port
from cells.settings import Identity, Keys, RegionConfig
from serve.identity.keyring import create
from serve.keys.settings import KeyPort
from serve.settings import ApiSettings
from tests.fakes.vault import FakeVault


@pytest.fixture
def keyring(tmp_path):
    create(tmp_path / "cell" / "keyring.json", 1)
    return tmp_path / "cell" / "keyring.json"


@pytest.fixture
def vault(patience):
    vault = FakeVault("hvs.token")
    yield vault
    vault.stop()


def in_vault(vault, mode="required"):
    return RegionConfig(identity=Identity(mode=mode), keys=Keys(port="vault", key="ocefs-us", address=vault.address))


def test_a_cell_that_can_wrap_does_not_start(keyring, vault, monkeypatch):
    check_region_key(RegionConfig(identity=Identity(mode="required")), keyring)
    monkeypatch.setenv("OCEFS_US_VAULT_TOKEN", "hvs.token")
    check_region_key(in_vault(vault), keyring)
    assert [asked.path.split("/")[3] for asked in vault.asked] == ["keys", "encrypt", "decrypt", "decrypt"]


def test_a_cell_that_can_not_wrap_starts(keyring, vault, monkeypatch):
    with pytest.raises(CellError, match="us: the variable OCEFS_US_VAULT_TOKEN holds no token"):
        check_region_key(in_vault(vault), keyring)
    monkeypatch.setenv("OCEFS_US_VAULT_TOKEN", "hvs.another")
    with pytest.raises(CellError, match="us: Vault refuses"):
        check_region_key(in_vault(vault), keyring)


def test_a_cell_that_seals_nothing_needs_a_key(keyring, vault):
    check_region_key(in_vault(vault, "off"), keyring)
    assert vault.asked == []


def test_a_setting_does_not_reach_the_replicas():
    keys = Keys(
        port="aws-kms", key="k", address="a", mount="m", token_file="t", ca_file="c", aws_region="us-east-1", endpoint_url="e"
    )  # fmt: skip
    told = key_port(RegionConfig(keys=keys))
    assert msgspec.structs.asdict(told) == msgspec.structs.asdict(keys)
    assert msgspec.structs.asdict(KeyPort()) == msgspec.structs.asdict(Keys())
    packed = msgspec.msgpack.encode(
        ApiSettings(region="us", countries=frozenset(), currencies=frozenset(), cursor_key=b"k", keys=told)
    )
    assert msgspec.msgpack.decode(packed, type=ApiSettings).keys == told
