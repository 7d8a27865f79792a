"""Characters beyond ASCII that are read as digits, blanks, dashes and other separators, or not seen at all, as copying
and the keyboards of other scripts bring them. By Unicode's categories, as the running Python knows them."""

from __future__ import annotations

import re
import unicodedata
from itertools import chain

# The planes that have any; between the two are ideographs and what nobody has assigned.
_BEYOND = [chr(code) for code in chain(range(0x80, 0x20000), range(0xE0000, 0xE0100))]
_OF_CATEGORY: dict[str, list[int]] = {}
for _char in _BEYOND:
    _OF_CATEGORY.setdefault(unicodedata.category(_char), []).append(ord(_char))
# To the ASCII character that each is read as.
LOOKALIKES: dict[int, str] = {
    # The decimal digits of every script (Nd), and raised, lowered and circled ones.
    **{ord(char): str(unicodedata.digit(char)) for char in _BEYOND if char.isdigit()},
    **dict.fromkeys(chain(*(_OF_CATEGORY[blank] for blank in ("Zs", "Zl", "Zp"))), " "),
    # With the minus, which is none of them.
    **dict.fromkeys([*_OF_CATEGORY["Pd"], 0x2212], "-"),
    # Middle dots and bullets, the stops of Asian scripts.
    **dict.fromkeys((0xB7, 0x2022, 0x2027, 0x2219, 0x22C5, 0x3002, 0x30FB, 0xFF0E, 0xFF61), "."),
    # Arabic and Asian commas, the Arabic separators of decimals and thousands.
    **dict.fromkeys((0x60C, 0x66B, 0x66C, 0x3001, 0xFF0C, 0xFF64), ","),
    **dict.fromkeys((0x2044, 0x2215, 0xFF0F), "/"),
    0xFF3F: "_",
}
# What nobody sees (Cf): joiners, marks of direction, soft hyphens; and what makes a digit the picture of a key. One of
# them may stand within a number or end it, so both are to be looked at.
UNSEEN_CHARS = "".join(map(chr, [*_OF_CATEGORY["Cf"], 0xFE0E, 0xFE0F, 0x20E3]))
UNSEEN = re.compile(f"[{re.escape(UNSEEN_CHARS)}]")
