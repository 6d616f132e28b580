"""Options of the inference methods. The command line makes its flags from these fields.

A field's metadata says what the flag's help text says (`help`), the least and greatest value (`least`,
`most`; `above`, `below` where the bound itself is excluded) and the allowed words (`choices`).
"""

from __future__ import annotations

from pdflang.inference.options.approximations import LaplaceOptions, PathfinderOptions, ViOptions
from pdflang.inference.options.base import Options, chosen_seed, option, option_as_in, options_of
from pdflang.inference.options.chains import (
    DENSE_DIMENSIONS,
    FIRST_DRAWS,
    LOW_RANK_DIMENSIONS,
    MORE_DRAWS,
    AutoOptions,
    ChainOptions,
    EllipticalOptions,
    FlowNutsOptions,
    GistOptions,
    HmcOptions,
    MalaOptions,
    MarginalOptions,
    MclmcOptions,
    MultiproposalOptions,
    NutsOptions,
    RandomWalkOptions,
    SliceOptions,
    WalkOptions,
)
from pdflang.inference.options.climbs import MapOptions, PredictOptions
from pdflang.inference.options.divided import PartitionOptions, SplitOptions
from pdflang.inference.options.ensembles import CheesOptions, EmceeOptions, LockstepOptions, MeadsOptions
from pdflang.inference.options.populations import (
    AbcOptions,
    JumpsOptions,
    NestedOptions,
    PersistentOptions,
    SmcOptions,
    TemperingOptions,
)

__all__ = [
    "DENSE_DIMENSIONS",
    "FIRST_DRAWS",
    "LOW_RANK_DIMENSIONS",
    "MORE_DRAWS",
    "AbcOptions",
    "AutoOptions",
    "ChainOptions",
    "CheesOptions",
    "EllipticalOptions",
    "EmceeOptions",
    "FlowNutsOptions",
    "GistOptions",
    "HmcOptions",
    "JumpsOptions",
    "LaplaceOptions",
    "LockstepOptions",
    "MalaOptions",
    "MapOptions",
    "MarginalOptions",
    "MclmcOptions",
    "MeadsOptions",
    "MultiproposalOptions",
    "NestedOptions",
    "NutsOptions",
    "Options",
    "PartitionOptions",
    "PathfinderOptions",
    "PersistentOptions",
    "PredictOptions",
    "RandomWalkOptions",
    "SliceOptions",
    "SmcOptions",
    "SplitOptions",
    "TemperingOptions",
    "ViOptions",
    "WalkOptions",
    "chosen_seed",
    "option",
    "option_as_in",
    "options_of",
]
