"""The methods that learn from simulations: the one table that the command, the Python API and documentation read.

A module has `prepared(parts, pairs, options)`, `network(key, parts, scales, dimension, options)`,
`loss(network, scales, batch, key, options)` and `log_value(network, parts, scales, z, data)`; where the method learns
the posterior, also `drawn(network, parts, scales, key, data, count)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

from pdflang.diagnostics import Diagnostic, PdflangError, closest_names
from pdflang.learning.options import NleOptions, NpeOptions, NreOptions, TrainOptions

_PACKAGES = ("equinox", "flowjax", "optax", "paramax")


@dataclass(frozen=True)
class LearningMethod:
    """A method: its options, its module, what it is for and when not to use it, and of what it learns the logarithm."""

    name: str
    options: type[TrainOptions]
    learns: Literal["posterior", "likelihood", "ratio"]
    purpose: str
    avoid: str

    @property
    def module(self) -> Any:
        """Its module; this imports JAX and what `require_packages` asks for."""
        return import_module(f"pdflang.learning.{self.name}")


def require_packages() -> None:
    """PdflangError (E620) where a package that networks are made of is not installed; this imports none of them."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise PdflangError(
            Diagnostic(
                "E620", f"learning from simulations needs the package {missing[0]}, which is not installed",
                remedy='install it: pip install "pdflang[learn]"',
            )
        )  # fmt: skip


_ROWS = (
    LearningMethod(
        "npe",
        NpeOptions,
        "posterior",
        "a flow of the parameters given data: the posterior of any data set in a moment",
        "simulations are dear and only one data set counts: in rounds it learns only where the posterior is",
    ),
    LearningMethod(
        "nle",
        NleOptions,
        "likelihood",
        "a flow of the data given parameters, from which NUTS or SMC draw: priors may change, repeated measurements "
        "share a flow",
        "data are long vectors, or sets of events",
    ),
    LearningMethod(
        "nre",
        NreOptions,
        "ratio",
        "a classifier of data and parameters, whose logit is log p(x|θ)/p(x), from which NUTS or SMC draw",
        "the posterior is much narrower than the prior: the ratio is then learned from few of the simulations",
    ),
)

LEARNING = {method.name: method for method in _ROWS}
"""All methods by name."""


def learning_method(name: str) -> LearningMethod:
    """The method of that name. Raises `PdflangError` (E620) where there is none."""
    if name not in LEARNING:
        near = closest_names(str(name), LEARNING)
        remedy = f"did you mean `{near[0]}`?" if near else f"the methods are {', '.join(LEARNING)}"
        raise PdflangError(Diagnostic("E620", f"there is no method `{name}` of training", remedy=remedy))
    return LEARNING[name]
