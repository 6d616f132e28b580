"""`python -m pdflang`."""

from pdflang.cli import main

main()
