"""What the embedding program adds to the language: simulators to draw from, and functions.

A model file can name what was registered, and nothing else: opening a stranger's model runs no code.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from pdflang.components import Distribution, Function, Parameter, library
from pdflang.components.handles import HANDLES, Handle
from pdflang.ir.ranges import Range

_MEANINGS = "pdflang.backend.runtime.registered"


def register(
    name: str,
    call: Callable[..., Any],
    arguments: Sequence[str],
    *,
    kind: Literal["distribution", "function"] = "distribution",
    traceable: bool = False,
    values: tuple[float, float] = (-math.inf, math.inf),
) -> None:
    """Give models a simulator, as a distribution without a density, or a function of numbers.

    A distribution stands in a detector, `draw cells ~ Shower(x, scale)`, or as an observation: `call(generator,
    *arguments)` gets a NumPy generator and arrays of one shape, one entry for each event, and returns an array of
    that shape. The same seed gives the same draws if all randomness comes from the generator. A function stands
    anywhere, `theory sigma(x in (0, 1)) = nlo(x, alpha)`: `call(*arguments)` maps arrays of one shape to one of
    that shape.

    A `traceable` one is made of JAX operations, and a distribution gets a JAX key first. Through a function that
    is not there is no gradient, so that `sample` and `map` refuse the model. `values` is the interval where all
    draws or values lie, which proves that a rate is not negative. Raises DuplicateName where the name is taken,
    TypeError where `call` cannot take the arguments. What fails when it is called is a PdflangError (E615).

    >>> import pdflang
    >>> pdflang.register("Leak", lambda generator, x: x * generator.beta(20, 2, x.shape), ["x"])
    >>> model = pdflang.loads('''
    ... data hits = [0.5]
    ... param c ~ LogNormal(5, 0.1)
    ... pdf f(x) = c * (1 - x)
    ... detector calorimeter(y in (0, 1) | x) { draw y ~ Leak(x) }
    ... observe hits ~ PoissonProcess(f |> calorimeter)
    ... ''')
    >>> 40 < len(model.simulate(1, {"c": 150.0})["hits"]) < 120
    True
    >>> pdflang.unregister("Leak")
    """
    first = [] if kind == "function" else ["key" if traceable else "generator"]
    _require_signature(name, call, [*first, *arguments])
    make = _distribution if kind == "distribution" else _function
    library.register(make(name, tuple(arguments), traceable, Range(*values)))
    HANDLES[name] = Handle(name, call, traceable, "simulator" if kind == "distribution" else "function")


def _distribution(name: str, arguments: tuple[str, ...], traceable: bool, values: Range) -> Distribution:
    parameters = tuple(Parameter(argument, "an argument") for argument in arguments)
    return Distribution(
        name, parameters, values, "A registered simulator.", f"{_MEANINGS}.draw_{name}", None,
        has_cdf=False, has_density=False,
    )  # fmt: skip


def _function(name: str, arguments: tuple[str, ...], traceable: bool, values: Range) -> Function:
    return Function(
        name, arguments, f"{_MEANINGS}.known_{name}", f"{_MEANINGS}.{name}", (Range(),) * len(arguments), values,
        "A registered function.", has_gradient=traceable, is_known=False,
    )  # fmt: skip


def _require_signature(name: str, call: Callable[..., Any], given: Sequence[str]) -> None:
    """TypeError where a callable says by its signature that it cannot be called with the arguments."""
    try:
        signature = inspect.signature(call)
    except ValueError:
        return  # Some that are written in C tell nothing.
    try:
        signature.bind(*given)
    except TypeError as mismatch:
        called = f"{name}({', '.join(given)})"
        raise TypeError(f"it would be called as {called}, but takes {signature}: {mismatch}") from None


def unregister(name: str) -> None:
    """Take back what was registered; KeyError where nothing of that name was."""
    del HANDLES[name]
    library.unregister(name)


def command(words: Sequence[str | Path], timeout: float | None = None) -> Callable[..., Any]:
    """A program of its own as a simulator, for `register`.

    It is run with the `words`, in which `{input}` and `{output}` are names of files: the first, an NPZ archive,
    has the arrays `argument0`, `argument1`, … and a whole number `seed`; the program writes an array of the same
    shape to the second, an NPY file. RuntimeError says what the program printed where it fails.
    """

    def simulate(generator: Any, *arguments: Any) -> Any:
        import subprocess
        import tempfile

        import numpy as np

        with tempfile.TemporaryDirectory() as folder:
            places = {"input": f"{folder}/input.npz", "output": f"{folder}/output.npy"}
            seed = generator.integers(2**63)
            np.savez(places["input"], seed=seed, **{f"argument{i}": array for i, array in enumerate(arguments)})
            line = [str(word).format(**places) for word in words]
            done = subprocess.run(line, capture_output=True, text=True, timeout=timeout, check=False)
            if done.returncode:
                raise RuntimeError(f"`{' '.join(line)}` ended with {done.returncode}: {done.stderr.strip()}")
            if not Path(places["output"]).exists():
                raise RuntimeError(f"`{' '.join(line)}` wrote no file {places['output']}")
            return np.load(places["output"])

    return simulate
