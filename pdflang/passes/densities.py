"""Log-probabilities of data: what does not depend on parameters is split off, and so computed once.

The factorials of counts, the logarithms of known standard deviations, and for a normal vector of known
covariance the whitening: W(y − μ) with W the inverse of the Cholesky factor, where W y and W A of a
prediction A v are known. Where μ is one product A v, its table is triangular after a rotation.
"""

from __future__ import annotations

from pdflang.components import arithmetic
from pdflang.components.arrays import CONTRACT, MATMUL, ArrayFunction
from pdflang.components.functions import Function
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, LogProbability, Node, Phase
from pdflang.ir.ranges import NONNEGATIVE, POSITIVE, REAL
from pdflang.semantics import build

_RUNTIME = "pdflang.backend.runtime"

COUNTED = Function(
    "log_prob_of_counts",
    ("counts", "rate", "log_factorial"),
    "pdflang.components.reference.log_prob_of_counts",
    f"{_RUNTIME}.known_data.log_prob_of_counts",
    (NONNEGATIVE, NONNEGATIVE, REAL),
    REAL,
    "Poisson's log-probability of counts whose factorials are known",
)
SCALED = Function(
    "log_prob_of_known_scale",
    ("y", "mu", "sigma", "log_sigma"),
    "pdflang.components.reference.log_prob_of_known_scale",
    f"{_RUNTIME}.known_data.log_prob_of_known_scale",
    (REAL, REAL, POSITIVE, REAL),
    REAL,
    "Normal's log-probability where the logarithm of sigma is known",
)
WHITENED = ArrayFunction(
    "whitened",
    ("scale_tril", "values"),
    f"{_RUNTIME}.factorisation.whitened",
    "jax.scipy.linalg.solve_triangular",
    "L⁻¹ v over the first axis of v",
)
LOG_NORM = ArrayFunction(
    "log_norm_of_normal",
    ("scale_tril",),
    f"{_RUNTIME}.factorisation.log_norm_of_normal",
    f"{_RUNTIME}.factorisation.log_norm_of_normal",
    "log √det(2π L Lᵀ)",
)
TRIANGULAR = ArrayFunction(
    "triangular_blocks",
    ("y", "table"),
    f"{_RUNTIME}.factorisation.triangular_blocks",
    f"{_RUNTIME}.factorisation.triangular_blocks",
    "a table and a vector after the rotation that makes the table triangular",
)
LINEAR = ArrayFunction(
    "log_prob_of_linear",
    ("blocks", "v", "log_norm"),
    "pdflang.components.reference.log_prob_of_linear",
    f"{_RUNTIME}.known_data.log_prob_of_linear",
    "the log-probability of a normal vector with mean A v, A and y being whitened and rotated",
)
WHITE = ArrayFunction(
    "log_prob_of_white",
    ("y", "mu", "log_norm"),
    "pdflang.components.reference.log_prob_of_white",
    f"{_RUNTIME}.known_data.log_prob_of_white",
    "the log-probability of a normal vector after whitening",
)


def split_known_parts(root: Node) -> Node:
    """The expression with log-probabilities of data in parts that are known, and parts that are not."""
    return nodes.transform(root, _split)


def _split(node: Node) -> Node:
    if not isinstance(node, LogProbability) or node.bounds or node.phase != Phase.PARAMETER:
        return node
    if node.distribution.name == "Poisson" and _is_known(node.value):
        return _counts(node)
    if node.distribution.name == "Normal" and _is_known_array(node.arguments[1]):
        mu, sigma = node.arguments
        log_sigma = build.apply("log", sigma).called(_named("log", sigma))
        return nodes.Apply(SCALED, (node.value, mu, sigma, log_sigma), "real", span=node.span)
    if node.distribution.name == "MvNormal":
        return _whitened(node) or node
    return node


def _is_known(node: Node) -> bool:
    return node.phase != Phase.PARAMETER


def _is_known_array(node: Node) -> bool:
    """Known, but not a number that is written: the logarithm of such a one costs nothing."""
    return _is_known(node) and not isinstance(node, Constant)


def _counts(node: LogProbability) -> Node:
    one = build.add(node.value, build.ONE)
    factorial = build.apply("log_gamma", one).called(_named("log_factorial", node.value))
    return nodes.Apply(COUNTED, (node.value, *node.arguments, factorial), "real", span=node.span)


def _named(prefix: str, node: Node) -> str:
    name = next(iter(nodes.references(node)), "")
    return f"{prefix}_{name}" if name else prefix


def _whitened(node: LogProbability) -> Node | None:
    mu, scale_tril = node.arguments
    if not (_is_known(node.value) and _is_known(scale_tril)) or node.loops:
        return None
    if not len(node.value.axes) == len(mu.axes) == 1:
        return None
    white_mu = _white(mu, scale_tril)
    if white_mu is None:
        return None
    white_y = _solved(scale_tril, node.value).called(_named("white", node.value))
    log_norm = nodes.Whole(LOG_NORM, (scale_tril,), (), "real")
    product = _as_product(white_mu)
    if product is not None:
        table, vector = product
        blocks = nodes.Whole(TRIANGULAR, (white_y, table), table.axes, "real")
        blocks = blocks.called(f"triangular_{table.hint.removeprefix('white_') if table.hint else 'table'}")
        return nodes.Whole(LINEAR, (blocks, vector, log_norm), (), "real", span=node.span)
    return nodes.Whole(WHITE, (white_y, white_mu, log_norm), (), "real", span=node.span)


def _as_product(white_mu: Node) -> tuple[Node, Node] | None:
    """The known table A and the v of a prediction A v, where it is one; numbers beside it go to v."""
    if isinstance(white_mu, nodes.Whole) and white_mu.function in (CONTRACT, MATMUL):
        table, vector = white_mu.arguments
        return table, vector
    if isinstance(white_mu, nodes.Apply) and white_mu.function is arithmetic.MULTIPLY:
        scalars = [part for part in white_mu.arguments if not part.axes]
        products = [_as_product(part) for part in white_mu.arguments if part.axes]
        if len(scalars) == 1 and products[0] is not None:
            table, vector = products[0]
            return table, build.multiply(scalars[0], vector)
    return None


def _solved(scale_tril: Node, values: Node) -> Node:
    return nodes.Whole(WHITENED, (scale_tril, values), values.axes, "real")


def _white(mu: Node, scale_tril: Node) -> Node | None:
    """L⁻¹ μ where μ is built of known arrays by products with them, sums and scalars; else None."""
    if _is_known(mu):
        return _solved(scale_tril, mu)
    if isinstance(mu, nodes.Whole) and mu.function in (CONTRACT, MATMUL):
        table, rest = mu.arguments
        if _is_known(table) and len(table.axes) > 1:
            white = _solved(scale_tril, table).called(_named("white", table))
            return nodes.Whole(mu.function, (white, rest), mu.axes, "real", span=mu.span)
        return None
    if not isinstance(mu, nodes.Apply) or not all(_is_vector_or_number(mu, part) for part in mu.arguments):
        return None
    if mu.function in (arithmetic.ADD, arithmetic.SUBTRACT) and all(part.axes for part in mu.arguments):
        parts = [_white(part, scale_tril) for part in mu.arguments]
        return None if None in parts else nodes.Apply(mu.function, tuple(parts), "real", span=mu.span)
    if mu.function is arithmetic.MULTIPLY:
        scalars = [part for part in mu.arguments if not part.axes]
        vectors = [_white(part, scale_tril) for part in mu.arguments if part.axes]
        if len(vectors) == 1 and vectors[0] is not None:
            return build.multiply(scalars[0], vectors[0])
    return None


def _is_vector_or_number(whole: Node, part: Node) -> bool:
    return len(part.axes) in (0, len(whole.axes))
