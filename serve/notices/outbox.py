"""Notices as entities that somebody else delivers (`actors/domain/notice.py`); in a demo that nobody but its machine
reaches they are told to the log as well."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import msgspec
import structlog

from actors.domain.ids import notice_id
from actors.domain.notice import WriteNotice
from serve.context import REQUEST_ID, WHO, Scope
from serve.identity.desk import Desk
from serve.keys.data_keys import DataKeys
from serve.notices.port import Notice
from serve.replies import body_of

log = structlog.get_logger("ocefs.notices")


def masked(address: str) -> str:
    """As much of an address as a log may hold: its first letter and the kind of its domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@….{domain.rpartition('.')[2]}"


async def sealed_values(
    keys: DataKeys, whose: bytes | str, identity: str, address: str, values: Mapping[str, str], cause: str, key_id: str = ""
) -> tuple[bytes, bytes]:  # fmt: skip
    """Address and content of the notice `identity`, under the key of that id, else of the person that `whose` is the
    keyed digest of, or of what is sealed already. Raises Erased where such a key is destroyed, Problem 503."""
    parts = {"address": address.encode(), "content": msgspec.json.encode(values)}
    out = []
    for name, plain in parts.items():
        place = f"notice:{identity}:{name}"
        if key_id:
            out.append(await keys.seal_under(key_id, plain, place, cause))
        elif isinstance(whose, bytes):
            out.append(await keys.seal_beside(whose, plain, place, cause))
        else:
            out.append(await keys.seal(whose, plain, place, cause))
    return out[0], out[1]


class NoticeOutbox:
    """The default `Notifications`. Address and content are sealed under the person's data key, for
    `notice:<id>:address` and `notice:<id>:content`; the content is the values as a JSON object."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._told = desk.services.settings.notices_told

    async def send(self, notice: Notice, scope: Scope) -> None:
        """See Notifications."""
        desk = self._desk
        identity = notice_id(desk.region, notice.once or secrets.token_bytes(16))
        keys, cause = desk.data_keys(), scope[REQUEST_ID]
        beside: bytes | str = notice.beside or keys.digest("person", notice.person or notice.about)
        address, content = await sealed_values(
            keys, beside, identity, notice.address, notice.values, cause, notice.key_id
        )
        command = WriteNotice(notice.template, notice.about, address, content, notice.until_ms)
        reply = await desk.services.gateway.ask(
            "notice", identity, command,
            command_id=identity, digest=0, creates=True, cause=scope[REQUEST_ID], who=scope.get(WHO),
        )  # fmt: skip
        body_of(reply)
        if self._told:
            log.info(
                "a notice, told because nobody but this machine comes in", notice_id=identity, template=notice.template,
                address=masked(notice.address), request_id=scope[REQUEST_ID], **notice.values,
            )  # fmt: skip
