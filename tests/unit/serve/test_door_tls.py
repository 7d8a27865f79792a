"""The certificate of a door is replaced while callers come and go, or not at all: never by half of one."""

import asyncio
import contextlib
import ssl

import msgspec
import pytest

from cells.certs import Holder, ca_file, make, pair_of
from serve.door import Door
from serve.door_tls import ShownCertificate
from tests.unit.serve.small_cell import SETTINGS, Cell

NAMES = ("localhost",)


@pytest.fixture
def pair(tmp_path):
    make(tmp_path, [Holder("us", NAMES)])
    return pair_of(tmp_path, "us")


def shown(pair):
    return ShownCertificate(str(pair.certificate), str(pair.key))


async def seen(context: ssl.SSLContext, home) -> bytes:
    """The certificate that a new caller is shown."""
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    client = ssl.create_default_context(cafile=str(ca_file(home)))
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname="localhost")
    try:
        return writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
        server.close()


async def test_a_replaced_certificate_is_only_shown_after_a_restart(tmp_path, pair):
    door = shown(pair)
    before = await seen(door.context, tmp_path)
    assert not door.look()
    make(tmp_path, [Holder("us", (*NAMES, "new.ocefs.internal"))])
    assert door.look()
    assert await seen(door.context, tmp_path) not in (b"", before)


@pytest.mark.parametrize("broken", ["gone", "garbage", "other key"])
async def test_a_certificate_that_can_not_be_used_takes_the_good_one_s_place(tmp_path, pair, broken):
    door = shown(pair)
    before = await seen(door.context, tmp_path)
    if broken == "gone":
        pair.key.unlink()
    elif broken == "garbage":
        pair.certificate.write_text("no certificate")
    else:
        make(tmp_path, [Holder("eu", NAMES)])
        pair.key.write_bytes(pair_of(tmp_path, "eu").key.read_bytes())
    assert not door.look()
    assert await seen(door.context, tmp_path) == before


def test_a_door_opens_without_the_certificate_it_was_told_to_show(tmp_path):
    cell = Cell(
        msgspec.structs.replace(SETTINGS, tls_certificate=str(tmp_path / "a.pem"), tls_key=str(tmp_path / "a.key"))
    )
    with pytest.raises(OSError, match="No such file"):
        Door(cell.app, cell.services.settings, cell.services.live.close)


async def test_a_door_with_a_certificate_answers_what_is_no_tls(tmp_path, pair):
    changed = {"tls_certificate": str(pair.certificate), "tls_key": str(pair.key)}
    cell = Cell(msgspec.structs.replace(SETTINGS, **changed))
    door = Door(cell.app, cell.services.settings, cell.services.live.close)
    await door.open()
    request = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    async def ask(sent: bytes = request, **tls) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port, **tls)
        writer.write(sent)
        with contextlib.suppress(ConnectionError):
            return await reader.read()
        return b""

    try:
        client = ssl.create_default_context(cafile=str(ca_file(tmp_path)))
        answer = await ask(ssl=client, server_hostname="localhost")
        assert answer.startswith(b"HTTP/1.1 200")
        # Browsers come back by TLS only; so they are told with what is no HTTP, too.
        no_http = await ask(b"GET\r\n\r\n", ssl=client, server_hostname="localhost")
        assert no_http.startswith(b"HTTP/1.1 400")
        for told in (answer, no_http):
            assert told.count(b"strict-transport-security: max-age=31536000; includeSubDomains\r\n") == 1
            assert told.count(b"x-content-type-options: nosniff\r\n") == 1
            assert told.count(b"content-security-policy: default-src 'none';") == 1
        assert await ask() == b""
    finally:
        await door.close()
