"""The Python interface: load a model, then evaluate, simulate, maximise or sample it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang import driver
from pdflang.diagnostics import PdflangError, SourceFile
from pdflang.inference import MapOptions, Monitor, NoFiniteStart, NutsOptions, Target
from pdflang.model import CompiledModel

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    import xarray

    from pdflang.inference import Draws, Optima

_BATCH = 1000
"""Draws whose outputs are computed at once: a bound on memory."""


def load(path: str | Path, data: Mapping[str, Any] | None = None) -> Model:
    """The compiled model of a `.pdfm` file.

    `data` replaces the declared sources by name: numbers, arrays, or mappings of columns for a table. Raises
    PdflangError with everything that is wrong with the model or its data.
    """
    return _compiled(driver.read_source(Path(path)), data)


def loads(text: str, data: Mapping[str, Any] | None = None, folder: str | Path | None = None) -> Model:
    """The compiled model of a text. Files that it names are looked for in `folder`, by default where we are."""
    return _compiled(SourceFile("<model>", text, Path(folder) if folder else Path.cwd()), data)


def _compiled(source: SourceFile, data: Mapping[str, Any] | None) -> Model:
    bound = driver.bind(driver.check(source), data or {})
    return Model(bound, driver.compile_bound(bound), {})


@dataclass(frozen=True)
class Fit:
    """The maximum of a posterior density, and the normal approximation around it.

    `params` are the parameters there, `log_density` the value; `standard_errors` come from the inverse of
    minus the Hessian (NaN where there is none). `chi2` is that of each Gaussian observation, `optima` what
    each start found.
    """

    params: dict[str, np.ndarray]
    log_density: float
    standard_errors: dict[str, np.ndarray]
    covariance: np.ndarray | None
    derived: dict[str, np.ndarray]
    chi2: dict[str, float]
    optima: Optima

    @property
    def converged(self) -> bool:
        return self.optima.best.converged


def _rows(columns: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    return zip(*(values.tolist() for values in columns.values()), strict=True)


class Model(CompiledModel):
    """A compiled model with its data: the functions of `CompiledModel`, and inference on them."""

    def rebind(self, data: Mapping[str, Any]) -> Model:
        """This model with other data; nothing is compiled again where shapes are the same, or events are fewer."""
        rebound = driver.rebind(self, data)
        assert isinstance(rebound, Model)
        return rebound

    def target(self, jacobian: bool = True) -> Target:
        """What samplers see; without the Jacobian, what optimizers see."""
        functions = self.functions
        density = functions.log_density_unconstrained if jacobian else functions.log_posterior
        return Target(self.dimension, density, functions.start, self.arrays)

    def sample(
        self,
        *,
        monitor: Monitor | None = None,
        log_likelihood: bool = False,
        **options: Any,
    ) -> xarray.DataTree:
        """Draws of the posterior by NUTS as a DataTree in ArviZ's schema.

        Options are the fields of `NutsOptions`: chains, warmup, draws, seed, target_acceptance, … With
        `log_likelihood` the log-probability of each datum is kept. Raises PdflangError (E601) where no start
        has a finite density.
        """
        return self.tree(self.draw(NutsOptions(**options), monitor), log_likelihood)

    def draw(self, options: NutsOptions, monitor: Monitor | None = None) -> Draws:
        """Draws on the unconstrained scale."""
        from pdflang.inference import nuts

        self._require_parameters()
        try:
            return nuts.sample(self.target(), options, monitor)
        except NoFiniteStart as failure:
            raise PdflangError(self.explain_nonfinite(self.constrain(failure.z))) from None

    def tree(self, draws: Draws, log_likelihood: bool = False) -> xarray.DataTree:
        """Draws as a DataTree: parameters, solved constants and outputs, with labels as coordinates."""
        import numpy as np

        from pdflang.fields import schemas
        from pdflang.results import posterior_tree

        parameters, derived = self.quantities(draws.z.reshape(-1, self.dimension))
        shape = draws.z.shape[:2]
        values = {name: array.reshape(*shape, *array.shape[1:]) for name, array in {**parameters, **derived}.items()}
        kept = self._kept_likelihood(parameters, shape) if log_likelihood else None
        observed = {
            name: np.asarray(self.bound.arrays.get(name, self.bound.arrays.get(f"{name}.central")))
            for name in self.program.observations
            if name in self.bound.arrays or f"{name}.central" in self.bound.arrays
        }
        return posterior_tree(values, schemas(self), draws.statistics, kept, observed, None, draws.attributes)

    def quantities(self, vectors: Any) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Parameters, and derived values, of unconstrained vectors (n, dimension): arrays (n, …) by name."""
        import jax
        import numpy as np

        groups: tuple[dict[str, list[Any]], dict[str, list[Any]]] = ({}, {})
        with jax.enable_x64(True):
            for first in range(0, max(1, len(vectors)), _BATCH):
                part = vectors[first : first + _BATCH]
                # Batches have one length, so that one program serves them all.
                padded = np.zeros((min(_BATCH, max(1, len(vectors))), self.dimension))
                padded[: len(part)] = part
                for group, found in zip(groups, self.functions.quantities(padded, self.arrays), strict=True):
                    for name, values in found.items():
                        group.setdefault(name, []).append(np.asarray(values)[: len(part)])
        # JAX sorts the keys of a dict; results keep the order of the declarations.
        order = [*self.program.parameters, *self.program.definitions, *self.program.outputs]
        parameters, derived = (
            {name: np.concatenate(group[name]) for name in dict.fromkeys(order) if name in group} for group in groups
        )
        return parameters, derived

    def _kept_likelihood(self, parameters: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        import jax
        import numpy as np

        counts = self._event_counts()
        with jax.enable_x64(True):
            one = self.functions.log_likelihood
            terms = jax.lax.map(lambda params: one(params, self.arrays), dict(parameters), batch_size=64)
        found = {name: np.asarray(values) for name, values in terms.items()}
        return {
            name: (values[:, : counts[name]] if name in counts else values).reshape(
                *shape, *((counts[name],) if name in counts else values.shape[1:])
            )
            for name, values in found.items()
        }

    @property
    def sources(self) -> dict[str, str]:
        """The texts of all files of the model by name, the main one first."""
        return {source.name: source.text for source in self.program.files}

    def provenance(
        self, method: str, started: datetime, seed: int | None, options: Mapping[str, Any] | None = None,
        interrupted: bool = False, seconds: Mapping[str, float] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Where a result of this model comes from: texts, data, seed, versions, command."""
        from pdflang.results import provenance

        return provenance(
            method, self.sources, self.bound.arrays, started, seed, options, interrupted, seconds
        )

    def tables(self, simulated: Mapping[str, Any]) -> dict[str, str]:
        """Simulated data as the comma-separated files that the model names, by file name."""
        columns: dict[str, dict[str, Any]] = {}
        for name, values in simulated.items():
            datum = self.program.data[name]
            if datum.source is None or datum.source.kind != "table" or not datum.source.paths[0].endswith(".csv"):
                continue
            column = datum.source.column or next(iter(datum.columns))
            columns.setdefault(Path(datum.source.paths[0]).name, {})[column] = values
        return {
            file: "\n".join([",".join(group), *(",".join(map(repr, row)) for row in _rows(group))]) + "\n"
            for file, group in columns.items()
        }

    def map(self, *, monitor: Monitor | None = None, **options: Any) -> Fit:
        """The maximum of the posterior density on the constrained scale, from several starts.

        Options are the fields of `MapOptions`: starts, seed, tolerance, max_steps. The result says whether it
        converged. Raises PdflangError (E601) where no start has a finite density.
        """
        import numpy as np

        from pdflang.inference import map as optimiser

        self._require_parameters()
        optima = optimiser.maximise(self.target(jacobian=False), MapOptions(**options), monitor)
        best = optima.best
        if best.status == "no finite start":
            raise PdflangError(self.explain_nonfinite(self.constrain(best.z)))
        params = {name: np.asarray(value) for name, value in self.constrain(best.z).items()}
        covariance = self._constrained_covariance(best.z, best.covariance)
        return Fit(
            params,
            best.value,
            self._by_parameter(params, covariance),
            covariance,
            {name: np.asarray(value) for name, value in self.derived(params).items()},
            self.chi2(params),
            optima,
        )

    def _constrained_covariance(self, z: Any, covariance: Any) -> Any:
        """The covariance of the flattened parameters, to first order."""
        import jax
        import jax.numpy as jnp
        import numpy as np

        if covariance is None:
            return None

        def flat(vector: Any) -> Any:
            return jnp.concatenate([jnp.ravel(v) for v in self.functions.constrain(vector).values()])

        with jax.enable_x64(True):
            jacobian = np.asarray(jax.jit(jax.jacfwd(flat))(jnp.asarray(z)))
        return jacobian @ np.asarray(covariance) @ jacobian.T

    def _by_parameter(self, params: Mapping[str, Any], covariance: Any) -> dict[str, Any]:
        import numpy as np

        errors, start = {}, 0
        for name, value in params.items():
            stop = start + value.size
            if covariance is None:
                errors[name] = np.full(value.shape, np.nan)
            else:
                errors[name] = np.sqrt(np.diag(covariance)[start:stop]).reshape(value.shape)
            start = stop
        return errors

    def _require_parameters(self) -> None:
        from pdflang.diagnostics import Diagnostic

        if self.dimension == 0:
            raise PdflangError(
                Diagnostic(
                    "E608",
                    "the model has no parameters, so there is nothing to infer",
                    remedy="declare one: param mu ~ Normal(0, 1)",
                )
            )
