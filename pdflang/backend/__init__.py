"""A planned program becomes a Python module over JAX."""

from pdflang.backend.module import GeneratedModule, generate, generate_probability

__all__ = ["GeneratedModule", "generate", "generate_probability"]
