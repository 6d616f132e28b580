"""Panels of (0, 1) along which kernels move by a few of their widths, with Gauss nodes on each.

Panels come from halving, so that integrals over kernels of about one width share their nodes.
"""

from __future__ import annotations

from typing import Any

from pdflang.components import arrays
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, LoopIndex, Node
from pdflang.ir.sizes import Axis, Size
from pdflang.passes import rules
from pdflang.passes.endpoints import ENDPOINT_WEIGHTS, ROOT_NODES
from pdflang.semantics import build

_WIDTHS = 5.0
"""So many widths are one panel at most."""
_NODES = 10
_FEWEST, _MOST = 8, 400
_GRADES = 25


def grid() -> Any:
    """Places in (0, 1) at which widths are looked at, dense at both ends."""
    import numpy as np

    near = 2.0 ** -np.arange(6, _GRADES)
    return np.unique(np.concatenate([near, np.linspace(0, 1, 33)[1:-1], 1 - near]))


def edges(places: Any, travelled: Any, nearest: tuple[float, float], fineness: int) -> Any:
    """The ends of panels: `travelled` says how many widths kernels move up to each of the `places`.

    Something singular can be as far as `nearest` beyond each end: towards it panels are halved until they are so short.
    """
    import numpy as np

    # A power near −1 leaves much below the last grade. Places near 1 have its rounding errors: no finer grades there.
    near, grades = 2.0 ** -np.arange(4, _GRADES * fineness), _GRADES - 4
    left, right = near[near > nearest[0]], near[:grades][near[:grades] > nearest[1]]
    found = np.sort(np.concatenate([left, np.linspace(0, 1, _FEWEST + 1), 1 - right]))
    while True:
        is_long = np.diff(np.interp(found, places, travelled)) > _WIDTHS
        if not is_long.any() or len(found) + is_long.sum() > _MOST:
            break
        found = np.sort(np.concatenate([found, (found[1:] + found[:-1])[is_long] / 2]))
    shares = np.arange(fineness) / fineness
    return np.append((found[:-1, None] + np.diff(found)[:, None] * shares).ravel(), 1.0)


class Panels:
    """Nodes u in (0, 1): `near` and `far` (nodes,) are u and 1 − u, `weights` those of the panels inside.

    At an end that `ends` names, a panel is for product integration in √u, and its weights follow a power.
    """

    def __init__(self, edges: Any, ends: tuple[bool, bool]) -> None:
        import numpy as np

        self._ends = ends
        self._widths = (float(edges[1]), float(1 - edges[-2]))
        inner = edges[ends[0] : len(edges) - ends[1]]
        t, w = rules.legendre(_NODES)
        widths = np.diff(inner)[:, None]
        self._inner, self.weights = (inner[:-1, None] + widths * t).ravel(), (widths * w).ravel()
        root, _ = rules.legendre(ROOT_NODES)
        left, right = (w * root[: ROOT_NODES * is_end] ** 2 for w, is_end in zip(self._widths, ends, strict=True))
        self.near = np.concatenate([left, self._inner, 1 - right])
        self.far = np.concatenate([1 - left, 1 - self._inner, right])

    def power_weights(self, loop: Loop, p: Node, q: Node) -> Node:
        """Weights times u^p (1 − u)^q at all nodes, exact in the power at an end for product integration."""
        pieces = [self._inside(loop, p, q)]
        if self._ends[0]:
            pieces.insert(0, _at_end(loop, 0, self._widths[0], p, q))
        if self._ends[1]:
            pieces.append(_at_end(loop, 2, self._widths[1], q, p))
        if len(pieces) == 1:
            return pieces[0]
        return nodes.Whole(arrays.CONCAT, tuple(pieces), (Axis(Size(len(self.near))),), "real").called("powers")

    def _inside(self, loop: Loop, p: Node, q: Node) -> Node:
        own = Loop(loop.depth, Axis(Size(len(self._inner))), key=("piece", 1))
        known = {"inner_nodes": self._inner, "one_minus_inner_nodes": 1 - self._inner, "inner_weights": self.weights}
        here, away, weight = (
            nodes.Element(build.known_vector(values).called(name), (LoopIndex(own),)) for name, values in known.items()
        )
        return nodes.Array(own, build.multiply(weight, build.multiply(build.power(here, p), build.power(away, q))))


def _at_end(loop: Loop, number: int, width: float, near: Node, far: Node) -> Node:
    """Product integration of s^near · (1 − s)^far over the panel next to an end, s being the distance from it."""
    own = Loop(loop.depth, Axis(Size(ROOT_NODES)), key=("piece", number))
    in_root = build.add(build.multiply(Constant(2.0), near), build.ONE)
    weights = nodes.Whole(ENDPOINT_WEIGHTS, (in_root, Constant(ROOT_NODES)), (Axis(Size(ROOT_NODES)),), "real")
    points, _ = rules.legendre(ROOT_NODES)
    away = nodes.Element(build.known_vector(1 - width * points**2).called("far_from_end"), (LoopIndex(own),))
    scale = build.multiply(Constant(2.0), build.power(Constant(width), build.add(near, build.ONE)))
    weight = build.multiply(scale, nodes.Element(weights, (LoopIndex(own),)))
    return nodes.Array(own, build.multiply(weight, build.power(away, far)))
