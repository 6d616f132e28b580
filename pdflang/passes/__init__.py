"""Plans over a bound program: integrals become closed forms or rules, powers share their exponentials."""

from pdflang.passes.divergence import divergent_integrals
from pdflang.passes.plan import plan

__all__ = ["divergent_integrals", "plan"]
