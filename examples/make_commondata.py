"""Writes the data of `dis` and `hera`: data sets in NNPDF's commondata format, and their FK tables.

    python make_commondata.py FOLDER

FOLDER holds, for each data set, `<set>.data.npz` (kin (n, 3): x, Q2, y; D (n,); stat (n,) and add
(n, sources), absolute; mult_percent (n, sources); names of the sources) and `<set>.NLO.fk.npz` (fk, xgrid,
kin, flavours, Q0). They were made from nnpdf-data 4.1.5 (commondata, variant "legacy") with yadism and hoppet
at NLO; the measurements are those of BCDMS, Phys. Lett. B 223 (1989) 485 and B 237 (1990) 592, and of H1 and ZEUS
combined, Eur. Phys. J. C 75 (2015) 580.

Numbers are written with 15 digits. Percentages become the absolute errors that they stand for, which is how commondata
has them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent

BCDMS, HERA = "BCDMS", "HERACOMB"


@dataclass(frozen=True)
class DataSet:
    """A set of NNPDF's collection; `table` is what its FK table is called here."""

    folder: str
    observable: str
    experiment: str
    process: str
    description: str
    journal: str
    table: str


BCDMS_P = DataSet(
    "BCDMS_NC_NOTFIXED_P", "EM-F2", BCDMS, "DIS_NC", "Structure function F2 of the proton",
    "Phys. Lett. B 223 (1989) 485", "bcdms_p_f2.npz",
)  # fmt: skip
BCDMS_D = DataSet(
    "BCDMS_NC_NOTFIXED_D", "EM-F2", BCDMS, "DIS_NC", "Structure function F2 of the deuteron",
    "Phys. Lett. B 237 (1990) 592", "bcdms_d_f2.npz",
)  # fmt: skip
HERA_SETS = [
    DataSet(
        f"HERA_{current}_318GEV", f"E{charge}-SIGMARED", HERA, f"DIS_{current}",
        f"Reduced cross section of {words} currents, e{'+' if charge == 'P' else '-'} p, 318 GeV",
        "Eur. Phys. J. C 75 (2015) 580", f"hera_{current}_e{charge}.npz".lower(),
    )
    for current, words in (("NC", "neutral"), ("CC", "charged"))
    for charge in ("P", "M")
]  # fmt: skip

EXAMPLES = {"dis": [BCDMS_P, BCDMS_D], "hera": [*HERA_SETS, BCDMS_P]}

METADATA = """\
setname: {folder}
version: 1
version_comment: Written by make_commondata.py from nnpdf-data 4.1.5
nnpdf_metadata: {{nnpdf31_process: {family}, experiment: {experiment}}}
publication: {journal}
implemented_observables:
"""
OBSERVABLE = """\
- observable_name: {observable}
  observable: {{description: "{description}", label: {experiment} {observable}, units: ''}}
  process_type: {process}
  ndata: {rows}
  kinematic_coverage: [x, Q2, y]
  kinematics:
    variables:
      x: {{description: Bjorken x, label: x, units: ''}}
      Q2: {{description: Squared momentum transfer, label: Q2, units: GeV2}}
      y: {{description: Inelasticity, label: y, units: ''}}
    file: kinematics_{observable}.yaml
  data_central: data_legacy_{observable}.yaml
  data_uncertainties: []
  variants:
    legacy:
      data_uncertainties: [uncertainties_legacy_{observable}.yaml]
"""


def main(source: Path) -> None:
    for example, sets in EXAMPLES.items():
        for name in dict.fromkeys(found.folder for found in sets):
            write_commondata(HERE / example / name, [found for found in sets if found.folder == name], source)
        for found in sets:
            with np.load(source / f"{found.folder}_{found.observable}.NLO.fk.npz") as fk:
                kept = {name: fk[name] for name in ("fk", "xgrid", "kin", "flavours", "Q0")}
                np.savez_compressed(HERE / example / found.table, variables=np.array(["x", "Q2", "y"]), **kept)


def write_commondata(folder: Path, sets: Sequence[DataSet], source: Path) -> None:
    """The folder of data sets that were published together: metadata, central values, kinematics, uncertainties."""
    folder.mkdir(exist_ok=True, parents=True)
    first, listed = sets[0], []
    for found in sets:
        with np.load(source / f"{found.folder}_{found.observable}.data.npz") as data:
            listed.append(OBSERVABLE.format(rows=len(data["D"]), **asdict(found)))
            write_numbers(folder, found.observable, dict(data))
    head = METADATA.format(**asdict(first), family=first.process.replace("_", " "))
    (folder / "metadata.yaml").write_text(head + "".join(listed))


def write_numbers(folder: Path, observable: str, data: dict[str, np.ndarray]) -> None:
    """The files of one observable: central values, kinematics, uncertainties."""
    write_lines(
        folder / f"data_legacy_{observable}.yaml", ["data_central:"], (f"- {d:.15g}" for d in data["D"].tolist())
    )
    write_lines(
        folder / f"kinematics_{observable}.yaml",
        ["bins:"],
        (f"- {{x: {point(x)}, Q2: {point(q2)}, y: {point(y)}}}" for x, q2, y in data["kin"].tolist()),
    )
    write_uncertainties(folder / f"uncertainties_legacy_{observable}.yaml", data)


def point(value: float) -> str:
    return f"{{min: null, mid: {value:.15g}, max: null}}"


def write_uncertainties(path: Path, data: dict[str, np.ndarray]) -> None:
    """All sources, each with absolute values, as commondata has them also where they are multiplicative."""
    additive = [("ADD", str(name)) for name in data["add_names"]]
    multiplicative = [("MULT", str(name)) for name in data["mult_names"]]
    definitions = ["definitions:", "  stat: {treatment: ADD, type: UNCORR, description: Statistical}"]
    for number, (treatment, kind) in enumerate(additive + multiplicative, 1):
        definitions.append(
            f"  sys_{number}: {{treatment: {treatment}, type: {kind}, description: Systematic}}"
        )
    absolute = data["mult_percent"] * data["D"][:, None] / 100
    values = np.column_stack([data["stat"], data["add"], absolute])
    names = ["stat"] + [f"sys_{number}" for number in range(1, values.shape[1])]
    rows = (
        "- {" + ", ".join(f"{name}: {value:.15g}" for name, value in zip(names, row, strict=True)) + "}"
        for row in values.tolist()
    )
    write_lines(path, [*definitions, "bins:"], rows)


def write_lines(path: Path, head: Sequence[str], rows: Iterable[str]) -> None:
    path.write_text("\n".join([*head, *rows]) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python make_commondata.py FOLDER")
    main(Path(sys.argv[1]))
