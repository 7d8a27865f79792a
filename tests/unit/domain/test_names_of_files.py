"""A file of the domain that does not hold what its name says: whoever looks for a command looks in vain."""

from __future__ import annotations

from typing import get_args

import pytest

from actors.domain.kinds import KINDS

# By how a file's name ends: what it may hold of what a noun is sent, does and is asked.
MAY_HOLD = {
    "commands": {"commands"},
    "events": {"events"},
    "state": {"queries"},
    "views": {"queries"},
}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_file_holds_what_its_name_does_not_say(name):
    kind = KINDS[name]
    for what, union in (("commands", kind.commands), ("events", kind.events), ("queries", kind.queries)):
        for struct in get_args(union) or (union,):
            ending = struct.__module__.rpartition("_")[2]
            assert what in MAY_HOLD.get(ending, {what}), f"{struct.__name__} is of the {what}: {struct.__module__}"
