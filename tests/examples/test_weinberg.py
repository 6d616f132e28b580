"""Two experiments that share one file of theory, and their combination."""

import json

import numpy as np
import pytest
from as_a_user import EXAMPLES, pdflang, posterior
from scipy import stats

from pdflang import load

FOLDER = EXAMPLES / "weinberg"
TRUTH = json.loads((FOLDER / "truth.json").read_text(encoding="utf-8"))
SHARED = ("ew.s2w", "ew.mz", "ew.lumi_theory")


def of(experiment):
    """The truth as an experiment by itself names it."""
    own = {name.removeprefix(f"{experiment}."): value for name, value in TRUTH.items() if name.startswith(experiment)}
    return own | {name: TRUTH[name] for name in SHARED}


def test_the_combination_counts_what_is_shared_once():
    alone = [float(load(FOLDER / f"{name}.pdfm").log_density(of(name))) for name in ("energies", "polarised")]
    shared = (
        stats.uniform.logpdf(TRUTH["ew.s2w"], 0.15, 0.2)
        + stats.norm.logpdf(TRUTH["ew.mz"], 91.1876, 0.0021)
        + stats.norm.logpdf(TRUTH["ew.lumi_theory"])
    )
    together = load(FOLDER / "combination.pdfm").log_density(TRUTH)
    assert float(together) == pytest.approx(sum(alone) - shared, rel=1e-12)


def test_asymmetries_at_the_peak_are_those_of_the_couplings():
    """From amplitudes: forward-backward 3/4 (same - opposite) / (same + opposite) of the products of helicities."""
    s, s2w, mz, gz = 91.2**2, TRUTH["ew.s2w"], TRUTH["ew.mz"], 2.4952
    left, right = np.array([s2w - 0.5, s2w]) / np.sqrt(s2w * (1 - s2w))
    ll, lr, rl, rr = (
        abs(1 + a * b * s / (s - mz**2 + 1j * mz * gz)) ** 2 for a in (left, right) for b in (left, right)
    )
    total = ll + rr + lr + rl
    derived = load(FOLDER / "combination.pdfm").derived(TRUTH)
    assert float(derived["energies.afb_peak"]) == pytest.approx(0.75 * (ll + rr - lr - rl) / total, rel=1e-9)
    assert float(derived["alr_peak"]) == pytest.approx((ll + lr - rl - rr) / total, rel=1e-9)


@pytest.mark.slow
def test_the_combination_is_more_precise_than_each(tmp_path):
    angle = {}
    for name in ("energies", "polarised", "combination"):
        printed = pdflang(tmp_path, "sample", FOLDER / f"{name}.pdfm", "--out", name)
        assert "nothing to complain about" in printed
        draws, _ = posterior(tmp_path / name)
        angle[name] = float(draws["ew.s2w"].mean()), float(draws["ew.s2w"].std())
    mean, sd = angle.pop("combination")
    assert mean == pytest.approx(TRUTH["ew.s2w"], abs=3 * sd)
    for alone, width in angle.values():
        assert sd < 0.9 * width
        assert mean == pytest.approx(alone, abs=2 * width)
    weights = np.array([width**-2 for _, width in angle.values()])
    means = [alone for alone, _ in angle.values()]
    assert mean == pytest.approx(np.average(means, weights=weights), abs=0.2 * sd)
    assert sd == pytest.approx(weights.sum() ** -0.5, rel=0.1)
