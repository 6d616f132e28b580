"""What a run leaves behind: the posterior, its summary, its diagnostics, the folder that holds them."""

from pdflang.results.diagnostics import Finding, diagnose
from pdflang.results.posterior import posterior_tree
from pdflang.results.provenance import provenance
from pdflang.results.run_folder import RunFolder, open_run
from pdflang.results.schema import Role, VariableSchema
from pdflang.results.sufficiency import account, suffices
from pdflang.results.summary import Row, summarise

__all__ = [
    "Finding",
    "Role",
    "Row",
    "RunFolder",
    "VariableSchema",
    "account",
    "diagnose",
    "open_run",
    "posterior_tree",
    "provenance",
    "suffices",
    "summarise",
]
