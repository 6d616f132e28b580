"""Positions in brackets and lengths: what is proved, what data decides, what is refused."""

import numpy as np
import pytest

import pdflang

AR = "data y[N]\nparam a ~ Normal(0, 1)\n"
Y = {"y": np.arange(5.0)}

WRONG = [
    ("a binder that runs over the start", AR + "observe y[t in N] ~ Normal(a*y[t - 1], 1)", Y, "E305"),
    ("a binder that runs over the end", AR + "observe y[t in 1:N + 1] ~ Normal(a, 1)", Y, "E305"),
    ("a start that data gives", AR + "data L: int\nobserve y[t in L:N] ~ Normal(a*y[t - 3], 1)", {**Y, "L": 2}, "E305"),
    ("a longer axis", "data y[N]\nparam a[3] ~ Normal(0, 1)\nobserve y[i in N] ~ Normal(a[i], 1)", Y, "E305"),
    ("positions of data", "data y[N]\ndata g[N]: int\nparam a[3] ~ Normal(0, 1)\nobserve y ~ Normal(a[g], 1)",
     {**Y, "g": [0, 1, 2, 3, 0]}, "E305"),
    ("positions on an index", "index S = 3\ndata y[N]\ndata g[N]: S\nparam a[S] ~ Normal(0, 1)\n"
     "observe y ~ Normal(a[g], 1)", {**Y, "g": [0, 1, 2, 3, 0]}, "E510"),
    ("a slice beyond the end", "data y\nparam a[3] ~ Normal(0, 1)\nobserve y ~ Normal(sum(a[1:9]), 1)",
     {"y": 1}, "E305"),
    ("a slice of data", AR + "data x[M]\nobserve y ~ Normal(a*sum(x[2:6]), 1)", {**Y, "x": [1.0, 2.0]}, "E305"),
    ("a datum that reads itself", AR + "observe y ~ Normal(a*mean(y), 1)", Y, "E203"),
    ("an index that nothing binds", "index S\ndata y\nparam a[S] ~ Normal(0, 1)\nobserve y ~ Normal(sum(a), 1)",
     {"y": 1}, "E518"),
    ("a length below 0", "data y\ndata K: int\nparam a[K - 2] ~ Normal(0, 1)\nobserve y ~ Normal(sum(a), 1)",
     {"y": 1, "K": 1}, "E506"),
    ("a length that the data contradict", "data X[N, K]\ndata y[N]\nparam b[K] ~ Normal(0, 1)\n"
     "observe y ~ Normal(X @ b, 1)", {"y": [1, 2], "X": np.eye(2), "K": 3}, "E506"),
    ("a length that is no number", AR + "observe y ~ Normal(a, 1)", {**Y, "N": 2.5}, "E508"),
    ("a binder over what a draw owns", "param w[k in 3] ~ Dirichlet([1, 2, 3])\ndata y\nobserve y ~ Normal(w[0], 1)",
     {"y": 1}, "E307"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "data", "code"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_position_or_length_that_does_not_fit_is_refused(text: str, data: dict[str, object], code: str) -> None:
    with pytest.raises(pdflang.PdflangError) as caught:
        pdflang.loads(text, data=data)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == [code]


RIGHT = [
    ("an `if` that keeps off the end", AR + "observe y[t in N] ~ Normal(if t > 0 then a*y[t - 1] else 0, 1)", Y),
    ("a `where` that keeps off the end",
     AR + "data x[N]\nobserve y ~ Normal(a*sum(x[t - 1] for t in N where t > 0), 1)", {**Y, "x": np.ones(5)}),
    ("a start that data gives", AR + "data L: int\nobserve y[t in L:N] ~ Normal(a*y[t - 2], 1)", {**Y, "L": 2}),
    ("differences", "data y[N]\nparam a[N] ~ Normal(0, 1)\nobserve y ~ Normal(a, 1)\n"
     "factor smooth = -sum((a[1:] - a[:-1])^2)", Y),
    ("the last element", "data x[M]\ndata y\nparam a ~ Normal(0, 1)\nobserve y ~ Normal(a*x[-1]*sum(x[-2:]), 1)",
     {"x": [1.0, 2.0, 3.0], "y": 1.0}),
    ("an index with a length that is given",
     "index S\ndata y\nparam a[S] ~ Normal(0, 1)\nobserve y ~ Normal(sum(a), 1)",
     {"y": 1, "S": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "data"), [case[1:] for case in RIGHT], ids=[case[0] for case in RIGHT])
def test_a_position_that_fits_is_accepted(text: str, data: dict[str, object]) -> None:
    model = pdflang.loads(text, data=data)
    assert np.isfinite(float(model.log_density_unconstrained(np.full(model.dimension, 0.3))))
    assert not model.bound.notes
