"""Writes the data of this example: two data sets in NNPDF's commondata format, and their FK tables.

    python make_data.py FOLDER

FOLDER holds, for each data set, `<set>.data.npz` (kin (n, 3): x, Q2, y; D (n,); stat (n,) and add
(n, sources), absolute; mult_percent (n, sources); names of the sources) and `<set>.NLO.fk.npz` (fk, xgrid,
kin, flavours, Q0). They were made from nnpdf-data 4.1.5 (commondata, variant "legacy") with yadism and hoppet
at NLO; the measurements are those of the BCDMS collaboration, Phys. Lett. B 223 (1989) 485 and B 237 (1990)
592.

Numbers are written with all their digits, so that the files hold the same floating-point numbers; percentages
become the absolute errors that they stand for, which is how commondata has them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
OBSERVABLE = "EM-F2"
# The folder of the commondata, what its target is called, where it was published, the name of its table.
SETS = (
    ("BCDMS_NC_NOTFIXED_P", "proton", "Phys. Lett. B 223 (1989) 485", "bcdms_p_f2.npz"),
    ("BCDMS_NC_NOTFIXED_D", "deuteron", "Phys. Lett. B 237 (1990) 592", "bcdms_d_f2.npz"),
)

METADATA = """\
setname: {setname}
version: 1
version_comment: Written by make_data.py from nnpdf-data 4.1.5
nnpdf_metadata: {{nnpdf31_process: DIS NC, experiment: BCDMS}}
publication: {journal}
implemented_observables:
- observable_name: {observable}
  observable: {{description: Structure function F2 of the {target}, label: BCDMS {target}, units: ''}}
  process_type: DIS_NC
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
    for setname, target, journal, table in SETS:
        with np.load(source / f"{setname}_{OBSERVABLE}.data.npz") as data:
            write_commondata(HERE / setname, target, journal, dict(data))
        with np.load(source / f"{setname}_{OBSERVABLE}.NLO.fk.npz") as fk:
            kept = {name: fk[name] for name in ("fk", "xgrid", "kin", "flavours", "Q0")}
            np.savez_compressed(HERE / table, variables=np.array(["x", "Q2", "y"]), **kept)


def write_commondata(folder: Path, target: str, journal: str, data: dict[str, np.ndarray]) -> None:
    """The folder of one data set: metadata, central values, kinematics, uncertainties."""
    folder.mkdir(exist_ok=True)
    names = {"setname": folder.name, "observable": OBSERVABLE, "target": target, "journal": journal}
    (folder / "metadata.yaml").write_text(METADATA.format(rows=len(data["D"]), **names))
    write_lines(
        folder / f"data_legacy_{OBSERVABLE}.yaml", ["data_central:"], (f"- {d!r}" for d in data["D"].tolist())
    )
    write_lines(
        folder / f"kinematics_{OBSERVABLE}.yaml",
        ["bins:"],
        (f"- {{x: {point(x)}, Q2: {point(q2)}, y: {point(y)}}}" for x, q2, y in data["kin"].tolist()),
    )
    write_uncertainties(folder / f"uncertainties_legacy_{OBSERVABLE}.yaml", data)


def point(value: float) -> str:
    return f"{{min: null, mid: {value!r}, max: null}}"


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
        "- {" + ", ".join(f"{name}: {value!r}" for name, value in zip(names, row, strict=True)) + "}"
        for row in values.tolist()
    )
    write_lines(path, [*definitions, "bins:"], rows)


def write_lines(path: Path, head: Sequence[str], rows: Iterable[str]) -> None:
    path.write_text("\n".join([*head, *rows]) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python make_data.py FOLDER")
    main(Path(sys.argv[1]))
