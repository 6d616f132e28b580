"""Many fits of one model: calibration, bootstrap, profiles and errors from them, run on the cores of this machine;
methods beside each other; what other programs read, and tables made of what they wrote.

Importing this package imports neither JAX nor NumPy, for help at once.
"""

from pdflang.workflows.options import (
    BenchOptions,
    BootstrapOptions,
    CalibrateOptions,
    ClosureOptions,
    LhapdfOptions,
    PdfsetOptions,
    ProfileOptions,
    TheoryOptions,
    ValidateOptions,
)

__all__ = [
    "BenchOptions",
    "BootstrapOptions",
    "CalibrateOptions",
    "ClosureOptions",
    "LhapdfOptions",
    "PdfsetOptions",
    "ProfileOptions",
    "TheoryOptions",
    "ValidateOptions",
]
