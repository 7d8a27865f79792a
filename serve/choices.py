"""Which words a field may have, for who sent another one. msgspec says only which one it did not expect; looked for
when a body is refused, so a good one costs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from msgspec import inspect


def words_at(kind: Any, steps: Sequence[str]) -> list[str]:
    """The words of the field to which `steps` lead from a value of type `kind`: names of fields, positions, "" for some
    value of a mapping. [] when there are none, or types of which the value might be have different ones."""
    found = {tuple(words) for here in _along(_told(kind), steps) if (words := _words(here))}
    return [str(word) for word in found.pop()] if len(found) == 1 else []


@cache
def _told(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _along(here: inspect.Type, steps: Sequence[str]) -> Iterator[inspect.Type | Sequence[Any]]:
    """What stands at the end, in each type that the value might be of; the tags, where it is the field of a tag."""
    if isinstance(here, inspect.Metadata):
        yield from _along(here.type, steps)
    elif isinstance(here, inspect.UnionType):
        if len(steps) == 1 and (tags := _tags(here, steps[0])):
            yield tags
        else:
            for part in here.types:
                yield from _along(part, steps)
    elif not steps:
        yield here
    elif isinstance(here, inspect.StructType):
        for field in here.fields:
            if field.encode_name == steps[0]:
                yield from _along(field.type, steps[1:])
    elif isinstance(here, inspect.ListType | inspect.VarTupleType):
        yield from _along(here.item_type, steps[1:])
    elif isinstance(here, inspect.DictType):
        yield from _along(here.value_type, steps[1:])


def _tags(here: inspect.UnionType, name: str) -> list[Any]:
    return [part.tag for part in here.types if isinstance(part, inspect.StructType) and part.tag_field == name]


def _words(here: inspect.Type | Sequence[Any]) -> Sequence[Any]:
    if isinstance(here, inspect.LiteralType):
        return list(here.values)
    if isinstance(here, inspect.EnumType):
        return [one.value for one in here.cls]
    return [] if isinstance(here, inspect.Type) else here
