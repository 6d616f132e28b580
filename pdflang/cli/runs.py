"""What a run of a sampler leaves in its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pdflang.diagnostics import PdflangError
from pdflang.results import RunFolder, account, diagnose, efficiency, summarise
from pdflang.results import diagnostics as words
from pdflang.results import summary as tables

if TYPE_CHECKING:
    from pdflang.embedding import Model
    from pdflang.inference import Draws


@dataclass(frozen=True)
class Written:
    """What there is to say of a run: its text, the fields of its record, and whether the draws are to be trusted."""

    text: str
    record: dict[str, Any]
    trusted: bool


def write_run(
    model: Model, folder: RunFolder, draws: Draws, origin: Callable[..., dict[str, Any]],
    log_likelihood: bool = False, information: bool = False,
) -> Written:  # fmt: skip
    """Write the draws of a model, their summary, what diagnostics say, and where it came from, which `origin` makes."""
    certificates = model.accuracy(draws)
    tree = model.tree(draws, log_likelihood, certificates, folder.path)
    folder.write_draws(tree)
    rows = summarise(tree)
    findings = diagnose(tree, rows, getattr(draws.options, "max_tree_depth", None)) + words.inexact(certificates)
    findings += words.of_weights(model.weighted) + words.remarked(draws) + words.taught(tree)
    chains, count = draws.z.shape[:2]
    said = f"{count} per chain: {account(draws)}"
    record = origin(interrupted=draws.interrupted, seconds=draws.seconds, draws=said, drawn_by=draws.method)
    evidence = f"Evidence: {draws.evidence}.\n" if draws.evidence else ""
    text = f"{tables.to_text(rows)}\n{words.to_text(findings)}{words.accuracy(certificates)}{evidence}"
    least: list[efficiency.Efficiency] = []
    if information:
        mean = {name: tree["posterior"][name].values.mean(axis=(0, 1)) for name in model.program.parameters}
        try:
            least = efficiency.efficiencies(rows, model.cramer_rao(mean))
        except PdflangError as failure:  # which must not cost the results
            text += f"Cramér–Rao: the bound could not be computed: {failure.diagnostics[0].message}.\n"
        else:
            text += efficiency.to_text(least)
    folder.write_all(
        [
            lambda f: f.write_sources(model.sources),
            lambda f: f.write_text("summary.csv", tables.to_csv(rows)),
            lambda f: f.write_text("summary.txt", text),
            *([lambda f: f.write_text("information.csv", efficiency.to_csv(least))] if least else []),
            lambda f: f.write_json("diagnostics.json", words.to_records(findings)),
            lambda f: f.write_provenance(record),
        ]
    )
    fields = {
        "folder": str(folder.path), "method": draws.method, "seed": draws.seed, "chains": chains, "draws": count,
        "interrupted": draws.interrupted,
        "log_evidence": draws.evidence._asdict() if draws.evidence else None, "pareto_k": draws.pareto_k,
        "summary": [asdict(row) for row in rows],
        "information": [asdict(one) for one in least] if information else None,
        "diagnostics": words.to_records(findings),
    }  # fmt: skip
    return Written(text, fields, not any(finding.severity == "error" for finding in findings))
