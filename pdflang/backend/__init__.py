"""A planned program becomes a Python module over JAX."""

from pdflang.backend.module import GeneratedModule, generate

__all__ = ["GeneratedModule", "generate"]
