"""The page of the architecture names each layer of the import contract, and nothing that is not there."""

import re
import tomllib

from snippets import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def named() -> set[str]:
    rows = re.findall(r"^\| (`pdflang/.*?) \|", PAGE, re.M)
    return {name.removeprefix("pdflang/").removesuffix(".py") for row in rows for name in re.findall(r"`(.*?)`", row)}


def test_the_table_has_the_layers_of_the_contract():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    # Parts of one layer that know nothing of each other stand on one line.
    assert named() == {part.removeprefix("pdflang.") for layer in layers for part in layer.split(" | ")}
