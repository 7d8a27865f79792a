"""What a release writes, a release of before must not read: it would leave out what it does not know (a second person
that an approval waits for) or fail in the middle. The schema's revision keeps it away (`migrate.py`), so a change of
what is written needs one, though no table changes.

`written_forms.txt` has the newest revision, and a digest of each noun's commands and events. After a change:

    a new file in `migrations/versions/` (an empty `upgrade` will do), unless the newest one is of the same release
    python -m tests.unit.storage.test_written_forms   writes the digests anew
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
from alembic.script import ScriptDirectory

from actors.domain.kinds import KINDS
from actors.runtime.wire import Turn
from actors.storage.migrate import alembic_config

WRITTEN = Path(__file__).with_name("written_forms.txt")
HOW = "give the schema a revision (it may be empty), then python -m tests.unit.storage.test_written_forms"


def _plain(schema: Any) -> Any:
    """Without what only people read."""
    if isinstance(schema, dict):
        return {name: _plain(told) for name, told in schema.items() if name not in {"title", "description", "examples"}}
    return [_plain(told) for told in schema] if isinstance(schema, list) else schema


def _form(types: Any) -> str:
    found = _plain(msgspec.json.schema_components([types]))
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]


def newest_revision() -> str:
    return str(ScriptDirectory.from_config(alembic_config()).get_current_head())


def forms() -> dict[str, str]:
    found = {"turn": _form(Turn)}
    for name, kind in sorted(KINDS.items()):
        found |= {f"{name} commands": _form(kind.commands), f"{name} events": _form(kind.events)}
    return found


def text() -> str:
    return "".join(f"{name}: {told}\n" for name, told in ({"revision": newest_revision()} | forms()).items())


def test_an_older_release_reads_what_it_does_not_know():
    known = dict(line.split(": ") for line in WRITTEN.read_text().splitlines())
    revision = known.pop("revision")
    changed = sorted(name for name, told in (known.items() ^ forms().items()))
    assert not changed, f"written otherwise than by revision {revision}: {sorted(set(changed))}: {HOW}"
    assert revision == newest_revision(), HOW


if __name__ == "__main__":
    WRITTEN.write_text(text())
