"""A compiled model: pure functions of parameters, with the data as arguments behind them."""

from __future__ import annotations

import linecache
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pdflang.backend import GeneratedModule
from pdflang.backend.runtime.factorisation import NotPositiveDefinite
from pdflang.data.context import DataContext
from pdflang.data.matrix_checks import check_covariance
from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.ir.program import BoundProgram, Program

if TYPE_CHECKING:
    import jax

Parameters = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Functions:
    """The functions of a generated module. Every compilation is keyed on these objects, which data does not touch.

    `log_posterior` takes unconstrained coordinates but has no Jacobian: its maximum is that of the density.
    """

    module: SimpleNamespace
    generated: GeneratedModule
    log_density: Any = field(init=False)
    log_density_unconstrained: Any = field(init=False)
    log_likelihood: Any = field(init=False)
    constrain: Any = field(init=False)
    unconstrain: Any = field(init=False)
    derived: Any = field(init=False)
    draw_parameters: Any = field(init=False)
    log_posterior: Any = field(init=False)
    quantities: Any = field(init=False)
    start: Any = field(init=False)
    comparison: Any = field(init=False)

    def __post_init__(self) -> None:
        import jax

        module = self.module

        def log_density_unconstrained(vector: jax.Array, arrays: Any) -> jax.Array:
            parameters, log_det = module.constrain(vector)
            return module.log_density(parameters, arrays) + log_det

        def derived(parameters: Parameters, arrays: Any) -> dict[str, jax.Array]:
            return module.derived(parameters, arrays) if hasattr(module, "derived") else {}

        def log_posterior(vector: jax.Array, arrays: Any) -> jax.Array:
            return module.log_density(module.constrain(vector)[0], arrays)

        def quantities(vectors: jax.Array, arrays: Any) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
            def of_one(vector: jax.Array) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
                parameters, _ = module.constrain(vector)
                return parameters, derived(parameters, arrays)

            return jax.vmap(of_one)(vectors)

        def start(key: jax.Array, arrays: Any) -> jax.Array:
            return module.unconstrain(module.draw_parameters(key, arrays))

        def comparison(parameters: Parameters, arrays: Any) -> dict[str, tuple[jax.Array, jax.Array]]:
            return module.compare(parameters, arrays) if hasattr(module, "compare") else {}

        compiled = {
            "log_posterior": log_posterior,
            "quantities": quantities,
            "start": start,
            "comparison": comparison,
            "log_density": module.log_density,
            "log_density_unconstrained": log_density_unconstrained,
            "log_likelihood": module.log_likelihood,
            "constrain": lambda vector: module.constrain(vector)[0],
            "unconstrain": module.unconstrain,
            "derived": derived,
            "draw_parameters": module.draw_parameters,
        }
        for name, function in compiled.items():
            object.__setattr__(self, name, jax.jit(function))


def load_functions(generated: GeneratedModule, name: str) -> Functions:
    """Execute a generated module. Its text is kept where tracebacks and debuggers look for it."""
    filename = f"<pdflang {name}>"
    linecache.cache[filename] = (len(generated.source), None, generated.source.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": f"pdflang.generated.{name}"}
    exec(compile(generated.source, filename, "exec"), namespace)
    return Functions(SimpleNamespace(**namespace), generated)


class CompiledModel:
    """A model with its data, compiled. All functions are pure and may be jitted, differentiated and vmapped.

    Inside, numbers have 64 bits, whatever the host program has set for JAX.
    """

    def __init__(self, bound: BoundProgram, functions: Functions, capacities: Mapping[str, int]) -> None:
        self.bound = bound
        self.functions = functions
        self.capacities = dict(capacities)
        self.arrays = self._prepared()

    # --- what it is -----------------------------------------------------------------------------------------

    @property
    def program(self) -> Program:
        return self.bound.program

    @property
    def source(self) -> str:
        """The generated module, which is what runs."""
        return self.functions.generated.source

    @property
    def dimension(self) -> int:
        """How many unconstrained coordinates there are."""
        slots = self.functions.generated.slots
        return slots[-1].stop if slots else 0

    @property
    def is_proper(self) -> bool:
        """Whether every prior can be drawn from."""
        return all(parameter.prior.row.proper for parameter in self.program.parameters.values())

    # --- density --------------------------------------------------------------------------------------------

    def log_density(self, params: Parameters) -> jax.Array:
        """The log-density on the constrained scale, up to a constant.

        `params` holds a number or array for each parameter; KeyError where one is missing. Scalar, float64.
        """
        with _precise():
            return self.functions.log_density(self._checked(params), self.arrays)

    def log_density_unconstrained(self, z: Any) -> jax.Array:
        """The log-density of unconstrained coordinates z, shape (dimension,), with the Jacobian."""
        with _precise():
            return self.functions.log_density_unconstrained(_float(z), self.arrays)

    def log_likelihood(self, params: Parameters) -> dict[str, jax.Array]:
        """The log-probability of each datum, by observation.

        A point process has one entry for each event, and its expected count as `<name> yield`.
        """
        with _precise():
            terms = dict(self.functions.log_likelihood(self._checked(params), self.arrays))
        for name, length in self._event_counts().items():
            terms[name] = terms[name][..., :length]
        return terms

    def constrain(self, z: Any) -> dict[str, jax.Array]:
        """Parameters by name of unconstrained coordinates z, shape (dimension,)."""
        with _precise():
            return self.functions.constrain(_float(z))

    def unconstrain(self, params: Parameters) -> jax.Array:
        """The unconstrained coordinates (dimension,) of parameters."""
        with _precise():
            return self.functions.unconstrain(self._checked(params))

    def derived(self, params: Parameters) -> dict[str, jax.Array]:
        """Outputs and solved constants at given parameters."""
        with _precise():
            return self.functions.derived(self._checked(params), self.arrays)

    def predictions(self, params: Parameters) -> dict[str, jax.Array]:
        """What each Gaussian observation is expected to be."""
        return {name: mean for name, (mean, _) in self._comparison(params).items()}

    def chi2(self, params: Parameters) -> dict[str, float]:
        """χ² = (y − μ)ᵀ C⁻¹ (y − μ) of each Gaussian observation."""
        return {name: float(chi2) for name, (_, chi2) in self._comparison(params).items()}

    def _comparison(self, params: Parameters) -> dict[str, tuple[jax.Array, jax.Array]]:
        with _precise():
            return self.functions.comparison(self._checked(params), self.arrays)

    # --- simulation -----------------------------------------------------------------------------------------

    def draw_prior(self, key: Any) -> dict[str, jax.Array]:
        """Parameters drawn from the prior. PdflangError where a prior is improper or a factor reweights it."""
        self._require_prior()
        with _precise():
            return self.functions.draw_parameters(key, self.arrays)

    def simulate(self, key: Any, params: Parameters | None = None, sizes: Mapping[str, int] | None = None) -> dict[str, Any]:
        """Observed data drawn at given parameters, or at parameters drawn from the prior.

        `key` is a JAX key or a whole number. `sizes` sets the number of events of an `Iid` observation. Returns
        arrays by the name of the datum.
        """
        import jax

        with _precise():
            key = jax.random.key(key) if isinstance(key, int) else key
            prior_key, data_key = jax.random.split(key)
            if params is None:
                params = self.draw_prior(prior_key)
            arrays = {**self.arrays, **{f"{name} count": size for name, size in (sizes or {}).items()}}
            return dict(self.functions.module.simulate(data_key, self._checked(params), arrays))

    def _require_prior(self) -> None:
        for parameter in self.program.parameters.values():
            if not parameter.prior.row.proper:
                raise PdflangError(
                    Diagnostic(
                        "E607",
                        f"the prior of `{parameter.name}` is improper, so nothing can be drawn from it",
                        parameter.span,
                        remedy="give parameters (--params FILE), or a proper prior: Normal(0, 10)",
                    )
                )
        for factor in self.program.factors.values():
            raise PdflangError(
                Diagnostic(
                    "E607",
                    f"the factor `{factor.name}` reweights the prior, so that its draws are not the density's",
                    factor.span,
                    remedy="give parameters (--params FILE); at given parameters factors change nothing",
                )
            )

    # --- data -----------------------------------------------------------------------------------------------

    def with_bound(self, bound: BoundProgram, functions: Functions) -> CompiledModel:
        """This model with other data; arrays of events keep the room they have where that suffices."""
        return type(self)(bound, functions, self.capacities)

    def _event_counts(self) -> dict[str, int]:
        return {
            o.name: o.target.axes[0].size.bind(self.bound.lengths)
            for o in self.program.observations.values()
            if o.process
        }

    def _prepared(self) -> dict[str, Any]:
        import numpy as np

        generated = self.functions.generated
        data = {**self.bound.arrays, **generated.constants}
        try:
            with np.errstate(all="ignore"):
                arrays = {name: np.asarray(value) for name, value in self.functions.module.prepare(data).items()}
        except NotPositiveDefinite as failure:
            raise self._covariance_error(failure) from None
        for name, count in self._event_counts().items():
            capacity = self.capacities[name] = max(self.capacities.get(name, 0), _room(count))
            if count > self.capacities[name]:
                capacity = self.capacities[name] = _room(count)
            for key, axis in generated.event_arrays[name].items():
                arrays[key] = _padded(arrays[key], axis, capacity)
            arrays[f"{name} count"] = np.asarray(count)
        return arrays

    def _covariance_error(self, failure: NotPositiveDefinite) -> Exception:
        place = self.functions.generated.matrices[failure.site]
        context = DataContext("the covariance", place, self.program.source.folder)
        try:
            check_covariance(failure.matrix, context)
        except PdflangError as error:
            return error
        return PdflangError(Diagnostic("E511", "the covariance is not positive definite", place))

    def _checked(self, params: Parameters) -> dict[str, Any]:
        """Exactly the declared parameters, as 64-bit numbers."""
        missing = [name for name in self.program.parameters if name not in params]
        if missing:
            raise KeyError(f"no value for {', '.join(missing)}")
        return {name: _float(params[name]) for name in self.program.parameters}

    # --- where a density is not finite ----------------------------------------------------------------------

    def explain_nonfinite(self, params: Parameters) -> Diagnostic:
        """Which term of the log-density is not finite at these parameters, at which line and row."""
        import numpy as np

        module = self.functions.module
        with _precise():
            values = self._checked(params)
            groups = [module.log_prior(values, self.arrays), module.log_likelihood(values, self.arrays)]
            if self.program.factors:
                groups.append(module.log_factors(values, self.arrays))
        shown = ", ".join(f"{name} = {_short(value)}" for name, value in list(values.items())[:8])
        for group in groups:
            for name, value in group.items():
                array = np.asarray(value)
                if np.all(np.isfinite(array)):
                    continue
                place = self._place_of(name)
                row = np.argwhere(~np.isfinite(array))[0] if array.ndim else ()
                entry = f" in row {', '.join(str(int(i) + 1) for i in row)}" if len(row) else ""
                found = float(array[tuple(row)])
                return Diagnostic(
                    "E601",
                    f"the log-density is not finite: the term `{name}` is {found:g}{entry}",
                    place,
                    notes=(f"at {shown}", *self._readings(name, row)),
                    remedy="check the data of this term, or restrict the parameters to where it is defined",
                )
        return Diagnostic("E601", "the log-density is not finite", notes=(f"at {shown}",))

    def _readings(self, name: str, row: Any) -> tuple[str, ...]:
        import numpy as np

        if name not in self.bound.arrays:
            return ()
        array = np.asarray(self.bound.arrays[name])
        if not array.ndim or len(row) != array.ndim:
            return ()
        return (f"there `{name}` is {array[tuple(row)]:g}",)

    def _place_of(self, term: str) -> Any:
        name = term.removesuffix(" yield").removesuffix(" normalisation")
        for group in (self.program.observations, self.program.factors, self.program.parameters):
            if name in group:
                return group[name].span  # type: ignore[index]
        return None


def _room(count: int) -> int:
    """Room for a list of events: what it has and a few standard deviations more, so that a new draw fits."""
    wanted = count + 5 * math.isqrt(count) + 8
    step = max(16, 2 ** max(0, wanted.bit_length() - 6))
    return -(-wanted // step) * step


def _padded(array: Any, axis: int, capacity: int) -> Any:
    import numpy as np

    missing = capacity - array.shape[axis]
    if array.shape[axis] == 0:
        return np.zeros((*array.shape[:axis], capacity, *array.shape[axis + 1 :]), array.dtype)
    return np.pad(array, [(0, missing if i == axis else 0) for i in range(array.ndim)], mode="edge")


def _precise() -> Any:
    import jax

    return jax.enable_x64(True)


def _float(value: Any) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(value, dtype=jnp.float64)


def _short(value: Any) -> str:
    import numpy as np

    array = np.asarray(value)
    if array.ndim == 0:
        return f"{float(array):.4g}"
    return "[" + ", ".join(f"{v:.4g}" for v in array.ravel()[:3]) + (", …]" if array.size > 3 else "]")


