"""The product of normal distributions of the parts' moments (Neiswanger, Wang & Xing 2014, arXiv:1311.4780)."""

from __future__ import annotations

from typing import Any

import numpy as np

from pdflang.inference.combining.combined import Combined, moments_of, product_of


def combine(draws: np.ndarray, random: np.random.Generator, parts: Any) -> Combined:
    """Independent draws of the product: what Bernstein and von Mises promise where data are many."""
    product = product_of(moments_of(draws))
    noise = random.standard_normal(draws.shape[1:])
    z = product.mean + noise @ product.root.T
    return Combined(z, -0.5 * np.sum(noise**2, axis=-1) - product.log_volume)
