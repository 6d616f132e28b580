"""Whether there are enough draws, and how that is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdflang.results.summary import Row, rows_of
from pdflang.results.trees import Tree

if TYPE_CHECKING:
    from pdflang.inference import Draws

LARGEST_RHAT = 1.01
"""Vehtari et al. 2021, section 4."""

SMALLEST_ESS = 100
"""Effective draws per chain, in bulk and tails (Vehtari et al. 2021, section 4)."""


def suffices(tree: Tree) -> bool:
    """Whether R-hat and effective sample sizes of every quantity that has them are those of a sample to rely on."""
    chains = tree["posterior"].sizes["chain"]
    return all(_relied_on(row, chains) for row in rows_of(tree))


def _relied_on(row: Row, chains: int) -> bool:
    """What has no such numbers, such as a constant, gets none from more draws."""
    return not (row.rhat >= LARGEST_RHAT or min(row.ess_bulk, row.ess_tail) < SMALLEST_ESS * chains)


def account(draws: Draws) -> str:
    """Why there are as many draws per chain as there are."""
    if draws.interrupted:
        return "interrupted"
    if draws.sufficient is None:
        weighted = draws.method in ("nested", "persistent")
        return "as many as its points are worth" if weighted else "as many as were asked for"
    wish = f"R-hat < {LARGEST_RHAT} and ESS ≥ {SMALLEST_ESS * draws.z.shape[0]}"
    if draws.sufficient:
        return f"{draws.more} more until {wish}" if draws.more else wish
    return f"{draws.more} more, as many as --max-draws allows, but not {wish}"
