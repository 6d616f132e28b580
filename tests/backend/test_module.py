"""The generated module: readable, clean, the same in every run; and what rebinding compiles."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import pdflang

ROOT = Path(__file__).parent.parent.parent
# An installed pdflang is first-party too: the linter would guess that from where it runs.
OURS = 'lint.isort.known-first-party = ["pdflang"]'
RUFF = [sys.executable, "-m", "ruff", "check", "--isolated", "--config", OURS]
EVENTS = {"events_p": np.linspace(0.01, 0.9, 300) ** 2 + 0.002, "events_n": np.linspace(0.02, 0.8, 200)}


@pytest.fixture(scope="module")
def proxy() -> pdflang.embedding.Model:
    return pdflang.load(ROOT / "examples/proxy/model.pdfm", data=EVENTS)


@pytest.fixture(scope="module")
def dis() -> pdflang.embedding.Model:
    return pdflang.load(ROOT / "examples/dis/model.pdfm")


def test_the_module_of_the_proxy_is_short_and_clean(proxy: Any, dis: Any, tmp_path: Path) -> None:
    assert len(proxy.source.splitlines()) <= 110
    assert not re.search(r"\bvalue_\d", proxy.source)
    for model in (proxy, dis):
        assert max(map(len, model.source.splitlines())) <= 110
        assert not unclean(model.source, tmp_path)


def unclean(source: str, folder: Path) -> str:
    """What the linter finds in a module."""
    path = folder / "module.py"
    path.write_text(source)
    run = subprocess.run([*RUFF, str(path)], capture_output=True, text=True)
    return run.stdout if run.returncode else ""


STEPS = """data e[3]
param b[3] ~ Normal(0, 1)
func of_scan(s, e) = ({0} for k in 3)
func of_ode(t, s) = ({0} for k in 3)
output x = scan(of_scan, b, e)
output y = ode(of_ode, b, [1, 2])
"""


@pytest.mark.parametrize(
    ("entry", "reads_positions"),
    [("s[k]*b[k]", False), ("s[k] + concat([0], b)[k + 1]", False), ("k*s[k]", True), ("s[k]*s[2 - k]", True)],
)
def test_a_step_is_given_positions_where_it_reads_them(entry: str, reads_positions: bool, tmp_path: Path) -> None:
    pytest.importorskip("diffrax")
    source = pdflang.loads(STEPS.format(entry), data={"e": np.zeros(3)}).source
    assert ("arange(3)" in source) is reads_positions
    assert not unclean(source, tmp_path)


def test_a_parameter_may_have_the_name_of_a_function_that_its_density_needs() -> None:
    """The sum rule is a Beta function of `beta`: 2 = A/(beta + 1)/(beta + 2)."""
    model = pdflang.loads(
        "param beta ~ Normal(1, 0.1) in (0, inf)\n"
        "solve A where integral(A * x^beta * (1 - x) for x in (0, 1)) == 2\noutput a = A\n"
    )
    assert float(model.derived({"beta": 1.5})["a"]) == pytest.approx(2 * 2.5 * 3.5)


def test_the_module_is_the_same_in_another_process(proxy: Any) -> None:
    script = (
        "import numpy as np, pdflang\n"
        "events = {'events_p': np.linspace(0.01, 0.9, 300) ** 2 + 0.002, 'events_n': np.linspace(0.02, 0.8, 200)}\n"
        "print(pdflang.load('examples/proxy/model.pdfm', data=events).source, end='')"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout == proxy.source


def test_a_sum_of_thousands_of_terms_compiles() -> None:
    terms = " + ".join(f"{i}.5*a" for i in range(3000))
    model = pdflang.loads(f"param a ~ Normal(0, 1)\noutput r = {terms}\n")
    assert float(model.derived({"a": 2.0})["r"]) == pytest.approx(2 * sum(i + 0.5 for i in range(3000)))


def test_padding_does_not_change_the_density(proxy: Any) -> None:
    params = {"c_u": 2.0, "a_u": 0.5, "b_u": 3.0, "c_d": 1.0, "a_d": 0.6, "b_d": 4.0}
    roomy = type(proxy)(proxy.bound, proxy.functions, dict.fromkeys(EVENTS, 4000))
    assert roomy.arrays["log_events_p"].shape != proxy.arrays["log_events_p"].shape
    assert float(roomy.log_density(params)) == pytest.approx(float(proxy.log_density(params)), rel=1e-14)
    x = {name: np.asarray(values) for name, values in EVENTS.items()}
    u, d = (
        {k: c * v**a * (1 - v) ** b for k, v in x.items()} for c, a, b in ((2.0, 0.5, 3.0), (1.0, 0.6, 4.0))
    )
    found = proxy.log_likelihood(params)
    np.testing.assert_allclose(
        found["events_p"], np.log(1143 * (4 * u["events_p"] + d["events_p"])), rtol=1e-12
    )
    np.testing.assert_allclose(
        found["events_n"], np.log(1143 * (u["events_n"] + 4 * d["events_n"])), rtol=1e-12
    )


def test_other_data_compile_nothing(proxy: Any) -> None:
    z = np.zeros(6)
    proxy.log_density_unconstrained(z)
    compiled: list[str] = []

    def listen(event: str, _: float, **__: Any) -> None:
        if event.endswith("backend_compile_duration"):
            compiled.append(event)

    others = [
        {"events_p": np.linspace(0.01, 0.5, 280), "lumi": 900.0},
        {"events_n": np.linspace(0.01, 0.5, 215)},
    ]
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        for other in others:
            rebound = proxy.rebind({**EVENTS, **other})
            value = float(rebound.log_density_unconstrained(z))
            fresh = float(proxy.log_density_unconstrained(z))
            assert value != fresh
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert compiled == []


# --- minus the log-density is χ²/2 + penalty/2 + a constant ------------------------------------------------------


def test_the_identity_of_a_linear_model() -> None:
    rng = np.random.default_rng(1)
    matrix, root = rng.normal(size=(8, 3)), rng.normal(size=(8, 8))
    covariance, y = root @ root.T + np.eye(8), rng.normal(size=8)
    text = (
        "data A[8, 3]\ndata C[8, 8]\ndata y[8]\nparam p[3] ~ Normal([0.1, 0.2, 0.3], [1, 2, 3])\n"
        "observe y ~ MvNormal(A @ p, cov = C)\n"
    )
    model = pdflang.loads(text, data={"A": matrix, "C": covariance, "y": y})

    def rest(p: np.ndarray) -> float:
        residual = y - matrix @ p
        chi2 = residual @ np.linalg.solve(covariance, residual)
        assert model.chi2({"p": p})["y"] == pytest.approx(chi2, rel=1e-12)
        penalty = np.sum(((p - [0.1, 0.2, 0.3]) / [1, 2, 3]) ** 2)
        return -float(model.log_density({"p": p})) - (chi2 + penalty) / 2

    constants = [rest(p) for p in rng.normal(size=(5, 3))]
    expected = 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1] + np.log(6) + 1.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(constants, expected, rtol=1e-12)


def test_the_identity_of_the_dis_fit(dis: Any) -> None:
    means = {
        "a_uv": 0.7,
        "b_uv": 3.5,
        "a_dv": 0.7,
        "b_dv": 4.0,
        "a_g": -0.1,
        "b_g": 5.0,
        "a_s": -0.2,
        "b_s": 7.0,
    }
    scales = dict(zip(means, (0.3, 1.0, 0.3, 1.0, 0.3, 2.0, 0.1, 2.0), strict=True))
    logs = {"e_uv": 0.0, "c_s": -1.0}

    def parts(params: dict[str, Any]) -> tuple[float, float]:
        chi2 = float(next(iter(dis.chi2(params).values())))
        penalty = sum(((params[n] - mean) / scales[n]) ** 2 for n, mean in means.items())
        penalty += sum((np.log(params[n]) - mean) ** 2 + 2 * np.log(params[n]) for n, mean in logs.items())
        x = np.geomspace(1e-5, 0.9, 50)
        gluon = float(dis.derived(params)["A_g"]) * x ** params["a_g"] * (1 - x) ** params["b_g"]
        penalty += 2e3 * np.sum(np.maximum(0, -gluon) ** 2)
        return -float(dis.log_density(params)), (chi2 + penalty) / 2

    rng = np.random.default_rng(2)
    start = {**means, "e_uv": 0.5, "c_s": 0.4}
    found = [parts({n: v * np.exp(0.05 * rng.normal()) for n, v in start.items()}) for _ in range(4)]
    constants = np.array([value - identity for value, identity in found])
    # The constant is what is left of much larger numbers: relative to those.
    assert np.ptp(constants) <= 1e-12 * max(abs(value) for value, _ in found) + 1e-12 * np.max(np.abs(found))


@pytest.mark.parametrize(
    "arguments", [["--help"], ["check", "{m}"], ["fmt", "--check", "{m}"], ["explain", "E501"]]
)
def test_instant_verbs_do_not_import_jax(arguments: list[str]) -> None:
    model = str(ROOT / "examples/eight_schools/model.pdfm")
    script = (
        "import sys\nfrom pdflang.cli import program\n"
        f"try:\n    program.main({[a.format(m=model) for a in arguments]!r}, standalone_mode=False)\n"
        "except BaseException:\n    pass\n"
        "sys.exit('jax' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
