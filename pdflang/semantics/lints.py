"""Remarks on a program that is correct but may not say what was meant."""

from __future__ import annotations

from collections.abc import Iterator

from pdflang.diagnostics import Diagnostic
from pdflang.ir.program import Program
from pdflang.semantics.observations import everything_read


def lint_program(program: Program, used: set[str]) -> Iterator[Diagnostic]:
    """Parameters without influence, and data that nothing reads.

    A file without any term is there to be used by others, or for its prior: nothing is missing there.
    """
    read = _read_by_terms(program)
    has_terms = bool(program.observations or program.factors)
    for parameter in program.parameters.values():
        if has_terms and parameter.name not in read:
            yield Diagnostic(
                "L402",
                f"no observation or factor depends on `{parameter.name}`",
                parameter.span,
                label="only its prior matters",
                remedy="remove it, or let the prediction depend on it",
                severity="lint",
            )
    for datum in program.data.values():
        if datum.name not in used:
            yield Diagnostic(
                "L403",
                f"nothing reads the datum `{datum.name}`",
                datum.span,
                remedy=f"observe it: observe {datum.name} ~ …",
                severity="lint",
            )


def _read_by_terms(program: Program) -> set[str]:
    """The names that some observation, factor or another parameter's prior reads."""
    definitions = program.definition_nodes
    read: set[str] = set()
    terms = [observation.log_likelihood for observation in program.observations.values()]
    terms += [o.process.total for o in program.observations.values() if o.process and not o.process.normalised]
    terms += [factor.node for factor in program.factors.values()]
    for term in terms:
        read.update(everything_read(term, definitions))
    changed = True
    while changed:
        before = len(read)
        for parameter in program.parameters.values():
            if parameter.name in read:
                read.update(everything_read(parameter.log_prior, definitions))
        changed = len(read) > before
    return read
