"""At which parameters data are drawn: at draws of the prior, at given ones, at those of a run, or of a proposal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import jax
import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.model import CompiledModel
from pdflang.simulator.tables import in_blocks

if TYPE_CHECKING:
    import xarray

Parameters = dict[str, np.ndarray]

BLOCK = 64
"""Simulations that are computed together, so that they are the same in any batch: numbers 0 to 63, 64 to 127, …"""
_ATTEMPTS = 100


@runtime_checkable
class Proposal(Protocol):
    """A density over the parameters, on the constrained scale, that can be drawn from: a network, a mixture."""

    def sample(self, key: Any, count: int) -> Mapping[str, Any]:
        """So many parameters, arrays (count, …) by name, of a JAX key."""

    def log_prob(self, parameters: Mapping[str, Any]) -> Any:
        """The log-density of parameters (count, …), as an array (count,)."""


Source = Proposal | Mapping[str, Any] | str | Path | None


class Origin:
    """Where the parameters of simulations come from; those of a number do not depend on how many there are.

    Raises PdflangError: E607 where the prior cannot be drawn from, E609 for parameters that are not those of the
    model, E623 where a folder is not that of a run.
    """

    def __init__(self, model: CompiledModel, source: Source | xarray.DataTree, key: Any) -> None:
        self._model, self._key = model, key
        self._source: Any = source
        if source is None:
            model.draw_prior(key)  # says what cannot be drawn
        elif isinstance(source, Mapping) and not _is_tree(source):
            self._source = dict(source)
        elif not isinstance(source, Proposal):
            self._source = _Members(_members(model, source))

    @property
    def values(self) -> Parameters:
        """Parameters that are known beforehand: those given, or those of a run."""
        source = self._source.members if isinstance(self._source, _Members) else self._source
        return dict(source) if isinstance(source, Mapping) else {}

    def parameters(self, numbers: range, wanted: slice, keys: Any) -> tuple[Parameters, np.ndarray | None]:
        """Those of whole blocks of simulations with these `keys`, (count, …) each, and log prior/proposal, (count,).

        Parameters are given for those that are `wanted` of them. Without weights where the density of what proposed
        them is not known.
        """
        model, source = self._model, self._source
        names = model.program.parameters
        if source is None:
            halves = _first_halves(keys)
            drawn = model.accepted(*in_blocks(lambda k: model.functions.prior_draws(k, model.arrays), BLOCK, halves))
            return {name: np.asarray(drawn[name]) for name in names}, np.zeros(len(numbers))
        if isinstance(source, dict):
            found = given(model, source, wanted.stop - wanted.start, numbers.start + wanted.start)
            rest = (wanted.start, len(numbers) - wanted.stop)
            padded = {n: np.pad(v, [rest, *[(0, 0)] * (v.ndim - 1)], mode="edge") for n, v in found.items()}
            return padded, np.zeros(len(numbers))
        if isinstance(source, _Members):
            return source.chosen(keys), None
        parts = [self._proposed(source, start) for start in range(numbers.start, numbers.stop, BLOCK)]
        found = {name: np.concatenate([part[0][name] for part in parts]) for name in names}
        return found, np.concatenate([part[1] for part in parts])

    def _proposed(self, proposal: Proposal, start: int) -> tuple[Parameters, np.ndarray]:
        """A block of draws of a proposal, of those where the prior is not zero."""
        key = jax.random.fold_in(jax.random.fold_in(self._key, start), BLOCK)
        kept: list[tuple[Parameters, np.ndarray]] = []
        missing = BLOCK
        for attempt in range(_ATTEMPTS):
            drawn = given(self._model, proposal.sample(jax.random.fold_in(key, attempt), BLOCK), BLOCK)
            weights = log_prior(self._model, drawn) - np.asarray(proposal.log_prob(drawn), float)
            inside = np.flatnonzero(weights > -np.inf)[:missing]
            kept.append(({name: values[inside] for name, values in drawn.items()}, weights[inside]))
            missing -= len(inside)
            if not missing:
                parts = [part for part, _ in kept]
                found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
                return found, np.concatenate([weights for _, weights in kept])
        raise PdflangError(
            Diagnostic(
                "E609", f"of {_ATTEMPTS * BLOCK} draws of the proposal, hardly any is where the prior allows one",
                remedy="propose on the constrained scale, in the units of the model",
            )
        )  # fmt: skip


class _Members:
    """Parameters of a run, each as probable as any other."""

    def __init__(self, members: Parameters) -> None:
        self.members = members

    def chosen(self, keys: Any) -> Parameters:
        """One of them for each key."""
        count = len(next(iter(self.members.values())))
        rows = np.asarray(jax.vmap(lambda key: jax.random.randint(jax.random.fold_in(key, 2), (), 0, count))(keys))
        return {name: values[rows] for name, values in self.members.items()}


def _is_tree(source: Any) -> bool:
    """A DataTree is a mapping too."""
    return hasattr(source, "children")


def _members(model: CompiledModel, source: Any) -> Parameters:
    """The parameters of a run: of its folder, or of a tree of draws."""
    from pdflang.results.posterior import flat_draws

    if isinstance(source, str | Path):
        from pdflang.ensemble import ensemble_of
        from pdflang.results.reading import read_run

        found = ensemble_of(read_run(Path(source)), model)
        if found is not None:
            return given(model, found.members, found.count)
    elif _is_tree(source) and "posterior" in source.children:
        group = source["posterior"].to_dataset()
        members = {name: flat_draws(group[name]) for name in model.program.parameters if name in group}
        return given(model, members, min(map(len, members.values()), default=0))
    raise PdflangError(
        Diagnostic(
            "E609", "these are no parameters to draw data at",
            remedy="give arrays by name, the draws or the folder of a run, or an object with `sample` and `log_prob`",
        )
    )  # fmt: skip


def given(model: CompiledModel, values: Mapping[str, Any], count: int, first: int = 0) -> Parameters:
    """Parameters by name, (count, …) each: given once for all, or for each of at least so many. Error: E609."""
    arrays = {name: np.asarray(value) for name, value in values.items()}
    shapes = {slot.parameter.name: slot.shape for slot in model.functions.generated.slots}
    many = {name for name, array in arrays.items() if name in shapes and array.ndim == len(shapes[name]) + 1}
    for name in many:
        if len(arrays[name]) < first + count:
            raise PdflangError(
                Diagnostic(
                    "E609", f"`{name}` is given for {len(arrays[name])} simulations, not for {first + count}",
                    remedy="give a value for each simulation, or one for all of them",
                )
            )  # fmt: skip
    checked = model.checked({name: array[first] if name in many else array for name, array in arrays.items()})
    return {
        name: np.asarray(arrays[name][first : first + count], float)
        if name in many
        else np.repeat(np.asarray(value, float)[None], count, axis=0)
        for name, value in checked.items()
    }


def log_prior(model: CompiledModel, parameters: Parameters) -> np.ndarray:
    """The log-density of the prior at parameters (count, …), factors included: (count,)."""
    return np.asarray(in_blocks(lambda some: model.functions.log_priors(some, model.arrays), BLOCK, parameters))


def _first_halves(keys: Any) -> Any:
    """What `simulate` makes of keys for the parameters."""
    return jax.vmap(jax.random.split)(keys)[:, 0]
