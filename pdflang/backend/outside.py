"""What a program calls of that which the embedding program registered: where, and what is said when it fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pdflang.components.handles import HANDLES, Failed
from pdflang.diagnostics import Diagnostic, PdflangError, Span
from pdflang.ir import nodes
from pdflang.ir.program import Draws, Program, expressions

Places = Mapping[str, Span | None]


def called(program: Program) -> dict[str, Span | None]:
    """Where a program calls what was registered first, by its name; to be asked with the marks of the program."""
    if not HANDLES:
        return {}
    processes = [o.process for o in program.observations.values() if o.process]
    steps = [step for p in processes for stream in p.streams for stage in stream.stages for step in stage.steps]
    drawn = [(step.draws, step.span) for step in steps] + [(o.draws, o.span) for o in program.observations.values()]
    found: list[tuple[str, Span | None]] = [(row, span) for draws, span in drawn if draws for row in _rows(draws)]
    applied = (node for node in nodes.walk(*expressions(program)) if isinstance(node, nodes.Apply))
    found += [(node.function.name, node.span) for node in applied]
    return {name: span for name, span in reversed(found) if name in HANDLES}


def _rows(draws: Draws) -> list[str]:
    return [draws.row.name, *(name for component in draws.components for name in _rows(component))]


@contextmanager
def told(places: Places) -> Iterator[None]:
    """What was registered and fails inside is told to the user, with the place in the model: PdflangError (E615)."""
    try:
        yield
    except Failed as failure:
        raise PdflangError(
            Diagnostic(
                "E615", str(failure), places.get(failure.name), label="called from here",
                remedy="mend what was registered: it gets arrays of one shape, and returns one array of that shape",
            )
        ) from failure.__cause__  # fmt: skip
