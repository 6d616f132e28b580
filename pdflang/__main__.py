"""`python -m pdflang`, and the command `pdflang`."""

from pdflang.interrupts import end, leave_on_interrupt


def run() -> None:
    """Be ready for Ctrl-C, then load and run the command line; the process ends with them."""
    leave_on_interrupt()
    from pdflang.cli import main

    try:
        main()
    except SystemExit as exit_code:
        end(exit_code)


if __name__ == "__main__":
    run()
