import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.downloads import kept_as


@given(st.text(), st.sampled_from(["pdf", "zpl", "csv"]))
def test_a_name_leaves_the_header_or_the_folder(name, extension):
    key, value = kept_as(name, extension)
    assert key == b"content-disposition"
    assert value.startswith(b'attachment; filename="')
    inner = value.removeprefix(b'attachment; filename="').removesuffix(b'"').decode()
    assert inner.endswith(f".{extension}")
    assert not set(inner) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert not inner.startswith((".", "-"))


@pytest.mark.parametrize(
    ("name", "told"),
    [("label-us-1", "label-us-1.pdf"), ('x"; a=b', "x-a-b.pdf"), ("../../etc", "etc.pdf"), ("é\r\n", "document.pdf"), ("", "document.pdf")],
)  # fmt: skip
def test_a_name_is_not_the_one_that_was_meant(name, told):
    assert kept_as(name, "pdf")[1] == f'attachment; filename="{told}"'.encode()
