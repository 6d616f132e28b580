"""Random partition trees (Wang, Guo, Heller & Dunson 2015, arXiv:1506.03164) of what parts have beside a normal.

A tree halves the pooled draws again and again, each time along an axis of a frame of its own. In a block the density of
a part is its normal times the ratio of their masses there, so that normal parts are combined exactly, and blocks
correct what is smooth beside them. The corrections of trees are averaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy.special import logsumexp
from scipy.stats import ortho_group

from pdflang.inference.combining.combined import Combined, moments_of, product_of
from pdflang.inference.importance import resampled
from pdflang.inference.normal import Normal

_TREES = 32

_LEAST = 60
"""So many draws of each part a block has at least."""

_NORMAL = 8
"""Draws of the normal of a part for each of its own, and of the product for each that is wanted."""


def combine(draws: np.ndarray, random: np.random.Generator, parts: Any) -> Combined:
    """Draws of the product of normals, chosen by the corrections of trees."""
    moments = moments_of(draws)
    product = product_of(moments)
    shape, dimension = draws.shape[1:], draws.shape[-1]
    own = [product.whitened(part.reshape(-1, dimension)) for part in draws]
    normals = [Normal.of(part) for part in own]
    many = _NORMAL * len(own[0])
    beside = [normal.mean + random.standard_normal((many, dimension)) @ normal.root.T for normal in normals]
    proposed = random.standard_normal((many, dimension))
    corrections = np.empty((_TREES, many))
    for tree in corrections:
        frame = np.eye(1) if dimension == 1 else ortho_group.rvs(dimension, random_state=random)
        points = [values @ frame for values in (*own, *beside, proposed)]
        everything = [np.arange(len(values)) for values in points]
        for block in _blocks(points, everything, len(own), random):
            counts = np.array([len(rows) for rows in block[:-1]]).reshape(2, -1)
            tree[block[-1]] = np.log(counts[0] / len(own[0])).sum() - np.log((counts[1] + 0.5) / many).sum()
    log_weights = logsumexp(corrections, axis=0) - np.log(_TREES)
    chosen = resampled(log_weights, len(own[0]), random)
    z = proposed[chosen]
    log_density = log_weights[chosen] - 0.5 * np.sum(z**2, axis=1) - product.log_volume
    return Combined((product.mean + z @ product.root.T).reshape(shape), log_density.reshape(shape[:-1]))


def _blocks(
    points: Sequence[np.ndarray], rows: list[np.ndarray], parts: int, random: np.random.Generator
) -> Iterator[list[np.ndarray]]:
    """Numbers of the points of each kind in each block: kinds are draws of `parts`, and what is counted beside them."""
    axis = random.integers(points[0].shape[1])
    within = [values[own, axis] for values, own in zip(points, rows, strict=True)]
    middle = np.median(np.concatenate(within[:parts]))
    below = [values <= middle for values in within]
    fewest = min(min(np.sum(one), np.sum(~one)) for one in below[:parts])
    if fewest < _LEAST:
        yield rows
        return
    for side in (below, [~one for one in below]):
        yield from _blocks(points, [own[one] for own, one in zip(rows, side, strict=True)], parts, random)
