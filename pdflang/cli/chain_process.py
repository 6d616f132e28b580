"""The process of one chain, which does what it is asked for and tells what has changed.

`python -m pdflang.cli.chain_process` reads a `Job` from its standard input and then one `Request` after the other, all
pickled by its parent, and writes an `Answer` to each. It ends with its parent, or where that closes the pipe.
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from typing import Any, BinaryIO

from pdflang.inference.platform import prepare_jax


def main(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more requests."""
    prepare_jax()
    from pdflang.elsewhere import unpacked
    from pdflang.inference.chain import ChainRun
    from pdflang.inference.chain_apart import Answer, Job, Request
    from pdflang.inference.draws import NoFiniteStart
    from pdflang.inference.programs import programs_of
    from pdflang.inference.target import posterior_of
    from pdflang.inference.workers import StopRequest
    from pdflang.model import CompiledModel

    job: Job = pickle.load(requests)
    target = posterior_of(unpacked(CompiledModel, job.model)).placed()
    programs = programs_of(target, job.options, job.trajectory)
    chain = ChainRun(job.method, job.number, target, job.options, programs, job.seed, job.mode)

    def answered(request: Request) -> Any:
        chain.extend(request.total - chain.progressed.total)
        chain.is_held, chain.spent_before = request.is_held, request.spent_before
        if request.name == "compile":
            return programs.compile(target, job.options, StopRequest())
        found = getattr(chain, request.name)
        return found(*request.arguments) if callable(found) else found

    while True:
        value = failed = no_start = None
        try:
            request = pickle.load(requests)
        except EOFError:
            return
        try:
            value = answered(request)
        except NoFiniteStart as failure:
            no_start = failure.z
        except Exception:
            failed = traceback.format_exc()
        # Rows are the parent's, also those that it has sent to go on from.
        rows, chain.rows = ([] if request.name == "restore" else chain.rows), []
        answer = Answer(value, chain.progressed, rows, chain.warmup_gradients, chain.metric, no_start, failed)
        answers.write(pickle.dumps(answer))
        answers.flush()


if __name__ == "__main__":
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever is printed is no answer
    main(sys.stdin.buffer, own)
