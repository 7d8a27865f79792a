"""Which server goes on from what lies in an embedded Redis' folder."""

from pathlib import Path

import pytest

from cells.errors import StoreFailed
from cells.journal_files import on_disk


def since_7(home: Path, head: bytes, base: str = "appendonly.aof.3.base.rdb", manifest: str | None = None) -> Path:
    """A journal as Redis has it since 7. Gives its base."""
    folder = home / "appendonlydir"
    folder.mkdir()
    (folder / base).write_bytes(head)
    lines = manifest or f"file {base} seq 3 type b\nfile appendonly.aof.3.incr.aof seq 3 type i\n"
    (folder / "appendonly.aof.manifest").write_text(lines)
    return folder / base


@pytest.mark.parametrize(
    ("head", "read_by", "not_by"),
    [
        (b"REDIS0010\xfa", [("Redis", 7, 0), ("Redis", 8, 8), ("Valkey", 7, 2), ("Valkey", 9, 1)], [("Redis", 6, 2)]),
        (b"REDIS0011\xfa", [("Redis", 7, 2), ("Valkey", 8, 1), ("Valkey", 9, 1)], [("Redis", 7, 0)]),
        (b"REDIS0012\xfa", [("Redis", 7, 4), ("Redis", 8, 4)], [("Redis", 7, 2), ("Valkey", 9, 1)]),
        (b"REDIS0013\xfa", [("Redis", 8, 6)], [("Redis", 8, 4), ("Valkey", 9, 1)]),
        (b"REDIS0099\xfa", [("Redis", 8, 9), ("Redis", 9, 0)], [("Redis", 8, 8), ("Valkey", 9, 1)]),
        (b"VALKEY080\xfa", [("Valkey", 9, 0), ("Valkey", 10, 0)], [("Valkey", 8, 1), ("Redis", 7, 0), ("Redis", 8, 8)]),
        (b"VALKEY081\xfa", [("Valkey", 9, 2)], [("Valkey", 9, 1), ("Redis", 8, 8)]),
        (b"*2\r\n$6\r\n", [("Redis", 7, 0), ("Redis", 8, 8), ("Valkey", 9, 1)], [("Redis", 6, 2)]),
        (b"", [("Redis", 7, 0), ("Valkey", 9, 1)], [("Redis", 6, 2)]),
    ],
)
def test_a_server_is_given_a_base_that_it_calls_damaged_or_refused_one_that_it_reads(tmp_path, head, read_by, not_by):
    base = since_7(tmp_path, head)
    found = on_disk(tmp_path)
    assert found is not None
    assert found.file == base
    assert [server for server in read_by if not found.read_by(server[0], server[1:])] == []
    assert [server for server in not_by if found.read_by(server[0], server[1:])] == []


@pytest.mark.parametrize("head", [b"*2\r\n$6\r\n", b"REDIS0009\xfa"])
def test_the_one_file_of_an_old_redis_is_refused_to_an_old_redis(tmp_path, head):
    (tmp_path / "appendonly.aof").write_bytes(head)
    found = on_disk(tmp_path)
    assert found is not None
    assert all(found.read_by(*server) for server in [("Redis", (6, 2)), ("Redis", (8, 8)), ("Valkey", (9, 1))])


def test_an_empty_folder_wants_some_server(tmp_path):
    assert on_disk(tmp_path / "none") is None
    assert on_disk(tmp_path) is None
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonly.aof").touch()
    assert on_disk(tmp_path) is None


def test_a_journal_without_a_base_is_given_to_a_redis_that_does_not_see_it(tmp_path):
    since_7(tmp_path, b"", manifest="file appendonly.aof.1.incr.aof seq 1 type i\n")
    found = on_disk(tmp_path)
    assert found is not None
    assert not found.read_by("Redis", (6, 2))
    assert found.read_by("Redis", (7, 0))


def test_of_two_journals_one_is_forgotten_in_silence(tmp_path):
    since_7(tmp_path, b"VALKEY080")
    (tmp_path / "appendonly.aof").touch()
    assert on_disk(tmp_path) is not None
    (tmp_path / "appendonly.aof").write_bytes(b"*2\r\n$6\r\n")
    with pytest.raises(StoreFailed, match="two journals"):
        on_disk(tmp_path)


def test_a_server_that_died_while_it_moved_the_one_file_leaves_two_journals(tmp_path):
    single = tmp_path / "appendonly.aof"
    moved = since_7(tmp_path, b"", "appendonly.aof", "file appendonly.aof seq 1 type b\n")
    moved.unlink()
    single.write_bytes(b"REDIS0009\xfa")
    found = on_disk(tmp_path)
    assert found is not None
    assert found.file == single
    assert not found.read_by("Redis", (6, 2))
    assert found.read_by("Valkey", (9, 1))
