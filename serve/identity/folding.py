"""One spelling for texts that people would call the same: capitals, full-width letters, blanks around them."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """Case folded and compatibility-normalised (Unicode 3.13, NFKC after case folding), without blanks around it."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()
