"""Damaged files: whatever bytes change, the answer is numbers or an error of ours."""

from __future__ import annotations

import contextlib
import json
import random
import warnings
from pathlib import Path

import numpy as np
import pytest

from pdflang.data.context import DataContext
from pdflang.data.tables import read_array, read_columns, read_table
from pdflang.diagnostics import PdflangError

X, N, S = np.linspace(0, 1, 5), np.arange(5), np.array(list("abcde"))
ROWS = list(zip(X.tolist(), N.tolist(), S.tolist(), strict=True))


def write(path: Path) -> None:
    if path.suffix == ".npz":
        np.savez_compressed(path, x=X, n=N, s=S)
    elif path.suffix == ".npy":
        np.save(path, np.array(ROWS, dtype=[("x", float), ("n", int), ("s", "U1")]))
    elif path.suffix == ".json":
        path.write_text(json.dumps({"x": X.tolist(), "n": N.tolist(), "s": S.tolist()}))
    elif path.suffix == ".csv":
        path.write_text('x,"n",s\n# note\n' + "\n".join(",".join(map(str, row)) for row in ROWS))
    else:
        path.write_text("1 2\n3 4 # note\n")


def damaged(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(changed))
        inserted = draw.choice([b"", bytes([draw.randrange(256)]), b'"', b",", b"\n", b"9" * 30, b"["])
        changed[place : place + draw.randint(0, 3)] = inserted
    return bytes(changed) or b"\0"


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".npy", ".json", ".txt"])
def test_damage_is_reported(tmp_path: Path, context: DataContext, suffix: str) -> None:
    path = tmp_path / f"d{suffix}"
    write(path)
    content = path.read_bytes()
    draw = random.Random(20240611)
    for _ in range(150):
        path.write_bytes(damaged(content, draw))
        for read in (read_columns, read_table, read_array):
            # NumPy warns of some headers that it repairs.
            with contextlib.suppress(PdflangError), warnings.catch_warnings(action="ignore"):
                read(path, context)
