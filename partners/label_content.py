"""Is a document what a carrier says it is? Its bytes are another company's, and go to printers and browsers of ours."""

from __future__ import annotations

# Far more than any label; a larger one is not looked at.
BYTES_MAX = 5_000_000
_PDF_TAIL_BYTES = 1024


def is_what_it_says(document: bytes, label_format: str) -> bool:
    """`label_format`: pdf or zpl. A PDF begins with its version and ends with its mark (ISO 32000-1, 7.5.2 and 7.5.5);
    ZPL is UTF-8 text from `^XA` to `^XZ` without control characters but line ends and tabs (`~` commands, which change
    the printer itself, can't come first). What is inside of a PDF is not judged."""
    if len(document) > BYTES_MAX:
        return False
    if label_format == "pdf":
        return document.startswith(b"%PDF-") and b"%%EOF" in document[-_PDF_TAIL_BYTES:]
    try:
        text = document.decode().strip()
    except UnicodeDecodeError:
        return False
    return (
        text.startswith("^XA") and text.endswith("^XZ") and all(char.isprintable() or char in "\r\n\t" for char in text)
    )
