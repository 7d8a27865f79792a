"""Four eyes that may be one person's: an account decides an approval soon after somebody else has opened it, changed
its rights, set its password or reset its second factor, and so may be the one who sits behind it.

    ops ── account.open, account.set_password, … ──▶ mia ── approval.approve within `made_days` ──▶ made_approver

The decision stands: this tells whom to ask. *step_up* where a person did that; whoever made himself an account has its
second factor too, so that is a word to an honest newcomer more than a bar. Nothing is asked of who was let in by a
machine: that is the personnel office's, or an operator's own (`python -m cells account`), who has the cell's keys
and needs no second account.
"""

from __future__ import annotations

from collections.abc import Iterator

from actors.anomalies.findings import Finding
from actors.anomalies.own_deeds import Action
from actors.anomalies.record import Record
from actors.anomalies.settings import AnomalySettings
from actors.anomalies.windows import KeptWindow, Windows
from actors.domain.times import DAY_MS, HOUR_MS

MADE_APPROVER = "made_approver"
_DECIDED = {"approval.approve": "approved", "approval.refuse": "refused"}
# What makes somebody another account's owner, in words. Of the first two a line without changes has done nothing.
_RIGHTS = {"account.open": "opened the account", "account.change_role": "changed its rights"}
_PROOFS = {"account.set_password": "set its password", "account.reset_factor": "reset its second factor"}
_MADE = _RIGHTS | _PROOFS
_CLIENT = "-client-"


class MadeApprovers:
    """See the module's docstring."""

    def __init__(self, settings: AnomalySettings) -> None:
        self._days = settings.made_days
        # By account: who did what to it.
        self._made = Windows(settings.made_days * DAY_MS)

    def see(self, record: Record) -> Iterator[Finding]:
        """What this record completes."""
        if not self._days or record.outcome:
            return
        if record.action in _MADE:
            if record.subject != record.entity_id and (record.changes or record.action in _PROOFS):
                self._made.add(record.entity_id, record, f"{record.action} {record.subject}")
        elif record.action in _DECIDED and record.changes:
            yield from self._decided(record)

    def _decided(self, record: Record) -> Iterator[Finding]:
        window = self._made.get(record.subject, record.at_ms)
        if not window.entries:
            return
        last = window.entries[-1]
        deed, _, by = last.member.partition(" ")
        makers = self._makers(record.subject, record.at_ms)
        asked_by = str(record.changes.get("person", ("", ""))[0] or "")
        # One who asks and has a hand in who decides, or in both.
        alone = asked_by in makers or bool(makers & self._makers(asked_by, record.at_ms))
        hours = (record.at_ms - last.at_ms) / HOUR_MS
        reason = (
            f"{_DECIDED[record.action]} {record.entity_id}, asked by {asked_by}, {hours:.1f} h after {by} {_MADE[deed]}"
        )
        action: Action = "none" if all(_CLIENT in maker for maker in makers) else "step_up"
        yield Finding(
            MADE_APPROVER, record.subject, record.at_ms, 2.0 if alone else 1.0, reason, action, record.session_id,
            [*(entry.reference for entry in window.entries), record.reference],
            [request for request in (*(entry.request_id for entry in window.entries), record.request_id) if request],
        )  # fmt: skip

    def judge(self, account_id: str, until_ms: int) -> None:
        """Somebody looked at whose hands were in the account up to then (UTC ms): they are told of no more."""
        self._made.judge(account_id, until_ms)

    def _makers(self, account_id: str, now_ms: int) -> set[str]:
        return {member.partition(" ")[2] for member in self._made.get(account_id, now_ms).members()}

    def dump(self) -> dict[str, KeptWindow]:
        """What is kept over a restart."""
        return self._made.dump()

    def restore(self, kept: dict[str, KeptWindow]) -> None:
        """Takes over what `dump` gave."""
        self._made.restore(kept)
