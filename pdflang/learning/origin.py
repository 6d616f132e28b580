"""Whether data are such as networks were trained for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.learning.layout import layout_of
from pdflang.results.provenance import array_hash

if TYPE_CHECKING:
    from pdflang.learning.learned import Learned
    from pdflang.model import CompiledModel


def hashes(model: CompiledModel, observed: bool) -> dict[str, Any]:
    """Hashes of the data of a model that are observed, or of the others, by name."""
    names = set(model.program.observations)
    return {
        name: array_hash(values)
        for name, values in model.bound.arrays.items()
        if ((name in names or name.partition(".")[0] in names) is observed)
    }


def require_fits(learned: Learned, model: CompiledModel) -> None:
    """PdflangError (E624) where the data of a model are not such as the networks were trained for."""
    problems = list(_problems(learned, model))
    if problems:
        raise PdflangError(*problems)


def _problems(learned: Learned, model: CompiledModel) -> Iterator[Diagnostic]:
    parts = {part.name: part for part in layout_of(model, weighted=True)}
    for part in learned.parts:
        now = parts.get(part.name)
        if now is None or (now.shape, now.variables, now.labels) != (part.shape, part.variables, part.labels):
            shape = f"shape {now.shape}, not {part.shape}" if now is not None else "no observation"
            yield _differs(f"`{part.name}` has {shape}", "train again with data of this shape")
            return
        if now.rows != part.rows and learned.method.learns != "likelihood":
            yield _differs(
                f"`{part.name}` has {now.rows} rows, not {part.rows}",
                "train again with data of this length, or by `nle`, for which rows may be more or fewer",
            )
            return
    changed = _changed(learned.fixed, hashes(model, observed=False))
    if changed:
        yield _differs(
            f"{changed} is not what it was, and simulations depend on it",
            "give the data of the training, or train again",
        )
    elif learned.observed and (changed := _changed(learned.observed, hashes(model, observed=True))):
        yield _differs(
            f"{changed} is not what it was, and rounds are made for one data set",
            "train with these data, or without `--rounds`, for any data",
        )


def _changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The first datum that is another."""
    return next((f"`{name}`" for name in {**then, **now} if then.get(name) != now.get(name)), "")


def _differs(what: str, remedy: str) -> Diagnostic:
    return Diagnostic("E624", f"the networks were trained for other data: {what}", remedy=remedy)
