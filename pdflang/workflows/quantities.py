"""Entries of the parameters of a model as the single coordinates that profiles hold."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError, closest_names
from pdflang.fields import schemas
from pdflang.inference.profiles import Quantity
from pdflang.results.schema import entry_names

if TYPE_CHECKING:
    from pdflang.backend.layout import Slot
    from pdflang.embedding import Model


def named(model: Model, names: Sequence[str]) -> list[Quantity]:
    """The quantities that are called so, as tables have them: `mu`, `theta[3]`, `c[u]`. Error: E641."""
    entries = entries_of(model)
    found = [_named(name, entries) for name in names]
    if len(set(names)) < len(names):
        raise _cannot(f"`{names[0]}` is named twice", "name two different parameters, or one alone")
    return found


def entries_of(model: Model) -> dict[str, tuple[Slot, int]]:
    """Where each entry of the parameters is, by its name: in which slot, at which position of its flat array."""
    known = schemas(model)
    return {
        label: (slot, position)
        for slot in model.functions.generated.slots
        for position, label in enumerate(entry_names(slot.parameter.name, slot.shape, known[slot.parameter.name]))
    }


def quantity(name: str, slot: Slot, position: int) -> Quantity | None:
    """One entry as the coordinate that it is; None where its bounds are others' values, which move with them."""
    from pdflang.backend.runtime import bijections

    if slot.is_vector_map or slot.parameter.ends is not None:
        return None
    support = slot.parameter.support
    ends = (bound for bound in (support.lower, support.upper) if np.isfinite(bound))
    bijection = getattr(bijections, slot.bijection)(*map(float, ends))
    return Quantity(name, slot.start + position, support.lower, support.upper, *_scalar_functions(bijection))


def _named(name: str, entries: dict[str, tuple[Slot, int]]) -> Quantity:
    if name not in entries:
        own = [entry for entry, (slot, _) in entries.items() if slot.parameter.name == name]
        if own:
            raise _cannot(f"`{name}` is an array", f"name one of its entries: {', '.join(own[:5])}")
        near = closest_names(name, entries)
        first = {slot.parameter.name: entry for entry, (slot, _) in reversed(entries.items())}
        every = ", ".join(first[name] for name in reversed(first))
        remedy = f"did you mean `{near[0]}`?" if near else f"of each parameter an entry: {every}"
        raise _cannot(f"the model has no parameter `{name}`", remedy)
    slot, position = entries[name]
    found = quantity(name, slot, position)
    if found is None:
        array = f"is an entry of an array that is {slot.bijection.lower()}"
        raise _cannot(
            f"`{name}` {array if slot.is_vector_map else 'has bounds that follow others'}, which cannot be held alone",
            "profile parameters that are free of others",
            slot.parameter.span,
        )
    return found


@lru_cache(maxsize=64)
def _scalar_functions(bijection: Any) -> tuple[Any, Any, Any]:
    """An elementwise map, its inverse and its derivative, of numbers."""
    import jax

    def slope(z: Any) -> Any:
        return jax.numpy.exp(bijection.forward_and_log_det(z)[1])

    def of_number(function: Any) -> Any:
        compiled = jax.jit(function)

        def called(value: float) -> float:
            with jax.enable_x64(True):
                return float(compiled(np.float64(value)))

        return called

    return of_number(bijection.forward), of_number(bijection.inverse), of_number(slope)


def _cannot(message: str, remedy: str, span: Any = None) -> PdflangError:
    return PdflangError(Diagnostic("E641", message, span, remedy=remedy))
