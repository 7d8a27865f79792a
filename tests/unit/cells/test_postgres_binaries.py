"""Which PostgreSQL is started."""

from cells.postgres import postgres_binaries


def test_a_folder_that_is_right_from_here_is_taken_into_another_folder(tmp_path, monkeypatch):
    """The server is started in the folder of its data."""
    folder = tmp_path / "pg" / "bin"
    folder.mkdir(parents=True)
    (folder / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.6'\n")
    (folder / "postgres").chmod(0o700)
    monkeypatch.chdir(tmp_path)
    assert postgres_binaries("pg/bin") == folder
