"""Fan-outs over simulated data, seeds and models, run on the cores of this machine.

Importing this package imports neither JAX nor SciPy.
"""

from pdflang.workflows.options import BootstrapOptions, CalibrateOptions, ProfileOptions

__all__ = ["BootstrapOptions", "CalibrateOptions", "ProfileOptions"]
