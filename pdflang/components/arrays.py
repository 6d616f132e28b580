"""Functions of whole arrays as rows. How their axes follow from their arguments stands in `semantics`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ArrayFunction:
    """`numpy` and `jax` are the dotted names of its meaning; both take the arguments as they are written."""

    name: str
    parameters: tuple[str, ...]
    numpy: str
    jax: str
    documentation: str


def _row(name: str, parameters: str, meaning: str, documentation: str) -> ArrayFunction:
    return ArrayFunction(
        name, tuple(parameters.split()), f"numpy.{meaning}", f"jax.numpy.{meaning}", documentation
    )


CUMSUM = _row("cumsum", "values", "cumsum", "running sums Σ_{j≤i} v_j of a vector")
DOT = _row("dot", "left right", "dot", "Σ_i a_i b_i of two vectors")
MATMUL = _row("@", "left right", "matmul", "the matrix product")
CONCAT = _row("concat", "parts", "concatenate", "vectors one after the other: concat([0], v)")
LINSPACE = _row(
    "linspace", "start stop count", "linspace", "`count` equally spaced points, both ends included"
)
GEOMSPACE = _row(
    "geomspace", "start stop count", "geomspace", "`count` points with equal ratios, both ends included"
)
CHOLESKY = ArrayFunction(
    "cholesky", ("matrix",), "numpy.linalg.cholesky", "jax.numpy.linalg.cholesky",
    "the lower triangular L with L Lᵀ equal to a symmetric positive definite matrix",
)  # fmt: skip
LINEAR_SOLVE = ArrayFunction(
    "linear_solve",
    ("matrix", "right"),
    "numpy.linalg.solve",
    "jax.numpy.linalg.solve",
    "x with matrix @ x = right",
)
TRANSPOSE = _row("transpose", "matrix", "transpose", "rows and columns exchanged")
SUM = _row("sum", "values", "sum", "Σ over all elements of an array, or of `… for … in …`")
PRODUCT = _row("prod", "values", "prod", "Π over all elements of an array")
MINIMUM = _row("min", "values", "min", "the smallest element of an array")
MAXIMUM = _row("max", "values", "max", "the largest element of an array")
MEAN = _row("mean", "values", "mean", "the mean of all elements of an array")
STANDARD_DEVIATION = _row("sd", "values", "std", "√(Σ(v−v̄)²/n) over all elements of an array")
INTERPOLATE = _row(
    "interp", "x points values", "interp", "linear interpolation of values given at increasing points"
)

REDUCTIONS = {row.name: row for row in (SUM, PRODUCT, MINIMUM, MAXIMUM, MEAN, STANDARD_DEVIATION)}

# What generated code needs beyond what a model can call by name.
CONTRACT = _row("tensordot", "table densities", "tensordot", "Σ over the last two axes of a table")
LUMINOSITIES = ArrayFunction(
    "luminosities",
    ("left", "right"),
    "pdflang.components.luminosities.luminosities",
    "pdflang.components.luminosities.luminosities",
    "products of the densities of two hadrons, channel by channel, at each pair of points",
)
SYSTEMATIC_COVARIANCE = ArrayFunction(
    "covariance",
    (
        "reference",
        "correlated_absolute",
        "correlated_relative",
        "uncorrelated_absolute",
        "uncorrelated_relative",
    ),
    "pdflang.data.covariance.from_systematics",
    "pdflang.data.covariance.from_systematics",
    "the covariance of a data set whose multiplicative errors are relative to a reference",
)
SYSTEMATIC_SHIFTS = ArrayFunction(
    "shifts",
    ("reference", "correlated_absolute", "correlated_relative"),
    "pdflang.data.covariance.shifts",
    "pdflang.data.covariance.shifts",
    "what a standard deviation of each correlated error of a data set does to its data",
)
SYSTEMATIC_ERRORS = ArrayFunction(
    "errors",
    ("reference", "uncorrelated_absolute", "uncorrelated_relative"),
    "pdflang.data.covariance.errors",
    "pdflang.data.covariance.errors",
    "the standard deviations of the uncorrelated errors of a data set",
)
SYSTEMATICS = {"covariance": SYSTEMATIC_COVARIANCE, "shifts": SYSTEMATIC_SHIFTS, "errors": SYSTEMATIC_ERRORS}
"""What a data set says of its errors, by the names of its members."""

CUBIC_IN_LOG = ArrayFunction(
    "cubic_in_log",
    ("x", "knots", "values"),
    "pdflang.components.interpolation.cubic_in_log",
    "pdflang.components.interpolation.cubic_in_log",
    "cubic interpolation in log x, as LHAPDF has it",
)
POLYNOMIAL_IN_X = ArrayFunction(
    "polynomial_in_x",
    ("x", "knots", "values"),
    "pdflang.evolution.grids.polynomial",
    "pdflang.evolution.grids.polynomial",
    "interpolation between the knots of an evolution",
)
INTERPOLATION_ROW = ArrayFunction(
    "interpolation_row",
    ("x", "coefficients", "knots", "axes"),
    "pdflang.evolution.grids.row_of_places",
    "pdflang.evolution.grids.row_of_places",
    "what each knot counts for the sum of coefficients times interpolations, over so many axes",
)
TABLE_OF_ROWS = ArrayFunction(
    "table_of_rows",
    ("operators", "scale", "rows", "partons"),
    "pdflang.evolution.grids.table_of_rows",
    "pdflang.evolution.grids.table_of_rows",
    "rows on evolved partons as a table that acts on densities before the evolution",
)
CHOLESKY_OF_INVERSE = ArrayFunction(
    "cholesky_of_inverse",
    ("precision",),
    "pdflang.components.reference.scale_tril_of_precision",
    "pdflang.backend.runtime.distributions.scale_tril_of_precision",
    "the lower triangular L with L Lᵀ the inverse of a precision matrix",
)
