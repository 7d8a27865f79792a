"""Notices as entities that somebody else delivers (`actors/domain/notice.py`); where nothing is real they are told to the log as well."""

from __future__ import annotations

import secrets

import msgspec
import structlog

from actors.domain.ids import notice_id
from actors.domain.notice import WriteNotice
from serve.context import REQUEST_ID, WHO, Scope
from serve.identity.desk import Desk
from serve.notices.port import Notice
from serve.replies import body_of

log = structlog.get_logger("ocefs.notices")


def masked(address: str) -> str:
    """As much of an address as a log may hold: its first letter and the kind of its domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@….{domain.rpartition('.')[2]}"


class NoticeOutbox:
    """The default `Notifications`. Address and content are sealed under the person's data key, for `notice:<id>:address` and
    `notice:<id>:content`; the content is the values as a JSON object."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._told = desk.services.settings.profile != "production"

    async def send(self, notice: Notice, scope: Scope) -> None:
        """See Notifications."""
        desk = self._desk
        identity = notice_id(desk.region, notice.once or secrets.token_bytes(16))
        address, content = notice.address.encode(), msgspec.json.encode(notice.values)
        command = WriteNotice(
            notice.template,
            notice.about,
            await self._sealed(notice, address, f"notice:{identity}:address", scope),
            await self._sealed(notice, content, f"notice:{identity}:content", scope),
            notice.until_ms,
        )
        reply = await desk.services.gateway.ask(
            "notice", identity, command,
            command_id=identity, digest=0, creates=True, cause=scope[REQUEST_ID], who=scope.get(WHO),
        )  # fmt: skip
        body_of(reply)
        if self._told:
            log.info(
                "a notice, told because this is no production", notice_id=identity, template=notice.template,
                address=masked(notice.address), request_id=scope[REQUEST_ID], **notice.values,
            )  # fmt: skip

    async def _sealed(self, notice: Notice, plain: bytes, place: str, scope: Scope) -> bytes:
        keys, cause = self._desk.data_keys(), scope[REQUEST_ID]
        if notice.beside:
            return await keys.seal_beside(notice.beside, plain, place, cause)
        return await keys.seal(keys.digest("person", notice.about), plain, place, cause)
