"""What a release writes, a release of before must not read: it would leave out what it does not know (a second person
that an approval waits for) or fail in the middle. The schema's revision keeps it away (`migrate.py`), so a change of
what is written needs one, though no table changes.

`written_forms.txt` has the newest revision, and a digest of each noun's commands, events and state. After a change make
a new file in `migrations/versions/` (an empty `upgrade` will do), then

    python -m tests.unit.storage.test_written_forms                  writes the digests anew
    python -m tests.unit.storage.test_written_forms --same-release   … where the newest revision is not released yet
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest
from alembic.script import ScriptDirectory
from msgspec import inspect

from actors.domain.kind import Kind
from actors.domain.kinds import KINDS
from actors.runtime.wire import Turn
from actors.storage.migrate import alembic_config

WRITTEN = Path(__file__).with_name("written_forms.txt")
HOW = "give the schema a revision (it may be empty), then python -m tests.unit.storage.test_written_forms"
_WORDS = {"title", "description", "examples"}


def _plain(schema: Any, *, names: bool = False) -> Any:
    """Without what only people read. names: the keys are those of fields, which may be called so."""
    if isinstance(schema, dict):
        kept = {name: told for name, told in schema.items() if names or name not in _WORDS}
        return {name: _plain(told, names=name == "properties") for name, told in kept.items()}
    return [_plain(told) for told in schema] if isinstance(schema, list | tuple) else schema


def _form(types: Any) -> str:
    schema = _plain(msgspec.json.schema_components([types], schema_hook=lambda own: {"own": own.__name__}))
    found = [*schema, *sorted(_unnamed(inspect.type_info(types), set()))]
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]


def _unnamed(told: Any, seen: set[type]) -> Iterator[list[str]]:
    """Of each struct below: its name, and what no schema tells: which field an array has at which place, and what one
    is that is left out."""
    if isinstance(told, list | tuple):
        for one in told:
            yield from _unnamed(one, seen)
    if not isinstance(told, inspect.Type | inspect.Field):
        return
    if isinstance(told, inspect.StructType):
        if told.cls in seen:
            return
        seen.add(told.cls)
        if told.array_like:
            yield [told.cls.__name__, *(field.encode_name for field in told.fields)]
        if told.cls.__struct_config__.omit_defaults:
            yield [told.cls.__name__, *(_left_out(field) for field in told.fields if not field.required)]
    for name in told.__struct_fields__:
        yield from _unnamed(getattr(told, name), seen)


def _left_out(field: inspect.Field) -> str:
    factory = field.default_factory
    default = repr(field.default) if factory is msgspec.NODEFAULT else f"{getattr(factory, '__qualname__', factory)}()"
    return f"{field.encode_name}={default}"


def _state_of(kind: Kind) -> Any:
    """What `evolve` gives: rows keep it as it is."""
    return get_type_hints(kind.evolve)["return"]


def newest_revision() -> str:
    return str(ScriptDirectory.from_config(alembic_config()).get_current_head())


def forms() -> dict[str, str]:
    found = {"turn": _form(Turn)}
    for name, kind in sorted(KINDS.items()):
        found |= {f"{name} commands": _form(kind.commands), f"{name} events": _form(kind.events)}
        found |= {f"{name} state": _form(_state_of(kind))}
    return found


def written() -> dict[str, str]:
    return dict(line.split(": ") for line in WRITTEN.read_text().splitlines())


def test_an_older_release_reads_what_it_does_not_know():
    known = written()
    revision = known.pop("revision")
    changed = sorted({name for name, _ in known.items() ^ forms().items()})
    assert not changed, f"written otherwise than by revision {revision}: {changed}: {HOW}"
    assert revision == newest_revision(), HOW


class Told(msgspec.Struct):
    """A word."""

    description: str = ""


class Retold(msgspec.Struct):
    """Another word."""

    description: str = ""
    more: int = 0


def test_prose_asks_for_a_revision_or_a_field_for_none(monkeypatch):
    before = _form(Told)
    monkeypatch.setattr(Told, "__doc__", "Another word.")
    assert _form(Told) == before
    assert len({_form(list[Told]), _form(list[Retold]), before}) == 3


class Moved(msgspec.Struct, array_like=True):
    free: int
    held: int


def test_fields_of_an_array_change_places_without_a_revision():
    """Both are numbers: no schema tells which is which."""
    other = msgspec.defstruct("Moved", [("held", int), ("free", int)], array_like=True)
    assert _form(Moved) != _form(other)
    assert _form(dict[str, list[tuple[int, Moved | None]]]) != _form(dict[str, list[tuple[int, other | None]]])


def test_what_a_field_is_that_is_left_out_changes_without_a_revision():
    def told(default: Any, **options: bool) -> str:
        return _form(msgspec.defstruct("Told", [("more", int, default)], **options))

    one, another = (msgspec.field(default_factory=made) for made in (int, lambda: 1))
    assert told(one, omit_defaults=True) != told(another, omit_defaults=True)
    assert len({told(0), told(0, omit_defaults=True), told(1, omit_defaults=True)}) == 3


def test_who_forgot_the_revision_writes_the_digests_anew(tmp_path, monkeypatch):
    file = tmp_path / "forms.txt"
    monkeypatch.setattr("tests.unit.storage.test_written_forms.WRITTEN", file)
    file.write_text(f"revision: {newest_revision()}\nturn: 0000000000000000\n")
    with pytest.raises(SystemExit, match="give the schema a revision"):
        write([])
    write(["--same-release"])
    assert written() == {"revision": newest_revision()} | forms()
    write([])


def write(arguments: list[str]) -> None:
    made, known = {"revision": newest_revision()} | forms(), written()
    if made != known and made["revision"] == known["revision"] and "--same-release" not in arguments:
        raise SystemExit(HOW)
    WRITTEN.write_text("".join(f"{name}: {told}\n" for name, told in made.items()))


if __name__ == "__main__":
    write(sys.argv[1:])
