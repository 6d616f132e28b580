"""What pdflang says about a model or its data: sources and spans, codes, reports, rendering."""

from pdflang.diagnostics.report import (
    CompilerPanic,
    Diagnostic,
    Label,
    PdflangError,
    Reports,
    Severity,
    closest_names,
)
from pdflang.diagnostics.source import SourceFile, Span, lines_of

__all__ = [
    "CompilerPanic",
    "Diagnostic",
    "Label",
    "PdflangError",
    "Reports",
    "Severity",
    "SourceFile",
    "Span",
    "closest_names",
    "lines_of",
]
