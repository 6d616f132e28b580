"""A run of any method that ends too early, at whatever piece of work, goes on to the draws of one without a break."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from posed_problems import banana, correlated, draw_from, measured_often, two_bananas, two_modes
from test_abc import two

from pdflang.inference import METHODS, Draws, method_of
from pdflang.inference.options import (
    AbcOptions,
    AutoOptions,
    CheesOptions,
    EllipticalOptions,
    EmceeOptions,
    FlowNutsOptions,
    GistOptions,
    HmcOptions,
    JumpsOptions,
    LaplaceOptions,
    MalaOptions,
    MarginalOptions,
    MclmcOptions,
    MeadsOptions,
    MultiproposalOptions,
    NestedOptions,
    NutsOptions,
    Options,
    PartitionOptions,
    PathfinderOptions,
    PersistentOptions,
    RandomWalkOptions,
    SliceOptions,
    SmcOptions,
    SplitOptions,
    TemperingOptions,
    ViOptions,
)
from pdflang.inference.workers import StopRequest
from pdflang.results import RunFolder
from pdflang.results.checkpoints import Checkpoint, FolderCheckpoints

ABC = AbcOptions(simulations=30_000, draws=100, seed=3)
FLOW = FlowNutsOptions(2, 100, 100, 2, 4, 8, seed=3)
CASES = [
    pytest.param(banana().target, SmcOptions(3, 200, seed=3), id="smc"),
    pytest.param(banana().target, NestedOptions(3, 100, seed=3), id="nested"),
    pytest.param(banana().target, EmceeOptions(2, 8, 1500, seed=3), id="emcee"),
    pytest.param(banana().target, CheesOptions(4, 200, 100, seed=3), id="chees"),
    pytest.param(banana().target, MeadsOptions(16, 200, 100, 2, seed=3), id="meads"),
    pytest.param(two_modes().target, PersistentOptions(3, 100, seed=3), id="persistent"),
    pytest.param(banana().target, TemperingOptions(3, 100, 6, seed=3), id="tempering"),
    pytest.param(correlated(2).target, ViOptions(steps=400, draws=50, seed=3), id="vi"),
    pytest.param(banana().target, ViOptions(steps=400, draws=50, family="mean-field", seed=3), id="vi: mean-field"),
    pytest.param(banana().target, PathfinderOptions(paths=4, draws=50, seed=3), id="pathfinder"),
    pytest.param(banana().target, LaplaceOptions(draws=50, seed=3), id="laplace"),
    pytest.param(banana().target, HmcOptions(2, 200, 100, seed=3), id="hmc"),
    pytest.param(banana().target, NutsOptions(2, 200, 100, seed=3), id="nuts"),
    pytest.param(banana().target, MalaOptions(2, 200, 100, seed=3), id="mala"),
    pytest.param(banana().target, GistOptions(2, 200, 100, seed=3), id="gist"),
    pytest.param(banana().target, MclmcOptions(2, 200, 100, seed=3), id="mclmc"),
    pytest.param(banana().target, SliceOptions(2, 200, 100, seed=3), id="slice"),
    pytest.param(banana().target, EllipticalOptions(2, 200, 100, seed=3), id="elliptical"),
    pytest.param(banana().target, RandomWalkOptions(2, 200, 100, seed=3), id="random-walk"),
    pytest.param(banana().target, MultiproposalOptions(2, 200, 100, seed=3), id="multiproposal"),
    pytest.param(two_modes().target, AutoOptions(2, seed=3), id="auto: jumps"),
    pytest.param(two_bananas().target, AutoOptions(2, seed=3), id="auto: smc"),
    pytest.param(replace(correlated(3).target, nuisances=(0, 2)), MarginalOptions(2, 100, 100, seed=3), id="marginal"),
    pytest.param(banana().target, FLOW, id="flow-nuts", marks=pytest.mark.slow),
    pytest.param(two_modes().target, PartitionOptions(2, 2, 60, 100, seed=3), id="partition"),
    pytest.param(measured_often().target, SplitOptions(2, "kernels", 2, 100, 100, seed=3), id="split"),
    pytest.param(two_modes().target, JumpsOptions(2, 100, 100, seed=3), id="jumps"),
    pytest.param(two(), ABC, id="abc"),
    pytest.param(two(), replace(ABC, algorithm="rejection"), id="abc: rejection"),
]


def test_they_are_all_methods() -> None:
    assert {method_of(case.values[1]).name for case in CASES} == set(METHODS)  # type: ignore[arg-type]


class Killed(BaseException):
    """What ends a run at once."""


class Fragile:
    """Checkpoints in a folder; after so many saves the run is ended in the way that is given."""

    seconds = 0.0

    def __init__(self, folder: Path, saves: int, end: Callable[[], None]) -> None:
        self._folder = FolderCheckpoints(RunFolder(folder), lambda folder: None)
        self._saves, self._end = saves, end

    def load(self, chain: int) -> Checkpoint | None:
        return self._folder.load(chain)

    def forget(self, chain: int) -> None:
        self._folder.forget(chain)

    def save(self, chain: int, checkpoint: Checkpoint) -> None:
        self._folder.save(chain, checkpoint)
        assert self._folder.failure is None
        self._saves -= 1
        if self._saves == 0:
            self._end()


def kill() -> None:
    raise Killed


def assert_are_the_same(found: Draws, wanted: Draws) -> None:
    np.testing.assert_array_equal(found.z, wanted.z)
    for name, values in wanted.statistics.items():
        np.testing.assert_array_equal(found.statistics[name], values)
    for name in ("warmup_gradients", "warmup_evaluations"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    assert found.evidence == wanted.evidence and found.details == wanted.details
    assert found.remarks == wanted.remarks and not found.interrupted


@pytest.mark.parametrize(
    "killed", [pytest.param(True, id="killed"), pytest.param(False, id="interrupted", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(("target", "options"), CASES)
def test_cut_runs_end_with_the_same_draws(tmp_path: Path, target: Any, options: Options, killed: bool) -> None:
    whole = draw_from(target, options)
    cuts = 0
    for saves in (1, 2, 7, 3, 20, 1, 1):
        stop = StopRequest()
        kept = Fragile(tmp_path, saves, kill if killed else stop.request)
        try:
            found = draw_from(target, options, checkpoints=kept, stop=stop)
        except Killed:
            cuts += 1
            continue
        cuts += found.interrupted
        if not found.interrupted:
            break
    assert cuts >= 2
    found = draw_from(target, options, checkpoints=FolderCheckpoints(RunFolder(tmp_path), lambda folder: None))
    assert_are_the_same(found, whole)


@pytest.mark.slow
def test_a_run_of_another_size_begins_anew(tmp_path: Path) -> None:
    target = banana().target
    for options, others in (
        (SmcOptions(2, 200, seed=3), SmcOptions(2, 100, seed=3)),
        (NestedOptions(2, 100, seed=3), NestedOptions(2, 50, seed=3)),
        (CheesOptions(4, 60, 50, seed=3), CheesOptions(8, 60, 50, seed=3)),
        (PersistentOptions(2, 100, seed=3), PersistentOptions(2, 50, seed=3)),
        (TemperingOptions(2, 50, 4, rungs=4, seed=3), TemperingOptions(2, 50, 4, rungs=6, seed=3)),
        (ViOptions(steps=100, draws=50, seed=3), ViOptions(steps=100, draws=50, family="mean-field", seed=3)),
    ):
        draw_from(target, options, checkpoints=FolderCheckpoints(RunFolder(tmp_path), lambda folder: None))
        kept = FolderCheckpoints(RunFolder(tmp_path), lambda folder: None)
        assert_are_the_same(draw_from(target, others, checkpoints=kept), draw_from(target, others))


def test_simulations_are_not_made_again(tmp_path: Path) -> None:
    first, second = two(), two()
    draw_from(first, ABC, checkpoints=FolderCheckpoints(RunFolder(tmp_path), lambda folder: None))
    draw_from(second, ABC, checkpoints=FolderCheckpoints(RunFolder(tmp_path), lambda folder: None))
    assert first.calls > 3 and second.calls == 0
