"""The methods that draw from a posterior: the one table that commands, the Python API and the documentation read.

An adapter is a function of a `Target`, its options, a `Monitor`, a `StopRequest` and `Checkpoints`, from which it goes
on; it returns `Draws`. Those that grow also take a judge of when there are `enough` draws. Where a method only
simulates, it is a function of an `Experiment` in place of the target.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from pdflang.diagnostics import Diagnostic, PdflangError, closest_names
from pdflang.diagnostics.extras import require_extra
from pdflang.inference.options import (
    AbcOptions,
    AutoOptions,
    CheesOptions,
    EllipticalOptions,
    EmceeOptions,
    FlowNutsOptions,
    GistOptions,
    HmcOptions,
    JumpsOptions,
    LaplaceOptions,
    MalaOptions,
    MarginalOptions,
    MclmcOptions,
    MeadsOptions,
    MultiproposalOptions,
    NestedOptions,
    NutsOptions,
    Options,
    PartitionOptions,
    PathfinderOptions,
    PersistentOptions,
    RandomWalkOptions,
    SliceOptions,
    SmcOptions,
    SplitOptions,
    TemperingOptions,
    ViOptions,
)

if TYPE_CHECKING:
    from pdflang.inference.draws import Draws
    from pdflang.ir.program import Program


@dataclass(frozen=True)
class Method:
    """A method: its options, the module of its adapter, what it is for and when not to use it.

    Of the density it needs a `gradient`, or a `proper` prior that can be drawn from; nothing at all if it only
    `simulates`. It may need data that it `divides`, or nuisances that it `marginalises`. It `grows` if draws can be
    added to those that there are, and `approximates` if more of them do not bring it nearer to the posterior. The
    `packages` of an `extra` are what it is made of.
    """

    name: str
    options: type[Options]
    module: str
    purpose: str
    avoid: str
    gradient: bool = True
    proper: bool = False
    grows: bool = False
    simulates: bool = False
    divides: bool = False
    marginalises: bool = False
    approximates: bool = False
    extra: str = ""
    packages: tuple[str, ...] = ()

    @property
    def adapter(self) -> Callable[..., Draws]:
        """The function that draws; this imports JAX."""
        adapter: Callable[..., Draws] = import_module(f"pdflang.inference.{self.module}").sample
        return adapter

    def require(self, program: Program) -> None:
        """PdflangError (E611, E612, E620, E625, E626) where the program, or what is installed, is not what it needs."""
        from pdflang.semantics.capabilities import require_density, require_gradient

        require_extra(f"the method `{self.name}`", self.extra, self.packages)
        if not self.simulates:
            (require_gradient if self.gradient else require_density)(program)
        if self.divides:
            from pdflang.semantics.divisible import require_divisible

            require_divisible(program)
        if self.marginalises and all(p.role != "nuisance" for p in program.parameters.values()):
            raise PdflangError(
                Diagnostic(
                    "E626",
                    f"`{self.name}` integrates nuisances out, and the model declares none",
                    remedy="write `nuisance` in place of `param` before those that are; or sample with `nuts`",
                )
            )
        improper = next((p for p in program.parameters.values() if not p.prior.row.proper), None)
        if self.proper and improper is not None:
            raise PdflangError(
                Diagnostic(
                    "E625",
                    f"`{self.name}` starts from draws of the prior, but that of `{improper.name}` is improper",
                    improper.span,
                    remedy="write a proper prior: Normal(0, 10); or sample with `nuts`, which needs none",
                )
            )


_ROWS = (
    Method(
        "auto",
        AutoOptions,
        "auto",
        "many climbs look for modes; then HMC draws where the posterior is nearly normal, NUTS where it is not, and "
        "jumps, or SMC, where there are several modes",
        "a single evaluation takes so long that the climbs, starts × some 20 Hessians, matter",
        grows=True,
    ),
    Method(
        "hmc",
        HmcOptions,
        "hmc",
        "Hamiltonian Monte Carlo with trajectories of random length (Neal 2011): the least work where the posterior is "
        "nearly normal on the unconstrained scale",
        "scales differ from place to place, as in hierarchical models: one length does not suit all of them",
        grows=True,
    ),
    Method(
        "nuts",
        NutsOptions,
        "nuts",
        "the no-U-turn sampler (Hoffman & Gelman 2014): exact in the limit of many draws, for most models the best",
        "the posterior has modes with little between them: chains stay where they start",
        grows=True,
    ),
    Method(
        "gist",
        GistOptions,
        "gist",
        "HMC that tunes the length of each trajectory by Gibbs steps (Bou-Rabee, Carpenter & Marsden 2024): it turns "
        "where NUTS does, without its tree",
        "trajectories are long: it goes forth and back, and throws away those that would not have come back",
        grows=True,
    ),
    Method(
        "mclmc",
        MclmcOptions,
        "mclmc",
        "microcanonical Langevin Monte Carlo (Robnik et al. 2023, 2025): constant speed, hundreds of dimensions; with "
        "`--correction none` longer steps, and a bias",
        "parameters are few: the advantage grows with their number",
        grows=True,
    ),
    Method(
        "mala",
        MalaOptions,
        "mala",
        "the Metropolis-adjusted Langevin algorithm (Roberts & Tweedie 1996): one gradient for each draw; to compare "
        "with",
        "draws are to be many for the work: it diffuses where trajectories of `hmc` move on",
        grows=True,
    ),
    Method(
        "slice",
        SliceOptions,
        "slice",
        "slice sampling in random directions (Neal 2003): nothing to tune; needs no gradient",
        "there is a gradient: some 6 evaluations for each dimension make a draw; or several modes",
        gradient=False,
        grows=True,
    ),
    Method(
        "elliptical",
        EllipticalOptions,
        "elliptical",
        "elliptical slice sampling (Murray, Adams & MacKay 2010) where the prior is normal, as of Gaussian processes: "
        "nothing to tune, any number of dimensions; needs no gradient",
        "data say much more than the prior: most of each ellipse is then impossible",
        gradient=False,
        proper=True,
        grows=True,
    ),
    Method(
        "random-walk",
        RandomWalkOptions,
        "random_walk",
        "the Metropolis algorithm with normal proposals of the posterior's covariance (Haario et al. 2001), to compare "
        "with; needs no gradient",
        "there is anything else: a draw takes several proposals for each dimension",
        gradient=False,
        grows=True,
    ),
    Method(
        "multiproposal",
        MultiproposalOptions,
        "multiproposal",
        "Metropolis with many proposals at once (Calderhead 2014; Glatt-Holtz et al. 2022), whose densities are "
        "computed side by side: for hardware that does many for the price of one; needs no gradient",
        "there is a gradient, or a core computes one density at a time",
        gradient=False,
        grows=True,
    ),
    Method(
        "emcee",
        EmceeOptions,
        "emcee",
        "the ensemble of walkers of the package emcee (Goodman & Weare 2010; Foreman-Mackey et al. 2013), to compare "
        "with; needs no gradient",
        "there are more than some 10 dimensions, where it is slow and may look as if it had converged; or a gradient",
        gradient=False,
        extra="emcee",
        packages=("emcee",),
    ),
    Method(
        "chees",
        CheesOptions,
        "chees",
        "ChEES-HMC (Hoffman, Radul & Sountsov 2021): many chains in lock step whose trajectories have the length that "
        "all of them find best: for accelerators, and where one length suits all directions",
        "chains would be few, or scales differ from place to place, as in hierarchical models",
    ),
    Method(
        "meads",
        MeadsOptions,
        "meads",
        "MEADS (Hoffman & Sountsov 2022): very many chains in lock step that keep their momentum, a gradient a "
        "transition, tuned by what other chains see: for accelerators",
        "a processor has few cores: a draw of each chain costs ten gradients, and a warmup a thousand",
    ),
    Method(
        "marginal",
        MarginalOptions,
        "marginal",
        "NUTS of the parameters of interest, with what is declared as `nuisance` integrated out by Laplace's "
        "approximation (Margossian et al. 2020): hierarchies and correlations that NUTS of all of them does not follow",
        "`nuts` works: a Hessian in all nuisances costs as much as their number in gradients",
        grows=True,
        marginalises=True,
        approximates=True,
    ),
    Method(
        "laplace",
        LaplaceOptions,
        "laplace",
        "the normal distribution at the maximum: fast, good where data are many",
        "parameters are few data's or near bounds, or the posterior is curved: Pareto k says how wrong it is",
        approximates=True,
    ),
    Method(
        "pathfinder",
        PathfinderOptions,
        "pathfinder",
        "normal approximations along quasi-Newton paths (Zhang et al. 2022), resampled by importance: a first look",
        "numbers are to be published: tails are too light where Pareto k is large, and it is large in many dimensions",
        approximates=True,
    ),
    Method(
        "vi",
        ViOptions,
        "vi",
        "the nearest normal distribution, with all correlations (full-rank) or none (mean-field)",
        "widths matter: mean-field understates them by far where parameters are correlated, and no family has tails",
        approximates=True,
    ),
    Method(
        "smc",
        SmcOptions,
        "smc",
        "tempered sequential Monte Carlo (Del Moral et al. 2006): several modes with their weights, and the evidence",
        "there are hundreds of dimensions, or the prior is so wide that many temperatures are needed",
        proper=True,
    ),
    Method(
        "jumps",
        JumpsOptions,
        "jumps",
        "trajectories within modes, and jumps between them by a mixture of normals that climbs begin and warmup fits "
        "(Pompe et al. 2020): several modes for what one costs, with their shares and the evidence",
        "modes are far from normal, or climbs do not reach them all",
    ),
    Method(
        "flow-nuts",
        FlowNutsOptions,
        "flow_nuts",
        "NUTS in the coordinates of a normalising flow that was fitted to draws, and independent draws of the flow "
        "(Hoffman et al. 2019; Albergo et al. 2021): curved posteriors and modes that scouts see, with the evidence",
        "the posterior is nearly normal or a density costs little: the flow costs more than it saves",
        extra="learn",
        packages=("equinox", "flowjax", "paramax"),
    ),
    Method(
        "persistent",
        PersistentOptions,
        "persistent",
        "persistent sampling (Karamanis & Seljak 2024): as smc, with the particles of all temperatures, for densities "
        "that cost: more draws and a better evidence from as many gradients",
        "the density is cheap or there are hundreds of temperatures: weights cost their number squared",
        proper=True,
    ),
    Method(
        "tempering",
        TemperingOptions,
        "tempering",
        "parallel tempering with swaps that do not turn back (Geyer 1991; Syed et al. 2022): modes and funnels that "
        "draws of the prior lead into, and the evidence, in chains that R-hat compares",
        "the posterior has one mode that chains reach: all rungs of a ladder move for each draw",
        proper=True,
    ),
    Method(
        "nested",
        NestedOptions,
        "nested",
        "nested slice sampling (Skilling 2006; Yallup et al. 2026): the evidence with an error; needs no gradient",
        "there are more than some 30 dimensions: the cost grows with their square",
        gradient=False,
        proper=True,
    ),
    Method(
        "partition",
        PartitionOptions,
        "partition",
        "NUTS in cells of the space, weighed by their integrals (Hafych et al. 2022): modes that an exploration sees "
        "with their shares, the evidence, and work for as many cores as there are cells and chains",
        "one mode has nearly all: the same is done several times; or there are many dimensions to divide",
    ),
    Method(
        "split",
        SplitOptions,
        "split",
        "NUTS of parts of the data, each for itself, and a combination of their draws (Scott et al. 2016; Neiswanger "
        "et al. 2014; Wang et al. 2015; de Souza et al. 2022): data too many for one machine; to compare with",
        "one machine has all the data: what it saves, the combination loses",
        divides=True,
        approximates=True,
    ),
    Method(
        "abc",
        AbcOptions,
        "abc",
        "approximate Bayesian computation: parameters whose simulated data are near those observed, in populations "
        "that come nearer (Toni et al. 2009); needs no density, only the simulator",
        "the model has a density, more than some 10 parameters, or many data sets: then an exact method, or `train`",
        gradient=False,
        proper=True,
        simulates=True,
        approximates=True,
    ),
)

METHODS = {method.name: method for method in _ROWS}
"""All methods by name."""


def method_of(options: Options) -> Method:
    """The method whose options these are."""
    return next(method for method in _ROWS if type(options) is method.options)


def method_named(name: str) -> Method:
    """The method of that name. Raises `PdflangError` (E620) where there is none."""
    if name not in METHODS:
        near = closest_names(str(name), METHODS)
        remedy = f"did you mean `{near[0]}`?" if near else f"the methods are {', '.join(METHODS)}"
        raise PdflangError(Diagnostic("E620", f"there is no method `{name}`", remedy=remedy))
    return METHODS[name]
