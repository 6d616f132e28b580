"""`pdflang explain CODE`."""

from __future__ import annotations

import click

from pdflang.diagnostics import closest_names
from pdflang.diagnostics.codes import known_codes, page


@click.command("explain")
@click.argument("code")
def command(code: str) -> None:
    """Explain a message by its CODE, with a wrong and a right example."""
    wanted = code.strip().strip("[]").upper()
    if wanted not in known_codes():
        near = closest_names(wanted, known_codes())
        hint = f"did you mean {' or '.join(near)}?" if near else f"codes run from {known_codes()[0]} to {known_codes()[-1]}"
        raise click.UsageError(f"there is no message {wanted}; {hint}")
    click.echo(page(wanted).text.rstrip())
