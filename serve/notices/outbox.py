"""Notices as entities that somebody else delivers (`actors/domain/notice.py`); where nothing is real they are told to the log as well."""

from __future__ import annotations

import secrets

import msgspec
import structlog

from actors.domain.ids import notice_id
from actors.domain.notice import WriteNotice
from serve.context import REQUEST_ID, WHO, Scope
from serve.identity.desk import Desk
from serve.identity.sealing import seal
from serve.notices.port import Notice
from serve.replies import body_of

log = structlog.get_logger("ocefs.notices")


def masked(address: str) -> str:
    """As much of an address as a log may hold: its first letter and the kind of its domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@….{domain.rpartition('.')[2]}"


class NoticeOutbox:
    """The default `Notifications`. Address and content are sealed for `notice-address:<id>` and `notice-content:<id>`; the content is the
    values as a JSON object."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._told = desk.services.settings.profile != "production"

    async def send(self, notice: Notice, scope: Scope) -> None:
        """See Notifications."""
        desk, keys = self._desk, self._desk.keys()
        identity = notice_id(desk.region, secrets.token_bytes(16))
        command = WriteNotice(
            notice.template,
            notice.about,
            seal(keys, notice.address.encode(), f"notice-address:{identity}"),
            seal(keys, msgspec.json.encode(notice.values), f"notice-content:{identity}"),
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
