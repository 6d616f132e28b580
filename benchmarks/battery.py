"""Which sampler is best on which model: `pdflang bench` on all of them, for the table of docs/bench.md.

    python benchmarks/battery.py battery.json --budget 60

Models run one after the other; each finished one is appended to the file, and one that is there is not run again. Runs
of a model that was cut short are kept in the folder `battery` beside the file, and go on. `--only NAME,…` takes some;
`--picture FILE.png` draws what there is.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import proxy
from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"


SIZES = ("1e3", "1e4", "1e5")
"""Expected events of each cross section of a proxy."""


def process() -> dict[str, Any]:
    """Counts of a wave whose rate is e² on average."""
    x = np.linspace(0, 1, 100)
    return {"n": np.random.default_rng(4).poisson(np.exp(2 + np.sin(9 * x)))}


MODELS: dict[str, tuple[Path, Callable[[], Mapping[str, Any] | Path]]] = {
    **{f"binned_{n}": (HERE / "binned.pdfm", partial(proxy.binned, float(n))) for n in SIZES},
    **{f"unbinned_{n}": (HERE / "unbinned.pdfm", partial(proxy.unbinned, float(n))) for n in SIZES},
    **{f"smeared_{n}": (HERE / "smeared.pdfm", partial(proxy.smeared, float(n))) for n in SIZES},
    "events_2d": (EXAMPLES / "events_2d" / "model.pdfm", dict),
    "unfolding": (EXAMPLES / "unfolding" / "model.pdfm", lambda: EXAMPLES / "unfolding" / "data.json"),
    "dis": (EXAMPLES / "dis" / "model.pdfm", dict),
    "eight_schools": (EXAMPLES / "eight_schools" / "model.pdfm", dict),
    "two_modes": (HERE / "two_modes.pdfm", dict),
    "gaussian_process": (HERE / "gaussian_process.pdfm", process),
}
"""The models with their data, by name: the proxies with so many events, and the data of the examples."""


def data_of(given: Mapping[str, Any] | Path, folder: Path) -> list[str]:
    """What the command line gives the model; arrays are written to a folder."""
    if isinstance(given, Path):
        return [f"--data={given}"]
    said = []
    for name, value in given.items():
        if np.ndim(value):
            folder.mkdir(parents=True, exist_ok=True)
            np.save(folder / f"{name}.npy", value)
            said.append(f"--data={name}={folder / f'{name}.npy'}")
        else:
            said.append(f"--data={name}={value}")
    return said


def bench(name: str, out: Path, arguments: list[str]) -> dict[str, Any] | None:
    """The ranking on a model; None where it was interrupted or could not be made."""
    model, given = MODELS[name]
    folder = out.parent / "battery" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    data = data_of(given(), folder.with_suffix(".data"))
    command = [sys.executable, "-m", "pdflang", "bench", str(model), *data, "--out", str(folder.with_suffix(".run"))]
    code = subprocess.run([*command, *arguments]).returncode
    if code not in (0, 3):
        print(f"{name}: exit code {code}", file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads((folder.with_suffix(".run") / "bench.json").read_text(encoding="utf-8"))
    return found


def table(battery: Mapping[str, Any]) -> str:
    """Effective draws per second: of the best in bold, of those in brackets that are off or have not converged."""
    models = battery["models"]
    lines = [f"| ESS/s | {' | '.join(models)} |", f"|---|{'---|' * len(models)}"]
    for method in methods_of(battery):
        cells = [_cell(found, next((row for row in found["methods"] if row["name"] == method), None))
                 for found in models.values()]  # fmt: skip
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def methods_of(battery: Mapping[str, Any]) -> list[str]:
    """All methods that ran on some model."""
    return list(dict.fromkeys(row["name"] for found in battery["models"].values() for row in found["methods"]))


def _cell(found: Mapping[str, Any], row: Mapping[str, Any] | None) -> str:
    if row is None or row["why"] is not None:
        return "–"
    speed = f"{row['ess_per_second']:.2g}" if row["ess_per_second"] < 100 else f"{row['ess_per_second']:.0f}"
    if row["name"] == found["best"]:
        return f"**{speed}**"
    return speed if row["verdict"] == "agrees" else f"({speed})"


def picture(battery: Mapping[str, Any], path: Path) -> None:
    """Effective draws per second of each method on each model, in those of the best that agrees with the reference."""
    models, methods = list(battery["models"]), methods_of(battery)
    figure = Figure(figsize=(1.6 + 0.42 * len(methods), 1.6 + 0.34 * len(models)), layout="constrained", dpi=150)
    axes = figure.subplots()
    values = np.full((len(models), len(methods)), np.nan)
    for place, name in enumerate(models):
        rows = {row["name"]: row for row in battery["models"][name]["methods"] if row["why"] is None}
        best = max((row["ess_per_second"] for row in rows.values() if row["verdict"] == "agrees"), default=np.nan)
        for method, row in rows.items():
            column = methods.index(method)
            values[place, column] = np.log10(max(row["ess_per_second"], 1e-9) / best)
            if row["verdict"] != "agrees":
                axes.text(column, place, "×", ha="center", va="center", color="black")
            elif method == battery["models"][name]["best"]:
                axes.text(column, place, "★", ha="center", va="center", color="white", fontname="DejaVu Sans")
    shown = axes.imshow(np.clip(values, -3, 0), cmap="viridis_r", vmin=-3, vmax=0, aspect="auto")
    axes.set_xticks(range(len(methods)), methods, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(models)), models)
    axes.tick_params(length=0)
    bar = figure.colorbar(shown, ax=axes, ticks=[-3, -2, -1, 0])
    bar.ax.set_yticklabels(["1/1000", "1/100", "1/10", "best"])
    axes.set_title("effective draws per second; ★ the best, × is off or has not converged", fontsize=9)
    figure.savefig(path)


def main() -> None:
    """Run what is not there yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the JSON file that results are appended to")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of each method [default: 60]")
    parser.add_argument("--only", default=",".join(MODELS), help="names of models, separated by commas [default: all]")
    parser.add_argument("--methods", help="the methods, separated by commas [default: all]")
    parser.add_argument("--cores", help="cores to run on [default: 1 and all]")
    parser.add_argument("--picture", type=Path, help="where to draw what there is")
    given = parser.parse_args()
    out = given.out.resolve()
    asked = {"budget": given.budget, "methods": given.methods, "cores": given.cores}
    arguments = [f"--{name}={value}" for name, value in asked.items() if value is not None]
    battery = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {"models": {}}
    for name in given.only.split(","):
        if name not in MODELS:
            parser.error(f"there is no model {name!r}: the models are {', '.join(MODELS)}")
        if name in battery["models"]:
            continue
        found = bench(name, out, arguments)
        if found is not None:
            battery["models"][name] = found
            battery["machine"] = {"processor": platform.processor() or platform.machine(), "python": sys.version}
            part = out.with_suffix(".part")
            part.write_text(json.dumps(battery, ensure_ascii=False, indent=1), encoding="utf-8")
            part.replace(out)
    print(table(battery))
    if given.picture is not None:
        picture(battery, given.picture)


if __name__ == "__main__":
    main()
