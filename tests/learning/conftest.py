"""Sets up JAX as the command line does; leaves out these tests where the packages of `pdflang[learn]` are missing."""

import os
import tempfile
from importlib.util import find_spec

os.environ.setdefault("PDFLANG_CACHE", tempfile.mkdtemp(prefix="pdflang-test-cache-"))

from pdflang.inference import prepare_jax

prepare_jax()

collect_ignore_glob = [] if find_spec("flowjax") and find_spec("equinox") else ["test_*.py"]
