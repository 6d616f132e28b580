"""Pages made from templates: HTML in one file, which loads nothing."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from pdflang import __version__


def page(template: str, **context: Any) -> str:
    """A page by its template. Whatever is put in is escaped, unless it was made as HTML here."""
    environment = Environment(
        loader=PackageLoader("pdflang.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["prose"] = prose
    return environment.get_template(template).render(version=__version__, **context)


def prose(text: str) -> Markup:
    """A sentence whose names stand between backticks, these as code; all of it escaped."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return escape(text)
    marked = (Markup("<code>{}</code>").format(piece) if i % 2 else escape(piece) for i, piece in enumerate(pieces))
    return Markup("").join(marked)
