"""Generated code against the NumPy evaluator on random models, which plans nothing and shares no numerics."""

from __future__ import annotations

import re
from typing import Any

import jax
import numpy as np
import pytest
from random_models import RandomModel, random_model

import pdflang
from pdflang import driver
from pdflang.diagnostics import SourceFile
from pdflang.ir.evaluate import Evaluator
from pdflang.ir.program import BoundProgram, Observation

DEFAULT, SLOW = range(24), range(1000, 1300)


def bound(model: RandomModel, tmp_path: Any) -> BoundProgram:
    return driver.bind(driver.check(SourceFile("model.pdfm", model.text, tmp_path)), model.data)


def evaluated(program: BoundProgram, params: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """Log-density and outputs by the definition, one number at a time."""
    parts = program.program
    evaluate = Evaluator({**program.arrays, **params}, program.lengths, parts.definition_nodes)
    terms = [parameter.log_prior for parameter in parts.parameters.values()]
    terms += [observation.log_likelihood for observation in parts.observations.values()]
    terms += [factor.node for factor in parts.factors.values()]
    total = sum(float(np.sum(evaluate(term))) for term in terms)
    for observation in parts.observations.values():
        if observation.process is not None:
            total += of_events(evaluate, observation)
    for parameter in parts.parameters.values():
        if parameter.constraint == "ordered":
            total += float(np.sum(np.log(np.arange(1, len(params[parameter.name]) + 1))))
    return total, {name: evaluate(output.node) for name, output in parts.outputs.items()}


def of_events(evaluate: Evaluator, observation: Observation) -> float:
    """What the log-likelihood of a list has beside its log-rates: weights, and the integral."""
    process = observation.process
    assert process is not None and process.total is not None and observation.log_likelihood is not None
    log_rates, integral = np.asarray(evaluate(observation.log_likelihood)), float(evaluate(process.total))
    weights = np.ones_like(log_rates) if process.weights is None else np.asarray(evaluate(process.weights))
    rest = weights.sum() * np.log(integral) if process.normalised else integral
    return float(((weights - 1) * log_rates).sum() - rest)


def check(seed: int, tmp_path: Any) -> None:
    model = random_model(seed)
    try:
        program = bound(model, tmp_path)
        compiled = pdflang.loads(model.text, data=model.data, folder=tmp_path)
    except pdflang.PdflangError as failure:
        raise AssertionError(f"{model.text}\n{failure}") from None
    draws = compiled.functions.draw_parameters(jax.random.key(seed), compiled.arrays)
    params = {name: np.asarray(value) for name, value in draws.items()}
    expected, outputs = evaluated(program, params)
    found = float(compiled.log_density(params))
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-10), model.text
    derived = compiled.derived(params)
    for name, value in outputs.items():
        np.testing.assert_allclose(derived[name], value, rtol=1e-10, atol=1e-12, err_msg=model.text)


@pytest.mark.parametrize("seed", DEFAULT)
def test_generated_code_agrees_with_the_evaluator(seed: int, tmp_path: Any) -> None:
    with jax.enable_x64(True):
        check(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SLOW)
def test_generated_code_agrees_with_the_evaluator_slow(seed: int, tmp_path: Any) -> None:
    with jax.enable_x64(True):
        check(seed, tmp_path)


def other_name(i: int) -> str:
    """Another name of the same length, in another alphabetical order."""
    return f"q{999 - 7 * i:03d}"


@pytest.mark.parametrize("seed", (3, 8, 15))
def test_names_change_nothing_but_names(seed: int, tmp_path: Any) -> None:
    one, two = random_model(seed), random_model(seed, other_name)
    names = {f"n{i:03d}": other_name(i) for i in range(1, 140)}

    def renamed(text: str) -> str:
        return re.sub(r"n\d{3}", lambda found: names[found.group()], text)

    assert renamed(one.text) == two.text
    first = pdflang.loads(one.text, data=one.data, folder=tmp_path)
    second = pdflang.loads(two.text, data=two.data, folder=tmp_path)
    assert sorted(renamed(first.source).splitlines()) == sorted(second.source.splitlines())
    z = np.random.default_rng(seed).normal(size=first.dimension)
    assert float(first.log_density_unconstrained(z)) == float(second.log_density_unconstrained(z))
