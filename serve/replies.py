"""The one place where an actor's reply becomes an HTTP answer."""

from __future__ import annotations

from actors.runtime.wire import OK, PENDING, Reply
from serve.problems import Answer, of_refusal


def body_of(reply: Reply) -> bytes:
    """The JSON to hand out. Raises Problem for everything but success."""
    # PENDING: the provisional answer is an answer too; the rest goes on in the background.
    if reply.status in {OK, PENDING}:
        return reply.body
    raise of_refusal(reply)


def answer(reply: Reply) -> Answer:
    """200 with the actor's own bytes. Raises Problem."""
    return 200, body_of(reply), ()
