"""From a path as somebody wrote it to a file that may be opened.

A model may name files beneath its own folder only, so that a stranger's model is safe to run. A path from the
command line is the user's own and goes anywhere.
"""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

from pdflang.data.context import DataContext, data_error, one_of
from pdflang.diagnostics import PdflangError, closest_names


def resolve(path_text: str, context: DataContext) -> Path:
    """The file that `path_text` means.

    Errors: E501 where there is no such file, E502 where a model's path leaves the model's folder.
    """
    path = Path(path_text) if context.span is None else _beneath_model(path_text, context)
    if not _is_file(path):
        raise _missing(path_text, path, context)
    return path


def lies_beneath(path: Path, folder: Path) -> bool:
    """Whether `path`, with its symbolic links followed, is inside `folder`."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # a null byte, a loop of links
        return False


def _beneath_model(path_text: str, context: DataContext) -> Path:
    if context.folder is None:
        raise data_error(
            "E502",
            f"the model has no folder, so `{path_text}` cannot be found",
            context,
            label="a file named in a model lies beneath the model's folder",
            remedy=f'load the model from a file, or hand over the data itself: data={{"{context.name}": …}}',
        )
    absolute = Path(path_text).is_absolute() or PureWindowsPath(path_text).drive
    path = context.folder / path_text
    if absolute or not lies_beneath(path, context.folder):
        raise data_error(
            "E502",
            f"`{path_text}` is not beneath the model's folder",
            context,
            label="a model may read files beneath its own folder only",
            notes=("This makes it safe to run a model that somebody else wrote.",),
            remedy="move or copy the file beside the model, or name it on the command line: "
            f"--data {context.name}={path_text}",
        )
    return path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _missing(path_text: str, path: Path, context: DataContext) -> PdflangError:
    is_folder = not path_text.strip() or _is_folder(path)
    near = [] if is_folder else _near_files(path_text, path)
    if is_folder:
        remedy = "name a file"
    elif near:
        remedy = f"did you mean {one_of(near)}?"
    elif context.span is None:
        remedy = "paths on the command line start from the folder you are in"
    else:
        remedy = (
            f"put the file beside the model, or give the data on the command line: --data {context.name}=FILE"
        )
    return data_error(
        "E501",
        f"`{path_text}` is a folder, not a file" if is_folder else f"there is no file `{path_text}`",
        context,
        label=f"`{context.name}` is read from it" if context.span else "",
        remedy=remedy,
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _near_files(path_text: str, path: Path) -> list[str]:
    """Files of the same folder whose names resemble the one asked for, as paths to write."""
    try:
        beside = [p.name for p in sorted(path.parent.iterdir()) if p.is_file()]
    except (OSError, ValueError):
        return []
    prefix = path_text[: len(path_text) - len(path.name)]
    return [prefix + name for name in closest_names(path.name, beside)]
