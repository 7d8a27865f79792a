"""What would have been right, for who sent something else: which words a field may have, which fields there are, how a
text has to look. msgspec says only what it did not expect, or a regular expression, which people on a floor can't read;
looked for when a body is refused, so a good one costs nothing."""

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


def fields_at(kind: Any, steps: Sequence[str]) -> list[str]:
    """The fields of the object to which `steps` lead, as `words_at` finds words."""
    found = {
        tuple(field.encode_name for field in here.fields)
        for here in _along(_told(kind), steps)
        if isinstance(here, inspect.StructType)
    }
    return list(found.pop()) if len(found) == 1 else []


def look_at(kind: Any, steps: Sequence[str]) -> str:
    """How the text to which `steps` lead has to look, in the words of its schema; "" where that has none."""
    found = {_look(here, extra) for here, extra in _texts(_told(kind), steps)}
    return found.pop() if len(found) == 1 else ""


def _texts(here: inspect.Type, steps: Sequence[str]) -> Iterator[tuple[inspect.StrType, dict[str, Any]]]:
    for found in _along(here, steps, whole=True):
        text, told = found, dict[str, Any]()
        while isinstance(text, inspect.Metadata):
            told = (text.extra_json_schema or {}) | told
            text = text.type
        if isinstance(text, inspect.StrType) and text.pattern:
            yield text, told


def _look(text: inspect.StrType, told: dict[str, Any]) -> str:
    if text.pattern is not None and text.pattern.startswith("^[^"):
        # All of these say which characters there must not be.
        return "text without control characters"
    example = next(iter(told.get("examples", ())), "")
    words = [str(told.get("description", "")), f"e.g. {example}" if example else ""]
    return ", ".join(word for word in words if word)


@cache
def _told(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _along(here: inspect.Type, steps: Sequence[str], *, whole: bool = False) -> Iterator[inspect.Type | Sequence[Any]]:
    """What stands at the end, in each type that the value might be of; the tags, where it is the field of a tag. whole:
    with what its schema says of it."""
    if isinstance(here, inspect.Metadata):
        if whole and not steps and not isinstance(here.type, inspect.UnionType):
            yield here
        else:
            yield from _along(here.type, steps, whole=whole)
    elif isinstance(here, inspect.UnionType):
        if len(steps) == 1 and (tags := _tags(here, steps[0])):
            yield tags
        else:
            for part in here.types:
                yield from _along(part, steps, whole=whole)
    elif not steps:
        yield here
    elif isinstance(here, inspect.StructType):
        for field in here.fields:
            if field.encode_name == steps[0]:
                yield from _along(field.type, steps[1:], whole=whole)
    elif isinstance(here, inspect.ListType | inspect.VarTupleType):
        yield from _along(here.item_type, steps[1:], whole=whole)
    elif isinstance(here, inspect.DictType):
        yield from _along(here.value_type, steps[1:], whole=whole)


def _tags(here: inspect.UnionType, name: str) -> list[Any]:
    return [part.tag for part in here.types if isinstance(part, inspect.StructType) and part.tag_field == name]


def _words(here: inspect.Type | Sequence[Any]) -> Sequence[Any]:
    if isinstance(here, inspect.LiteralType):
        return list(here.values)
    if isinstance(here, inspect.EnumType):
        return [one.value for one in here.cls]
    return [] if isinstance(here, inspect.Type) else here
