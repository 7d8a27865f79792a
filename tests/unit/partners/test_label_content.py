import pytest

from partners.label_content import BYTES_MAX, is_what_it_says
from partners.label_document import label_document
from tests.unit.partners.samples import SHIPMENT


@pytest.mark.parametrize("label_format", ["pdf", "zpl"])
def test_a_good_label_is_thrown_away(label_format):
    made = label_document(SHIPMENT, "standard", "XA123456785XX", label_format)
    assert is_what_it_says(made, label_format)


@pytest.mark.parametrize(
    ("document", "label_format"),
    [
        (b"", "pdf"), (b"", "zpl"), (b"<html><script>alert(1)</script>", "pdf"), (b"%PDF-1.4 half of it", "pdf"), (b"MZ\x90\x00%%EOF", "pdf"),
        (b"^XA^FDx^FS^XZ", "pdf"), (b"%PDF-1.4\n%%EOF\n", "zpl"), (b"<script>^XA^XZ", "zpl"), (b"~JR^XA^XZ", "zpl"), (b"^XA^FDx^FS", "zpl"),
        (b"^XA\x00^XZ", "zpl"), (b"^XA\x1b[2J^XZ", "zpl"), (b"^XA\xff^XZ", "zpl"), (b"%PDF-1.4\n" + b"x" * BYTES_MAX + b"%%EOF", "pdf"),
    ],
)  # fmt: skip
def test_something_else_is_taken_for_a_label(document, label_format):
    assert not is_what_it_says(document, label_format)
