"""One thread for each sum, as in processes of ours: threads of tests that run side by side wait for each other."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
