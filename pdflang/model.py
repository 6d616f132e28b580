"""A compiled model: pure functions of parameters, with the data as arguments behind them."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any

from pdflang.backend.outside import told
from pdflang.backend.runtime.envelope import CannotDraw
from pdflang.backend.runtime.factorisation import NotPositiveDefinite
from pdflang.data.context import DataContext
from pdflang.data.events import as_data, trace_labels
from pdflang.data.matrix_checks import check_covariance
from pdflang.diagnostics import Diagnostic, PdflangError, closest_names
from pdflang.diagnostics.words import values_in_words
from pdflang.functions import PRIOR_TRIALS, Functions, Parameters
from pdflang.ir.program import BoundProgram, Observation, Process, Program
from pdflang.semantics.capabilities import require_density, require_fit
from pdflang.semantics.drawn_events import require_no_mixture

if TYPE_CHECKING:
    import jax

    from pdflang.certify import Certificate
    from pdflang.compress import CompressedEvents


class CompiledModel:
    """A model with its data, compiled: pure functions of parameters, for jit, grad and vmap.

    Inside, numbers have 64 bits, and so have results, whatever the host program has set for JAX; that setting
    stays as it is. In a host with 32 bits, `jax.grad` gives a gradient of 32 bits, as it has for all numbers
    that it differentiates by, but computes it in 64. There `jax.jit` and `jax.vmap` round numbers that they
    are called with to 32 bits, before they come here.

    Wherever parameters are given by name: PdflangError (E609) for a name that is missing or unknown, for a
    wrong shape or for what is no number. Names of outputs and derived values are allowed and ignored, so that a
    draw of the posterior can be given as it is.
    """

    def __init__(self, bound: BoundProgram, functions: Functions, capacities: Mapping[str, int]) -> None:
        self.bound = bound
        self.functions = functions
        self.capacities = dict(capacities)
        self.whole_arrays = self._prepared({})
        """What functions of the module read that see no room for events: those that simulate, and score simulations."""
        self.arrays = self._with_room()

    def __repr__(self) -> str:
        observed = ", ".join(self.program.observations) or "nothing"
        parameters = ", ".join(self.program.parameters)
        return f"<{type(self).__name__} {self.program.source.name}: {parameters}; observes {observed}>"

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
    def certificates(self) -> tuple[Certificate, ...]:
        """How exact integrals, roots, and nodes for events are at draws of the prior; none where all is exact."""
        generated = self.functions.generated
        return (*generated.certificates, *(events.certificate() for events in generated.compressed.values()))

    def certify(self, draws: Sequence[Parameters]) -> tuple[Certificate, ...]:
        """The same at given parameters, such as draws of the posterior."""
        from pdflang.certify import certify

        if not self.certificates:
            # Nothing is an approximation, wherever it is looked at.
            return ()
        generated, given = self.functions.generated, [dict(draw) for draw in draws]
        with told(generated.called):
            of_events = [events.certificate(given) for events in generated.compressed.values()]
            return (*certify(self.bound, given, generated.fineness), *of_events)

    @property
    def exact(self) -> CompiledModel:
        """The model in whose likelihood each event has a term: this one, unless nodes stand for events in it."""
        return self

    @property
    def compressions(self) -> Mapping[str, CompressedEvents]:
        """What became of each long list of events: nodes in its place, or why there are none."""
        return self.functions.generated.compressions

    @property
    def is_proper(self) -> bool:
        """Whether every prior can be drawn from."""
        return all(parameter.prior.row.proper for parameter in self.program.parameters.values())

    # --- density --------------------------------------------------------------------------------------------

    def log_density(self, params: Parameters) -> jax.Array:
        """The log-density on the constrained scale, up to a constant: a scalar of float64.

        `params` holds a number or array for each parameter, in the units of the model. −∞ outside the support.
        PdflangError (E611) where an observation has no density.
        """
        require_density(self.program)
        return self.functions.public.log_density(self.checked(params), self.arrays)

    def log_density_unconstrained(self, z: Any) -> jax.Array:
        """The log-density of unconstrained coordinates z, shape (dimension,), with the Jacobian: a scalar.

        PdflangError (E609) where z has another shape.
        """
        require_density(self.program)
        return self.functions.public.log_density_unconstrained(self._vector(z), self.arrays)

    def log_likelihood(self, params: Parameters) -> dict[str, jax.Array]:
        """The log-probability of each datum: arrays by observation, in the shape of the data.

        A point process has one entry for each event, (events,), and minus its expected count as `<name> yield`.
        An observation that can only be simulated has none.
        """
        exact = self.exact
        terms = exact.functions.public.log_likelihood(self.checked(params), exact.arrays)
        return _without_room(tuple(self.event_counts().items()))(terms)

    def constrain(self, z: Any) -> dict[str, jax.Array]:
        """Parameters by name, as declared, of unconstrained coordinates z, shape (dimension,).

        PdflangError (E609) where z has another shape.
        """
        found = self.functions.public.constrain(self._vector(z), self.arrays)
        return {name: found[name] for name in self.program.parameters}

    def unconstrain(self, params: Parameters) -> jax.Array:
        """The unconstrained coordinates (dimension,) of parameters: the inverse of `constrain`."""
        return self.functions.public.unconstrain(self.checked(params), self.arrays)

    def derived(self, params: Parameters) -> dict[str, jax.Array]:
        """Outputs and solved constants at given parameters."""
        found = self.functions.public.derived(self.checked(params), self.arrays)
        return {name: found[name] for name in self._declared_values if name in found}

    @property
    def _declared_values(self) -> dict[str, None]:
        """The names of derived values and outputs in the order of their declarations."""
        return dict.fromkeys([*self.program.definitions, *self.program.outputs])

    def predictions(self, params: Parameters) -> dict[str, jax.Array]:
        """What each Gaussian observation is expected to be, with the axes of its data."""
        import jax.numpy as jnp

        found: dict[str, jax.Array] = {}
        for name, (mean, _) in self._comparison(params).items():
            data = self.bound.arrays.get(name, self.bound.arrays.get(f"{name}.central"))
            # One number may be the mean of all data, and one row that of all rows.
            found[name] = mean if data is None or mean.ndim >= data.ndim else jnp.broadcast_to(mean, data.shape)
        return found

    def chi2(self, params: Parameters) -> dict[str, jax.Array]:
        """χ² = (y − μ)ᵀ C⁻¹ (y − μ) of each Gaussian observation: scalars by name."""
        return {name: chi2 for name, (_, chi2) in self._comparison(params).items()}

    def _comparison(self, params: Parameters) -> dict[str, tuple[jax.Array, jax.Array]]:
        return self.functions.public.comparison(self.checked(params), self.arrays)

    # --- simulation -----------------------------------------------------------------------------------------

    def draw_prior(self, key: Any) -> dict[str, jax.Array]:
        """Parameters drawn from the prior; `key` is a JAX key or a whole number.

        Draws are accepted with probability exp(Σ factor). PdflangError (E607) where a prior is improper, where a
        factor is not proved to be at most 0, or where draws are hardly ever accepted.
        """
        self._require_prior()
        return self.accepted(*self.functions.public.draw_prior(_key(key), self.arrays))

    def accepted(self, drawn: Parameters, accepted: Any) -> dict[str, jax.Array]:
        """Drawn parameters by name, where all were accepted; E607 where not, or NaN inside of a traced function."""
        import jax

        if isinstance(accepted, jax.core.Tracer):
            kept = _unless_refused()(dict(drawn), accepted)
            return {name: kept[name] for name in self.program.parameters}
        if not accepted.all():
            from pdflang.semantics.prior import too_rare

            raise PdflangError(too_rare(self.program, PRIOR_TRIALS))
        return {name: drawn[name] for name in self.program.parameters}

    def simulate(
        self, key: Any, params: Parameters | None = None, sizes: Mapping[str, int] | None = None, traces: bool = False
    ) -> Any:
        """Observed data drawn at given parameters, or at parameters drawn from the prior: by the name of the datum.

        Data are arrays; a table of events is a dict of columns, labels as words. Where events have weights, these
        are 1, or −1 where the rate is negative. `key` is a JAX key or a whole number; the same key gives the same
        data. `sizes` sets the number of events of an `Iid` observation, by default as many as were observed. A
        point process has as many as come out. With `traces` the result is (data, traces): how the events of each
        observation came about, by stream and site, an entry for each true event: its places, what each detector
        drew or computed, whether it `detected` the event and found it `inside` its region, and the `row` of the
        event in the data, −1 where it was lost. Errors: E607 as for `draw_prior`, E610 for sizes of something
        else, E613 where the rate at these parameters allows no events, E616 for events inside of jit, grad or vmap,
        E643 without an earlier fit that the model refers to.
        """
        import jax

        self.require_simulation(sizes or {})
        prior_key, data_key = jax.random.split(_key(key))
        if params is None:
            params = self.draw_prior(prior_key)
        found = self.drawn(data_key, params, sizes, traces)
        data = self.as_data(found)
        if not traces:
            return data
        processes = {o.name: o.process for o in self.program.observations.values() if o.process}
        return data, {n: trace_labels(self.program, process, found[n].traces) for n, process in processes.items()}

    def require_simulation(self, sizes: Mapping[str, int]) -> None:
        """What `simulate` needs of the model, and of sizes. Errors: E610, E613, E643."""
        require_fit(self.bound)
        self._check_sizes(sizes)
        require_no_mixture(self.program)

    def drawn(
        self, key: Any, params: Parameters, sizes: Mapping[str, int] | None = None, traces: bool = False,
        envelopes: Any = None,
    ) -> dict[str, Any]:  # fmt: skip
        """What the generated module draws with a key for data, by observation: arrays, and `Events` of lists of them.

        `envelopes`, a dict, keeps what bounds intensities for the next call at the same parameters. Errors: E609, E613,
        E616.
        """
        from pdflang.backend.runtime.events import EventDraws

        checked = self.checked(params)
        arrays = {**self.whole_arrays, **{f"{name} count": size for name, size in (sizes or {}).items()}}
        processes = [o.name for o in self.program.observations.values() if o.process]
        self._require_numbers((key, checked), processes)
        try:
            found = self._found(key, checked, arrays, partial(EventDraws, traces=traces, envelopes=envelopes))
        except CannotDraw as failure:
            raise self._undrawable(failure) from None
        for name, observation in self.program.observations.items():
            if name not in processes:
                self.require_finite(observation, found[name], checked)
        return found

    def draws_weights(self, process: Process) -> bool:
        """Whether the events of a process are drawn with weights: the signs of its rate, if the model reads any."""
        return process.weights is not None

    def as_data(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """What was drawn, by the names of the data."""
        data: dict[str, Any] = {}
        for name, observation in self.program.observations.items():
            if observation.process is not None:
                data |= as_data(self.program, observation, drawn[name].columns, drawn[name].weights)
            else:
                data[name] = drawn[name]
        return data

    def _found(self, key: Any, params: Parameters, arrays: Any, draws: Any) -> Any:
        """What the generated module simulates: events as long lists as come out, which nothing can trace."""
        import jax

        if not any(observation.process for observation in self.program.observations.values()):
            return self.functions.public.simulate(key, params, arrays)
        with _precise():
            return self.functions.simulate(key, _of_jax(params), jax.tree.map(jax.numpy.asarray, arrays), draws)

    def _require_numbers(self, values: Any, processes: Sequence[str]) -> None:
        """PdflangError (E616) where events are to be drawn at what JAX traces, and not at numbers."""
        import jax

        if processes and any(isinstance(value, jax.core.Tracer) for value in jax.tree.leaves(values)):
            observation = self.program.observations[processes[0]]
            raise PdflangError(
                Diagnostic(
                    "E616",
                    f"the events of `{observation.name}` cannot be simulated inside of jax.jit, jax.grad or jax.vmap: "
                    "how many have to be drawn is not known before",
                    observation.span,
                    remedy="call `simulate` once for each key",
                )
            )

    def require_finite(self, observation: Observation, drawn: Any, params: Parameters) -> None:
        """PdflangError (E613) where what was drawn is no number, as that of a scale below 0."""
        import jax
        import numpy as np

        if isinstance(drawn, jax.core.Tracer) or np.isfinite(drawn).all():
            return
        shown = values_in_words(params, 8)
        raise PdflangError(
            Diagnostic(
                "E613",
                f"`{observation.name}` cannot be drawn: what comes out is not finite at {shown}",
                observation.span,
                remedy="draw at other parameters: -p NAME=VALUE; or restrict them to where the distribution is defined",
            )
        )

    def _undrawable(self, failure: CannotDraw) -> PdflangError:
        place = ", ".join(f"{name} = {value:.4g}" for name, value in failure.place.items())
        streams = [(s, o) for o in self.program.observations.values() if o.process for s in o.process.streams]
        span = next((o.span for s, o in streams if s.name == failure.stream), None)
        return PdflangError(
            Diagnostic(
                "E613",
                f"no events can be drawn: the rate of {failure.stream} {failure.reason}{' at ' * bool(place)}{place}",
                span,
                remedy="draw at other parameters: -p NAME=VALUE; a rate may be negative where events have weights",
            )
        )

    def _check_sizes(self, sizes: Mapping[str, int]) -> None:
        free = [o.name for o in self.program.observations.values() if o.process and o.process.normalised]
        for name, size in sizes.items():
            if name not in free:
                raise PdflangError(
                    Diagnostic(
                        "E610",
                        f"the size of `{name}` cannot be set",
                        remedy=f"sizes can be set for {', '.join(free)}"
                        if free
                        else "it can for the events of an Iid observation; others follow from the model and its data",
                    )
                )
            if isinstance(size, bool) or not isinstance(size, int) or size < 0:
                raise PdflangError(Diagnostic("E610", f"the size of `{name}` must be a whole number, not {size!r}"))

    def _require_prior(self) -> None:
        from pdflang.semantics.prior import undrawable

        reason = undrawable(self.program)
        if reason is not None:
            raise PdflangError(reason)

    # --- data -----------------------------------------------------------------------------------------------

    def with_bound(
        self, bound: BoundProgram, functions: Functions, room: Mapping[str, int] | None = None
    ) -> CompiledModel:
        """This model with other data; arrays of events keep the room they have, or are given, where that suffices."""
        return type(self)(bound, functions, {**self.capacities, **(room or {})})

    def event_counts(self) -> dict[str, int]:
        """How many events each list of them has."""
        return {
            o.name: o.target.axes[0].size.bind(self.bound.lengths)
            for o in self.program.observations.values()
            if o.process
        }

    @property
    def data_arrays(self) -> dict[str, Any]:
        """The data by name, as the function `prepare` of a generated module reads them."""
        import numpy as np

        # A number that is written without a point is real all the same: types must not depend on values.
        reals = {name for name, datum in self.program.data.items() if datum.dtype == "real" and not datum.columns}
        return {n: np.asarray(a, float) if n in reals else a for n, a in self.bound.arrays.items()}

    def _prepared(self, others: Mapping[str, Any]) -> dict[str, Any]:
        """What follows from data alone, some of them replaced by `others`."""
        import jax
        import numpy as np

        data = {**self.data_arrays, **self.functions.generated.constants, **others}
        try:
            with np.errstate(all="ignore"):
                arrays = jax.tree.map(np.asarray, self.functions.prepare(data))
        except NotPositiveDefinite as failure:
            raise self._covariance_error(failure) from None
        except (ArithmeticError, ValueError, IndexError) as failure:
            raise self._early_error(failure) from None
        counts = {f"{name} count": np.asarray(count) for name, count in self.event_counts().items()}
        return {**arrays, **counts}

    def _with_room(self) -> dict[str, Any]:
        """The arrays with room in those of events, and which of these are there."""
        import numpy as np

        generated, arrays = self.functions.generated, dict(self.whole_arrays)
        filled = self._prepared(generated.stand_ins) if generated.stand_ins else arrays
        for name, length in generated.event_lengths.items():
            padded = generated.event_arrays.get(name)
            capacity = self._capacity(name, length) if padded is not None else length
            for key, axis in (padded or {}).items():
                arrays[key] = _padded((arrays if length else filled)[key], axis, capacity)
            arrays[f"{name} mask"] = np.asarray(np.arange(capacity) < length, float)
        return arrays

    def _capacity(self, name: str, length: int) -> int:
        """The room for a list of events, or for the nodes in its place, of which other events need as many."""
        has_nodes = name in self.functions.generated.compressed
        key = f"{name} nodes" if has_nodes else name
        if length > self.capacities.get(key, -1):
            self.capacities[key] = -(-length // 8) * 8 if has_nodes else _room(length)
        return self.capacities[key]

    def _early_error(self, failure: Exception) -> Exception:
        """What to say where something cannot be computed from data and constants, with its line in the model."""
        filename = self.functions.filename
        calls = traceback.walk_tb(failure.__traceback__)
        lines = [line for frame, line in calls if frame.f_code.co_filename == filename]
        place = self.functions.generated.places.get(lines[-1]) if lines else None
        return PdflangError(Diagnostic("E409", f"this cannot be computed from the data: {failure}", place))

    def _covariance_error(self, failure: NotPositiveDefinite) -> Exception:
        place = self.functions.generated.matrices[failure.site]
        name = " ".join(place.text.split()) if place else "covariance"
        context = DataContext(name, place, self.program.source.folder)
        try:
            check_covariance(failure.matrix, context)
        except PdflangError as error:
            return error
        return PdflangError(Diagnostic("E511", f"`{name}` is not positive definite", place))

    def checked(self, params: Parameters) -> dict[str, Any]:
        """Exactly the declared parameters, as arrays of real numbers of the right shapes. Errors: E609."""
        if not isinstance(params, Mapping):
            raise _bad_parameters("parameters are given by name", 'write {"mu": 1.0, …}')
        declared, others = self.program.parameters, self._declared_values
        unknown = [name for name in params if name not in declared and name not in others]
        missing = [name for name in declared if name not in params]
        if unknown:
            near = closest_names(str(unknown[0]), missing or declared)
            remedy = f"did you mean `{near[0]}`?" if near else f"its parameters are {', '.join(declared)}"
            raise _bad_parameters(f"the model has no parameter `{unknown[0]}`", remedy)
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            raise _bad_parameters(f"no value is given for {names}", "give a value for every parameter")
        slots = self.functions.generated.slots
        return {s.parameter.name: _checked_value(s.parameter.name, s.shape, params[s.parameter.name]) for s in slots}

    def _vector(self, z: Any) -> Any:
        vector = _numbers(z)
        if vector.shape != (self.dimension,):
            raise _bad_parameters(
                f"unconstrained coordinates are {_shape((self.dimension,))}, not {_shape(vector.shape)}",
                "many points at once are for jax.vmap, in Python" if vector.ndim > 1 else "",
            )
        return vector

    # --- where a density is not finite ----------------------------------------------------------------------

    def explain_nonfinite(self, params: Parameters) -> Diagnostic:
        """Which term of the log-density is not finite at these parameters, at which line and row."""
        import numpy as np

        module, arrays = self.exact.functions.module, self.exact.arrays
        with _precise():
            values = _of_jax(self.checked(params))
            groups = [module.log_prior(values, arrays), module.log_likelihood(values, arrays)]
            if self.program.factors:
                groups.append(module.log_factors(values, arrays))
        shown = values_in_words(values, 8)
        for group in groups:
            for name, value in group.items():
                array = np.asarray(value)
                if np.all(np.isfinite(array)):
                    continue
                place = self._place_of(name)
                row = np.argwhere(~np.isfinite(array))[0] if array.ndim else ()
                found = float(array[tuple(row)])
                return Diagnostic(
                    "E601",
                    f"the log-density is not finite: the term `{name}` is {found:g}{self._row(name, row)}",
                    place,
                    notes=(f"at {shown}", *self._readings(name, row)),
                    remedy="check the data of this term, or restrict the parameters to where it is defined",
                )
        return Diagnostic("E601", "the log-density is not finite", notes=(f"at {shown}",))

    def _row(self, name: str, entry: Any) -> str:
        """An entry of a term as a message names it: the row of the file, where `where` has left out others."""
        if not len(entry):
            return ""
        if name in self.bound.rows:
            rows = self.bound.rows[name]
            return f" in row {int(rows.positions[entry[0]]) + 1} of {rows.source}"
        return f" in row {', '.join(str(int(i) + 1) for i in entry)}"

    def _readings(self, name: str, row: Any) -> tuple[str, ...]:
        import numpy as np

        if name not in self.bound.arrays:
            return ()
        array = np.asarray(self.bound.arrays[name])
        if not array.ndim or len(row) != array.ndim or not array.size:
            return ()
        return (f"there `{name}` is {array[tuple(row)]:g}",)

    def _place_of(self, term: str) -> Any:
        name = term.removesuffix(" yield").removesuffix(" normalisation")
        for group in (self.program.observations, self.program.factors, self.program.parameters):
            if name in group:
                return group[name].span
        return None


@lru_cache(256)
def _without_room(lengths: tuple[tuple[str, int], ...]) -> Any:
    """Terms of lists of events of these lengths, without those of the room that is left in their arrays."""
    from pdflang.backend.runtime.precision import precise

    def cut(terms: Mapping[str, Any]) -> dict[str, Any]:
        return {**terms, **{name: terms[name][..., :length] for name, length in lengths if name in terms}}

    return precise(cut)


@cache
def _unless_refused() -> Any:
    """Drawn values, NaN where they were not accepted in the end."""
    import jax

    from pdflang.backend.runtime.precision import precise

    def kept(drawn: Mapping[str, Any], accepted: Any) -> dict[str, Any]:
        return {name: jax.numpy.where(accepted, value, math.nan) for name, value in drawn.items()}

    return precise(kept)


def _room(count: int) -> int:
    """Room for a list of events: two standard deviations and 32 more, so that a new draw fits.

    Shapes are all that compiled code depends on: other data compile nothing as long as they fit. What is
    empty costs as much as an event. Multiples of 16 fill whole registers of the processor.
    """
    wanted = count + 2 * math.isqrt(count) + 32
    return -(-wanted // 16) * 16


def _padded(array: Any, axis: int, capacity: int) -> Any:
    import numpy as np

    missing = capacity - array.shape[axis]
    return np.pad(array, [(0, missing if i == axis else 0) for i in range(array.ndim)], mode="edge")


def _checked_value(name: str, shape: tuple[int, ...], value: Any) -> Any:
    try:
        array = _numbers(value)
    except (TypeError, ValueError):
        raise _bad_parameters(f"the value of `{name}` is no number and no array of numbers") from None
    if array.shape != shape:
        raise _bad_parameters(
            f"`{name}` is {_shape(shape)}, but its value is {_shape(array.shape)}",
            "many points at once are for jax.vmap, in Python" if array.ndim > len(shape) else "",
        )
    return array


def _bad_parameters(message: str, remedy: str = "") -> PdflangError:
    return PdflangError(Diagnostic("E609", message, remedy=remedy))


def _shape(shape: tuple[int, ...]) -> str:
    return f"an array of shape ({', '.join(map(str, shape))}{',' * (len(shape) == 1)})" if shape else "a number"


def _key(key: Any) -> jax.Array:
    """A JAX key of a whole number, or the key itself."""
    import jax
    import numpy as np

    return jax.random.key(key) if isinstance(key, (int, np.integer)) else key


def _of_jax(params: Parameters) -> dict[str, jax.Array]:
    """Parameters for functions that are not compiled: of NumPy, a division by 0 would be a warning."""
    import jax.numpy as jnp

    return {name: jnp.asarray(value, dtype=jnp.float64) for name, value in params.items()}


def _precise() -> Any:
    import jax

    return jax.enable_x64(True)


def _numbers(value: Any) -> Any:
    """An array of real numbers. What is one of JAX stays as it is, in the precision of the program around."""
    import jax
    import numpy as np

    if isinstance(value, jax.Array) and jax.numpy.issubdtype(value.dtype, jax.numpy.floating):
        return value
    if any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(value)):
        return _to_64_bits()(value)
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{array.dtype} is no number")
    return array.astype(np.float64)


@cache
def _to_64_bits() -> Any:
    """What is no array of reals in the precision of the program, such as a list of them, as one of 64 bits."""
    import jax.numpy as jnp

    from pdflang.backend.runtime.precision import precise

    return precise(lambda value: jnp.asarray(value, dtype=jnp.float64))
