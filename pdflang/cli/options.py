"""What several verbs share: the model argument, data, where results go, and flags made from options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pdflang.diagnostics import Diagnostic, PdflangError
from pdflang.ir.program import EARLIER

if TYPE_CHECKING:
    from pdflang.cli.screen import Screen
    from pdflang.embedding import Model
    from pdflang.inference import Options
    from pdflang.ir.program import BoundProgram, Program

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
            flag = "--" + field.name.replace("_", "-")
            text = _sentence(field.metadata["help"]) + shown
            command = click.option(flag, field.name, type=_click_type(field), default=default, help=text)(command)
        return command

    return decorate


def method_flags(methods: Mapping[str, Any]) -> Callable[[Any], Any]:
    """One flag for each option of any of some methods, with whose it is; those that are not given are left out."""

    def decorate(command: Any) -> Any:
        owners: dict[str, list[tuple[str, Any]]] = {}
        for method in methods.values():
            for field in fields(method.options):
                owners.setdefault(field.name, []).append((method.name, field))
        for name, owned in reversed(owners.items()):
            kind = _click_type(owned[0][1])
            flag = "--" + name.replace("_", "-")
            command = click.option(flag, name, type=kind, default=None, help=_of_methods(owned, len(methods)))(command)
        return command

    return decorate


def _of_methods(owned: list[tuple[str, Any]], methods: int) -> str:
    """The help of an option: what it is in each method that has it, and its default there."""
    said: dict[str, list[str]] = {}
    for method, field in owned:
        shown = f" [default: {field.default}]" if field.default is not None else ""
        said.setdefault(_sentence(field.metadata["help"]) + shown, []).append(method)
    if len(said) == 1 and len(owned) == methods:
        return next(iter(said))
    return " ".join(f"{', '.join(names)}: {text}" for text, names in said.items())


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _click_type(field: Any) -> Any:
    if "choices" in field.metadata:
        return click.Choice(field.metadata["choices"])
    return next((kind for kind in (int, float, str) if str(field.type).startswith(kind.__name__)), str)


def sizes_of(written: tuple[str, ...]) -> dict[str, int]:
    """What `--size` gives. Error: E610."""
    sizes = {}
    for text in written:
        name, equals, count = text.partition("=")
        if not equals or not count.strip().isdecimal():
            raise PdflangError(Diagnostic("E610", f"`--size {text}` cannot be read", remedy="write --size NAME=COUNT"))
        sizes[name.strip()] = int(count)
    return sizes


def given_by(data: tuple[str, ...]) -> dict[str, Any]:
    """What `--data` gives by name: an earlier fit by its folder."""
    from pdflang.data.overrides import parse_overrides

    folders = [text for text in data if _is_fit(text)]
    given: dict[str, Any] = parse_overrides(text for text in data if text not in folders)
    for text in folders:
        from pdflang.results.points import centre_of_run

        given[EARLIER] = centre_of_run(Path(text.partition("=")[2].strip()))
    return given


def _is_fit(text: str) -> bool:
    name, _, value = text.partition("=")
    return name.strip() == EARLIER and Path(value.strip()).is_dir()


def bound_model(
    screen: Screen, path: Path, data: tuple[str, ...], sizes: Mapping[str, int] | None = None,
    require: Callable[[Program], None] | None = None, remarks: bool = True, at_fit: bool = False,
) -> BoundProgram:  # fmt: skip
    """The program of a file with data of the command line; remarks and notes are shown.

    With `sizes` it is to be simulated, and observed data need not be there. What is to be done with it may `require`
    something of the program, which is told before data are looked for. `remarks` on the program are shown, unless
    that was done before. What is done `at_fit` needs an earlier fit, where the model refers to one.
    """
    from pdflang import driver
    from pdflang.cli.trained import source_at

    given = given_by(data)
    program = driver.check(source_at(path), given)
    if remarks:
        screen.show(remark for remark in program.lints if remark.code not in _ABSENT)
    if require:
        require(program)
    bound = driver.bind(program, given, sizes)
    if at_fit:
        from pdflang.semantics.capabilities import require_fit

        require_fit(bound)
    for note in bound.notes:
        screen.note(note)
    return bound


def load_model(
    screen: Screen, path: Path, data: tuple[str, ...], sizes: Mapping[str, int] | None = None, exact: bool = False,
    require: Callable[[Program], None] | None = None, remarks: bool = True, at_fit: bool = False,
) -> Model:  # fmt: skip
    """The compiled model of a file, as `bound_model` has it bound. A mistake in it is told before JAX is imported.

    Of the folder of a training it is the model with what was learned in place of its density, of which nothing is
    required.
    """
    from pdflang import driver
    from pdflang.cli.trained import with_learned
    from pdflang.embedding import Model
    from pdflang.inference import prepare_jax, prepare_threads
    from pdflang.learning import is_trained

    prepare_threads()
    bound = bound_model(screen, path, data, sizes, None if is_trained(path) else require, remarks, at_fit)
    prepare_jax()
    model = with_learned(Model(bound, driver.compile_bound(bound, exact=exact), {}), path)
    for compression in model.compressions.values():
        screen.note(str(compression))
    screen.show(certificate.remark for certificate in model.certificates if not certificate.holds)
    return model
