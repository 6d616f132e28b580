"""Fenced blocks of the documentation, and what stands in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block. `about` is the rest of its first line, `result` the text block that follows it, if any."""

    page: Path
    line: int
    language: str
    about: str
    text: str
    result: str | None

    @property
    def id(self) -> str:
        return f"{self.page.name}:{self.line}"

    def rewrite(self, result: str) -> None:
        """Put another result into the page."""
        text = self.page.read_text(encoding="utf-8")
        old = f"{self.text}```\n\n```text\n{self.result}```"
        assert text.count(old) == 1
        self.page.write_text(text.replace(old, f"{self.text}```\n\n```text\n{result}```"), encoding="utf-8")


def blocks(language: str, *pages: Path) -> list[Block]:
    """All blocks of a language, in the order of the pages; by default of all pages."""
    found = []
    for page in pages or PAGES:
        text = page.read_text(encoding="utf-8")
        matches = list(_BLOCK.finditer(text))
        for match, after in zip(matches, [*matches[1:], None], strict=False):
            follows = after is not None and after[1] == "text" and not text[match.end() : after.start()].strip()
            line = text.count("\n", 0, match.start()) + 1
            result = after[3] if after is not None and follows else None
            found.append(Block(page, line, match[1], match[2].strip(), match[3], result))
    return [block for block in found if block.language == language]
