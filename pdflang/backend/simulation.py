"""Data that are drawn: `simulate` of the generated module, in the order in which observations read each other.

A module of its own has the probability of what was drawn, with data as arguments.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pdflang.backend.event_streams import drawn_events
from pdflang.backend.writer import Writer
from pdflang.diagnostics import Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Node
from pdflang.ir.program import Draws, Observation, map_draws
from pdflang.semantics.lints import everything_read

if TYPE_CHECKING:
    from pdflang.backend.module import ModuleWriter


def write_simulation(module: ModuleWriter) -> tuple[list[str], list[Span | None]]:
    """The function `simulate(key, params, arrays)`: observed data by name."""
    observations = _in_order(module)
    plain = [o for o in observations if o.draws is not None]
    definitions = module.program.definition_nodes
    roots = [argument for o in plain for argument in _arguments(o.draws, o, definitions)]
    writer = module.writer(roots, late=_late(module))
    if observations:
        split = module.imports.use("jax.random.split")
        writer.write(f"keys = {split}(key, {len(observations)})")
    draw = draws = ""
    if any(observation.process for observation in observations):
        draws = f", draws={module.imports.use('pdflang.backend.runtime.events.EventDraws')}"
        draw = writer.assign("draw", "draws(params, arrays)")
    entries = []
    for i, observation in enumerate(observations):
        text = _drawn(module, writer, observation, f"keys[{i}]", draw)
        local = writer.assign(observation.name, text, observation.span)
        for name, values in _simulated(observation, local).items():
            for reference in module.references_to(name):
                writer.know(reference, values)
        entries.append((observation.name, local))
    head = f"simulate(key, params, arrays{draws})"
    return module.function(head, "Data drawn at given parameters.", writer, module.returned(entries))


def write_probability(module: ModuleWriter) -> tuple[list[str], list[Span | None]]:
    """The function `log_probability(data, params, arrays)` of drawn data that are no events, by name."""
    observations = module.program.observations.values()
    terms = {o.name: o.log_likelihood for o in observations if o.process is None and o.log_likelihood is not None}
    writer = module.writer(terms.values(), late=_late(module))
    for name in [name for observation in observations for name in _simulated(observation, "")]:
        for reference in module.references_to(name):
            writer.know(reference, f"data[{json.dumps(name)}]")
    entries = [(name, writer.result(node, f"log_{name}")) for name, node in terms.items()]
    doc = "The log-probability of each datum that was drawn."
    return module.function("log_probability(data, params, arrays)", doc, writer, module.returned(entries))


def _simulated(observation: Observation, local: str) -> dict[str, str]:
    """The text of each array that an observation makes, by the name under which others read it."""
    if observation.process is None:
        return {observation.name: local}
    columns = observation.process.columns
    return {name: f"{local}.columns[{json.dumps(v)}]" for v, node in columns.items() for name in nodes.references(node)}


def _late(module: ModuleWriter) -> frozenset[str]:
    """The observed data, which the simulator makes, and the derived values that read them."""
    observed = {name for o in module.program.observations.values() for name in _simulated(o, "")}
    definitions = module.program.definition_nodes
    reading = (n for n, node in definitions.items() if not observed.isdisjoint(everything_read(node, definitions)))
    return frozenset([*observed, *reading])


def _arguments(draws: Draws | None, observation: Observation, definitions: Mapping[str, Node]) -> list[Node]:
    """What the drawing of an observation needs; for all its entries at once where they are independent."""
    assert draws is not None
    if _reads_itself(observation, definitions):
        return list(draws.reads)
    return [_over(observation, node) for node in draws.reads]


def _over(observation: Observation, node: Node) -> Node:
    """An argument for all observed entries at once."""
    for loop in reversed(observation.loops):
        if loop in node.loops:
            node = nodes.Array(loop, node)
    return node


def _reads_itself(observation: Observation, definitions: Mapping[str, Node]) -> bool:
    return observation.draws is not None and observation.name in _read(observation.draws, definitions)


def _read(draws: Draws, definitions: Mapping[str, Node]) -> set[str]:
    """All names that a distribution reads, through derived values too."""
    return set().union(*(everything_read(node, definitions) for node in draws.reads))


def _in_order(module: ModuleWriter) -> list[Observation]:
    """Each observation after those whose data its distribution reads."""
    observations, definitions = module.program.observations, module.program.definition_nodes
    ordered: list[Observation] = []

    def visit(observation: Observation) -> None:
        if observation in ordered:
            return
        for name in sorted(_read(observation.draws, definitions)) if observation.draws else ():
            if name in observations and name != observation.name:
                visit(observations[name])
        ordered.append(observation)

    for observation in observations.values():
        visit(observation)
    return ordered


def _drawn(module: ModuleWriter, writer: Writer, observation: Observation, key: str, draw: str) -> str:
    """The text that makes an observed datum; `draw` makes events."""
    if observation.process is not None:
        return drawn_events(module, observation, key, draw)
    draws = observation.draws
    assert draws is not None
    if _reads_itself(observation, module.program.definition_nodes):
        return _one_by_one(module, writer, observation, draws, key)
    sizes = [module.loop_length(loop) for loop in observation.loops]
    sizes += _drawn_at_once(module, observation.target, draws.row.rank)
    whole = map_draws(draws, lambda node: _over(observation, node))
    text = module.sample(writer, whole, key, repr(tuple(sizes)))
    if not observation.loops:
        return text
    base, places = _observed_part(module, observation)
    if all(place == ":" for place in places):
        return text
    return f"{base}.at[{', '.join(places)}].set({text})"


def _drawn_at_once(module: ModuleWriter, target: Node, rank: int) -> list[int]:
    """The lengths of the axes that no binder runs over and no single draw fills."""
    return [module.length(axis) for axis in target.axes[: len(target.axes) - rank]]


def _observed_part(module: ModuleWriter, observation: Observation) -> tuple[str, list[str]]:
    """The datum, and the slices of it that are observed."""
    target = observation.target
    assert isinstance(target, nodes.Element)
    array = module.imports.use("jax.numpy.asarray")
    base = f"{array}({module.early(target.base)})"
    places = []
    for position, start, axis in zip(target.positions, observation.offsets, target.base.axes, strict=False):
        (loop,) = position.loops
        length = module.loop_length(loop)
        is_whole = start == 0 and length == module.length(axis)
        places.append(":" if is_whole else f"{start}:{start + length}")
    return base, places


def _one_by_one(
    module: ModuleWriter, writer: Writer, observation: Observation, draws: Draws, key: str
) -> str:
    """A datum whose entries read earlier ones: a loop that fills it in."""
    step, place, values = (writer.names.fresh(name) for name in ("step", "i", "values"))
    # Loops of their own, which no comprehension of a derived value shares.
    steps = [replace(loop, key="step") for loop in observation.loops]
    own: dict[Node, Node] = {
        nodes.LoopIndex(old): nodes.LoopIndex(new) for old, new in zip(observation.loops, steps, strict=True)
    }
    draws = map_draws(draws, lambda node: nodes.substitute(node, own))
    target = nodes.substitute(observation.target, own)
    assert isinstance(target, nodes.Element)
    sizes = [module.loop_length(loop) for loop in steps]
    positions = {loop: writer.names.fresh("i") for loop in steps} if len(sizes) > 1 else {}
    inner = writer.inner(positions or {steps[0]: place})
    writer.write(f"def {step}({place}, {values}):", observation.span)
    for count, (loop, name) in enumerate(positions.items(), 1):
        # The last binder runs fastest, as entries lie in memory.
        inner.write(f"{name} = {place} // {math.prod(sizes[count:])} % {module.loop_length(loop)}")
    for reference in module.references_to(observation.name):
        inner.know(reference, values)
    inner.expect(*draws.reads, *target.positions)
    fold_in = module.imports.use("jax.random.fold_in")
    shape = repr(tuple(_drawn_at_once(module, target, draws.row.rank)))
    sample = module.sample(inner, draws, f"{fold_in}({key}, {place})", shape)
    entry = ", ".join(inner.text(p) for p in target.positions)
    writer.extend(inner)
    writer.write(f"    return {values}.at[{entry}].set({sample})", observation.span)
    array = module.imports.use("jax.numpy.asarray")
    fori = module.imports.use("jax.lax.fori_loop")
    base = f"{array}({module.early(target.base)})"
    return f"{fori}(0, {math.prod(sizes)}, {step}, {base})"
