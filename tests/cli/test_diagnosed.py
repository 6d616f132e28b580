"""Models that provoke each of the diagnostics, which say what to do."""

from __future__ import annotations

import json

import pytest
from command_line import AT_A_BOUND, CENTRED, NORMAL

TWO_MODES = "param a ~ Normal(0, 30)\ndata y = 400\nobserve y ~ Normal(a^2, 1)\n"
# Relative errors of the integral, which are small, count a million times.
JUMPS = """
param c ~ LogNormal(11, 0.1)
data n: int = 1000000
observe n ~ Poisson(integral(c*floor(40*x^2) for x in (0, 1)))
"""
# A sum rule as a factor, whose integral no rule resolves where the peak is narrow.
NARROW = """
param a ~ Uniform(0.2, 0.8)
param b ~ Uniform(1e-4, 1e-2)
factor rule = -0.5*((integral(b/((x - a)^2 + b^2) for x in (0, 1)) - 3)/0.05)^2
"""
OUTPUT = """
data y = 0.5
param a ~ Uniform(0.2, 0.8)
param b ~ Uniform(1e-4, 0.1)
observe y ~ Normal(a, 0.1)
output m = integral(b/((x - a)^2 + b^2) for x in (0, 1))
"""
FAR_BEYOND = AT_A_BOUND.replace("[-3.0, -2.0, -4.0]", "[-30.0, -30.0, -30.0]")


@pytest.mark.parametrize(
    ("text", "options", "codes", "sentence", "remedy"),
    [
        pytest.param(
            CENTRED,
            ("--draws", "500", "--warmup", "300", "--target-acceptance", "0.6"),
            {0, 3},
            "diverged",
            "--target-acceptance",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            TWO_MODES,
            ("--method", "nuts", "--draws", "300", "--chains", "6"),
            {3},
            "R-hat is above 1.01 for a",
            "several modes",
            marks=pytest.mark.slow,
        ),
        (TWO_MODES, (), {0}, "the posterior has 2 modes", "a narrower prior"),
        (TWO_MODES, ("--method", "laplace"), {0}, "of the largest alone", "--method smc"),
        pytest.param(
            CENTRED, ("--method", "pathfinder"), {3}, "Pareto k", "--method nuts", marks=pytest.mark.slow
        ),
        (NORMAL, ("--draws", "30", "--warmup", "100"), {0, 3}, "effective draws", "--draws"),
        (JUMPS, ("--draws", "50", "--warmup", "100"), {3}, "the draws are not those of the model", "jumps"),
        pytest.param(
            NARROW,
            ("--draws", "50", "--warmup", "100"),
            {3},
            "(`rule`, model.pdfm, line 4)",
            "narrow peaks",
            marks=pytest.mark.slow,
        ),
        (OUTPUT, ("--draws", "500"), {3}, "times its standard deviation (model.pdfm, line 6)", "narrow peaks"),
        (FAR_BEYOND, ("--draws", "2000"), {0}, "tau pile up at the lower bound, 0", "limit"),
        pytest.param(
            CENTRED,
            ("--draws", "100", "--max-tree-depth", "2"),
            {0, 3},
            "greatest tree depth",
            "--max-tree-depth",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_diagnostic_and_its_remedy(
    run, model, text: str, options: tuple[str, ...], codes: set[int], sentence: str, remedy: str
) -> None:
    done = run("sample", model(text), *options, "--json", code=codes)
    findings = json.loads(done.stdout)["diagnostics"]
    found = [finding for finding in findings if sentence in finding["sentence"]]
    assert found, findings
    assert remedy in found[0]["remedy"]
    assert (done.returncode == 3) == any(finding["severity"] == "error" for finding in findings)


def test_a_maximum_that_rests_on_a_wrong_integral_is_not_to_be_trusted(run, model) -> None:
    done = run("map", model(NARROW), "--starts", "2", code=3)
    assert "the maximum may be elsewhere" in done.stdout and "narrow peaks" in done.stdout
    assert "Accuracy: integrals change the log-density by less than" in done.stdout
    text = NARROW.replace("(1e-4, 1e-2)", "(0.2, 0.5)").replace("- 3)", "- 1.9)")
    wide = run("map", model(text), "--json").stdout
    assert json.loads(wide)["diagnostics"] == []
