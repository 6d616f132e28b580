"""The pages of `pdflang explain`: one Markdown file a code, with a wrong and a right example.

A page starts with `# CODE title`; its fenced blocks are files: ```` ```pdfm wrong ```` and ```` ```pdfm right ````
are the model files, and a block such as ```` ```csv events.csv ```` is a file beside them. A line
`Command: sample` names the command that shows the code where that is not `check`, and `Right command: …` the one that
does not where the mistake is in the command line. The model stands behind the options unless the command names it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent
_BLOCK = re.compile(r"^```(\w+) +(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    """What `pdflang explain` shows for a code."""

    code: str
    title: str
    text: str
    command: tuple[str, ...]
    right_command: tuple[str, ...]
    wrong: str
    right: str
    files: dict[str, str]


def known_codes() -> list[str]:
    """All codes that have a page, in order."""
    return sorted(path.stem for path in _FOLDER.glob("*.md"))


def page(code: str) -> Page:
    """The page of a code; KeyError where there is none."""
    path = _FOLDER / f"{code}.md"
    if code not in known_codes():
        raise KeyError(code)
    text = path.read_text(encoding="utf-8")
    title = text.splitlines()[0].removeprefix(f"# {code}").strip()
    blocks = {name: body for _, name, body in _BLOCK.findall(text)}
    command = _command("Command", text) or ("check",)
    return Page(
        code=code,
        title=title,
        text=text,
        command=command,
        right_command=_command("Right command", text) or command,
        wrong=blocks.pop("wrong", ""),
        right=blocks.pop("right", ""),
        files=blocks,
    )


def _command(head: str, text: str) -> tuple[str, ...]:
    found = re.search(rf"^{head}: (.+)$", text, re.MULTILINE)
    return tuple(found.group(1).split()) if found else ()
