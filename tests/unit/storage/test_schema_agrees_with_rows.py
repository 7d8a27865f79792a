from __future__ import annotations

import importlib
import pkgutil
import types
import typing

import pytest
import sqlalchemy as sa

from actors import domain
from actors.storage.binary import HISTORY_COLUMNS, type_of
from actors.storage.schema import CHANGE_TYPES, PARTITIONED, ROW_TYPES, metadata
from actors.storage.schema.columns import Instant
from actors.storage.schema.turns import history

# What the structs' annotations may be in a column.
FITS = {
    str: (sa.Text,), int: (sa.Integer, sa.BigInteger, Instant), float: (sa.Double,), bytes: (sa.LargeBinary,), bool: (sa.Boolean,),
}  # fmt: skip
ROW_MODULES = [
    importlib.import_module(f"actors.domain.{found.name}")
    for found in pkgutil.iter_modules(domain.__path__)
    if found.name.startswith("rows")
]
# Columns that the database computes.
COMPUTED = {"orders": ["closed_as"]}


def test_no_row_type_is_without_a_table():
    named = {
        one.table
        for module in ROW_MODULES
        for one in vars(module).values()
        if isinstance(one, type) and hasattr(one, "table")
    }
    assert {row_type.table for row_type in ROW_TYPES} == named


@pytest.mark.parametrize("row_type", ROW_TYPES, ids=lambda row_type: row_type.table)
def test_a_field_and_its_column_agree(row_type):
    table = metadata.tables[row_type.table]
    # That a row is gone is no column of it.
    fields = [name for name in row_type.__struct_fields__ if name != "gone"]
    assert [column.name for column in table.columns] == [*fields, *COMPUTED.get(row_type.table, ())]
    for name, annotation in typing.get_type_hints(row_type).items():
        if name not in fields:
            continue
        optional = isinstance(annotation, types.UnionType)
        (plain,) = [
            part for part in (typing.get_args(annotation) if optional else (annotation,)) if part is not type(None)
        ]
        assert isinstance(table.columns[name].type, FITS[plain]), name
        assert table.columns[name].nullable == optional, name
        assert type_of(table.columns[name])


@pytest.mark.parametrize("change_type", CHANGE_TYPES, ids=lambda change_type: change_type.__name__)
def test_a_change_has_the_key_and_some_fields_of_its_row(change_type):
    (row_type,) = [row_type for row_type in ROW_TYPES if row_type.table == change_type.table]
    assert change_type.key == row_type.key
    whole, some = typing.get_type_hints(row_type), typing.get_type_hints(change_type)
    assert set(change_type.key) < set(change_type.__struct_fields__) < set(row_type.__struct_fields__)
    assert all(whole[name] == some[name] for name in change_type.__struct_fields__)
    assert not row_type.change
    assert change_type.change


@pytest.mark.parametrize("row_type", ROW_TYPES, ids=lambda row_type: row_type.table)
def test_a_row_that_is_replaced_is_found_by_its_primary_key(row_type):
    table = metadata.tables[row_type.table]
    keys = tuple(column.name for column in table.primary_key.columns)
    assert keys == (() if row_type.append_only else row_type.key)
    assert (table in PARTITIONED) == row_type.append_only


def test_the_history_is_copied_with_all_its_columns():
    assert sorted(HISTORY_COLUMNS) == sorted(column.name for column in history.columns)


def test_ids_are_compared_bytewise_whatever_the_database_thinks():
    for row_type in ROW_TYPES:
        table = metadata.tables[row_type.table]
        for name in row_type.key:
            column = table.columns[name]
            assert not isinstance(column.type, sa.Text) or column.type.collation == "C"
