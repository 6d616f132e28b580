"""Failures of what the embedding program registered, carried from the threads of compiled code to who called it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import jax

from pdflang.components.handles import Failed

_lock = Lock()
_kept: list[Failed] = []
_watching = 0


@contextmanager
def watched() -> Iterator[None]:
    """What fails inside is raised here as Failed, whatever came of it until then.

    Where several threads watch, each raises what failed since it began: none loses a failure of its own.
    """
    global _watching
    with _lock:
        _watching += 1
        before = len(_kept)
    try:
        yield
    except Failed:
        raise
    except Exception as consequence:
        raise _since(before) or consequence from None
    else:
        if failure := _since(before):
            raise failure
    finally:
        with _lock:
            _watching -= 1
            if not _watching:
                _kept.clear()


def _since(before: int) -> Failed | None:
    return next(iter(_kept[before:]), None)


def keep(failure: Failed) -> None:
    """Leave a failure for those who watch. Raises it where nobody does, as in a program that the user compiled."""
    with _lock:
        if not _watching:
            raise failure
        _kept.append(failure)


def ready(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose results are there when it returns, so that Failed can be raised."""

    def call(*arguments: Any, **options: Any) -> Any:
        with watched():
            return jax.block_until_ready(function(*arguments, **options))

    return call
