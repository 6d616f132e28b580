"""`python -m pdflang`, and the command `pdflang`."""

from pdflang.interrupts import leave_on_interrupt


def run() -> None:
    """Be ready for Ctrl-C, then load and run the command line."""
    leave_on_interrupt()
    from pdflang.cli import main

    main()


if __name__ == "__main__":
    run()
