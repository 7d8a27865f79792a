import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.unit.serve.fake_gateway import FakeClock
from tests.unit.serve.keys.key_rigs import ACCESS_KEY, SECRET_KEY, FileRig, KmsRig, Rig, VaultRig


@pytest.fixture
def aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the fake, and nothing of who runs the tests."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests get what a machine full of others' work leaves: that a service is away must be its doing."""
    monkeypatch.setattr("serve.keys.remote_key.DEADLINE_S", 60.0)
    # Nor is a try given up for which the next would be counted.
    for limit in ("vault_transit._TRY_S", "aws_kms._CONNECT_S", "aws_kms._READ_S"):
        with suppress(ImportError):  # its extra is not installed
            monkeypatch.setattr(f"serve.keys.{limit}", 60.0)


@pytest.fixture(params=["file", "vault", "kms"])
async def rig(request, tmp_path, aws_credentials) -> AsyncIterator[Rig]:
    """Each of the ports, ready for use."""
    async with _started(_made(request.param, tmp_path)) as rig:
        yield rig


@pytest.fixture
async def vault(tmp_path) -> AsyncIterator[Rig]:
    async with _started(_made("vault", tmp_path)) as rig:
        yield rig


@pytest.fixture
async def kms(tmp_path, aws_credentials) -> AsyncIterator[Rig]:
    async with _started(_made("kms", tmp_path)) as rig:
        yield rig


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def _made(port: str, folder: Path) -> Rig:
    if port == "file":
        return FileRig(folder)
    if port == "vault":
        pytest.importorskip("httpx", reason='the extra "vault" is not installed')
        return VaultRig(folder)
    pytest.importorskip("botocore", reason='the extra "aws" is not installed')
    return KmsRig()


@asynccontextmanager
async def _started(rig: Rig) -> AsyncIterator[Rig]:
    try:
        await rig.start()
        yield rig
    finally:
        await rig.close()
