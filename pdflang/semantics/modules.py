"""Files that use files: each is one instance, however often and by whatever alias it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pdflang.diagnostics import Diagnostic, Label, PdflangError, Reports, SourceFile, Span, closest_names
from pdflang.resources import resource_folder
from pdflang.syntax import ast, parse

RESERVED_CONSTANTS = ("pi", "inf")


@dataclass(frozen=True)
class Override:
    """`with name = value` or `with name ~ prior`, and the module whose scope the value is written in."""

    setting: ast.Setting
    module: ModuleInstance = field(compare=False)


@dataclass(frozen=True)
class Entry:
    """A name of a module's scope: what declares it, and the module that owns the declaration."""

    name: str
    declaration: ast.Declaration | ast.Axis
    module: ModuleInstance = field(compare=False)

    @property
    def span(self) -> Span:
        declaration = self.declaration
        return declaration.span if isinstance(declaration, ast.Axis) else declaration.name_span

    @property
    def qualified(self) -> str:
        """The name by which results and messages call it."""
        return self.module.prefix + self.name


@dataclass(eq=False)
class ModuleInstance:
    """One file of a model. `prefix` is empty for the main file, `ew.` for a file used as `ew`."""

    source: SourceFile
    tree: ast.Module
    prefix: str
    entries: dict[str, Entry] = field(default_factory=dict)
    modules: dict[str, ModuleInstance] = field(default_factory=dict)
    overrides: dict[str, Override] = field(default_factory=dict)

    def find(self, name: str) -> Entry | ModuleInstance | None:
        return self.entries.get(name) or self.modules.get(name)

    def names(self) -> list[str]:
        return [*self.entries, *self.modules]


class Modules:
    """Reads the main file and everything it uses. Errors are collected in `reports`."""

    def __init__(self, main: SourceFile, reports: Reports) -> None:
        self._reports = reports
        self._by_path: dict[str, ModuleInstance] = {}
        self._loading: list[str] = []
        self.main = self._load(main, "", _identity(main))

    @property
    def instances(self) -> tuple[ModuleInstance, ...]:
        """All files, the main one first."""
        return (self.main, *(m for m in self._by_path.values() if m is not self.main))

    def _load(self, source: SourceFile, prefix: str, identity: str) -> ModuleInstance:
        instance = ModuleInstance(source, parse(source), prefix)
        self._by_path[identity] = instance
        self._loading.append(identity)
        for declaration in instance.tree.declarations:
            self._declare(instance, declaration)
        for declaration in instance.tree.declarations:
            if isinstance(declaration, ast.Data):
                self._declare_lengths(instance, declaration)
        for use in instance.tree.uses:
            with self._reports.collecting():
                self._use(instance, use)
        self._loading.pop()
        return instance

    def _declare(self, instance: ModuleInstance, declaration: ast.Declaration) -> None:
        if isinstance(declaration, ast.Observe):
            return
        if declaration.name in RESERVED_CONSTANTS:
            self._reports.add(
                Diagnostic(
                    "E207",
                    f"`{declaration.name}` is a constant of the language and cannot be declared",
                    declaration.name_span,
                    remedy="choose another name",
                )
            )
        self._add(instance, Entry(declaration.name, declaration, instance))

    def _declare_lengths(self, instance: ModuleInstance, data: ast.Data) -> None:
        for axis in data.axes:
            if isinstance(axis.over, ast.Name) and axis.over.name not in instance.entries:
                instance.entries[axis.over.name] = Entry(axis.over.name, axis, instance)

    def _add(self, instance: ModuleInstance, entry: Entry) -> None:
        known = instance.entries.get(entry.name)
        if known:
            self._reports.add(
                Diagnostic(
                    "E202",
                    f"`{entry.name}` is declared twice",
                    entry.span,
                    label="declared again",
                    related=(Label(known.span, "first declared here"),),
                    remedy="rename or remove one of the two",
                )
            )
        else:
            instance.entries[entry.name] = entry

    def _use(self, instance: ModuleInstance, use: ast.Use) -> None:
        source, identity = self._find(instance, use)
        alias = use.alias or Path(use.path.replace(".", "/") if not use.is_file else use.path).stem
        used = self._by_path.get(identity)
        if identity in self._loading:
            chain = [Path(path).name for path in [*self._loading[self._loading.index(identity) :], identity]]
            raise PdflangError(
                Diagnostic(
                    "E203",
                    f"files use each other in a circle: {' uses '.join(chain)}",
                    use.span,
                    remedy="move what both need into a third file",
                )
            )
        if used is None:
            used = self._load(source, f"{instance.prefix}{alias}.", identity)
        if use.imported:
            for imported in use.imported:
                self._import(instance, used, imported)
        else:
            instance.modules[alias] = used
        for setting in use.settings:
            self._override(instance, used, setting)

    def _import(self, instance: ModuleInstance, used: ModuleInstance, imported: ast.Imported) -> None:
        entry = used.entries.get(imported.name)
        if entry is None:
            near = closest_names(imported.name, used.entries)
            self._reports.add(
                Diagnostic(
                    "E205",
                    f"{used.source.name} has no `{imported.name}`",
                    imported.span,
                    remedy=f"did you mean `{near[0]}`?" if near else f"it has {listing(used.entries)}",
                )
            )
            return
        name = imported.alias or imported.name
        known = instance.entries.get(name)
        if known and known != entry:
            self._reports.add(
                Diagnostic(
                    "E202",
                    f"`{name}` is declared here and used from {used.source.name}",
                    imported.span,
                    related=(Label(known.span, "declared here"),),
                    remedy=f"give one another name: `{imported.name} as …`",
                )
            )
            return
        instance.entries[name] = entry

    def _override(self, instance: ModuleInstance, used: ModuleInstance, setting: ast.Setting) -> None:
        entry = used.entries.get(setting.name)
        if entry is None or not isinstance(entry.declaration, ast.Param | ast.Const):
            kinds = (ast.Const, ast.Param)  # a module has few constants
            known = [n for kind in kinds for n, e in used.entries.items() if isinstance(e.declaration, kind)]
            near = closest_names(setting.name, known)
            raise PdflangError(
                Diagnostic(
                    "E206",
                    f"`with` sets a parameter or constant of {used.source.name}, and `{setting.name}` is none",
                    setting.span,
                    remedy=f"did you mean `{near[0]}`?" if near else f"it has {listing(known)}",
                )
            )
        if setting.is_prior and isinstance(entry.declaration, ast.Const):
            raise PdflangError(
                Diagnostic(
                    "E206", f"`{setting.name}` is a constant of {used.source.name}, and has no prior", setting.span,
                    remedy=f"give it a value: {setting.name} = …",
                )
            )  # fmt: skip
        before = used.overrides.get(setting.name)
        if before and before.setting != setting:
            raise PdflangError(
                Diagnostic(
                    "E206",
                    f"`{setting.name}` is set twice, to different values",
                    setting.span,
                    related=(Label(before.setting.span, "set here before"),),
                    remedy="a used file is one instance: set a parameter of it in one place",
                )
            )
        used.overrides[setting.name] = Override(setting, instance)

    def _find(self, instance: ModuleInstance, use: ast.Use) -> tuple[SourceFile, str]:
        if use.is_file:
            return _model_file(instance.source, use)
        return _library_file(use)


def place_of(source: SourceFile, main: SourceFile) -> str:
    """The name of a file of a model, from the folder of the main one: as the main one would use it."""
    if source is main or source.folder is None or main.folder is None or not source.name.endswith(".pdfm"):
        return source.name
    path = source.folder.resolve() / Path(source.name).name
    return path.relative_to(main.folder.resolve()).as_posix()


def _identity(source: SourceFile) -> str:
    return str((source.folder / source.name).resolve()) if source.folder else source.name


def _model_file(user: SourceFile, use: ast.Use) -> tuple[SourceFile, str]:
    folder = (user.folder or Path.cwd()).resolve()
    path = (folder / use.path).resolve()
    if not path.is_relative_to(folder):
        raise PdflangError(
            Diagnostic(
                "E204",
                f"`{use.path}` lies outside the folder of {user.name}",
                use.span,
                remedy="a model reads only files beneath its own folder: move or copy the file there",
            )
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as failure:
        near = closest_names(path.name, (p.name for p in folder.glob("*.pdfm")))
        reason = "does not exist" if isinstance(failure, FileNotFoundError) else f"cannot be read ({failure})"
        raise PdflangError(
            Diagnostic(
                "E204",
                f"the file `{use.path}` {reason}",
                use.span,
                remedy=f"did you mean `{near[0]}`?" if near else f"it is looked for in {folder}",
            )
        ) from None
    return SourceFile(use.path, text, path.parent), str(path)


def _library_file(use: ast.Use) -> tuple[SourceFile, str]:
    parts = use.path.split(".")
    library = resource_folder("stdlib")
    known = ["std." + ".".join(p.relative_to(library).with_suffix("").parts) for p in sorted(library.rglob("*.pdfm"))]
    if use.path not in known:
        near = closest_names(use.path, known)
        raise PdflangError(
            Diagnostic(
                "E204",
                f"the library has no module `{use.path}`",
                use.span,
                remedy=f"did you mean `{near[0]}`?" if near else f"it has {listing(known)}",
                notes=('a file beside this one is used by its name in quotes: use "file.pdfm"',),
            )
        )
    path = library.joinpath(*parts[1:]).with_suffix(".pdfm")
    return SourceFile(use.path, path.read_text(encoding="utf-8"), path.parent), use.path


def listing(names: Mapping[str, object] | list[str]) -> str:
    """The first names of some, as the end of a sentence."""
    shown = [f"`{name}`" for name in list(names)[:12]]
    return ", ".join(shown) + (", …" if len(names) > 12 else "") if shown else "none"
