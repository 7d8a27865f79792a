import pytest

from serve.cursors import Cursors
from serve.problems import Problem

CURSORS = Cursors(b"0123456789abcdef")


def test_a_cursor_leads_back():
    assert CURSORS.open("skus", CURSORS.seal("skus", "B 2 é")) == "B 2 é"
    assert CURSORS.open("skus", None) is None


@pytest.mark.parametrize("cursor", ["", "x", "%%%", "ü", "A" * 600, "AAAAAAAAAAAAAAAAAAAA", "e30", "\x00"])
def test_what_we_did_not_give_out_is_refused(cursor):
    with pytest.raises(Problem) as caught:
        CURSORS.open("skus", cursor)
    assert caught.value.code == "cursor.invalid"


def test_any_changed_character_is_noticed():
    cursor = CURSORS.seal("skus", "A1")
    for at, character in enumerate(cursor):
        other = cursor[:at] + ("A" if character != "A" else "B") + cursor[at + 1 :]
        with pytest.raises(Problem):
            CURSORS.open("skus", other)


def test_a_cursor_of_another_list_or_filter_is_refused():
    with pytest.raises(Problem):
        CURSORS.open("orders\0c-18", CURSORS.seal("orders\0c-17", "us-1"))


def test_another_cells_cursor_is_refused():
    with pytest.raises(Problem):
        Cursors(b"another key of 16").open("skus", CURSORS.seal("skus", "A1"))
