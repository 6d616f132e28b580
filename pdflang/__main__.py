"""`python -m pdflang`, and the command `pdflang`."""

import gc

from pdflang.interrupts import end, leave_on_interrupt

_OBJECTS = 100_000
"""Compilation makes many objects that stay. With Python's 700 it looks for garbage among them all the time."""


def run() -> None:
    """Be ready for Ctrl-C, then load and run the command line; the process ends with them."""
    leave_on_interrupt()
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
    from pdflang.cli import main

    try:
        main()
    except SystemExit as exit_code:
        end(exit_code)


if __name__ == "__main__":
    run()
