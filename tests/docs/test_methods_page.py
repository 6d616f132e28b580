"""The page of the methods has the table that the program has."""

import re

from snippets import ROOT

from pdflang.inference import METHODS


def test_the_table_is_that_of_the_program():
    page = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", page.split("## Several modes")[0], re.M)
    assert rows == [(method.name, method.purpose, method.avoid) for method in METHODS.values()]
