"""The report of a run: one page with what it found, how far that is to be trusted, and where it comes from."""

from __future__ import annotations

import base64
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from pdflang.diagnostics import PdflangError, SourceFile
from pdflang.inference.optima import REASONS
from pdflang.report.chain import KINDS, Chain, chain_of
from pdflang.report.diagram import MOST_BOXES, diagram_of
from pdflang.report.found import data_of, functions_of, parameters_of, replicas_of, summary_of
from pdflang.report.listing import listings
from pdflang.report.page import page
from pdflang.report.parton_section import PartonsWanted, partons_of
from pdflang.report.parts import Part, Picture, Table, Verdict, two_columns, verdict
from pdflang.results.diagnostics import Finding, from_records
from pdflang.results.files import write_text
from pdflang.results.reading import Run
from pdflang.results.run_folder import MODEL, REPORT

if TYPE_CHECKING:
    from pdflang.inference import Monitor
    from pdflang.model import CompiledModel

_ACCURACY = "Accuracy: "
_PICTURES = {
    "bench": (
        "bench.svg", "Methods",
        "Effective draws per second of each method, and the error of its means beside the seconds of drawing; the dash "
        "is the error that as many independent draws have by chance.",
    ),
    "calibrate": (
        "calibration.svg", "Ranks", "Histograms of ranks of the truth, and their distribution functions with bands.",
    ),
    "closure": (
        "closure.svg", "Deviations from the truth",
        "Root of bias over variance of each fit, R_bv with its error, and ξ with its error: of all data, each data "
        "set, densities and outputs. Faithful uncertainties have R_bv 1 and ξ 0.68.",
    ),
    "pivot": (
        "trade_off.svg", "Trade-off",
        "What classifiers of different penalties λ lose for telling less of the nuisance: loss beside what a fresh "
        "adversary finds of it, area under the ROC curve beside the difference of outputs between its quantiles; "
        "dotted lines are what chance leaves.",
    ),
    "profile": (
        "profile.svg", "Profile",
        "−2Δ log-density where everything else is as good as it can be; of one parameter with its intervals, of two "
        "as contours.",
    ),
    "validate": (
        "correction.svg", "Corrected events",
        "Columns of observed events that the training put aside, of simulated ones and of these corrected, in bins; "
        "below their ratios to the observed ones.",
    ),
    "reduce": (
        "reduction.svg", "Reduction",
        "Eigenvalues of the Fisher information over the prior, above the dotted line where data halve the variance; "
        "and what is lost of the outputs that are told by so many numbers.",
    ),
}  # fmt: skip
"""What a method has drawn itself: the file, a title, what it shows."""
_PARTS = {
    "summary": "Summary", "diagnostics": "Diagnostics", "data": "Data", "partons": "Partons", "functions": "Functions",
    "parameters": "Parameters", "model": "Model", "provenance": "Provenance",
}  # fmt: skip


def write_report(
    run: Run, model: CompiledModel | None = None, reason: str = "", out: Path | None = None,
    monitor: Monitor | None = None, wanted: PartonsWanted | None = None,
) -> Path:  # fmt: skip
    """Write the page of a run, into its folder if not elsewhere; where it is. Errors: E622, those of `report`."""
    path = out or run.folder / REPORT
    write_text(path, report(run, model, reason, monitor, wanted))
    return path


def report(
    run: Run, model: CompiledModel | None = None, reason: str = "", monitor: Monitor | None = None,
    wanted: PartonsWanted | None = None,
) -> str:  # fmt: skip
    """The page of a run as HTML.

    With the compiled `model` of the run and its data, functions are drawn and data predicted; without, the page gives
    the `reason` why it lacks them. The `monitor` hears how far predictions are. Errors: E308, E620, E646 where what is
    `wanted` of parton densities cannot be had.
    """
    chain, diagram_words = _chain(run)
    lacking = (reason,) if reason and (run.draws is not None or run.maximum is not None) else ()
    sections = {
        "data": data_of(run, model, monitor),
        "functions": functions_of(run, model),
        "parameters": parameters_of(run),
    }
    partons = partons_of(run, model, wanted or PartonsWanted())
    if lacking:
        sections["data"] = replace(sections["data"], words=(*lacking, *sections["data"].words))
    absent = {name for name, section in sections.items() if not section.is_there}
    absent |= set() if partons else {"partons"}
    diagram = diagram_of(chain.boxes)
    if diagram is None and not diagram_words:
        diagram_words = (f"The model has no diagram: it has no parts, or more than {MOST_BOXES}.",)
    summary = summary_of(run, chain.anchors)
    return page(
        "report.html",
        title=_title(run),
        verdicts=[_verdict(run), *filter(None, [sections["data"].verdict])],
        facts=_facts(run),
        parts=[Part(i, t) for i, t in _PARTS.items() if i not in absent],
        summary=summary,
        replicas=replicas_of(run),
        remarks=_remarks(run),
        printed="" if summary is not None else run.summary,
        overview=_overview(run),
        findings=_findings(run),
        accuracy=_accuracy(run, model),
        diagram=diagram,
        diagram_words=diagram_words,
        kinds=[kind for kind in KINDS if any(box.kind == kind for box in chain.boxes.values())],
        listings=listings(run.sources),
        command=_command(run),
        provenance=_provenance(run),
        folder=run.folder.resolve().name,
        partons=partons,
        **sections,
    )


def _chain(run: Run) -> tuple[Chain, tuple[str, ...]]:
    """How the model hangs together, or why that cannot be told."""
    if not run.sources:
        return Chain({}, {}), ("The run does not say what its model was.",)
    names = [MODEL, *(name for name, _ in run.sources[1:])]
    try:
        return chain_of(SourceFile(MODEL, run.sources[0][1], run.folder), names), ()
    except PdflangError as failure:
        return Chain({}, {}), (f"The model has no diagram: {failure.diagnostics[0].message}.",)


def _title(run: Run) -> str:
    main = run.sources[0][0] if run.sources else MODEL
    return f"{run.name}: {main} by {run.method}"


def _verdict(run: Run) -> Verdict:
    if run.interrupted and run.drawn is None and run.maximum is None:
        return Verdict("error", "Interrupted before there were results.")
    found = verdict(_findings(run)) or Verdict("good", _good(run))
    return Verdict(found.severity, f"Interrupted. {found.sentence}") if run.interrupted else found


def _findings(run: Run) -> list[Finding]:
    """What was said of the run, and of a maximum also where the search ended that found it."""
    maximum = run.maximum or {}
    said = [*run.findings, *from_records(maximum.get("diagnostics", []))]
    starts = [start for start in maximum.get("starts", []) if start.get("log_density") is not None]
    if maximum.get("converged") is False and starts:
        status = max(starts, key=lambda start: start["log_density"])["status"]
        reason, remedy = REASONS.get(status, (status, ""))
        said.insert(0, Finding("error", f"the search for the maximum did not converge: {reason}", remedy))
    return said


def _good(run: Run) -> str:
    if run.maximum is not None:
        return "Converged: the maximum of the posterior density was found."
    if run.predictions is not None:
        return "Data and prediction agree: nothing to complain about."
    if run.draws is not None:
        if run.findings:
            return "The draws can be relied on: what the diagnostics note is below."
        return "The draws can be relied on: the diagnostics have nothing to complain about."
    return "Finished: see the summary."


def _facts(run: Run) -> list[tuple[str, str]]:
    """What is told at the top: method, draws, seed, evidence, when, how long."""
    record, drawn = run.record, run.drawn
    facts = [("method", run.method)]
    if drawn is not None:
        facts.append(("draws", f"{drawn.sizes['chain']} chains of {drawn.sizes['draw']}"))
    if run.maximum is not None and isinstance(run.maximum.get("log_density"), float):
        facts.append(("log-density", f"{run.maximum['log_density']:.6g}"))
    if run.draws is not None:
        facts += _approximation(run.draws.attrs)
    facts.append(("seed", str(record.get("seed"))))
    facts.append(("begun", str(record.get("started", "–"))[:19].replace("T", " ") + " UTC"))
    facts.append(("took", f"{record.get('duration_seconds', '–')} s"))
    return facts


def _approximation(attributes: Any) -> list[tuple[str, str]]:
    """The evidence and Pareto k of a method that has them."""
    found = []
    if "log_evidence" in attributes:
        error = float(attributes["log_evidence_error"])
        found.append(("log Z", f"{float(attributes['log_evidence']):.2f} ± {error:.2g}"))
    if "pareto_k" in attributes:
        found.append(("Pareto k", f"{float(attributes['pareto_k']):.2f}"))
    return found


def _remarks(run: Run) -> list[str]:
    """What else is to be said of a result: why there are so many draws, χ² at a maximum."""
    said = [f"Draws: {run.record['draws']}."] if run.draws is not None and "draws" in run.record else []
    if run.interrupted and run.draws is None and run.maximum is None and run.predictions is None:
        said.append("There are no draws yet: `pdflang sample --resume` goes on with a run whose chains were saved.")
    if run.maximum is not None:
        found = run.maximum.get("chi2", {})
        said += [f"χ²({name}) = {value:.4f}" for name, value in found.items() if value is not None]
        at_bound = run.maximum.get("at_bound") or []
        said += [f"At a bound or at infinity: {', '.join(map(str, at_bound))}."] if at_bound else []
    return said


def _overview(run: Run) -> list[Picture]:
    """The picture that a calibration or a closure test has drawn."""
    name, title, said = _PICTURES.get(run.method, ("", "", ""))
    path = run.folder / name
    if not (name and path.is_file()):
        return []
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    image = Markup('<img class="picture" alt="{}" src="data:image/svg+xml;base64,{}">').format(said, content)
    return [Picture(title, said, image)]


def _accuracy(run: Run, model: CompiledModel | None) -> list[str]:
    """What is known of approximations: of the worst where the result is, and of each term at draws of the prior."""
    said = []
    if run.draws is not None and "accuracy" in run.draws.attrs:
        said.append(f"At draws of the posterior: {run.draws.attrs['accuracy']}.")
    if run.maximum is not None:
        lines = (line.removeprefix(_ACCURACY) for line in run.summary.splitlines() if line.startswith(_ACCURACY))
        said += [f"At the maximum: {line}" for line in lines]
    if model is not None:
        said += [f"At draws of the prior: {certificate}." for certificate in model.certificates]
    return said


def _command(run: Run) -> str:
    """The command line, as one may give it again."""
    words = [str(word) for word in run.record.get("command", [])]
    return shlex.join(["pdflang", *words[1:]]) if words else ""


def _provenance(run: Run) -> list[tuple[str, Table]]:
    record = run.record
    data = {name: _hash(value) for name, value in record.get("data", {}).items()}
    files = {source.get("name"): source.get("sha256") for source in record.get("sources", [])}
    platform = record.get("platform") if isinstance(record.get("platform"), dict) else {}
    tables = {
        "Options": two_columns({"seed": record.get("seed"), **record.get("options", {})}, ("", "value")),
        "Data": two_columns(data, ("", "shape, type, SHA-256")),
        "Files of the model": two_columns(files, ("", "SHA-256")),
        "Versions": two_columns({**record.get("versions", {}), **(platform or {})}, ("", "version")),
    }
    return [(name, table) for name, table in tables.items() if table.rows]


def _hash(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return f"{value.get('shape')} {value.get('dtype')} {value.get('sha256')}"
