"""Labels of 4 × 6 inches for label printers, in their language ZPL.

Source: Zebra ZPL II Programming Guide (^BC: Code 128, `>;` starts subset C and `>8` is FNC1; ^FH:
bytes as _xx; ^CI28: UTF-8).
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.domain.gs1_elements import Element, with_brackets

# Printers of 203 dots an inch, the usual ones: 8 dots a millimetre. A module of 4 dots is 0.5 mm.
_DOTS_PER_MM = 8
_LABEL_DOTS = (812, 1218)
_MODULE_DOTS = 4
_BARS_DOTS = 32 * _DOTS_PER_MM


def zpl_label(fields: Iterable[str]) -> bytes:
    """A label with these fields."""
    opening = ["^XA", "^CI28", f"^PW{_LABEL_DOTS[0]}", f"^LL{_LABEL_DOTS[1]}"]
    return "\n".join([*opening, *fields, "^XZ"]).encode()


def zpl_text(x: int, y: int, text: str, height: int) -> str:
    """A line of text; x, y, height: dots."""
    return f"^FO{x},{y}^A0N,{height},{height}^FH_^FD{_quoted(text)}^FS"


def zpl_sscc(y: int, sscc: str) -> list[str]:
    """The SSCC as GS1-128 from there on (dots), and below what people read."""
    bars = f"^FO88,{y}^BY{_MODULE_DOTS}^BCN,{_BARS_DOTS},N,N,N^FD>;>800{sscc}^FS"
    return [bars, zpl_text(88, y + _BARS_DOTS + 12, with_brackets([Element("00", sscc)]), 30)]


def _quoted(text: str) -> str:
    """The text without signs that the printer would take for commands, or for the beginning of a byte (`_`)."""
    return "".join(f"_{ord(sign):02X}" if sign in "^~_\\" or ord(sign) < 0x20 else sign for sign in text)
