"""A cell whose key can't be used refuses to start."""

import asyncio
import sys

import pytest

from serve.identity.keyring import KeyringWatch
from serve.keys import opening
from serve.keys.file_key import FileKey
from serve.keys.opening import KeyPortError, opened, prove
from serve.keys.settings import KeyPort

KEY, PLACE = bytes(range(32)), "data-key:us-dkey-1"


@pytest.fixture
def watch(tmp_path):
    from serve.identity.keyring import create

    create(tmp_path / "cell" / "keyring.json", 1)
    return KeyringWatch(tmp_path / "cell" / "keyring.json")


async def test_the_key_file_is_no_port(watch, clock):
    async with opened(KeyPort(), "us", watch, clock) as key:
        wrapped, wrapping = await key.wrap(KEY, PLACE)
        assert wrapping == "file:1"
        assert await key.unwrap(wrapped, wrapping, PLACE) == KEY


async def test_what_the_key_file_wrapped_is_lost_when_the_key_moves(watch, clock, vault):
    old, old_wrapping = await FileKey(watch, clock).wrap(KEY, PLACE)
    async with opened(vault.told, "us", watch, clock) as key:
        assert await key.unwrap(old, old_wrapping, PLACE) == KEY
        wrapped, wrapping = await key.wrap(KEY, PLACE)
        assert wrapping == key.wrapping() == "vault:ocefs-us:v1"
        assert wrapped.startswith(b"vault:v1:")
        assert await key.unwrap(wrapped, wrapping, PLACE) == KEY


async def test_a_cell_in_aws_does_not_start(watch, clock, kms):
    async with opened(kms.told, "us", watch, clock) as key:
        assert key.wrapping() == f"aws-kms:{kms.first}"


async def test_a_cell_whose_key_is_away_starts(watch, clock, vault, monkeypatch):
    loop, sleep = asyncio.get_running_loop(), asyncio.sleep
    time = loop.time

    async def over(seconds: float) -> None:
        """All of its time passes while it waits to try again."""
        if seconds == opening._PAUSE_S:
            monkeypatch.setattr(loop, "time", lambda: time() + opening.PROVE_S)
        await sleep(seconds)

    # Longer than all tries of one call, on any machine.
    monkeypatch.setattr(opening, "PROVE_S", 90.0)
    monkeypatch.setattr(asyncio, "sleep", over)
    vault.leave()
    with pytest.raises(KeyPortError, match=r"could not be used within 90 s: Vault at .* can't be reached") as refused:
        async with opened(vault.told, "us", watch, clock):
            pytest.fail("it started")
    assert "bring its service back" in refused.value.next_step


async def test_a_key_that_comes_a_moment_late_stops_the_start(watch, clock, vault):
    vault.vault.failing = [503] * 4
    async with opened(vault.told, "us", watch, clock) as key:
        assert key.wrapping() == "vault:ocefs-us:v1"


async def test_a_wrong_token_is_waited_for(watch, clock, vault):
    asked = len(vault.vault.asked)
    vault.write_token("hvs.a-wrong-token")
    with pytest.raises(KeyPortError, match="Vault refuses") as refused:
        async with opened(vault.told, "us", watch, clock):
            pytest.fail("it started")
    assert len(vault.vault.asked) == asked + 1
    assert "hvs.a-wrong" not in str(refused.value)


async def test_a_vault_that_does_not_heed_the_place_is_taken(watch, clock, vault):
    vault.vault.heeds_place = False
    with pytest.raises(KeyPortError, match="does not authenticate the place"):
        async with opened(vault.told, "us", watch, clock):
            pytest.fail("it started")


async def test_a_port_that_is_given_up_keeps_its_connections(watch, clock, vault, monkeypatch):
    from serve.keys.vault_transit import VaultTransit

    closed = []
    close = VaultTransit.close

    async def noted(key):
        await close(key)
        closed.append(key._http.is_closed)

    monkeypatch.setattr(VaultTransit, "close", noted)
    async with opened(vault.told, "us", watch, clock):
        assert closed == []
    assert closed == [True]
    vault.write_token("hvs.a-wrong-token")
    with pytest.raises(KeyPortError):
        async with opened(vault.told, "us", watch, clock):
            pytest.fail("it started")
    assert closed == [True, True]


class Plain:
    """A key that is none."""

    def __init__(self, *, opens: bytes | None = None):
        self._opens = opens

    async def learn(self):
        pass

    async def wrap(self, key, place):
        return (b"wrapped" if self._opens is not None else b"<" + key), "x"

    async def unwrap(self, wrapped, wrapping, place):
        return self._opens or wrapped[1:]


async def test_a_key_that_does_not_encrypt_is_taken():
    with pytest.raises(KeyPortError, match="does not encrypt"):
        await prove(Plain())


async def test_a_key_that_opens_something_else_is_taken():
    with pytest.raises(KeyPortError, match="something else"):
        await prove(Plain(opens=b"x" * 32))


@pytest.mark.parametrize(("port", "package", "extra"), [("vault", "httpx", "vault"), ("aws-kms", "botocore", "aws")])
async def test_a_package_that_is_missing_is_not_named(watch, clock, monkeypatch, port, package, extra):
    for name in [
        name for name in sys.modules if name.split(".")[0] == package or name.startswith("serve.keys.vault_t")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "serve.keys.aws_kms", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(KeyPortError, match=f"the package {package} is not installed") as missing:
        async with opened(KeyPort(port=port, key="k", address="http://127.0.0.1:1"), "us", watch, clock):
            pytest.fail("it started")
    assert missing.value.next_step == f"install ocefs[{extra}]"


async def test_settings_that_no_client_can_be_made_of_crash(watch, clock, tmp_path):
    told = KeyPort(port="vault", key="k", address="https://vault.example", ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(KeyPortError, match=r"none\.pem can't be used") as refused:
        async with opened(told, "us", watch, clock):
            pytest.fail("it started")
    assert "[keys]" in refused.value.next_step
