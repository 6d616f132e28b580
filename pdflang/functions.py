"""The functions of a generated module, compiled by JAX when they are first called."""

from __future__ import annotations

import copy
import linecache
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pdflang.backend import GeneratedModule
from pdflang.backend.outside import told

if TYPE_CHECKING:
    import jax

Parameters = Mapping[str, Any]

_DRAWS_AT_ONCE = 64
"""Draws for which data, or the likelihood of each datum, are computed at once: a bound on memory."""

_PUBLIC = (
    "log_density", "log_density_unconstrained", "log_likelihood", "constrain", "unconstrain", "derived", "comparison",
    "draw_prior",
)  # fmt: skip
"""What the program around a model may call, besides `simulate`."""

PRIOR_TRIALS = 100_000
"""Draws of the prior that factors may refuse in a row: one in 10,000 is accepted in time, almost surely."""


@dataclass(frozen=True, eq=False)
class Functions:
    """The functions of a generated module. Every compilation is keyed on these objects, which data does not touch.

    `prepare` and `simulate` are as generated, the others compiled. `log_posterior` takes unconstrained coordinates
    but has no Jacobian: its maximum is that of the density. `penalised_likelihood` is the same without the priors
    of all that is no nuisance, `likelihood` that without any prior or factor. `log_priors` are those of many draws on
    the constrained scale, with factors. `agreements` has, of many draws, the log-probability of each datum, given the
    others where they are drawn together, and χ² of Gaussian observations.
    `public` has those that the program around a model calls, and may trace, in whatever precision that has.
    """

    module: SimpleNamespace
    generated: GeneratedModule
    filename: str
    prepare: Any = field(init=False)
    simulate: Any = field(init=False)
    log_density: Any = field(init=False)
    log_density_unconstrained: Any = field(init=False)
    log_prior_unconstrained: Any = field(init=False)
    log_likelihood: Any = field(init=False)
    constrain: Any = field(init=False)
    unconstrain: Any = field(init=False)
    derived: Any = field(init=False)
    draw_parameters: Any = field(init=False)
    draw_prior: Any = field(init=False)
    log_posterior: Any = field(init=False)
    penalised_likelihood: Any = field(init=False)
    likelihood: Any = field(init=False)
    quantities: Any = field(init=False)
    start: Any = field(init=False)
    comparison: Any = field(init=False)
    agreements: Any = field(init=False)
    deriveds: Any = field(init=False)
    log_priors: Any = field(init=False)
    prior_draws: Any = field(init=False)
    simulations: Any = field(init=False)
    constrain_jacobian: Any = field(init=False)
    event_scores: Any = field(init=False)
    term_slopes: Any = field(init=False)
    public: SimpleNamespace = field(init=False)

    def __post_init__(self) -> None:
        import jax

        from pdflang.backend.runtime.density import total
        from pdflang.backend.runtime.precision import precise

        module = self.module
        nuisances = {s.parameter.name for s in self.generated.slots if s.parameter.role == "nuisance"}

        def log_density_unconstrained(vector: jax.Array, arrays: Any) -> jax.Array:
            parameters, log_det = module.constrain(vector, arrays)
            return module.log_density(parameters, arrays) + log_det

        def log_prior(vector: jax.Array, arrays: Any) -> jax.Array:
            parameters, log_det = module.constrain(vector, arrays)
            return total(module.log_prior(parameters, arrays)) + log_det

        def log_prior_constrained(parameters: Parameters, arrays: Any) -> jax.Array:
            factors = module.log_factors(parameters, arrays) if hasattr(module, "log_factors") else {}
            return total(module.log_prior(parameters, arrays), factors)

        def derived(parameters: Parameters, arrays: Any) -> dict[str, jax.Array]:
            return module.derived(parameters, arrays) if hasattr(module, "derived") else {}

        def log_posterior(vector: jax.Array, arrays: Any) -> jax.Array:
            return module.log_density(module.constrain(vector, arrays)[0], arrays)

        def penalised_likelihood(vector: jax.Array, arrays: Any) -> jax.Array:
            parameters = module.constrain(vector, arrays)[0]
            of_nuisances = {n: term for n, term in module.log_prior(parameters, arrays).items() if n in nuisances}
            factors = module.log_factors(parameters, arrays) if hasattr(module, "log_factors") else {}
            return total(of_nuisances, module.log_likelihood(parameters, arrays), factors)

        def likelihood(vector: jax.Array, arrays: Any) -> jax.Array:
            return total(module.log_likelihood(module.constrain(vector, arrays)[0], arrays))

        def quantities(vectors: jax.Array, arrays: Any) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
            def of_one(vector: jax.Array) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
                parameters, _ = module.constrain(vector, arrays)
                return parameters, derived(parameters, arrays)

            return jax.vmap(of_one)(vectors)

        def start(key: jax.Array, arrays: Any) -> jax.Array:
            return module.unconstrain(module.draw_parameters(key, arrays), arrays)

        def draw_prior(key: jax.Array, arrays: Any) -> tuple[dict[str, jax.Array], jax.Array]:
            return _accepted_draw(module, key, arrays)

        def comparison(parameters: Parameters, arrays: Any) -> dict[str, tuple[jax.Array, jax.Array]]:
            return module.compare(parameters, arrays) if hasattr(module, "compare") else {}

        def agreement(parameters: Parameters, arrays: Any) -> tuple[dict[str, jax.Array], ...]:
            joint = module.conditionals(parameters, arrays) if hasattr(module, "conditionals") else {}
            chi2 = {name: chi2 for name, (_, chi2) in comparison(parameters, arrays).items()}
            return {**module.log_likelihood(parameters, arrays), **joint}, chi2

        def event_scores(
            vector: jax.Array, shares: Mapping[str, Any], arrays: Any
        ) -> tuple[jax.Array, jax.Array]:
            """Gradients of the terms of events, (events, n), and the Hessian of all terms of the same processes.

            `shares` (events,) are what each has of the normalisation of an `Iid` observation.
            """

            def terms(z: jax.Array) -> tuple[jax.Array, jax.Array]:
                found = module.log_likelihood(module.constrain(z, arrays)[0], arrays)
                norms = {name: found.get(f"{name} normalisation", 0.0) for name in shares}
                events = jax.numpy.concatenate([found[n] + share * norms[n] for n, share in shares.items()])
                return events, events.sum() + sum(found.get(f"{name} yield", 0.0) for name in shares)

            return jax.jacfwd(lambda z: terms(z)[0])(vector), jax.hessian(lambda z: terms(z)[1])(vector)

        def term_slopes(vector: jax.Array, arrays: Any) -> jax.Array:
            """Gradients of all terms of the likelihood, and of factors, (terms, n)."""

            def terms(z: jax.Array) -> jax.Array:
                parameters = module.constrain(z, arrays)[0]
                factors = module.log_factors(parameters, arrays) if hasattr(module, "log_factors") else {}
                found = [*module.log_likelihood(parameters, arrays).values(), *factors.values()]
                return jax.numpy.concatenate([jax.numpy.zeros(0), *map(jax.numpy.ravel, found)])

            return jax.jacfwd(terms)(vector)

        def flat(vector: jax.Array, arrays: Any) -> jax.Array:
            return jax.numpy.concatenate([jax.numpy.ravel(v) for v in module.constrain(vector, arrays)[0].values()])

        compiled = {
            "agreements": _over_draws(agreement),
            "deriveds": _over_draws(derived),
            "log_priors": _over_draws(log_prior_constrained),
            "prior_draws": _over_draws(draw_prior),
            "simulations": _over_draws(module.simulate),
            "constrain_jacobian": jax.jacfwd(flat),
            "event_scores": event_scores,
            "term_slopes": term_slopes,
            "log_posterior": log_posterior,
            "penalised_likelihood": penalised_likelihood,
            "likelihood": likelihood,
            "quantities": quantities,
            "start": start,
            "comparison": comparison,
            "log_density": module.log_density,
            "log_density_unconstrained": log_density_unconstrained,
            "log_prior_unconstrained": log_prior,
            "log_likelihood": module.log_likelihood,
            "constrain": lambda vector, arrays: module.constrain(vector, arrays)[0],
            "unconstrain": module.unconstrain,
            "derived": derived,
            "draw_parameters": module.draw_parameters,
            "draw_prior": draw_prior,
        }
        functions = {name: jax.jit(function) for name, function in compiled.items()}
        functions |= {"prepare": module.prepare, "simulate": module.simulate}
        for name, function in functions.items():
            object.__setattr__(self, name, self._telling(function))
        public = {**{name: functions[name] for name in _PUBLIC}, "simulate": _one_simulation(module)}
        told_of = {name: self._telling(precise(function)) for name, function in public.items()}
        object.__setattr__(self, "public", SimpleNamespace(**told_of))

    def _telling(self, function: Any) -> Any:
        """The function; where it may call what was registered, failures of that are told."""
        from pdflang.backend.runtime.failures import ready

        places = self.generated.called
        return told(places)(ready(function)) if places else function

    @property
    def content(self) -> str | None:
        """What the functions compute, in words; None where that is up to code that is not ours."""
        from pdflang.backend.imports import is_ours

        generated = self.generated
        if generated.called or not is_ours(generated.source):
            return None
        nuisances = [s.parameter.name for s in generated.slots if s.parameter.role == "nuisance"]
        return f"{generated.source}\nnuisances {nuisances}"

    def runs(self, generated: GeneratedModule) -> bool:
        """Whether these are the functions of a module, which may have other constants."""
        mine = self.generated
        return (mine.source, mine.slots) == (generated.source, generated.slots)

    def with_generated(self, generated: GeneratedModule) -> Functions:
        """The same compiled functions for a module of the same text with other constants."""
        other = copy.copy(self)
        object.__setattr__(other, "generated", generated)
        return other


def _accepted_draw(module: SimpleNamespace, key: Any, arrays: Any) -> tuple[dict[str, Any], Any]:
    """Parameters of the prior, accepted with probability exp(Σ factor), and whether some were in the end."""
    import jax
    import jax.numpy as jnp

    if not hasattr(module, "log_factors"):
        return module.draw_parameters(key, arrays), jnp.array(True)

    def attempt(state: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        trial, _, _ = state
        draw_key, choice_key = jax.random.split(jax.random.fold_in(key, trial))
        parameters = module.draw_parameters(draw_key, arrays)
        log_probability = sum(module.log_factors(parameters, arrays).values())
        return trial + 1, parameters, jnp.log(jax.random.uniform(choice_key)) < log_probability

    def go_on(state: tuple[Any, Any, Any]) -> Any:
        return ~state[2] & (state[0] < PRIOR_TRIALS)

    nothing = jax.eval_shape(lambda: module.draw_parameters(key, arrays))
    first = (jnp.array(0), jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), nothing), jnp.array(False))
    return jax.lax.while_loop(go_on, attempt, first)[1:]


def _one_simulation(module: SimpleNamespace) -> Any:
    """The function `simulate`, which is not compiled: of numbers of NumPy, a division by 0 would be a warning."""
    import jax

    def simulate(key: jax.Array, parameters: Parameters, arrays: Any) -> dict[str, jax.Array]:
        return module.simulate(key, *jax.tree.map(jax.numpy.asarray, (parameters, arrays)))

    return simulate


def _over_draws(function: Any) -> Any:
    """The same function for arguments of many draws, in front of the arrays; so many at once as memory allows."""
    import jax
    import numpy as np

    def of_many(*arguments: Any) -> Any:
        *draws, arrays = arguments
        length = len(jax.tree.leaves(draws)[0])
        batch = min(_DRAWS_AT_ONCE, length)
        # Whole batches: a rest of another length would be compiled apart.
        places = np.minimum(np.arange(-(-length // batch) * batch), length - 1).reshape(-1, batch)
        whole = jax.tree.map(lambda values: values[places], draws)
        found = jax.lax.map(jax.vmap(lambda one: function(*one, arrays)), whole)
        return jax.tree.map(lambda values: jax.numpy.concatenate(values)[:length], found)

    return of_many


def load_functions(generated: GeneratedModule, name: str) -> Functions:
    """Execute a generated module."""
    filename = f"<pdflang {name}>"
    return Functions(load_module(generated, name, filename), generated, filename)


def load_module(generated: GeneratedModule, name: str, filename: str) -> SimpleNamespace:
    """What a generated module defines. Its text is kept where tracebacks and debuggers look for it."""
    linecache.cache[filename] = (len(generated.source), None, generated.source.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": f"pdflang.generated.{name}"}
    exec(compile(generated.source, filename, "exec"), namespace)
    return SimpleNamespace(**namespace)
