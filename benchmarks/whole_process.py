"""Wall time of whole processes: `pdflang sample` against NumPyro on the binned proxy, and the instant verbs.

    python benchmarks/whole_process.py [REPEATS]

Caches are empty in every run, but for those of ours that repeat the run before. Runs alternate, and the least of each
counts.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from proxy import FOLDER, binned

PDFLANG = [sys.executable, "-m", "pdflang"]
INSTANT = (["--help"], ["check", str(FOLDER / "binned.pdfm")], ["explain", "E501"])


def processor_seconds() -> float:
    """What all finished child processes have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def surroundings() -> dict[str, str]:
    """This environment, in which modules of a checkout are kept as bytecode, as those of an installed package are."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def seconds(command: list[str], folder: Path) -> float:
    """How long a command takes, with caches in an empty folder."""
    caches = {name: str(folder / name.lower()) for name in ("PDFLANG_CACHE", "XDG_CACHE_HOME")}
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=FOLDER.parent, env={**surroundings(), **caches})
    return time.perf_counter() - begin


def sample(folder: Path, seed: int) -> float:
    """A run; in the same folder again, it finds what the one before has compiled."""
    data = {name: np.asarray(values).tolist() for name, values in binned(15000).items()}
    (folder / "data.json").write_text(json.dumps(data))
    options = ["--data", str(folder / "data.json"), "--out", str(folder / "run"), "--overwrite", "--seed", str(seed)]
    # As many as the peer makes, whatever R-hat says of them.
    options += ["--draws", "1000"]
    return seconds([*PDFLANG, "sample", str(FOLDER / "binned.pdfm"), *options], folder)


def numpyro(folder: Path, seed: int) -> float:
    return seconds([sys.executable, str(FOLDER / "numpyro_peer.py"), str(folder), str(seed)], folder)


def main(repeats: int) -> None:
    wall: dict[str, list[float]] = {"pdflang": [], "warm": [], "numpyro": []}
    processor: dict[str, list[float]] = {name: [] for name in wall}
    for seed in range(repeats):
        with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
            runs = (("pdflang", sample, ours), ("warm", sample, ours), ("numpyro", numpyro, theirs))
            for name, run, folder in runs:
                before = processor_seconds()
                wall[name].append(run(Path(folder), seed))
                processor[name].append(processor_seconds() - before)
    for what, spent in (("whole process", wall), ("processor time", processor)):
        cold, warm, peer = (min(spent[name]) for name in ("pdflang", "warm", "numpyro"))
        print(
            f"sample, {what}: {cold:.2f} s, NumPyro {peer:.2f} s, ratio {cold / peer:.2f}; "
            f"with warm caches {warm:.2f} s, ratio {warm / peer:.2f}"
        )
    for arguments in INSTANT:
        with tempfile.TemporaryDirectory() as folder:
            best = min(seconds([*PDFLANG, *arguments], Path(folder)) for _ in range(max(3, repeats)))
        print(f"{arguments[0]}: {best:.2f} s")
    text = (FOLDER / "binned.pdfm").read_text()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.pdfm"
        copy.write_text(text)
        best = min(seconds([*PDFLANG, "fmt", str(copy)], Path(folder)) for _ in range(max(3, repeats)))
    print(f"fmt: {best:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
