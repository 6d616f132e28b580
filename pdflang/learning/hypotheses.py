"""Events of two hypotheses, at draws of the nuisance that a classifier of them is not to depend on.

A hypothesis is a point of all other parameters. To each draw of the nuisance there is a list of events of either
hypothesis, so that neither says anything of the nuisance by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from pdflang.diagnostics import Diagnostic, PdflangError, closest_names
from pdflang.diagnostics.words import values_in_words
from pdflang.inference.platform import double_precision
from pdflang.inference.workers import StopRequest
from pdflang.learning.coordinates import constrained, jacobians
from pdflang.learning.event_sample import require_enough
from pdflang.learning.layout import Part, numbers_of
from pdflang.learning.options import PivotOptions
from pdflang.learning.points import prior_draws
from pdflang.semantics.lints import everything_read
from pdflang.simulator import Simulator

if TYPE_CHECKING:
    from pdflang.functions import Functions
    from pdflang.ir.nodes import Node
    from pdflang.model import CompiledModel

_DRAWS_AT_ONCE = 64
_BLOCK = 1024
"""Draws of the prior that are computed together: for each number of them there is a program."""
_QUANTILES = 4096
"""Draws of the prior that its quantiles are taken of."""
LOW, HIGH = 0.16, 0.84
"""Quantiles of the nuisance between which outputs are compared."""


@dataclass(frozen=True)
class LabelledEvents:
    """Events of some draws of the nuisance, arrays by name, (draws, …).

    `z` (draws, dimension) are the nuisances on the unconstrained scale, `log prior` (draws,) their log-density there.
    Of an observation `o`: `o rows` (draws, 2 events, width), first those of the first hypothesis, and `o weight`
    (draws, 2 events), 0 where there is no event: those of a hypothesis add up to `events`, or to 0 where one of the
    lists is empty. `points` (2, …) by name are the hypotheses.
    """

    draws: dict[str, np.ndarray]
    points: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.draws["z"])

    def chosen(self, places: Any) -> LabelledEvents:
        """Some of the draws, or all in another order."""
        return LabelledEvents({name: values[places] for name, values in self.draws.items()}, self.points)

    def arrays(self) -> dict[str, np.ndarray]:
        """All as arrays by name, for a file."""
        points = {f"point {name}": values for name, values in self.points.items()}
        return {**{f"draw {name}": values for name, values in self.draws.items()}, **points}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> LabelledEvents:
        """What `arrays` gave."""
        draws = {n.removeprefix("draw "): a for n, a in arrays.items() if n.startswith("draw ")}
        return cls(draws, points_in(arrays))


def points_in(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The hypotheses among arrays by name: those of samples, or scales of a network."""
    return {n.removeprefix("point "): np.asarray(a, float) for n, a in arrays.items() if n.startswith("point ")}


@dataclass(frozen=True)
class Hypotheses:
    """Two points, (2, …) by name, of all parameters of a model but its `nuisance`."""

    model: CompiledModel
    nuisance: tuple[str, ...]
    points: Mapping[str, np.ndarray]

    @property
    def coordinates(self) -> np.ndarray:
        """Where the nuisances stand in an unconstrained vector, (dimension,)."""
        return np.concatenate([np.arange(slot.start, slot.stop) for slot in self._slots])

    @property
    def names(self) -> tuple[str, ...]:
        """The names of these coordinates."""
        found = []
        for slot in self._slots:
            count = slot.stop - slot.start
            name = slot.parameter.name
            found += [name] if not slot.shape else [f"{name}[{number}]" for number in range(count)]
        return tuple(found)

    @property
    def words(self) -> tuple[str, str]:
        """The hypotheses in words."""
        each = [{name: values[number] for name, values in self.points.items()} for number in (0, 1)]
        return values_in_words(each[0]), values_in_words(each[1])

    def drawn(self, key: Any, count: int) -> np.ndarray:
        """Unconstrained parameters (count, dimension) of the prior, whose nuisances count."""
        blocks = (prior_draws(self.model, jax.random.fold_in(key, n), _BLOCK) for n in range(-(-count // _BLOCK)))
        return np.concatenate(list(blocks))[:count]

    def quantiles(self) -> np.ndarray:
        """The low and the high quantile of each coordinate of the nuisance, (2, dimension)."""
        z = self.drawn(jax.random.key(0), _QUANTILES)[:, self.coordinates]
        return np.quantile(z, (LOW, HIGH), axis=0)

    def log_prior(self, z: np.ndarray) -> np.ndarray:
        """The log-density of the nuisances among unconstrained parameters (n, dimension), on that scale: (n,)."""
        rest = -len(z) % _BLOCK
        padded = np.pad(z, ((0, rest), (0, 0)), mode="edge")
        found = [self._log_prior(block) for block in np.split(padded, len(padded) // _BLOCK)]
        return np.concatenate(found)[: len(z)]

    def _log_prior(self, z: np.ndarray) -> np.ndarray:
        params, slopes = constrained(self.model, z), jacobians(self.model, z)
        with double_precision():
            logs = np.asarray(_of_nuisances(self.model.functions, self.nuisance)(params, self.model.arrays))
        return np.asarray(logs + np.linalg.slogdet(slopes[:, self._free_entries][:, :, self.coordinates])[1])

    @property
    def _slots(self) -> list[Any]:
        slots = {slot.parameter.name: slot for slot in self.model.functions.generated.slots}
        return [slots[name] for name in self.nuisance]

    @property
    def _free_entries(self) -> np.ndarray:
        """Which of all entries of parameters those of the nuisances are; the last of a simplex follows from others."""
        shapes = {slot.parameter.name: slot.shape for slot in self.model.functions.generated.slots}
        free = {slot.parameter.name: slot.unconstrained_shape for slot in self._slots}
        found, first = [], 0
        for name in self.model.program.parameters:
            size = int(np.prod(shapes[name], dtype=int))
            if name in free:
                places = np.arange(first, first + size).reshape(shapes[name])
                found.append(places[..., : free[name][-1]].ravel() if free[name] else places.ravel())
            first += size
        return np.concatenate(found)


@lru_cache(maxsize=32)
def _of_nuisances(functions: Functions, names: tuple[str, ...]) -> Callable[..., Any]:
    """The log-density of the priors of some parameters, at many points: compiled."""

    def log_prior(params: Any, arrays: Any) -> Any:
        each = functions.module.log_prior(params, arrays)
        return sum(jnp.sum(each[name]) for name in names)

    return jax.jit(jax.vmap(log_prior, in_axes=(0, None)))


def hypotheses_of(
    model: CompiledModel, parameters: Mapping[str, Any] | str | Path | None, options: PivotOptions
) -> Hypotheses:
    """The hypotheses between which is learned.

    Errors: E607 where the prior cannot be drawn from, E609 where they are not two points of all parameters but the
    nuisance, E662 where there is no nuisance, or its prior is not one of its own.
    """
    drawn = {name: np.asarray(value) for name, value in model.draw_prior(0).items()}  # says what cannot be drawn
    nuisance = _nuisance(model, options)
    others = [name for name in model.program.parameters if name not in nuisance]
    if not isinstance(parameters, Mapping) or not parameters:
        raise _no_hypotheses("`pivot` learns between two hypotheses, which are not given", others)
    fixed = next((name for name in nuisance if name in parameters), None)
    if fixed is not None:
        raise PdflangError(
            Diagnostic(
                "E609", f"`{fixed}` is the nuisance, which is drawn from its prior, and no part of the hypotheses",
                remedy=f"leave `{fixed}` out, or name another `nuisance`",
            )
        )  # fmt: skip
    given = {name: np.asarray(value) for name, value in parameters.items()}
    many = {name for name, array in given.items() if name in drawn and array.ndim == drawn[name].ndim + 1}
    if not many or any(len(given[name]) != 2 for name in many):
        raise _no_hypotheses("`pivot` learns between two hypotheses", others)
    points = []
    for number in (0, 1):
        one = {name: array[number] if name in many else array for name, array in given.items()}
        points.append(model.checked({**one, **{name: drawn[name] for name in nuisance}}))
    found = {name: np.stack([np.asarray(point[name], float) for point in points]) for name in others}
    if all(np.array_equal(*values) for values in found.values()):
        raise _no_hypotheses("the two hypotheses are the same", others)
    return Hypotheses(model, nuisance, found)


def _no_hypotheses(message: str, others: Sequence[str]) -> PdflangError:
    told = " ".join(f"-p {name}=[0,1]" for name in others[:1]) or "-p NAME=[0,1]"
    return PdflangError(
        Diagnostic("E609", message, remedy=f"give two values of what they differ by, as `{told}`, and one of the rest")
    )


def _nuisance(model: CompiledModel, options: PivotOptions) -> tuple[str, ...]:
    """The names of the nuisances, in the order of the model."""
    program = model.program
    declared = [name for name, parameter in program.parameters.items() if parameter.role == "nuisance"]
    wanted = options.nuisance_names or declared
    if not wanted:
        raise PdflangError(
            Diagnostic(
                "E662", "the model declares no `nuisance`, so that there is nothing an output is not to depend on",
                remedy="declare one: nuisance z ~ Normal(0, 1); or name a parameter: `--nuisance NAME`",
            )
        )  # fmt: skip
    for name in wanted:
        if name not in program.parameters:
            near = closest_names(name, program.parameters)
            remedy = f"did you mean `{near[0]}`?" if near else f"its parameters are {', '.join(program.parameters)}"
            raise PdflangError(Diagnostic("E609", f"the model has no parameter `{name}`", remedy=remedy))
    found = tuple(name for name in program.parameters if name in wanted)
    if len(found) == len(program.parameters):
        raise PdflangError(
            Diagnostic(
                "E662", "all parameters are nuisances, so that there are no hypotheses to tell apart",
                remedy="declare what hypotheses differ by as `param`, or name fewer with `--nuisance`",
            )
        )  # fmt: skip
    _require_own_prior(model, found)
    return found


def _require_own_prior(model: CompiledModel, nuisance: Sequence[str]) -> None:
    """PdflangError (E662) where the density of nuisances depends on others, or on a factor."""
    program = model.program

    def read(node: Node) -> set[str]:
        return set(everything_read(node, program.definition_nodes))

    def refused(message: str, span: Any) -> PdflangError:
        remedy = "name nuisances whose prior is their own with `--nuisance`"
        return PdflangError(Diagnostic("E662", message, span, remedy=remedy))

    others = set(program.parameters) - set(nuisance)
    for name in program.parameters:
        parameter = program.parameters[name]
        reads = set().union(*(read(node) for node in (*parameter.prior.reads, *(parameter.ends or ()))))
        if name in nuisance and (both := reads & others):
            raise refused(f"the prior of `{name}` depends on `{min(both)}`, which is no nuisance", parameter.span)
        if name in others and (both := reads & set(nuisance)):
            raise refused(f"the prior of `{name}` depends on the nuisance `{min(both)}`", parameter.span)
    for factor in program.factors.values():
        if both := read(factor.node) & set(nuisance):
            raise refused(f"the factor `{factor.name}` depends on the nuisance `{min(both)}`", factor.span)


# --- simulations ----------------------------------------------------------------------------------------------


def labelled_events(
    hypotheses: Hypotheses, parts: Sequence[Part], events: int, z: np.ndarray, seed: int, threads: int | None,
    stop: StopRequest | None = None, told: Callable[[int], None] = lambda done: None,
) -> LabelledEvents | None:  # fmt: skip
    """Events of both hypotheses at the nuisances of unconstrained parameters (draws, dimension), at most so many each.

    None where a stop was requested; `told` hears how many draws there are. Errors: E661 where there are too few
    events, and those of `simulate`.
    """
    model, stop = hypotheses.model, stop or StopRequest()
    simulator, count = Simulator(model), len(z)
    nuisances = constrained(model, z)
    params = {name: np.repeat(nuisances[name], 2, axis=0) for name in hypotheses.nuisance}
    params |= {name: np.concatenate([values] * count) for name, values in hypotheses.points.items()}
    sizes = {part.name: events for part in parts if part.is_normalised}
    blocks: list[dict[str, np.ndarray]] = []
    draw = partial(simulator.draw, seed=seed, sizes=sizes, traces=False, threads=threads, stop=stop)
    for first in range(0, count, _DRAWS_AT_ONCE):
        size = min(_DRAWS_AT_ONCE, count - first)
        try:
            batch = draw(2 * size, first=2 * first, parameters=params)
        except KeyboardInterrupt:
            return None
        block: dict[str, np.ndarray] = {}
        for part in parts:
            lists = batch.data[part.name]
            rows = numbers_of(model, part, {part.name: lists.columns})
            block |= _in_room(part.name, rows, lists.counts, lists.splits, events, (seed, first))
        blocks.append(block)
        told(first + size)
    draws = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    for part in parts:
        remedy = "give more `--simulations`, or see whether there are events of either hypothesis"
        require_enough(model, part.name, draws[f"{part.name} weight"], 2 * count, remedy)
    draws |= {"z": z[:, hypotheses.coordinates], "log prior": hypotheses.log_prior(z)}
    return LabelledEvents(draws, dict(hypotheses.points))


def _in_room(
    name: str, rows: np.ndarray, counts: np.ndarray, splits: np.ndarray, room: int, seed: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Some of the events of each list, two lists behind each other, and their weights."""
    generator = np.random.default_rng(seed)
    found, weight = np.zeros((len(counts), room, rows.shape[1])), np.zeros((len(counts), room))
    for number, count in enumerate(counts):
        some = splits[number] + generator.permutation(count)[:room]
        found[number, : len(some)] = rows[some]
        weight[number, : len(some)] = room / max(1, len(some))
    # Where one of two lists is empty, the other would say which nuisance that is.
    both = np.all(counts.reshape(-1, 2) > 0, axis=1)
    weight = weight.reshape(-1, 2, room) * both.reshape(-1, 1, 1)
    return {f"{name} rows": found.reshape(len(weight), 2 * room, -1), f"{name} weight": weight.reshape(len(weight), -1)}
