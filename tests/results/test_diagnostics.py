"""Each thing that can be wrong with draws is said, and nothing is said of good ones."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from pdflang import loads
from pdflang.certify import SPREAD, Certificate
from pdflang.diagnostics import SourceFile, Span
from pdflang.fields import schemas
from pdflang.results import Finding, VariableSchema, diagnose, posterior_tree, summarise
from pdflang.results.diagnostics import accuracy, inexact, inexact_maximum, to_records, to_text


def good() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(4, 500))


def findings(
    draws: dict[str, np.ndarray], schemas: dict[str, VariableSchema] | None = None, **statistics: Any
) -> list[Finding]:
    tree = posterior_tree(draws, schemas or {}, statistics=statistics or None)
    return diagnose(tree, summarise(tree), max_tree_depth=10)


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1, [finding.sentence for finding in found]
    assert found[0].remedy
    return found[0]


def test_good_draws_have_no_findings() -> None:
    statistics = {"diverging": np.zeros((4, 500), bool), "energy": good(), "tree_depth": np.full((4, 500), 3)}
    assert findings({"a": good()}, **statistics) == []
    assert to_text([]) == "Diagnostics: nothing to complain about.\n"


def test_divergences_are_counted() -> None:
    diverging = np.zeros((4, 500), bool)
    diverging[0, :20] = True
    finding = only(findings({"a": good()}, diverging=diverging))
    assert finding.sentence.startswith("20 of 2000 transitions diverged (0.01 of all)")
    assert "--target-acceptance 0.95" in finding.remedy
    assert finding.severity == "warning"
    diverging[0, 20] = True
    assert only(findings({"a": good()}, diverging=diverging)).severity == "error"


@pytest.mark.parametrize(
    ("method", "flags"), [("auto (nuts)", "`--warmup`, `--draws`"), ("smc", "`--particles`"), ("vi", "(`--draws`)")]
)
def test_remedies_name_options_that_the_method_has(method: str, flags: str) -> None:
    tree = posterior_tree({"a": good()[:, :40].cumsum(axis=1)}, {})
    tree.attrs["method"] = method
    remedies = [finding.remedy for finding in diagnose(tree, summarise(tree))]
    assert remedies and all(flags in remedy for remedy in remedies)


def test_chains_that_disagree() -> None:
    draws = good()
    draws[0] += 3.0
    found = findings({"a": draws, "b": good()})
    assert found[0].severity == "error"
    assert found[0].names == ("a",)
    assert "the chains do not agree" in found[0].sentence


def test_slow_chains_have_few_effective_draws() -> None:
    steps = np.random.default_rng(2).normal(size=(4, 500))
    slow = np.zeros_like(steps)
    for i in range(1, 500):
        slow[:, i] = 0.97 * slow[:, i - 1] + steps[:, i]
    assert any("effective draws for a" in finding.sentence for finding in findings({"a": slow}))


def test_hardly_any_effective_draws_are_not_to_be_trusted() -> None:
    found = findings({"a": good()[:, :5]})
    assert [f.severity for f in found if "effective draws for a" in f.sentence] == ["error"]
    found = findings({"a": good()[:, :80]})
    assert [f.severity for f in found if "effective draws for a" in f.sentence] == ["warning"]


def test_energy_that_moves_slowly() -> None:
    energy = np.cumsum(good(), axis=1)
    finding = only(findings({"a": good()}, energy=energy))
    assert finding.sentence.startswith("E-BFMI is below 0.3 in chain 0, 1, 2, 3")


def test_trajectories_that_were_cut() -> None:
    depth = np.full((4, 500), 10)
    assert "100% of the transitions" in only(findings({"a": good()}, tree_depth=depth)).sentence


def test_a_chain_that_did_not_move() -> None:
    draws = good()
    draws[2] = 0.3
    found = findings({"a": draws})
    assert any(finding.sentence == "chain 2 did not move in a" for finding in found)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_outputs_that_are_not_finite(value: float) -> None:
    ratio = np.stack([good(), good()], axis=2)
    ratio[0, 0, 1] = value
    finding = only(findings({"ratio": ratio}, {"ratio": VariableSchema(role="output")}))
    assert finding.names == ("ratio[1]",)
    assert finding.severity == "error"


def test_draws_that_pile_up_at_a_bound() -> None:
    generator = np.random.default_rng(3)
    piled, inside = generator.exponential(0.1, (4, 500)), generator.beta(2, 2, (4, 500))
    schema = VariableSchema(bounds=(0.0, 1.0))
    finding = only(findings({"piled": piled, "inside": inside}, {"piled": schema, "inside": schema}))
    assert finding.sentence == "the draws of piled pile up at the lower bound, 0"


@pytest.mark.parametrize("seed", range(20))
def test_half_a_normal_at_a_bound_does_not_pile_up_and_an_exponential_does(seed: int) -> None:
    generator = np.random.default_rng(seed)
    draws = {"half": abs(generator.normal(size=(4, 500))), "beyond": generator.exponential(size=(4, 500))}
    found = findings(draws, dict.fromkeys(draws, VariableSchema(bounds=(0.0, None))))
    assert only(found).names == ("beyond",)


def test_a_prior_that_piles_up_by_itself_is_no_bound() -> None:
    text = "data y = 1\nparam g ~ Gamma(0.5, 1)\nparam h ~ HalfNormal(1)\nparam t ~ Gamma(0.5, 1) in (0.1, inf)\n"
    found = schemas(loads(text + "observe y ~ Normal(g + h + t, 1)"))
    assert {name: found[name].bounds[0] for name in "ght"} == {"g": None, "h": 0.0, "t": 0.1}


@pytest.mark.parametrize(
    ("error", "severity", "words"),
    [
        (0.5, "warning", "change the log-density by less than 1e+00"),
        (2.0, "error", "change the log-density by less than 1e+01"),
        (np.inf, "error", "decide whether the log-density is a finite number"),
        (np.nan, "error", "are not numbers"),
    ],
)
def test_integrals_that_are_not_exact(error: float, severity: str, words: str) -> None:
    place = Span(SourceFile("model.pdfm", "observe y"), 8, 9)
    good = Certificate("z", 1e-5, place)
    (finding,) = inexact([good, Certificate("y", error, place)])
    assert (finding.severity, finding.names) == (severity, ("y",)) and finding.remedy
    assert f"{words} (`y`, model.pdfm, line 1)" in finding.sentence
    assert ("not those of the model" in finding.sentence) == (severity == "error")
    assert words in accuracy([good, Certificate("y", error, place), good])


@pytest.mark.parametrize(
    ("error", "severity", "words"),
    [
        (0.05, "warning", "change `m` by less than 1e-01 times its standard deviation (model.pdfm, line 1)"),
        (0.5, "error", "change `m` by less than 1e+00 times its standard deviation (model.pdfm, line 1)"),
        (np.inf, "error", "decide whether `m` is a finite number (model.pdfm, line 1)"),
        (np.nan, "error", "are not numbers (`m`, model.pdfm, line 1)"),
    ],
)
def test_outputs_that_are_not_exact(error: float, severity: str, words: str) -> None:
    place = Span(SourceFile("model.pdfm", "output m"), 7, 8)
    density, good = Certificate("y", 1e-5, place), Certificate("z", 1e-3, place, scale=SPREAD)
    bad = Certificate("m", error, place, scale=SPREAD)
    (finding,) = inexact([density, good, bad])
    assert (finding.severity, finding.names) == (severity, ("m",)) and words in finding.sentence
    assert accuracy([good, bad, density]) == f"Accuracy: {density}; {bad}.\n"
    (at_maximum,) = inexact_maximum([density, good, bad])
    assert at_maximum.severity == "error" and words in at_maximum.sentence


def test_no_draws_at_all() -> None:
    assert only(findings({"a": np.zeros((4, 0))})).severity == "error"


def test_findings_are_plain_data_and_text_worst_first() -> None:
    draws = good()
    draws[2] = 0.3
    found = findings({"a": draws}, diverging=np.ones((4, 500), bool))
    assert [finding.severity for finding in found] == sorted(
        (f.severity for f in found), key="error warning note".index
    )
    assert json.loads(json.dumps(to_records(found)))[0]["severity"] == "error"
    assert "\n  help: " in to_text(found)


def test_many_names_are_not_all_printed() -> None:
    draws = np.repeat(good()[:, :, None], 30, axis=2)
    draws[0] += 3.0
    found = findings({"a": draws})
    assert "a[4] and 25 more" in found[0].sentence
    assert len(found[0].names) == 30
