"""Options of methods that divide the work by dividing the data, or the space of parameters."""

from __future__ import annotations

from dataclasses import dataclass

from pdflang.inference.options.base import Options, option, option_as_in
from pdflang.inference.options.chains import ChainOptions


@dataclass(frozen=True)
class SplitOptions(Options):
    """Options of `split`: NUTS of parts of the data, and a combination of their draws."""

    parts: int = option(4, "parts that the rows of the data are divided into at random", least=2, most=1000)
    combination: str = option(
        "kernels",
        "how draws of parts are combined: kernels around them beside normals, consensus averages, the product of "
        "normals, random partition trees, or surrogates by Gaussian processes",
        choices=("kernels", "consensus", "normal", "trees", "surrogates"),
    )
    chains: int = option(4, "chains of each part", least=1)
    warmup: int = option_as_in(ChainOptions, "warmup")
    draws: int = option(1000, "draws to keep per chain", least=100)
    seed: int | None = option_as_in(ChainOptions, "seed")
    metric: str = option_as_in(ChainOptions, "metric")
    threads: int | None = option_as_in(ChainOptions, "threads")


@dataclass(frozen=True)
class PartitionOptions(Options):
    """Options of `partition`: NUTS in cells of the space, weighed by their integrals."""

    cells: int = option(4, "cells that the space is divided into, at most", least=1, most=1000)
    chains: int = option(4, "chains in each cell, and of the whole", least=2)
    warmup: int = option(300, "transitions per chain and cell that adapt step size and metric, not kept", least=20)
    draws: int = option(1000, "draws per chain of the whole, which cells share", least=1)
    seed: int | None = option_as_in(ChainOptions, "seed")
    threads: int | None = option_as_in(ChainOptions, "threads")
