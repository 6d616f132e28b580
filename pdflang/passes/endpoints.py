"""Product integration at an end of (0, 1) where the integrand has a power: exact in the power."""

from __future__ import annotations

from pdflang.components import arrays
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, LoopIndex, Node
from pdflang.ir.sizes import Axis, Size
from pdflang.passes import rules
from pdflang.passes.terms import Term
from pdflang.semantics import build

END_NODES = 20
ROOT_NODES = 28

ENDPOINT_WEIGHTS = arrays.ArrayFunction(
    "endpoint_weights",
    ("power",),
    "pdflang.backend.runtime.quadrature.endpoint_weights",
    "pdflang.backend.runtime.quadrature.endpoint_weights",
    "weights w_k with ∫₀¹ t^p g(t) dt ≈ Σ_k w_k g(t_k) on Gauss–Legendre points",
)


class EndpointRule:
    """Product integration of s^p g(s) from 0 to h: h^(p+1) Σ_k w_k(p) g(h t_k), exact in the power.

    A factor of unknown structure may be smooth in √s only: then √s is the variable, whose power is 2p + 1.
    """

    def __init__(self, loop: Loop, term: Term, power: Node, fineness: int = 1) -> None:
        self._term, self._power = term, power
        in_root = not term.is_closed
        count = (ROOT_NODES if in_root else END_NODES) * fineness
        points, _ = rules.legendre(count)
        self.points = points**2 if in_root else points
        self._loop = Loop(loop.depth, Axis(Size(count)))
        if in_root:
            power = build.add(build.multiply(Constant(2.0), power), build.ONE)
        arguments = (power,) if count == END_NODES else (power, Constant(count))
        weights = nodes.Whole(ENDPOINT_WEIGHTS, arguments, (Axis(Size(count)),), "real")
        self._weights = build.multiply(Constant(2.0 if in_root else 1.0), self.at_nodes(weights))

    def at_nodes(self, values: Node) -> Node:
        return nodes.Element(values, (LoopIndex(self._loop),))

    def integral(self, width: Node, smooth: Node) -> Node:
        total = nodes.Sum(self._loop, build.multiply(self._weights, smooth))
        scale = build.power(width, build.add(self._power, build.ONE))
        return build.multiply(self._term.coefficient, build.multiply(scale, total))
