"""What an entry of data may read of the same data: only entries that are proved to be drawn before it, or never."""

import jax
import numpy as np
import pytest

import pdflang
from pdflang.diagnostics import PdflangError, SourceFile
from pdflang.driver import check

DECLARED = """param a ~ Normal(0, 1)
data y[N]
data z[N, M]
data five[5]
data pairs[N, 2]
data counts[N]: int
data place[N]: int
data K: int
data x[N]
"""
GIVEN = ["y", "z", "five", "pairs", "counts", "place", "K", "x"]

ITSELF, LATER, UNKNOWN = "reads itself", "reads later ones", "reads entries that are not known to be drawn before it"

REFUSED = {
    "the entry of two binders": ("observe z[i in N, j in M] ~ Normal(a*z[i, j], 1)", ITSELF),
    "the row that is drawn": ("observe pairs[t in N] ~ Normal(a*pairs[t], 1)", ITSELF),
    "the sum of all": ("observe y[t in N] ~ Normal(a*sum(y), 1)", UNKNOWN),
    "the greatest": ("observe y[t in N] ~ Normal(a*max(y), 1)", UNKNOWN),
    "a product of vectors": ("observe y[t in N] ~ Normal(a*(y @ y), 1)", UNKNOWN),
    "a mean of what follows from all": ("let s = 2*y\nobserve y[t in 1:N] ~ Normal(mean(s) + y[t - 1], 1)", UNKNOWN),
    "the reversed position": ("observe y[t in N] ~ Normal(a*y[N - 1 - t], 1)", UNKNOWN),
    "a position of data": ("observe y[t in N] ~ Normal(a*y[place[t]], 1)", UNKNOWN),
    "a position that is an entry": ("observe counts[t in 1:N] ~ Poisson(exp(counts[counts[t - 1]]))", UNKNOWN),
    "the last": ("observe five[t in 5] ~ Normal(a*five[4], 1)", UNKNOWN),
    "the first that is drawn": ("observe five[t in 2:5] ~ Normal(a*five[2], 1)", ITSELF),
    "the next row": ("observe z[i in N - 1, j in 1:M] ~ Normal(a*z[i + 1, j], 1)", LATER),
    "the end of the row": ("observe z[i in N, j in 1:M] ~ Normal(a*z[i, M - 1], 1)", UNKNOWN),
    "the vector that is drawn": ("observe pairs[t in 1:N, 2] ~ MvNormal(pairs[t - 1] + pairs[t], cov = C)", ITSELF),
    "a square at the entry": ("let s[i in N] = y[i]^2\nobserve y[t in 1:N] ~ Normal(s[t - 1] + s[t], 1)", ITSELF),
    "a sum up to the entry": ("observe y[t in N] ~ Normal(a*sum(y[s] for s in N where s <= t), 1)", ITSELF),
    "a sum of lags from 0 on": ("observe y[t in 3:N] ~ Normal(a*sum(y[t - k] for k in 3), 1)", ITSELF),
    "a spread": ("observe y[t in N] ~ Normal(0, exp(y[t]))", ITSELF),
    "a bound": ("observe y[t in N] ~ Normal(0, 1) in (-inf, y[t] + 1)", ITSELF),
    "a weight": ("observe y[t in 1:N] ~ Mixture([0.5, 0.5], [Normal(y[t - 1], 1), Normal(y[t], 1)])", ITSELF),
}  # fmt: skip

ACCEPTED = {
    "rows one after the other": "observe z[i in 1:N, j in M] ~ Normal(a*z[i - 1, j] + z[i - 1, M - 1], 1)",
    "two directions": "observe z[i in 1:N, j in 1:M] ~ Normal(a*z[i - 1, j] + z[i, j - 1], 1)",
    "a column that is not drawn": "observe z[i in N - 1, j in 1:M] ~ Normal(a*z[i + 1, 0], 1)",
    "the row before": "observe pairs[t in 1:N] ~ Normal(a*pairs[t - 1] + sum(pairs[t - 1]), 1)",
    "vectors": "observe pairs[t in 1:N, 2] ~ MvNormal(C @ pairs[t - 1], cov = C)",
    "ends that are not drawn": "observe y[t in 1:N - 1] ~ Normal(a*y[0] + y[N - 1], 1)",
    "all that is not drawn": "observe y[t in 3:N] ~ Normal(a*sum(y[0:3]), 1)",
    "an `if`": "observe y[t in N] ~ Normal(if t > 0 then a*y[t - 1] else 0, 1)",
    "an `if` before a fixed entry": "observe y[t in N] ~ Normal(if not (t <= 2 or t == 3) then a*y[2] else 0, 1)",
    "a sum over what came before": "observe y[t in N] ~ Normal(sum(y[s]*exp(-a*(t - s)) for s in N where s < t), 1)",
    "a sum of lags": "observe y[t in 3:N] ~ Normal(a*sum(y[t - 1 - k] for k in 3), 1)",
    "lags that are known": "const lags = [1, 7]\nobserve y[t in 7:N] ~ Normal(sum(a*y[t - l] for l in lags), 1)",
    "a season that data gives": "observe y[t in K:N] ~ Normal(a*y[t - K], 1)",
    "a running sum": "observe y[t in 1:N] ~ Normal(a*cumsum(y)[t - 1]/t, 1)",
    "a mean of lags": "observe y[t in 2:N] ~ Normal(a*mean(y[t - 1 - k] for k in 2), 1)",
    "other data": "observe y[t in N] ~ Normal(a*sum(x) + x[N - 1 - t], 1) in (-inf, max(x) + 9)",
    "an error of prediction": (
        "func step(e, before, now) = now - a*before - e/2\n"
        "let e = concat([y[0]], scan(step, y[0], y[0:N - 1], y[1:N]))\n"
        "observe y[t in N] ~ Normal(if t == 0 then a else a*y[t - 1] + e[t - 1]/2, 1)"
    ),
}  # fmt: skip

C = "const C = [[1, 0.2], [0.2, 2]]\n"


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_drawn_before_is_refused(name: str) -> None:
    text, said = REFUSED[name]
    with pytest.raises(PdflangError) as refused:
        check(SourceFile("<text>", DECLARED + C + text), given=GIVEN)
    assert refused.value.diagnostics[0].code == "E203"
    assert said in refused.value.diagnostics[0].message


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_drawn_before_or_never_is_read(name: str) -> None:
    check(SourceFile("<text>", DECLARED + C + ACCEPTED[name]), given=GIVEN)


def test_a_lag_that_data_gives_is_at_least_one() -> None:
    text = "data y[N]\ndata K: int\nparam a ~ Normal(0, 1)\nobserve y[t in K:N] ~ Normal(a*y[t - K], 1)"
    pdflang.loads(text, data={"y": np.arange(4.0), "K": 1})
    with pytest.raises(PdflangError, match="reads itself where K is 0"):
        pdflang.loads(text, data={"y": np.arange(4.0), "K": 0})


def test_the_simulator_reads_what_it_drew() -> None:
    """1, 2, 4, 8, …: each entry is one more than the sum of those before it, whatever was observed."""
    text = "data y[N]\nparam a ~ Normal(0, 1)\nobserve y[t in N] ~ Normal(a + sum(y[s] for s in N where s < t), 1e-9)"
    drawn = pdflang.loads(text, data={"y": np.full(6, 7.0)}).simulate(jax.random.key(1), {"a": 1.0})["y"]
    np.testing.assert_allclose(drawn, 2.0 ** np.arange(6), rtol=1e-6)


def test_entries_of_a_row_are_drawn_independently() -> None:
    text = "data y[N, 2]\nparam a ~ Normal(0, 1)\nobserve y[t in 1:N] ~ Normal(a*y[t - 1], 1)"
    model = pdflang.loads(text, data={"y": np.zeros((2001, 2))})
    drawn = np.asarray(model.simulate(jax.random.key(1), {"a": 0.5})["y"])
    noise = drawn[1:] - 0.5 * drawn[:-1]
    assert abs(np.corrcoef(noise.T)[0, 1]) < 4 / np.sqrt(2000)
    np.testing.assert_allclose(noise.std(0), 1, atol=4 / np.sqrt(4000))


def test_the_rate_of_events_does_not_read_them() -> None:
    """Neither through a name nor in its domain; their weights do, and the rate may read an earlier sample."""
    for rate in ("sum(exp(-(t - x[i])^2) for i in N)", "a + mean(x)", "a + most"):
        text = f"data x[N]\nparam a ~ HalfNormal(1)\nlet most = max(x)\ntheory rate(t in (0, 1)) = {rate}\n"
        with pytest.raises(PdflangError, match=r"E203.*\n[\s\S]*read other data"):
            pdflang.loads(text + "observe x ~ Iid(rate)", data={"x": [0.1, 0.5]})
    text = "data x[N]\ndata z[M]\nparam a ~ HalfNormal(1)\ntheory rate(t in (0, 1)) = a + sum(t^z[i] for i in M)\n"
    pdflang.loads(text + "observe x ~ Iid(rate, weights = 2*x)", data={"x": [0.1, 0.5], "z": [0.3]})


@pytest.mark.parametrize("wrong", [-1, 3])
def test_data_that_are_positions_lie_on_an_axis_whose_length_data_say(wrong: int) -> None:
    text = "data t[N]\ndata j[M]: int\ndata y[M]\nparam a ~ Normal(0, 1)\nobserve y[i in M] ~ Normal(a*t[j[i]], 1)"
    given = {"t": [1.0, 2.0, 3.0], "y": [1.0, 2.0]}
    assert pdflang.loads(text, data={**given, "j": [2, 0]}).log_likelihood({"a": 1.0})["y"].shape == (2,)
    with pytest.raises(PdflangError, match=f"E305.*positions on an axis of N, but row 2 of the data given is {wrong}"):
        pdflang.loads(text, data={**given, "j": [2, wrong]})


def test_positions_that_are_computed_are_told_in_words() -> None:
    text = "data t[N]\ndata j[M]: int\ndata y[M]\nparam a ~ Normal(0, 1)\nobserve y[i in M] ~ Normal(a*t[j[i] + 4], 1)"
    with pytest.raises(PdflangError, match=r"E409.*index 6 is out of bounds"):
        pdflang.loads(text, data={"t": [1.0, 2.0, 3.0], "y": [1.0, 2.0], "j": [2, 0]})
