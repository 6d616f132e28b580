"""`evolve(Q = …)` in models: the benchmark tables, all flavours distinct, derivatives, the cache."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import jax
import numpy as np
import pytest

import pdflang
from pdflang.evolution import PIDS, Evolution, evolved
from pdflang.evolution.grids import knots_in_x, polynomial, weights_at

TABLES = json.loads(Path(__file__).with_name("les_houches.json").read_text())
X = TABLES["x"][1:]

pytestmark = pytest.mark.skipif(find_spec("hoppet") is None, reason="needs the extra `evolution`")

POINTS = "for x in [" + ", ".join(map(str, X)) + "]"
BENCHMARK = f"""
    use std.les_houches2001 as toy
    param k ~ Normal(1, 1)
    factor f = -k^2
    pdfset high = toy.proton |> evolve(Q = 100, SETTINGS, alpha_s = 0.35, alpha_s_scale = sqrt(2))
    output g = high.g(x) {POINTS}
    output u_v = high.u(x) - high.ubar(x) {POINTS}
    output d_v = high.d(x) - high.dbar(x) {POINTS}
    output L_m = high.dbar(x) - high.ubar(x) {POINTS}
    output L_p = 2*(high.dbar(x) + high.ubar(x)) {POINTS}
    output s_p = high.s(x) + high.sbar(x) {POINTS}
    output c_p = high.c(x) + high.cbar(x) {POINTS}
    output b_p = high.b(x) + high.bbar(x) {POINTS}
"""
VARIABLE = "charm = sqrt(2), bottom = 4.5, top = 175"


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PDFLANG_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.mark.parametrize("order", [*(pytest.param(order, marks=pytest.mark.slow) for order in ("lo", "nlo")), "nnlo"])
@pytest.mark.parametrize(("kind", "settings"), [("4 flavours", "flavours = 4"), ("variable", VARIABLE)])
def test_the_les_houches_tables(order: str, kind: str, settings: str) -> None:
    found = pdflang.loads(BENCHMARK.replace("SETTINGS", f'order = "{order}", {settings}')).derived({"k": 1.0})
    for name, expected in TABLES[f"{order}, {kind}"].items():
        if name in found and any(expected):
            assert np.asarray(found[name]) == pytest.approx(expected[1:], rel=1e-4), name


DISTINCT = """
    param a ~ Normal(0.7, 0.1) in (0, inf)
    factor f = -a^2
    pdfset low(x) at Q = 2 {
        g = 2*x^(-0.2)*(1 - x)^5, u = 5*x^a*(1 - x)^3, ubar = 0.3*x^(-0.1)*(1 - x)^7, d = 3*x^0.8*(1 - x)^4,
        dbar = 0.4*x^(-0.1)*(1 - x)^6, s = 0.2*x^(-0.1)*(1 - x)^8, sbar = 0.1*x^(-0.1)*(1 - x)^9,
        c = 0.05*x^(-0.1)*(1 - x)^7, cbar = 0.03*x^(-0.1)*(1 - x)^10
    }
    pdfset high = low |> evolve(Q = 50, charm = 1.3)
"""
PARTONS = ("tbar", "bbar", "cbar", "sbar", "ubar", "dbar", "g", "d", "u", "s", "c", "b", "t")


def low(x: np.ndarray) -> np.ndarray:
    shapes = {
        21: (2, -0.2, 5), 2: (5, 0.7, 3), -2: (0.3, -0.1, 7), 1: (3, 0.8, 4), -1: (0.4, -0.1, 6), 3: (0.2, -0.1, 8),
        -3: (0.1, -0.1, 9), 4: (0.05, -0.1, 7), -4: (0.03, -0.1, 10),
    }  # fmt: skip
    found = np.zeros((1, len(PIDS), len(x)))
    for pid, (size, power, fall) in shapes.items():
        found[0, PIDS.index(pid)] = size * x**power * (1 - x) ** fall
    return found


def test_every_flavour_is_its_own() -> None:
    """Nine distinct densities: the matrix of two against HOPPET on all of them at once."""
    x = np.geomspace(1e-5, 0.7, 12)
    places = ", ".join(map(repr, x.tolist()))
    outputs = "".join(f"output out_{parton} = high.{parton}(x) for x in [{places}]\n" for parton in PARTONS)
    found = pdflang.loads(DISTINCT + outputs).derived({"a": 0.7})
    expected = evolved(Evolution(charm=1.3), 2.0, low, x, np.array([50.0])).values[0, 0]
    for parton, column in zip(PARTONS, expected.T, strict=True):
        assert np.asarray(found[f"out_{parton}"]) == pytest.approx(column, rel=1e-4, abs=1e-7), parton


@pytest.mark.slow
def test_two_steps_are_one() -> None:
    """The first ends where bottom is absent, which then is none of what evolves on."""
    step = "pdfset {} = {} |> evolve(Q = {}, charm = 1.3)\n".format
    steps = step("between", "low", 3) + step("there", "between", 50)
    outputs = "".join(f"output {p}1 = high.{p}(x) {POINTS}\noutput {p}2 = there.{p}(x) {POINTS}\n" for p in PARTONS)
    found = pdflang.loads(DISTINCT + steps + outputs).derived({"a": 0.7})
    for parton in PARTONS:
        assert np.asarray(found[f"{parton}2"]) == pytest.approx(np.asarray(found[f"{parton}1"]), rel=1e-4, abs=1e-7)


@pytest.mark.slow
def test_a_flavour_that_is_left_behind() -> None:
    """Below its mass charm is like no other quark; the light ones and the gluon follow it."""
    x = np.geomspace(1e-3, 0.7, 6)
    places = ", ".join(map(repr, x.tolist()))
    outputs = "".join(f"output out_{parton} = high.{parton}(x) for x in [{places}]\n" for parton in PARTONS)
    text = DISTINCT.replace("Q = 50, charm = 1.3", "Q = 1.4, charm = 1.6") + outputs
    found = pdflang.loads(text).derived({"a": 0.7})
    expected = evolved(Evolution(charm=1.6), 2.0, low, x, np.array([1.4])).values[0, 0]
    for parton, column in zip(PARTONS, expected.T, strict=True):
        assert np.asarray(found[f"out_{parton}"]) == pytest.approx(column, rel=2e-4, abs=1e-6), parton


@pytest.mark.slow
def test_a_coupling_from_above_does_not_run_through_a_top_quark() -> None:
    """No top is none at any scale: to 2 GeV with α_s given at 91.2 GeV is to 2 GeV and with α_s given there."""
    from pdflang.evolution.operators import operators

    far = Evolution(alpha_s=0.118, alpha_s_scale=91.2)
    high, here = (operators(far, 1.65, [scale])[0] for scale in (91.2, 2.0))
    assert high.alpha_s == pytest.approx(0.118, rel=1e-6)
    near = Evolution(alpha_s=here.alpha_s, alpha_s_scale=2.0)
    assert operators(near, 1.65, [91.2])[0].alpha_s == pytest.approx(0.118, rel=1e-6)


def test_derivatives_follow_parameters() -> None:
    model = pdflang.loads(DISTINCT + "data y = 1.0\nobserve y ~ Normal(high.u(0.2), 0.1)\n")
    at = {"a": 0.65}
    slope = float(jax.grad(lambda a: model.log_density({"a": a}))(0.65))
    step = 1e-5
    up, down = (float(model.log_density({"a": at["a"] + sign * step})) for sign in (1, -1))
    assert slope == pytest.approx((up - down) / (2 * step), rel=1e-6)


def test_an_operator_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time nothing is evolved: HOPPET need not even be there."""
    text = DISTINCT.replace("Q = 50", "Q = 20") + "output g = high.g(0.1)\n"
    first = float(pdflang.loads(text).derived({"a": 0.7})["g"])
    monkeypatch.setattr("pdflang.evolution.dglap.find_spec", lambda name: None)
    assert float(pdflang.loads(text).derived({"a": 0.7})["g"]) == first
    with pytest.raises(pdflang.PdflangError, match="E308"):
        pdflang.loads(text.replace("Q = 20", "Q = 21"))


SCALES = (50.0, 3.0, 50.0, 4.0)


@pytest.mark.parametrize("given", ["data", pytest.param("constants", marks=pytest.mark.slow)])
def test_several_scales_are_those_one_by_one(given: str) -> None:
    """Charm below and above its threshold, a scale that comes twice; with derivatives, and as functions and numbers."""
    names = {"data": "data Qs[N]\n", "constants": f"const Qs = [{', '.join(map(str, SCALES))}]\n"}[given]
    text = names + DISTINCT.replace("Q = 50", "Q = Qs") + """
        data x[4]
        data z[4]
        output one = [high[0].alpha_s, high[1].flavours, high[3].Q]
        func mixed(p, x in (0, 1)) = p.c(x) - 2*integral(p.u(t)*t for t in (x, 1))
        output c[i in 4] = mixed(high[i], x[i])
        output shape = high[1].g(t) for t in x
        output there[i in 4] = high[i].g(0.1)
        observe z[i in 4] ~ Normal(a*high[i].u(x[i]) + high[i].alpha_s, 0.1)
    """
    x = [0.1, 0.1, 0.3, 0.02]
    data = {"x": x, "z": [1.0, 2.0, 3.0, 4.0]} | ({"Qs": SCALES} if given == "data" else {})
    model = pdflang.loads(text, data=data)
    found = model.derived({"a": 0.7})
    for i, scale in enumerate(SCALES):
        alone = DISTINCT.replace("Q = 50", f"Q = {scale}") + f"""
            output one = [high.alpha_s, high.flavours, high.Q]
            output c = high.c({x[i]}) - 2*integral(high.u(t)*t for t in ({x[i]}, 1))
            output u = high.u({x[i]})
            output there = high.g(0.1)
            output shape = high.g(t) for t in [{", ".join(map(str, x))}]
        """
        wanted = pdflang.loads(alone).derived({"a": 0.7})
        assert float(found["c"][i]) == pytest.approx(float(wanted["c"]), rel=1e-7)  # another rule, of known ends
        assert float(found["there"][i]) == pytest.approx(float(wanted["there"]), rel=1e-10)
        if i in (0, 1, 3):
            assert float(found["one"][(0, 1, 1, 2)[i]]) == float(wanted["one"][(0, 1, 1, 2)[i]])
        if i == 1:
            assert np.asarray(found["shape"]) == pytest.approx(np.asarray(wanted["shape"]), rel=1e-10)
    slope = float(jax.grad(lambda a: model.log_density({"a": a}))(0.65))
    up, down = (float(model.log_density({"a": 0.65 + step})) for step in (1e-5, -1e-5))
    assert slope == pytest.approx((up - down) / 2e-5, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("Q = 50", "Q = [a, 50]"), "E403"),
        (("Q = 50", "Q = [[2, 3], [4, 5]]"), "E304"),
        (("Q = 50", "Q = [50, 60]"), "E205"),
        (("Q = 50, ", ""), "E303"),
        (("charm = 1.3", 'order = "n3lo"'), "E301"),
        (("charm = 1.3", "charm = a"), "E403"),
        (("charm = 1.3", "charm = 6"), "E620"),
        (("charm = 1.3", "charm = -1"), "E620.*positive"),
        (("charm = 1.3", "alpha_s_scale = 0"), "E620.*positive"),
        (("charm = 1.3", "alpha_s = -0.1"), "E620.*between 0 and 1"),
        (("charm = 1.3", "flavours = 4.5"), "E620.*3 to 6 flavours, but not 4.5"),
        (("charm = 1.3", "flavours = 2"), "E620.*3 to 6 flavours"),
        (("charm = 1.3", "charm = 2.5"), "E521"),
        (("low |>", "a |>"), "E301"),
    ],
)
def test_what_cannot_evolve(change: tuple[str, str], code: str) -> None:
    with pytest.raises(pdflang.PdflangError, match=code):
        pdflang.loads(DISTINCT.replace(*change) + "output g = high.g(0.1)\n")


def test_scales_are_positive() -> None:
    text = "data Qs[N]\n" + DISTINCT.replace("Q = 50", "Q = Qs") + "output g = high[1].g(0.1)\n"
    with pytest.raises(pdflang.PdflangError, match="a scale in GeV must lie in"):
        pdflang.loads(text, data={"Qs": [50.0, -1.0]})


def test_interpolation_is_exact_for_polynomials_and_at_knots() -> None:
    knots = knots_in_x(1e-7, 100)
    t = np.log(knots) + 12 * knots
    assert np.diff(t) == pytest.approx(np.full(99, (t[-1] - t[0]) / 99), rel=1e-9)
    values = ((t - t[-1]) ** 5 + 3 * (t - t[-1])) / 1e5
    points = np.sort(np.random.default_rng(1).uniform(1e-6, 1, 50))
    s = np.log(points) + 12 * points - t[-1]
    assert polynomial(points, knots[:-1], values[:-1]) == pytest.approx((s**5 + 3 * s) / 1e5, rel=1e-9, abs=1e-12)
    assert weights_at(knots, points) @ values == pytest.approx((s**5 + 3 * s) / 1e5, rel=1e-9, abs=1e-12)
    assert polynomial(knots[[3, 50]], knots[:-1], values[:-1]) == pytest.approx(values[[3, 50]])


@pytest.mark.parametrize("scale", ["-3", "[3, 0]"])
def test_written_scales_are_positive_too(scale: str) -> None:
    text = DISTINCT.replace("Q = 50", f"Q = {scale}")
    with pytest.raises(pdflang.PdflangError, match=r"E401.*a scale in GeV must lie in \(0, inf\)"):
        pdflang.loads(text)
