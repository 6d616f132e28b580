"""Plans over a bound program: integrals become closed forms or rules, powers share their exponentials."""

from pdflang.passes.divergence import divergent_integrals, nearly_divergent_integrals
from pdflang.passes.plan import plan
from pdflang.passes.positivity import negative_densities

__all__ = ["divergent_integrals", "nearly_divergent_integrals", "negative_densities", "plan"]
