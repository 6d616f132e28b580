"""The command line: one small file per verb, loaded when it is called."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from pdflang.cli.failure import report_failure
from pdflang.cli.screen import drop_output
from pdflang.interrupts import leave, leave_on_interrupt

EXIT_CODES = """\b
Exit codes:
  0    done
  1    the model, its data or a file is wrong; what and where was printed
  2    the command line is wrong
  3    done, but the diagnostics say that the result should not be trusted
  70   a bug in pdflang
  130  interrupted; what was there was kept
"""

VERBS = {
    "check": "Find what is wrong with a model, without reading its data.",
    "fmt": "Lay a model file out in the usual style.",
    "sample": "Draw from the posterior.",
    "train": "Learn a density from simulations.",
    "map": "Find the maximum of the posterior density.",
    "profile": "Follow the density along one parameter, or over two.",
    "reduce": "See how many numbers data determine, and outputs can be told in.",
    "simulate": "Draw data from a model.",
    "predict": "Compare data with what the prior, or a posterior, predicts.",
    "calibrate": "Fit simulated data, and see whether posteriors are right.",
    "validate": "See whether posteriors are right, beside each other and the exact one.",
    "bench": "Find the sampler that is best on a model.",
    "closure": "Fit data of a known truth, and see how far fits are from it.",
    "report": "Make a page of a run, with pictures, for the browser.",
    "compare": "Lay fits beside each other.",
    "export": "Write a run as files that other programs read.",
    "theory": "Make an FK table of a PineAPPL grid.",
    "compile": "Print the generated JAX module, which is what runs.",
    "explain": "Explain a message by its code.",
}


class _Verbs(click.Group):
    """Verbs by name; the module of a verb is imported when it is needed, not to list it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = import_module(f"pdflang.cli.{cmd_name}_verb")
        return module.command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        from pdflang.diagnostics import closest_names

        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = closest_names(args[0], VERBS)
            hint = f" Did you mean `{near[0]}`?" if near else f" The commands are {', '.join(VERBS)}."
            ctx.fail(f"There is no command `{args[0]}`.{hint}")
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from pdflang import __version__

        click.echo(f"pdflang {__version__}")
        ctx.exit()


@click.group(cls=_Verbs, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Print the version."
)
def program() -> None:
    """Infer functions from events and cross sections with models written in .pdfm files."""


def main() -> None:
    """Run the command line; the exit code says how it went."""
    leave_on_interrupt()
    for stream in (sys.stdout, sys.stderr):
        # A console that cannot show a Greek letter must not stop a fit.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(_run())


def _run() -> int:
    try:
        code = program.main(prog_name="pdflang", standalone_mode=False) or 0
        sys.stdout.flush()
        return code
    except click.ClickException as problem:
        problem.show()
        return problem.exit_code
    except (click.Abort, KeyboardInterrupt):
        leave()
    except BrokenPipeError:
        drop_output()
        return 0
    except Exception as failure:
        return report_failure(failure)
