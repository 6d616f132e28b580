"""Sets up JAX as the command line does, with a cache of compiled programs that these tests share."""

import os
import tempfile

os.environ.setdefault("PDFLANG_CACHE", tempfile.mkdtemp(prefix="pdflang-test-cache-"))

from pdflang.inference import prepare_jax

prepare_jax()
