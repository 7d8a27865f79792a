"""Commands as the reader's shell takes them: few have the virtual environment active."""

import os
import shutil
import sys
from pathlib import Path

_WRITTEN = "python -m "


def typed(text: str) -> str:
    """A text whose `python -m …` works as printed: with this very Python, from the folder in which we are."""
    return text.replace(_WRITTEN, f"{_python()} -m ")


def _python() -> str:
    found = shutil.which("python")
    if found is not None and os.path.abspath(found) == os.path.abspath(sys.executable):
        return "python"  # the environment is active
    # Never resolved: what .venv/bin/python points to has none of our packages.
    here, own = Path.cwd(), Path(sys.executable)
    # A process in the background is nowhere, and its reader somewhere else.
    near = own.is_relative_to(here) and here != Path(here.anchor)
    return str(own.relative_to(here)) if near else str(own)
