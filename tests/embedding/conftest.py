"""A host program that has its own settings, and a count of what JAX compiles."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(autouse=True)
def host_of_32_bits() -> Iterator[None]:
    """JAX as it is by default; no call may change that."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", False)
    try:
        yield
        assert not jax.config.jax_enable_x64
        assert jax.numpy.ones(1).dtype == jax.numpy.float32
    finally:
        jax.config.update("jax_enable_x64", before)


_compiled: list[str] = []
jax.monitoring.register_event_duration_secs_listener(
    lambda event, seconds, **details: _compiled.append(event) if event.endswith("backend_compile_duration") else None
)


@pytest.fixture
def compiled() -> list[str]:
    """What was compiled since the test began, or since it was cleared."""
    _compiled.clear()
    return _compiled
