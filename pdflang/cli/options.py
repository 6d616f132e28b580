"""What several verbs share: the model argument, data, where results go, and flags made from options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pdflang.diagnostics import Diagnostic, PdflangError

if TYPE_CHECKING:
    from pdflang.cli.screen import Screen
    from pdflang.embedding import Model
    from pdflang.inference import Options
    from pdflang.ir.program import BoundProgram

model_argument = click.argument("model", type=click.Path(path_type=Path))
_ABSENT = ("E501", "E512")
"""Remarks about absent sources: whoever needs them says so itself."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print messages and results as one JSON object.")
data_option = click.option(
    "--data",
    "-d",
    multiple=True,
    metavar="NAME=VALUE | FILE",
    help="Data instead of what the model names: n=counts.npy, lumi=11430, y=[1,2], or a file of several: all.json.",
)
exact_option = click.option(
    "--exact", is_flag=True, help="Sum over all events, also where a few nodes in their place would do."
)
size_option = click.option(
    "--size", multiple=True, metavar="NAME=COUNT", help="Number of events of an Iid observation, or length of an axis."
)
out_option = click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the results; by default MODEL.run, or the next free one."
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace the results of an earlier run in --out.")


def option_flags(kind: type[Options]) -> Callable[[Any], Any]:
    """One flag for each field of an options dataclass, with its help and default."""

    def decorate(command: Any) -> Any:
        for field in reversed(fields(kind)):
            default = None if field.default is MISSING else field.default
            shown = f" [default: {default}]" if default is not None else ""
            click_type: Any = next((t for t in (int, float, str) if str(field.type).startswith(t.__name__)), str)
            if "choices" in field.metadata:
                click_type = click.Choice(field.metadata["choices"])
            flag = "--" + field.name.replace("_", "-")
            command = click.option(
                flag, field.name, type=click_type, default=default, help=_sentence(field.metadata["help"]) + shown
            )(command)
        return command

    return decorate


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def sizes_of(written: tuple[str, ...]) -> dict[str, int]:
    """What `--size` gives. Error: E610."""
    sizes = {}
    for text in written:
        name, equals, count = text.partition("=")
        if not equals or not count.strip().isdecimal():
            raise PdflangError(Diagnostic("E610", f"`--size {text}` cannot be read", remedy="write --size NAME=COUNT"))
        sizes[name.strip()] = int(count)
    return sizes


def bound_model(
    screen: Screen, path: Path, data: tuple[str, ...], sizes: Mapping[str, int] | None = None, infers: bool = False
) -> BoundProgram:
    """The program of a file with data of the command line; remarks and notes are shown.

    With `sizes` it is to be simulated, and observed data need not be there. Who `infers` is told that there is no
    density to follow before data are looked for.
    """
    from pdflang import driver
    from pdflang.data.overrides import parse_overrides
    from pdflang.semantics.capabilities import require_gradient

    given = parse_overrides(data)
    program = driver.check(driver.read_source(path))
    screen.show(remark for remark in program.lints if remark.code not in _ABSENT)
    if infers:
        require_gradient(program)
    bound = driver.bind(program, given, sizes)
    for note in bound.notes:
        screen.note(note)
    return bound


def load_model(
    screen: Screen, path: Path, data: tuple[str, ...], sizes: Mapping[str, int] | None = None, exact: bool = False,
    infers: bool = False,
) -> Model:  # fmt: skip
    """The compiled model of a file, as `bound_model` has it bound. A mistake in it is told before JAX is imported."""
    from pdflang import driver
    from pdflang.embedding import Model
    from pdflang.inference import prepare_jax, prepare_threads

    prepare_threads()
    bound = bound_model(screen, path, data, sizes, infers)
    prepare_jax()
    model = Model(bound, driver.compile_bound(bound, exact=exact), {})
    for compression in model.compressions.values():
        screen.note(str(compression))
    screen.show(certificate.remark for certificate in model.certificates if not certificate.holds)
    return model
