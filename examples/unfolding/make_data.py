"""Writes the data of this example: an experiment that never heard of pdflang, simulated event by event.

    python make_data.py data.json

The detector loses events, smears x and shifts it. Its Monte Carlo has another spectrum than nature, as it always
has: what is learnt from it is the response, not the spectrum.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

RECO, TRUTH = np.linspace(0, 1, 31), np.linspace(0, 1, 21)
GENERATED, SIGNAL, BACKGROUND, CONTROL = 200_000, 20_000, 4_000, 5_000
"""Events of the Monte Carlo; expected ones of signal, of tt in the signal region and in the control region."""
CONTROL_SHARES = (0.4, 0.3, 0.2, 0.1)
NATURE = ((0.2, stats.uniform()), (0.4, stats.beta(2, 6)), (0.4, stats.beta(7, 3)))
"""The true spectrum of the signal: two broad peaks over a flat part, with their shares."""


def expected(edges: np.ndarray) -> np.ndarray:
    """Signal events that nature makes in each bin of x, before the detector: what unfolding should find."""
    return SIGNAL * sum(share * np.diff(part.cdf(edges)) for share, part in NATURE)


def measured(random: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """The measured value of each true one; NaN for an event that is lost."""
    kept = random.random(x.size) < 0.85 - 0.25 * x
    return np.where(kept, random.normal(0.98 * x - 0.01, 0.1), np.nan)


def counts(values: np.ndarray, edges: np.ndarray = RECO) -> np.ndarray:
    return np.histogram(values, edges)[0]


def experiment(seed: int = 1) -> dict[str, Any]:
    """All data of the model by name."""
    random = np.random.default_rng(seed)
    x = random.beta(1, 1.5, GENERATED)
    response = np.histogram2d(measured(random, x), x, [RECO, TRUTH])[0]

    nature = [part.rvs(random.poisson(SIGNAL * share), random_state=random) for share, part in NATURE]
    signal = measured(random, np.concatenate(nature))
    background = random.beta(2, 3, random.poisson(BACKGROUND))

    template = random.beta(2, 3, GENERATED)
    scale = BACKGROUND / GENERATED
    shares = CONTROL * np.array(CONTROL_SHARES)
    return {
        "n_sr": counts(signal) + counts(background),
        "n_cr": random.poisson(shares),
        "generated": counts(x, TRUTH),
        "reconstructed": response.astype(int),
        "tt_sr": scale * counts(template),
        "tt_sr_up": scale * counts(1.03 * template),
        "tt_sr_down": scale * counts(0.97 * template),
        "tt_cr": shares,
    }


def main(path: Path) -> None:
    arrays = experiment().items()
    path.write_text(json.dumps({name: array.tolist() for name, array in arrays}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python make_data.py FILE")
    main(Path(sys.argv[1]))
