"""Samplers and optimisers, each an adapter behind one protocol: a `Target`, its options, a `Monitor`.

Importing this package imports neither JAX nor NumPy, for help at once; the adapters, which `METHODS` names, and `.map`
do.
"""

from pdflang.inference.draws import Draws, Evidence, NoFiniteStart, NoNormalApproximation, Unsuited
from pdflang.inference.methods import METHODS, Method, method_named, method_of
from pdflang.inference.monitor import Monitor, Progressed, QuietMonitor, RichMonitor, terminal_monitor
from pdflang.inference.optima import Optima, Optimum
from pdflang.inference.options import MapOptions, NutsOptions, Options, PredictOptions
from pdflang.inference.platform import prepare_jax, prepare_threads
from pdflang.inference.target import Target

__all__ = [
    "METHODS",
    "Draws",
    "Evidence",
    "MapOptions",
    "Method",
    "Monitor",
    "NoFiniteStart",
    "NoNormalApproximation",
    "NutsOptions",
    "Optima",
    "Optimum",
    "Options",
    "PredictOptions",
    "Progressed",
    "QuietMonitor",
    "RichMonitor",
    "Target",
    "Unsuited",
    "method_named",
    "method_of",
    "prepare_jax",
    "prepare_threads",
    "terminal_monitor",
]
