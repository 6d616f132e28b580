"""`pdflang explain CODE`."""

from __future__ import annotations

import click

from pdflang.cli.failure import told
from pdflang.cli.options import json_option
from pdflang.cli.screen import Screen
from pdflang.diagnostics import closest_names
from pdflang.diagnostics.codes import known_codes, page


@click.command("explain")
@click.argument("code")
@json_option
@told
def command(screen: Screen, code: str) -> None:
    """Explain a message by its CODE, with a wrong and a right example."""
    wanted = code.strip().strip("[]").upper()
    known = known_codes()
    if wanted not in known:
        near = [c for c in known if wanted and c.startswith(wanted)] or closest_names(wanted, known)
        hint = f"there are {', '.join(near)}" if near else f"codes run from {known[0]} to {known[-1]}"
        raise click.UsageError(f"There is no message {wanted}; {hint}.")
    found = page(wanted)
    screen.result(found.text, code=found.code, title=found.title, text=found.text)
