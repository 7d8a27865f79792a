"""The three ports to a region's key, each with what it talks to, for tests that hold for all of them."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import msgspec

from serve.identity.keyring import KeyringWatch, create, drop_wrapping, load, rotate_wrapping
from serve.keys.file_key import FileKey
from serve.keys.port import RegionKey
from serve.keys.remote_key import RemoteKey
from serve.keys.settings import KeyPort
from tests.fakes.kms import REGION, FakeKms
from tests.fakes.loopback_server import LoopbackServer
from tests.fakes.vault import FakeVault
from tests.unit.serve.fake_gateway import FakeClock

TOKEN = "hvs.CAESIJ-a-token-that-nobody-may-see"
ACCESS_KEY, SECRET_KEY = "AKIAEXAMPLEEXAMPLE00", "a+secret/key+that+nobody+may+see"


class Rig:
    """`key`: the port. `secrets`: what it must never show."""

    key: RegionKey
    secrets: tuple[str, ...] = ()

    async def start(self) -> None:
        """Makes it usable."""

    def rotate(self) -> None:
        """Another key wraps from now on."""
        raise NotImplementedError

    def forget_old(self) -> None:
        """What was wrapped before the last rotation can't be opened any more."""
        raise NotImplementedError

    async def close(self) -> None:
        """Ends what was started."""


class FileRig(Rig):
    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self._path = folder / "secrets" / "keyring.json"
        create(self._path, 1)
        self.key = FileKey(KeyringWatch(self._path), self.clock)
        kept = json.loads(self._path.read_text())
        self.secrets = (
            kept["lookup"],
            *(one.get("key") or one["private"] for one in kept["signing"] + kept["wrapping"]),
        )

    def rotate(self) -> None:
        rotate_wrapping(self._path)
        self.clock.now += 2000

    def forget_old(self) -> None:
        drop_wrapping(self._path, load(self._path).wrapping_id)
        self.clock.now += 2000


class RemoteRig(Rig):
    """`server`: the fake of the service."""

    key: RemoteKey
    server: LoopbackServer

    def __init__(self) -> None:
        self._kept = socket.socket()

    async def start(self) -> None:
        await self.key.learn()

    def leave(self) -> None:
        """The service is away. Its port stays taken, or another test's server might answer there."""
        port = int(self.server.address.rpartition(":")[2])
        self.server.stop()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.bind(("127.0.0.1", port))

    async def close(self) -> None:
        await self.key.close()
        self.server.stop()
        self._kept.close()
        assert self.server.faults == []


class VaultRig(RemoteRig):
    secrets = (TOKEN,)

    def __init__(self, folder: Path, **told: Any) -> None:
        from serve.keys.vault_token import VaultToken
        from serve.keys.vault_transit import VaultTransit

        super().__init__()
        self.clock = FakeClock()
        self.server = self.vault = FakeVault(TOKEN)
        self.token_file = folder / "vault-token"
        self.write_token(TOKEN)
        self.told = KeyPort(port="vault", key="ocefs-us", address=self.vault.address, token_file=str(self.token_file))
        self.told = msgspec.structs.replace(self.told, **told)
        self.key = VaultTransit(self.told, VaultToken(str(self.token_file), ""), self.clock)

    def write_token(self, token: str, mode: int = 0o600) -> None:
        fresh = self.token_file.with_suffix(".new")
        fresh.write_text(token + "\n")
        fresh.chmod(mode)
        fresh.replace(self.token_file)

    def rotate(self) -> None:
        self.vault.rotate()

    def forget_old(self) -> None:
        key = self.vault.keys["ocefs-us"]
        key.min_decryption_version = len(key.versions)


class KmsRig(RemoteRig):
    secrets = (SECRET_KEY,)

    def __init__(self, **told: Any) -> None:
        from serve.keys.aws_kms import AwsKms

        super().__init__()
        self.clock = FakeClock()
        self.server = self.kms = FakeKms(ACCESS_KEY, SECRET_KEY)
        self.first = self.kms.aliases["alias/ocefs-us"]
        self.told = KeyPort(port="aws-kms", key="alias/ocefs-us", aws_region=REGION, endpoint_url=self.kms.address)
        self.told = msgspec.structs.replace(self.told, **told)
        self.key = AwsKms(self.told, self.clock)

    def rotate(self) -> None:
        self.kms.repoint()

    def forget_old(self) -> None:
        del self.kms.keys[self.first]
