"""Many simulations in the folder of a run: pieces that are drawn one after the other, none of them twice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pdflang.inference import Monitor, Progressed, QuietMonitor
from pdflang.inference.workers import interrupts
from pdflang.results import RunFolder
from pdflang.simulator.drawing import Simulator
from pdflang.simulator.files import name_of, read_piece, to_bytes
from pdflang.simulator.proposals import Origin, Source
from pdflang.simulator.records import Simulations

if TYPE_CHECKING:
    import xarray

_PIECE = 1024
_PIECE_OF_EVENTS = 256
"""Simulations in a file: what a killed run loses at most."""


def fill(
    folder: RunFolder, simulator: Simulator, count: int, seed: int = 0, parameters: Source | xarray.DataTree = None,
    sizes: Mapping[str, int] | None = None, traces: bool = False, monitor: Monitor | None = None,
) -> int:  # fmt: skip
    """See that a folder has so many simulations of a seed; how many it has then, fewer where Ctrl-C was heard.

    Pieces that are there stay. With `traces` those of accepted events are kept, and joint scores at the parameters; the
    other arguments, and errors, are those of `Simulator.draw`.
    """
    length = _PIECE_OF_EVENTS if simulator.has_events else _PIECE
    monitor, done = monitor or QuietMonitor(), 0
    with interrupts() as stop:
        monitor.start("simulate", 1, count)
        try:
            while done < count and not stop.requested:
                wanted, name = min(length, count - done), name_of(done)
                if _is_there(folder.path / name, done, wanted, seed):
                    folder.keep(name)
                else:
                    drawn = simulator.draw(wanted, seed, done, parameters, sizes, traces, stop=stop)
                    if traces:
                        drawn = replace(drawn, scores=drawn.joint_score())
                    folder.write_bytes(name, to_bytes(drawn))
                done += wanted
                monitor.update(Progressed(0, "simulating", done, count))
        except KeyboardInterrupt:
            pass
        finally:
            monitor.finish()
    return done


def _is_there(path: Path, first: int, count: int, seed: int) -> bool:
    try:
        piece: Simulations = read_piece(path)
    except (OSError, KeyError, ValueError):
        return False
    return (piece.first, piece.count, piece.seed) == (first, count, seed)


def fingerprint(simulator: Simulator, parameters: Source | xarray.DataTree) -> str | None:
    """What tells the parameters of simulations from others: the SHA-256 of their values; None for the prior.

    Errors: those of `Simulator.draw` for parameters.
    """
    if parameters is None:
        return None
    values = Origin(simulator.model, parameters, None).values
    digest = hashlib.sha256()
    for name, array in values.items():
        digest.update(f"{name} {np.shape(array)} ".encode() + np.asarray(array, "<f8").tobytes())
    return digest.hexdigest()
