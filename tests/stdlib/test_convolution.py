"""`std.convolution` against mpmath, and its moments against closed forms."""

import mpmath
import numpy as np
import pytest

import pdflang

X = (1e-5, 1e-3, 0.03, 0.4, 0.9, 0.99)
DENSITIES = """
    use std.convolution: convolve, plus, plus_logarithm
    param a ~ Normal(0, 1) in (-0.9, 3)
    param b ~ Normal(3, 1) in (0, 20)
    func f(x) = x^(a - 1)*(1 - x)^b
    func once(z) = 1/(1 - z)
    func twice(z) = log(1 - z)/(1 - z)
    func p_qq(z) = (1 + z^2)/(1 - z)
    func c_g(z) = (z^2 + (1 - z)^2)*log((1 - z)/z) - 1 + 8*z*(1 - z)
"""
CONVOLUTIONS = {
    "plus(x, once, f)": lambda z: 1 / (1 - z),
    "plus(x, twice, f)": lambda z: mpmath.log(1 - z) / (1 - z),
    "plus(x, p_qq, f)": lambda z: (1 + z**2) / (1 - z),
    "plus_logarithm(x, 0, f)": lambda z: 1 / (1 - z),
    "plus_logarithm(x, 2, f)": lambda z: mpmath.log(1 - z) ** 2 / (1 - z),
    "convolve(x, c_g, f)": lambda z: (z**2 + (1 - z) ** 2) * mpmath.log((1 - z) / z) - 1 + 8 * z * (1 - z),
}
SHAPES = ((-0.2, 4.3), (0.7, 0.3), (-0.8, 12.0), (1.3, 3.0))


def exact(name, kernel, x, a, b):
    with mpmath.workdps(30):
        x, a, b = (mpmath.mpf(repr(number)) for number in (x, a, b))

        def f(y):
            return y ** (a - 1) * (1 - y) ** b

        under_plus = not name.startswith("convolve")
        cuts = [x, *(cut for cut in map(mpmath.mpf, ("1e-4", "1e-3", "0.01", "0.1", "0.5", "0.9")) if cut > x * 3), 1]
        total = mpmath.quad(lambda z: kernel(z) * (f(x / z) / z - (f(x) if under_plus else 0)), cuts)
        return float(total - (f(x) * mpmath.quad(kernel, [0, x / 2, x]) if under_plus else 0))


@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.parametrize("points", ["known", "data", "variable"])
def test_convolutions(name, points):
    """At points that the compiler knows, that are data, and that are parameters."""
    if points == "variable":
        model = pdflang.loads(f"{DENSITIES}param x ~ Uniform(0, 1)\noutput r = {name}\n")
    elif points == "known":
        model = pdflang.loads(f"{DENSITIES}output r = {name} for x in [{', '.join(map(repr, X))}]\n")
    else:
        model = pdflang.loads(f"{DENSITIES}data points[N]\noutput r = {name} for x in points\n", data={"points": X})
    for a, b in SHAPES:
        wanted = np.array([exact(name, CONVOLUTIONS[name], x, a, b) for x in X])
        given = [{"a": a, "b": b, "x": x} for x in X] if points == "variable" else [{"a": a, "b": b}]
        found = np.array([np.asarray(model.derived(params)["r"]) for params in given]).ravel()
        # What a convolution is the difference of is as large as the density, at least.
        scale = np.abs(wanted) + np.array(X) ** (a - 1) * (1 - np.array(X)) ** b
        assert np.all(np.abs(found - wanted) <= np.where(np.array(X) < 1e-4, 1e-7, 1e-8) * scale), (a, b)


def harmonic(n, power):
    return float(sum(mpmath.mpf(1) / k**power for k in range(1, n + 1)))


@pytest.mark.parametrize("moment", [2, 3, 6])
def test_moments_multiply(moment):
    """Of [1/(1 − z)]₊ they are −S₁(N − 1), of [log(1 − z)/(1 − z)]₊ half of S₁² + S₂."""
    from scipy.special import beta

    weight = f"x^{moment - 1}"
    model = pdflang.loads(f"""{DENSITIES}
        output one = integral({weight}*plus_logarithm(x, 0, f) for x in (0, 1))
        output two = integral({weight}*plus(x, twice, f) for x in (0, 1))
        output three = integral({weight}*convolve(x, f, p) for x in (0, 1))
        func p(z) = z^0.3*(1 - z)^2
    """)
    for a, b in ((0.3, 4.3), (0.7, 1.5)):
        of_f = beta(a - 1 + moment, b + 1)
        s_1, s_2 = harmonic(moment - 1, 1), harmonic(moment - 1, 2)
        found = {name: float(value) for name, value in model.derived({"a": a, "b": b}).items()}
        assert found["one"] == pytest.approx(-s_1 * of_f, rel=1e-7)
        assert found["two"] == pytest.approx((s_1**2 + s_2) / 2 * of_f, rel=1e-7)
        assert found["three"] == pytest.approx(beta(moment + 0.3, 3) * of_f, rel=1e-7)
