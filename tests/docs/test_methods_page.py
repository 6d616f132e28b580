"""The pages of methods have the tables that the program has."""

import re

from snippets import ROOT

from pdflang.inference import METHODS
from pdflang.learning.methods import LEARNING


def test_the_table_is_that_of_the_program():
    page = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \| (.*) \|$", page.split("## Several modes")[0], re.M)
    assert rows == [(method.name, method.purpose, method.avoid) for method in METHODS.values()]


def test_the_table_of_training_is_that_of_the_program():
    page = (ROOT / "docs" / "likelihood_free.md").read_text(encoding="utf-8").split("## Methods")[1]
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \| (.*) \|$", page.split("## What networks see")[0], re.M)
    assert [tuple(cell.replace("\\|", "|") for cell in row) for row in rows] == [
        (method.name, method.purpose, method.avoid) for method in LEARNING.values()
    ]
