"""The register of processing (GDPR Art. 30, LGPD Art. 37), made from the notes that stand beside the fields
(`actors/domain/personal.py`).

structs of actors.domain and serve ──fields()──▶ Field(…, notes) ──page()──▶ docs/privacy/processing.md
"""

from __future__ import annotations

import importlib
import pkgutil
import typing
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import msgspec

import actors.domain
import serve
from actors.domain.personal import BASES, CATEGORIES, KEEPS, PROTECTIONS, PURPOSES, Personal

# Ray's, and the command line: both declare nothing, and Ray takes seconds to load.
_LEFT_OUT = frozenset({"serve.ray_door", "serve.__main__"})

_HEAD = """# Register of processing

Made from the notes beside the fields of the code (`actors/domain/personal.py`) by `python -m serve processing`; a test compares the two, and another one fails for
a field that sounds as if it were about a person and has no note. It is what GDPR Art. 30(1) and LGPD Art. 37 ask of the system's part. What only the retailer
knows belongs beside it: who the controller is and how to reach him and his data protection officer, and what other systems do with what is exported.

- **Where it lies.** In the region's own stores: what an entity knows is in its journal (Redis) and in the state of its row and its history (PostgreSQL), sealed or
  not as the tables below say. Backups are the retailer's.
- **Transfers to other countries.** None by the system: a cell knows the data of its own region only ([residency](residency.md)).
- **Measures of security** (Art. 32). Sealing and digests as below; [who may do what](../security/permissions.md); [the audit](../security/audit.md);
  [encryption in transit](../security/tls.md); [watching for misuse](../security/anomalies.md).
- **What is near.** Which places might serve an order, nearest first, stands in its events and state in the clear, since actors allocate by it: they are ranked as seen from a grid of
  a tenth of a degree, so several in a row come to the surroundings of an address. An erasure leaves it, with no person in it. Who is not told the address is told places by their ids ([order](../domain/order.md)).
- **A cell without identity** has no keys and is for this machine only. It takes no names, streets, phones or e-mail addresses; references, cities and postcodes lie in it as
  they came, which no erasure changes. So a cell that took orders like that is refused a start with identity: it gets stores of its own.

A line stands for all fields with the same note; where they are declared is in its last column.
"""


class Field(NamedTuple):
    """A field of a struct, where it is declared. `kind`: its type as declared, without notes;
    `notes`: mostly one or none."""

    module: str
    struct: str
    name: str
    kind: Any
    notes: tuple[Personal, ...]

    @property
    def place(self) -> str:
        """`module.Struct.field`, without what all modules begin with."""
        return f"{self.module.removeprefix('actors.domain.')}.{self.struct}.{self.name}"


def fields() -> list[Field]:
    """Those of all structs of the domain and of the API, in the order of their modules."""
    return [field for module in _modules() for struct in _structs(module) for field in fields_of(struct)]


def page() -> str:
    """The register as Markdown."""
    parts = [_HEAD]
    noted = [(note, field.place) for field in fields() for note in field.notes]
    for purpose, said in PURPOSES.items():
        lines = _lines([(note, place) for note, place in noted if note.purpose == purpose])
        parts.append(
            f"## {said.title}\n"
            f"- **Whose data**: {', '.join(said.persons)}\n"
            f"- **Legal basis**: {BASES[said.basis]}\n"
            f"- **Who gets it outside of the cell**: {said.recipients}\n\n"
            "| data | kept | protected | declared in |\n|---|---|---|---|\n" + "".join(lines)
        )
    return "\n".join(parts)


def _modules() -> Iterator[ModuleType]:
    for package in (actors.domain, serve):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name not in _LEFT_OUT:
                yield importlib.import_module(found.name)


def _structs(module: ModuleType) -> Iterator[type[msgspec.Struct]]:
    for one in vars(module).values():
        if isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__module__ == module.__name__:
            yield one


def fields_of(struct: type[msgspec.Struct]) -> Iterator[Field]:
    """Those of one struct, in its order, with what it has of its bases: it keeps that as well, wherever those are."""
    plain, noted = typing.get_type_hints(struct), typing.get_type_hints(struct, include_extras=True)
    for name in struct.__struct_fields__:
        yield Field(struct.__module__, struct.__name__, name, plain[name], tuple(_notes(noted[name])))


def _notes(hint: Any) -> Iterator[Personal]:
    """The notes of a type, inside of unions and lists too."""
    for part in typing.get_args(hint):  # of Annotated, what is annotated and its metadata
        if isinstance(part, Personal):
            yield part
        elif not isinstance(part, str | bytes | msgspec.Struct):
            yield from _notes(part)


def _lines(noted: list[tuple[Personal, str]]) -> Iterator[str]:
    order = list(CATEGORIES)
    for note in sorted(
        {note for note, _ in noted}, key=lambda note: (order.index(note.category), note.keep, note.protection)
    ):
        places = ", ".join(f"`{place}`" for found, place in noted if found == note)
        yield f"| {CATEGORIES[note.category]} | {KEEPS[note.keep]} | {PROTECTIONS[note.protection]} | {places} |\n"
