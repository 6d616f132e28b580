"""Log-probabilities of what was drawn, with the trace held fixed, and their gradients in the parameters, compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pdflang.backend.runtime.replay import log_intensity
from pdflang.functions import load_module
from pdflang.model import CompiledModel
from pdflang.simulator.records import Slopes, matrix
from pdflang.simulator.tables import Rows, in_blocks

_BLOCK = 64


class Scoring:
    """The probability of traces, of data that are no events, and how many events are accepted, of one model."""

    def __init__(self, model: CompiledModel) -> None:
        self._model = model
        self._arrays = jax.tree.map(jnp.asarray, model.whole_arrays)
        self._kept: dict[Any, Any] = {}

    # --- events ---------------------------------------------------------------------------------------------

    def log_intensities(self, name: str, stream: int, sites: Mapping[str, np.ndarray], rows: Rows, params: Any) -> Any:
        """log Λ of events of a stream, in rows."""
        return rows.mapped(self._of_stream(name, stream, "value"), sites, params, self._arrays)

    def slopes(self, name: str, stream: int, sites: Mapping[str, np.ndarray], rows: Rows, params: Any) -> Any:
        """∇ log Λ of each event of a stream, in rows."""
        return rows.mapped(self._of_stream(name, stream, "slopes"), sites, params, self._arrays)

    def totals(self, name: str, stream: int, sites: Mapping[str, np.ndarray], rows: Rows, params: Any) -> Any:
        """∇ Σ log Λ over the events of each row."""
        return rows.mapped(self._of_stream(name, stream, "totals"), sites, params, self._arrays)

    def _of_stream(self, name: str, stream: int, what: str) -> Callable[..., Any]:
        generated = self._model.functions.generated
        streams = getattr(self._model.functions.module, generated.streams[name])

        def value(sites: Any, there: Any, params: Any, arrays: Any) -> Any:
            return log_intensity(streams(params, arrays)[stream], sites, params, arrays)

        def total(params: Any, sites: Any, there: Any, arrays: Any) -> Any:
            return jnp.sum(jnp.where(there, value(sites, there, params, arrays), 0.0))

        def made() -> Any:
            chosen: Callable[..., Any] = value
            if what == "slopes":
                chosen = jax.jacfwd(value, argnums=2)
            elif what == "totals":
                slope = jax.grad(total)
                chosen = lambda sites, there, params, arrays: slope(params, sites, there, arrays)  # noqa: E731
            return jax.jit(jax.vmap(chosen, (0, 0, 0, None)))

        return self._once((name, stream, what), made)

    def log_expected(self, name: str, params: Mapping[str, np.ndarray]) -> tuple[np.ndarray, Slopes] | None:
        """log ν of the accepted events of a process, (count,), and ∇ log ν; None where the model has no integral.

        Of a normalised process it is the logarithm of the integral of its shape.
        """
        process = self._model.program.observations[name].process
        assert process is not None
        if process.total is None:
            return None
        module, normalised = self._model.functions.module, process.normalised

        def log_total(params: Any, arrays: Any) -> Any:
            if normalised:
                return -module.log_likelihood(params, {**arrays, f"{name} count": 1})[f"{name} normalisation"]
            return jnp.log(-module.log_likelihood(params, arrays)[f"{name} yield"])

        made = self._once((name, "expected"), lambda: jax.jit(jax.vmap(jax.value_and_grad(log_total), (0, None))))
        points, which = np.unique(matrix(params), axis=0, return_index=True, return_inverse=True)[1:]
        distinct = {parameter: values[points] for parameter, values in params.items()}
        found = in_blocks(lambda some: made(some, self._model.arrays), _BLOCK, distinct)
        return jax.tree.map(lambda values: values[np.ravel(which)], found)

    # --- other data -----------------------------------------------------------------------------------------

    def log_probability(self, data: Mapping[str, np.ndarray], params: Mapping[str, np.ndarray]) -> np.ndarray:
        """log p of all data that are no events, (count,)."""
        made = self._once("probability", lambda: jax.jit(jax.vmap(self._log_probability, (0, 0, None))))
        return np.asarray(in_blocks(lambda d, p: made(d, p, self._prepared), _BLOCK, dict(data), dict(params)))

    def probability_slopes(self, data: Mapping[str, np.ndarray], params: Mapping[str, np.ndarray]) -> Slopes:
        """∇ log p of the same."""
        slope = jax.grad(self._log_probability, argnums=1)
        made = self._once("probability slopes", lambda: jax.jit(jax.vmap(slope, (0, 0, None))))
        return in_blocks(lambda d, p: made(d, p, self._prepared), _BLOCK, dict(data), dict(params))

    def _log_probability(self, data: Any, params: Any, arrays: Any) -> Any:
        terms = self._module.log_probability(data, params, arrays)
        return sum((jnp.sum(term) for term in terms.values()), start=jnp.zeros(()))

    @cached_property
    def _generated(self) -> Any:
        from pdflang.driver import probability_of_data

        return probability_of_data(self._model)

    @cached_property
    def _module(self) -> Any:
        name = self._model.program.source.name
        return load_module(self._generated, name, f"<pdflang {name}: simulated data>")

    @cached_property
    def _prepared(self) -> Any:
        with np.errstate(all="ignore"):
            return self._module.prepare({**self._model.data_arrays, **self._generated.constants})

    def _once(self, key: Any, make: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]
