"""How a model hangs together, and its text with places to lead to."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdflang.diagnostics import SourceFile
from pdflang.report.chain import KINDS, Chain, chain_of, layers
from pdflang.report.diagram import diagram_of
from pdflang.report.listing import listings

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def chain(example: str, name: str = "model.pdfm", others: tuple[str, ...] = ()) -> Chain:
    path = EXAMPLES / example / name
    return chain_of(SourceFile(name, path.read_text(encoding="utf-8"), path.parent), [name, *others])


def test_parameters_lead_to_observations_by_way_of_functions() -> None:
    boxes = chain("proxy").boxes
    assert set(boxes["u"].reads) == {"c_u", "a_u", "b_u"}
    assert set(boxes["sigma_p"].reads) == {"u", "d"}
    assert set(boxes["observe events_p"].reads) == {"sigma_p"}
    assert layers(boxes)[-1] == ["observe events_p", "observe events_n"]


def test_a_detector_stands_between_a_function_and_its_observation() -> None:
    boxes = chain("detector").boxes
    assert set(boxes["tracker of f"].reads) == {"eff", "width", "f"} and boxes["tracker of f"].label == "tracker"
    assert list(boxes["observe events"].reads) == ["tracker of f"]


TWO_PIPES = """
param a ~ HalfNormal(1)
param b ~ HalfNormal(1)
param first_eff ~ Beta(90, 10)
param second_eff ~ Beta(90, 10)
pdf f(x) = a
pdf g(x) = b
detector first(x in (0, 1) | x) { efficiency first_eff }
detector second(x in (0, 1) | x) { efficiency second_eff }
data ahead = [0.1, 0.2]
data behind = [0.3, 0.5]
observe ahead ~ PoissonProcess(f |> first |> second)
observe behind ~ PoissonProcess(g |> second |> first)
"""


def test_an_observation_reads_only_its_own_pipe() -> None:
    """What stands in two pipes, here in the opposite order, is a box in each: neither leads from one to the other."""
    boxes = chain_of(SourceFile("m.pdfm", TWO_PIPES), ["m.pdfm"]).boxes
    found = {}
    for name in ("observe ahead", "observe behind"):
        found[name], todo = [], list(boxes[name].reads)
        while todo:
            box = boxes[todo.pop()]
            found[name].append(box.label)
            todo += box.reads
    assert sorted(found["observe ahead"]) == ["a", "f", "first", "first_eff", "second", "second_eff"]
    assert sorted(found["observe behind"]) == ["b", "first", "first_eff", "g", "second", "second_eff"]
    assert [box.label for box in boxes.values() if box.kind == "operator"].count("first") == 2
    assert diagram_of(boxes) is not None


def test_operators_are_boxes_one_after_the_other() -> None:
    boxes = chain("unfolding").boxes
    operators = {box.label: set(box.reads) for box in boxes.values() if box.kind == "operator"}
    assert operators == {"bins(edges)": {"spectrum"}, "fold(R)": {"bins(edges) of spectrum", "R"}}


def test_sum_rules_and_constants() -> None:
    boxes = chain("dis", others=("dis_t0.pdfm",)).boxes
    # What is solved reads the parameters of the functions in its equation, which read it in turn.
    assert set(boxes["A_uv"].reads) == {"a_uv", "b_uv", "e_uv"} and "A_uv" in boxes["xuv"].reads
    assert not any(name.startswith("t0.") for name in boxes)
    place = {name: number for number, column in enumerate(layers(boxes)) for name in column}
    assert all(place[read] < place[name] for name, box in boxes.items() for read in box.reads)


def test_files_that_are_used_are_part_of_it() -> None:
    files = ("theory.pdfm", "energies.pdfm", "polarised.pdfm")
    found = chain("weinberg", "combination.pdfm", files)
    assert {"ew.s2w", "energies.rate", "observe polarised.muons"} <= set(found.boxes)
    # The helper `dsigma` is no box: whoever calls it reads what it reads.
    assert {"ew.gL", "ew.mz"} <= set(found.boxes["energies.rate"].reads)
    lines = (EXAMPLES / "weinberg" / "theory.pdfm").read_text(encoding="utf-8").splitlines()
    (place,) = [number for number, line in enumerate(lines, 1) if line.startswith("nuisance mz")]
    assert found.anchors["ew.mz"] == f"file1-line{place}"


@pytest.mark.parametrize("example", ["proxy", "detector", "dis", "unfolding", "events_2d", "eight_schools"])
def test_boxes_do_not_overlap_and_lie_inside(example: str) -> None:
    boxes = chain(example).boxes
    assert {box.kind for box in boxes.values()} <= set(KINDS)
    diagram = diagram_of(boxes)
    assert diagram is not None
    places = [(one.x, one.y, one.x + one.width, one.y + diagram.box_height) for one in diagram.boxes]
    assert all(min(x, y) >= 0 and right <= diagram.width and low <= diagram.height for x, y, right, low in places)
    for i, (x0, y0, x1, y1) in enumerate(places):
        assert all(x1 <= a or c <= x0 or y1 <= b or d <= y0 for a, b, c, d in places[i + 1 :])


def test_a_listing_counts_lines_as_messages_do() -> None:
    text = "# page one\f\nconst c = 1 # a\u2028b\r\nparam a ~ Normal(c, 1)\n"
    (listing,) = listings([("m.pdfm", text)])
    assert len(listing.lines) == 3 and all("\r" not in line for line in listing.lines)
    found = chain_of(SourceFile("m.pdfm", text), ["m.pdfm"])
    assert found.anchors["a"] == "file0-line3" and listing.lines[2].striptags() == "param a ~ Normal(c, 1)"


def test_a_listing_says_what_the_text_says() -> None:
    text = 'param a ~ Normal(0, 1.5) in (0, inf) # <script>&\ndata d = table("a<b>.csv").x\nlet b = a |> f\n'
    (listing,) = listings([("m.pdfm", text)])
    assert [line.striptags() for line in listing.lines] == [" ".join(line.split()) for line in text.splitlines()]
    assert listing.lines[0].startswith('<span class="word">param</span> a <span class="sign">~</span>')
    assert "&lt;script&gt;&amp;</span>" in listing.lines[0] and '<span class="text">&#34;a&lt;b&gt;' in listing.lines[1]
