"""Whether parameters can be drawn from the prior of a program."""

from __future__ import annotations

from pdflang.diagnostics import Diagnostic
from pdflang.ir.program import Factor, Program
from pdflang.semantics.lints import everything_read
from pdflang.semantics.ranges import range_of

_OR_GIVE = "`simulate` also takes parameters (--params FILE), where priors and factors change nothing"


def undrawable(program: Program) -> Diagnostic | None:
    """What keeps parameters from being drawn from the prior, at its line (E607).

    A factor that is at most 0 and reads parameters only is a part of the prior: its draws are accepted with
    probability exp(factor). Of others that cannot be said.
    """
    for parameter in program.parameters.values():
        if not parameter.prior.row.proper:
            return Diagnostic(
                "E607",
                f"the prior of `{parameter.name}` is improper, so nothing can be drawn from it",
                parameter.span,
                remedy=f"write a proper prior: Normal(0, 10); {_OR_GIVE}",
            )
    return next(filter(None, (_no_probability(factor, program) for factor in program.factors.values())), None)


def _no_probability(factor: Factor, program: Program) -> Diagnostic | None:
    data = [name for name in _everything_read(factor, program) if _is_data(name, program)]
    if data:
        why = f"reads the datum `{data[0]}`, so that it is no part of the prior"
        remedy = "a term that reads parameters only can be drawn with"
    elif not range_of(factor.node).upper <= 0:
        why = "reweights the prior, and could not be proved to be at most 0, where exp(factor) is a probability"
        remedy = "write it so that its sign shows: penalty(…), -(…)^2, min(…, 0)"
    else:
        return None
    return Diagnostic("E607", f"the factor `{factor.name}` {why}", factor.span, remedy=f"{remedy}; {_OR_GIVE}")


def _everything_read(factor: Factor, program: Program) -> list[str]:
    return everything_read(factor.node, {name: d.node for name, d in program.definitions.items()})


def _is_data(name: str, program: Program) -> bool:
    """Data are read by their names; columns of a table, and parts of a data set, by names below."""
    return any(name == datum or name.startswith(f"{datum}.") for datum in program.data)


def too_rare(program: Program, trials: int) -> Diagnostic:
    """Factors leave so little of the prior that none of its draws was accepted (E607)."""
    names = ", ".join(f"`{name}`" for name in program.factors)
    return Diagnostic(
        "E607",
        f"none of {trials} draws of the prior was accepted with the probability that its factors allow: {names}",
        next(iter(program.factors.values())).span,
        remedy=f"choose priors that agree with the factors; {_OR_GIVE}",
    )
