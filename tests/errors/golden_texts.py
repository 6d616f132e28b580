"""Texts that are kept, word for word. PDFLANG_REFRESH=1 writes them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def compare(name: str, found: str) -> None:
    """That a text is the kept one of that name."""
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("PDFLANG_REFRESH"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


def without_folders(folder: Path, output: str) -> str:
    """What a command printed, without the folder that it happened to run in."""
    return re.sub(r"/\S*/?pytest-of-\S*", "<folder>", output.replace(str(folder.resolve()), "<folder>"))


def messages(output: str) -> str:
    """The messages of what a command printed, without the results beside them."""
    found = (re.search(r"^(error|lint)\[.*", part, re.MULTILINE | re.DOTALL) for part in output.split("\n\n"))
    return "\n\n".join(message[0] for message in found if message).rstrip() + "\n"
