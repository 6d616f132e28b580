"""What all pictures share: their style, and how they become files."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager

import matplotlib
from matplotlib.figure import Figure


def style() -> AbstractContextManager[None]:
    """The settings of matplotlib within which a picture is drawn and saved."""
    return matplotlib.rc_context({"font.size": 8, "svg.hashsalt": "pdflang"})


def file_of(figure: Figure, kind: str) -> bytes:
    """The picture as a file of a kind, `png` or `svg`; equal pictures give equal bytes."""
    content = io.BytesIO()
    figure.savefig(content, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return content.getvalue()
