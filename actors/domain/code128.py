"""Code 128 as GS1 uses it: which bars say a text (GS1-128).

    (10)AB12 ──▶ Start B, FNC1, "1", "0", "A", "B", Code C, "12", check character, Stop ──▶ 2 1 1 2 1 4 …   widths, black first

Source: ISO/IEC 15417; GS1 General Specifications 5.4: FNC1 follows the start character and makes it a GS1-128. Subset C
says two digits at once, B all else that an element string may have (no control characters, so A is never needed); of
all ways the shortest is taken.

Why not a library's: the one that draws our PDFs lost a digit now and then ("100␝210␝30000" was drawn as
"100␝210␝0000"; found by reading back).
"""

from __future__ import annotations

from actors.domain.gs1_elements import FNC1

# By value, 0 to 105: three bars and three blanks, in modules; the stop has one bar more.
_WIDTHS = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213", "221312", "231212",
    "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132", "221231", "213212", "223112", "312131",
    "311222", "321122", "321221", "312212", "322112", "322211", "212123", "212321", "232121", "111323", "131123", "131321",
    "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331", "132131", "113123", "113321", "133121",
    "313121", "211331", "231131", "213113", "213311", "213131", "311123", "311321", "331121", "312113", "312311", "332111",
    "314111", "221411", "431111", "111224", "111422", "121124", "121421", "141122", "141221", "112214", "112412", "122114",
    "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111", "111242", "121142", "121241", "114212",
    "124112", "124211", "411212", "421112", "421211", "212141", "214121", "412121", "111143", "111341", "131141", "114113",
    "114311", "411113", "411311", "113141", "114131", "311141", "411131", "211412", "211214", "211232",
]  # fmt: skip
_STOP_WIDTHS = "2331112"
_CODE_C, _CODE_B, _FNC1, _START_B, _START_C = 99, 100, 102, 104, 105
_MODULUS = 103
# Subset B begins with the blank.
_FIRST_SIGN = 32

Values = tuple[int, ...]


def values(text: str) -> Values:
    """The characters of the symbol for an element string (`gs1_elements.write`), start and check character
    included, the stop not."""
    in_b, in_c = _shortest(text)
    signs = min((_START_C, _FNC1, *in_c), (_START_B, _FNC1, *in_b), key=len)
    return (*signs, (signs[0] + sum(at * value for at, value in enumerate(signs))) % _MODULUS)


def widths(text: str) -> list[int]:
    """The symbol's elements in modules, beginning and ending with a bar."""
    return [int(sign) for value in values(text) for sign in _WIDTHS[value]] + [int(sign) for sign in _STOP_WIDTHS]


def _shortest(text: str) -> tuple[Values, Values]:
    """The fewest characters for all of the text, when it is begun in subset B and when in C."""
    # What is left of the text from here on, and from one further on.
    in_b: Values = ()
    in_c: Values = ()
    next_c: Values = ()
    for at in range(len(text) - 1, -1, -1):
        sign = text[at]
        now_b = (_FNC1 if sign == FNC1 else ord(sign) - _FIRST_SIGN, *in_b)
        now_c: Values | None = None
        if sign == FNC1:
            now_c = (_FNC1, *in_c)
        elif text[at : at + 2].isdigit() and at + 2 <= len(text):
            now_c = (int(text[at : at + 2]), *next_c)
        next_c = in_c
        in_b = now_b if now_c is None else min(now_b, (_CODE_C, *now_c), key=len)
        in_c = (_CODE_B, *now_b) if now_c is None else min(now_c, (_CODE_B, *now_b), key=len)
    return in_b, in_c
