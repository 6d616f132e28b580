"""What a training has learned, as a density for a model with any data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import jax
import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.inference import Draws, Monitor, Options, Target
from pdflang.inference.options import chosen_seed
from pdflang.inference.platform import double_precision
from pdflang.inference.target import posterior_of
from pdflang.inference.workers import StopRequest
from pdflang.learning.coordinates import log_jacobian, log_prior
from pdflang.learning.layout import Part, numbers_of, weights_of
from pdflang.learning.methods import LearningMethod
from pdflang.learning.options import PivotOptions, TrainOptions
from pdflang.learning.pairs import MOST_EVENTS, packed
from pdflang.learning.scaling import Scales

if TYPE_CHECKING:
    from pdflang.functions import Functions
    from pdflang.model import CompiledModel

_STREAM = 7
"""Of the random numbers of a seed, those of draws."""


@dataclass(frozen=True, eq=False)
class Learned:
    """Networks with all that is needed to evaluate them.

    `weights` are all arrays of the network, also those that are not trained; `history` has the losses of each training,
    pass by pass: of each round, and there of each network of an ensemble. `fixed` are hashes of the data that are not
    observed, of which simulations were made, `observed` of those that rounds were made for: none where the result is
    for any data.
    """

    method: LearningMethod
    options: TrainOptions
    parts: tuple[Part, ...]
    dimension: int
    weights: list[np.ndarray]
    scales: Scales
    history: list[list[dict[str, float]]]
    fixed: Mapping[str, Any]
    observed: Mapping[str, Any] = field(default_factory=dict)
    functions: dict[Any, Any] = field(default_factory=dict, repr=False)

    # --- for a model with its data --------------------------------------------------------------------------

    def require(self, model: CompiledModel) -> None:
        """PdflangError (E624) where the data of a model are not such as the networks were trained for."""
        from pdflang.learning.origin import require_fits

        require_fits(self, model)

    def target(self, model: CompiledModel) -> Target:
        """What samplers see: the posterior of the data of the model, on the unconstrained scale. Error: E662."""
        self.require_inference()
        own = self.functions_of(model.functions)
        return Target(self.dimension, own["density"], own["start"], self.arrays(model), own["prior"])

    def maximised(self, model: CompiledModel, priors: str) -> Target:
        """What optimizers see: the density of the parameters themselves, without the Jacobian.

        Error: E662 where `priors` do not all count, which they do in what networks have learned.
        """
        if priors != "all":
            raise PdflangError(
                Diagnostic(
                    "E662", f"what `{self.method.name}` has learned cannot be taken apart: all priors count",
                    remedy="leave `--priors` out",
                )
            )  # fmt: skip
        target, own = self.target(model), self.functions_of(model.functions)
        return Target(target.dimension, own["constrained"], target.initial, target.arrays)

    @property
    def stands_in(self) -> bool:
        """Whether inference is on what was learned in place of the density of the model."""
        return self.method.learns != "proposal"

    def draws(
        self, model: CompiledModel, options: Options, monitor: Monitor | None = None, stop: StopRequest | None = None
    ) -> Draws | None:
        """Draws by the network itself; None where it has none, so that a sampler draws from `target`.

        They are independent of each other; of a proposal they are weighted by the density of the model.
        """
        if not self.method.draws:
            return None
        chains, count = getattr(options, "chains", 4), getattr(options, "draws", None) or 1000
        seed = chosen_seed(getattr(options, "seed", 0))
        arrays = self.arrays(model)
        own = self.functions_of(model.functions)
        key = jax.random.fold_in(jax.random.key(seed), _STREAM)

        def drawn(key: Any, number: int) -> tuple[np.ndarray, np.ndarray]:
            with double_precision():
                z = own["drawn"](key, arrays, number)
                return np.asarray(z), np.asarray(own["densities"](z, arrays))

        if not self.stands_in:
            return self.method.lesson.weighted_draws(
                lambda part, number: drawn(jax.random.fold_in(key, part), number), posterior_of(model), options,
                (chains, count), seed, monitor, stop,
            )  # fmt: skip
        z, lp = drawn(key, chains * count)
        shaped = z.reshape(chains, count, self.dimension)
        return Draws(shaped, {"lp": lp.reshape(chains, count)}, seed, options, self.method.name)

    def arrays(self, model: CompiledModel) -> dict[str, Any]:
        """The arguments of the functions of a model: its arrays, what is read of its data, weights, scales."""
        from pdflang.predictive.observed import observed_data

        observed = observed_data(model)
        own = {part.name: numbers_of(model, part, observed) for part in self.parts}
        numbers = packed(self.parts, [own], None if self.method.of_events else MOST_EVENTS)
        data = {name: values[0] for name, values in numbers.items()}
        for part in self.parts if self.method.of_events else ():
            each = weights_of(part, observed)
            data[f"{part.name} weight"] = np.pad(each, (0, len(data[part.name]) - len(each)))
        weights = self.precise_weights
        with double_precision():
            read = self.functions_of(model.functions)["reading"](weights, self.scales, data, model.arrays)
        return {"model": model.arrays, "read": read, "weights": weights, "scales": self.scales}

    @property
    def precise_weights(self) -> list[np.ndarray]:
        """The weights in 64 bits."""
        return [leaf.astype(np.float64) if leaf.dtype.kind == "f" else leaf for leaf in self.weights]

    def record(self) -> dict[str, Any]:
        """Which networks these are, for the provenance of what is made with them."""
        content = b"".join(np.ascontiguousarray(leaf).tobytes() for leaf in self.weights)
        return {"method": self.method.name, "sha256": hashlib.sha256(content).hexdigest()}

    # --- functions of z and arrays --------------------------------------------------------------------------

    def network(self, weights: Any) -> Any:
        """The network of some weights."""
        import equinox as eqx

        if "still" not in self.functions:
            with jax.enable_x64(False):
                made = self.method.module.network(
                    jax.random.key(0), self.parts, self.scales, self.dimension, self.options
                )
                moving, still = eqx.partition(made, eqx.is_array)
            self.functions["still"] = still, jax.tree.structure(moving)
        still, structure = self.functions["still"]
        return eqx.combine(jax.tree.unflatten(structure, weights), still)

    def functions_of(self, functions: Functions) -> dict[str, Callable[..., Any]]:
        """Compiled functions for a model, the same for all its data, by name.

        Of z: `density` and, of many, `densities` on the unconstrained scale, `constrained` without the Jacobian;
        `start` and `prior` as in a `Target`; of parameters `value of params` and `density of params`; `drawn` where the
        posterior was learned.
        """
        key = functions.log_density  # of which copies for other data have the same
        if key not in self.functions:
            self.functions[key] = self._compiled(functions)
        return self.functions[key]

    def _compiled(self, functions: Functions) -> dict[str, Callable[..., Any]]:
        module = self.method.module
        self.network(self.weights)  # which is made once, outside of what is traced

        def of_model(arrays: Any) -> tuple[Any, ...]:
            return (module.OfModel(functions, arrays),) if self.method.needs_model else ()

        def value(z: Any, arrays: Any) -> Any:
            network = self.network(arrays["weights"])
            known = arrays["scales"], z, arrays["read"]
            return module.log_value(network, self.parts, *known, *of_model(arrays["model"]))

        def read(weights: Any, scales: Any, data: Any, arrays: Any) -> Any:
            return module.reading(self.network(weights), self.parts, scales, data, *of_model(arrays))

        def density(z: Any, arrays: Any) -> Any:
            if self.method.draws:
                return value(z, arrays)
            return value(z, arrays) + log_prior(functions, z, arrays["model"])

        def constrained(z: Any, arrays: Any) -> Any:
            return density(z, arrays) - log_jacobian(functions, z, arrays["model"])

        def of_params(function: Callable[..., Any]) -> Callable[..., Any]:
            return lambda params, arrays: function(functions.module.unconstrain(params, arrays["model"]), arrays)

        found = {
            "density": jax.jit(density),
            "constrained": jax.jit(constrained),
            "start": lambda key, arrays: functions.start(key, arrays["model"]),
            "prior": lambda z, arrays: functions.log_prior_unconstrained(z, arrays["model"]),
            "reading": jax.jit(read),
            "densities": jax.jit(jax.vmap(density, in_axes=(0, None))),
            "value of params": jax.jit(of_params(value)),
            "density of params": jax.jit(of_params(constrained)),
        }
        if self.method.draws:

            def drawn(key: Any, arrays: Any, count: int) -> Any:
                network = self.network(arrays["weights"])
                return self.method.module.drawn(network, self.parts, arrays["scales"], key, arrays["read"], count)

            found["drawn"] = jax.jit(drawn, static_argnums=2)
        return found

    def of_part(self, name: str, part: Part, counts: bool = False) -> Callable[..., Any]:
        """A function of the module of the network and of a part of the data, compiled, in 64 bits.

        It takes what comes after network, part and scales; the last of these `counts`, or is an array like the others.
        """
        key = name, part.name
        if key not in self.functions:
            function = getattr(self.method.module, name)
            self.network(self.weights)  # which is made once, outside of what is traced

            def called(weights: Any, scales: Any, more: Any, count: tuple[int, ...]) -> Any:
                return function(self.network(weights), part, scales, *more, *count)

            compiled = jax.jit(called, static_argnums=3)
            with double_precision():
                known = jax.device_put((self.precise_weights, self.scales))

            def of_rest(*rest: Any) -> Any:
                more, count = (rest[:-1], rest[-1:]) if counts else (rest, ())
                with double_precision():
                    return compiled(*known, more, count)

            self.functions[key] = of_rest
        return cast("Callable[..., Any]", self.functions[key])

    def require_events(self) -> None:
        """PdflangError (E662) where the method makes no events."""
        if not self.method.makes_events:
            raise PdflangError(
                Diagnostic(
                    "E662", f"`{self.method.name}` has learned the {self.method.learns}, and makes no events",
                    remedy="simulate the model itself, or train by `flow`, whose events stand for those of the model",
                )
            )  # fmt: skip

    def require_simulation(self) -> None:
        """PdflangError (E662) where the method neither makes nor corrects events."""
        if not self.method.simulates:
            self.require_events()

    def require_correction(self, of: str = "") -> None:
        """PdflangError (E662) where the method corrects no simulated events, or not their weights or columns."""
        if self.method.corrects and of in ("", self.method.corrects):
            return
        other = {"weights": "`reweight`, which learns weights of events", "columns": "`transport`, which moves events"}
        what = {"weights": "no weights of events", "columns": "no map of events"}.get(of, "no correction of events")
        raise PdflangError(
            Diagnostic(
                "E662", f"`{self.method.name}` has learned the {self.method.learns}, and {what}",
                remedy=f"train by {other.get(of, '`reweight` or `transport`')}",
            )
        )

    def require_output(self) -> PivotOptions:
        """The options of a method that has learned outputs. Error: E662 where it has not."""
        if not isinstance(self.options, PivotOptions):
            raise PdflangError(
                Diagnostic(
                    "E662", f"`{self.method.name}` has learned the {self.method.learns}, and no outputs of penalties",
                    remedy="train by `pivot`, whose outputs depend less and less on a nuisance",
                )
            )  # fmt: skip
        return self.options

    def require_inference(self) -> None:
        """PdflangError (E662) where the method has learned nothing of parameters."""
        if not self.method.has_density:
            does, remedy = {
                "events": ("makes events", "`pdflang simulate` makes events of this folder"),
                "correction": ("corrects events", "`pdflang simulate` makes events of this folder"),
                "output": ("tells hypotheses apart", "in Python `event_outputs` has the output of events"),
            }[self.method.learns]
            raise PdflangError(
                Diagnostic(
                    "E662", f"`{self.method.name}` {does}, and has learned no density of parameters",
                    remedy=f"{remedy}; for a posterior train by `flow` or `alice`",
                )
            )  # fmt: skip

    def require_method(self, learns: str, what: str) -> None:
        """PdflangError (E662) where the method has not learned what is asked for."""
        self.require_inference()
        if self.method.learns != learns:
            has = {
                "posterior": "log_density", "likelihood": "log_likelihood", "ratio": "log_ratio",
                "proposal": "log_density",
            }  # fmt: skip
            raise PdflangError(
                Diagnostic(
                    "E662", f"`{self.method.name}` has learned no {what}: it has learned the {self.method.learns}",
                    remedy=f"`{has[self.method.learns]}` has that; for a {what} train by another method",
                )
            )  # fmt: skip
