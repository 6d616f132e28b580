"""Packages of optional extras: what is said where one is missing."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from pdflang.diagnostics.report import Diagnostic, PdflangError


def require_extra(purpose: str, extra: str, packages: Sequence[str]) -> None:
    """PdflangError (E620) where one of the packages of an extra is not installed; this imports none of them."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        message = f"{purpose} needs the package {_DISTRIBUTIONS.get(missing[0], missing[0])}, which is not installed"
        raise PdflangError(Diagnostic("E620", message, remedy=f'install it: pip install "pdflang[{extra}]"'))


_DISTRIBUTIONS = {"sklearn": "scikit-learn"}
"""Packages that are called otherwise than what they are imported as."""
