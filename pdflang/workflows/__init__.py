"""Many fits of one model: calibration, bootstrap, profiles and errors from them, run on the cores of this machine.

Importing this package imports neither JAX nor NumPy, for help at once.
"""

from pdflang.workflows.options import (
    BootstrapOptions,
    CalibrateOptions,
    ClosureOptions,
    EvolutionOptions,
    LhapdfOptions,
    ProfileOptions,
)

__all__ = [
    "BootstrapOptions",
    "CalibrateOptions",
    "ClosureOptions",
    "EvolutionOptions",
    "LhapdfOptions",
    "ProfileOptions",
]
