"""Pictures of a closure test: each fit's deviation from the truth beside the spread of its replicas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pdflang.report.files import file_of, style


def picture(records: Sequence[Mapping[str, Any]], kind: str = "png") -> bytes:
    """Bias over variance of each fit, in the space of data and of each output; 1 on average where fits are faithful."""
    columns = {"data": [(record["bias"], record["variance"]) for record in records]}
    for name in records[0]["outputs"]:
        columns[name] = [(r["outputs"][name]["bias"], r["outputs"][name]["variance"]) for r in records]
    with style():
        figure = Figure(figsize=(1.6 + 1.1 * len(columns), 3.4), layout="constrained", dpi=120)
        axes = figure.subplots()
        for place, pairs in enumerate(columns.values()):
            bias, variance = np.array(pairs, float).T
            if not np.mean(variance) > 0:
                continue
            ratios = np.sqrt(np.maximum(bias, 0) / np.mean(variance))
            spread = place + 0.5 * (np.linspace(0, 1, len(ratios)) - 0.5)
            axes.plot(spread, ratios, ".", color="tab:blue", alpha=0.5)
            whole = np.sqrt(max(np.mean(bias), 0) / np.mean(variance))
            axes.hlines(whole, place - 0.35, place + 0.35, "tab:red")
        axes.axhline(1, color="0.6", linewidth=0.8)
        axes.set_xticks(range(len(columns)), list(columns), rotation=30 if len(columns) > 3 else 0)
        axes.set_ylabel("√(bias/variance)")
        return file_of(figure, kind)
