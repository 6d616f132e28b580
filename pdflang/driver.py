"""The whole compiler on one screen: text → Program → BoundProgram → plan → Python module → Model."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdflang.diagnostics import Diagnostic, PdflangError, SourceFile
from pdflang.ir.marks import Marks, marked
from pdflang.ir.program import BoundProgram, Program

if TYPE_CHECKING:
    from pdflang.backend import GeneratedModule
    from pdflang.functions import Functions
    from pdflang.model import CompiledModel

_PRIOR_DRAWS = 64
"""For the parameters of an earlier fit, until there is one."""

_DEEPEST = 50_000
"""A sum of thousands of terms is as deep as it is long, and passes walk down it."""


def read_source(path: Path) -> SourceFile:
    """A model file as text. Raises PdflangError (E801) where it cannot be read."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise PdflangError(_missing_file(path)) from None
    except IsADirectoryError:
        raise PdflangError(_folder(path)) from None
    except UnicodeDecodeError as failure:
        line = failure.object[: failure.start].count(b"\n") + 1
        problem = f"`{path}` is not text in UTF-8: byte 0x{failure.object[failure.start]:02x} in line {line}"
        raise PdflangError(Diagnostic("E801", problem, remedy="save it as UTF-8")) from None
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "strerror", None) or failure
        raise PdflangError(Diagnostic("E801", f"`{path}` cannot be read: {reason}")) from None
    return SourceFile(path.name, text, path.parent)


def check(source: SourceFile, given: Collection[str] = ()) -> Program:
    """Everything that can be known before data is read: the typed program, with its lints.

    Tables whose data will be `given` by name are not looked for.
    """
    from pdflang.passes import divergent_integrals, negative_densities

    program = _typed(source, given)
    with _deep(), marked(program.marks):
        remarks = [*divergent_integrals(program), *negative_densities(program)]
    errors = [remark for remark in remarks if remark.severity == "error"]
    if errors:
        raise PdflangError(*errors)
    return replace(program, lints=(*program.lints, *remarks))


def _typed(source: SourceFile, given: Collection[str]) -> Program:
    """The program without what draws of its prior tell."""
    from pdflang.data.columns import FileColumns
    from pdflang.semantics import check_model

    with _deep(), marked(Marks()) as marks:
        columns = FileColumns(given)
        program = check_model(source, columns)
    return replace(program, lints=(*columns.missing, *program.lints), marks=marks)


def bind(program: Program, data: Mapping[str, Any], sizes: Mapping[str, int] | None = None) -> BoundProgram:
    """The program with its data; with `sizes`, what it needs to be simulated."""
    from pdflang.data.binding import bind as bind_data

    with _deep(), marked(program.marks):
        bound = bind_data(program, data, sizes)
        return at_earlier(bound, _middle_of_prior(bound), unfitted=True) if bound.unfitted else bound


def bound_again(source: SourceFile, fields: Mapping[str, Any]) -> BoundProgram:
    """A program that was bound in another process, by its text and all else that it had: no data are read."""
    return BoundProgram(_typed(source, set(fields["arrays"])), **fields)


def at_earlier(bound: BoundProgram, params: Mapping[str, Any], unfitted: bool = False) -> BoundProgram:
    """The program with the parameters of another earlier fit."""
    import numpy as np

    values = {datum: np.asarray(params[name], float) for datum, name in bound.program.earlier.items()}
    return replace(bound, arrays={**bound.arrays, **values}, unfitted=unfitted)


def _middle_of_prior(bound: BoundProgram) -> dict[str, Any]:
    """Where parameters are before there is any fit: means of some draws of the prior."""
    import numpy as np

    from pdflang.passes.prior import prior_draws

    draws = prior_draws(bound, _PRIOR_DRAWS)
    return {name: np.mean([draw[name] for draw in draws], axis=0) for name in bound.program.earlier.values()}


def compile_bound(
    bound: BoundProgram,
    known: Functions | None = None,
    exact: bool = False,
    room: Mapping[str, int] | None = None,
) -> Functions:
    """The functions of a bound program; those already `known` where the module comes out the same.

    Long lists of events are compressed, unless all is to be `exact`, or they fit the `room` of what is known.
    """
    from pdflang.functions import load_functions

    module = generate(bound, known, exact, room)
    if known is not None and known.runs(module):
        return known.with_generated(module)
    return load_functions(module, bound.program.source.name)


def generate(
    bound: BoundProgram,
    known: Functions | None = None,
    exact: bool = False,
    room: Mapping[str, int] | None = None,
) -> GeneratedModule:
    """The module of a bound program, planned as finely as its certificates ask for, or as it is known to be enough."""
    from pdflang import __version__, backend
    from pdflang.backend.outside import called, told
    from pdflang.certify import fine_enough
    from pdflang.compress import compressed
    from pdflang.passes import plan
    from pdflang.stand_ins import stand_ins

    with _deep(), marked(bound.program.marks.copy()), told(called(bound.program)):
        if known is not None:
            fineness, certificates = known.generated.fineness, known.generated.certificates
        else:
            fineness, certificates = fine_enough(bound)
        planned = plan(bound, fineness)
        before = known.generated.compressions if known is not None else None
        planned, compressions = (planned, {}) if exact else compressed(bound, planned, before, room or {})
        module = backend.generate(planned, __version__)
        absent = stand_ins(bound, planned)
    nodes = {name: array for name, array in planned.arrays.items() if name not in bound.arrays}
    return replace(
        module, constants={**module.constants, **nodes}, stand_ins=absent, fineness=fineness,
        certificates=certificates, compressions=compressions, is_exact=exact,
    )  # fmt: skip


def probability_of_data(model: CompiledModel) -> GeneratedModule:
    """The module with the probability of simulated data that are no events, planned as the model is."""
    from pdflang import __version__, backend
    from pdflang.passes import plan

    bound = model.bound
    with _deep(), marked(bound.program.marks.copy()):
        planned = plan(bound, model.functions.generated.fineness)
        module = backend.generate_probability(planned, __version__)
    nodes = {name: array for name, array in planned.arrays.items() if name not in bound.arrays}
    return replace(module, constants={**module.constants, **nodes})


def rebind(model: CompiledModel, data: Mapping[str, Any], room: Mapping[str, int] | None = None) -> CompiledModel:
    """The model with other data. Nothing is compiled again where shapes are the same, or events are fewer."""
    return _rebound(model, bind(model.program, data), room)


def after(model: CompiledModel, params: Mapping[str, Any]) -> CompiledModel:
    """The model whose earlier fit has found `params`. Nothing is compiled again."""
    return _rebound(model, at_earlier(model.bound, params), None)


def with_lines(
    model: CompiledModel, lines: Sequence[str], arrays: Mapping[str, Any] | None = None,
    lengths: Mapping[str, int] | None = None,
) -> CompiledModel:  # fmt: skip
    """The model with lines added to its text, and numbers for data that they declare: outputs that one use wants."""
    from pdflang.model import CompiledModel

    source = model.program.source
    text = SourceFile(source.name, "\n".join([source.text, *lines]), source.folder)
    bound = replace(
        model.bound,
        program=_typed(text, set(model.bound.arrays)),
        arrays={**model.bound.arrays, **(arrays or {})},
        lengths={**model.bound.lengths, **(lengths or {})},
    )
    return CompiledModel(bound, compile_bound(bound, model.functions, model.functions.generated.is_exact), {})


def _rebound(model: CompiledModel, bound: BoundProgram, room: Mapping[str, int] | None) -> CompiledModel:
    is_exact, has_room = model.functions.generated.is_exact, {**model.capacities, **(room or {})}
    return model.with_bound(bound, compile_bound(bound, model.functions, is_exact, has_room), room)


def _folder(path: Path) -> Diagnostic:
    models = sorted(path.glob("*.pdfm"))
    remedy = f"give a model file: {', '.join(f'`{model}`' for model in models[:3])}" if models else "give a model file"
    return Diagnostic("E801", f"`{path}` is a folder", remedy=remedy)


def _missing_file(path: Path) -> Diagnostic:
    from pdflang.diagnostics import closest_names

    folder = path.parent
    near = closest_names(path.name, (p.name for p in folder.glob("*.pdfm"))) if folder.is_dir() else []
    return Diagnostic(
        "E801",
        f"the file `{path}` does not exist",
        remedy=f"did you mean `{folder / near[0]}`?" if near else "check the path, or where you are: `pwd`, `ls`",
    )


@contextmanager
def _deep() -> Iterator[None]:
    """Room for recursion over long sums; since Python 3.11 that costs no C stack."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
