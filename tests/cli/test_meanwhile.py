"""Imports beside compilation: they happen, and one that fails is silent."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, threading
from pdflang.cli.meanwhile import import_meanwhile
import_meanwhile({names}, after="json")
print("json" in sys.modules)
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join()
print("sqlite3" in sys.modules)
"""


def run(*names: str) -> tuple[str, str]:
    program = PROGRAM.format(names=", ".join(map(repr, names)))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def test_modules_are_imported_in_another_thread() -> None:
    assert run("sqlite3") == ("True\nTrue\n", "")


def test_a_module_that_fails_is_not_told_of() -> None:
    assert run("no_such_module", "sqlite3") == ("True\nFalse\n", "")
