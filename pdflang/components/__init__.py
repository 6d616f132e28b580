"""What exists: functions, constants and distributions, one row each, without JAX or SciPy.

`library` holds all rows by name. A package adds its own by an entry point in the group `pdflang.components`
that gives `Function`, `Constant` or `Distribution` rows; their dotted names are looked up with
`pkgutil.resolve_name` when they are first needed.
"""

from itertools import chain

from pdflang.components.distributions import DISTRIBUTIONS
from pdflang.components.functions import CONSTANTS, FUNCTIONS
from pdflang.components.rows import BetweenParameters, Constant, Distribution, Function, Parameter
from pdflang.registry import Registry

Component = Function | Constant | Distribution

library: Registry[Component] = Registry(
    (Function, Constant, Distribution),
    rows=lambda: chain(CONSTANTS, FUNCTIONS, DISTRIBUTIONS),
    group="pdflang.components",
)

__all__ = ["BetweenParameters", "Component", "Constant", "Distribution", "Function", "Parameter", "library"]
