"""What every inference method works on: a log-density over unconstrained reals, as pure JAX functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pdflang.inference.platform import double_precision

if TYPE_CHECKING:
    from pdflang.model import CompiledModel


@dataclass(frozen=True)
class Target:
    """A posterior seen by a sampler or an optimizer.

    `log_density(z, arrays)` maps a float64 vector of shape (dimension,) to a float64 scalar and includes the
    Jacobian of the map to the constrained scale; `arrays` is a pytree of data and side arrays, which is an
    argument and not a constant so that other data of the same shapes compiles nothing. `initial(key, arrays)`
    gives a start of shape (dimension,): a prior draw where the prior is proper. Then `log_prior(z, arrays)` is the
    normalised log-density of those draws, and what the log-density has beyond it is the likelihood; None where the
    prior is improper. `content` says what these functions compute, in words that mean the same in every process: by
    it their programs are kept; None where nothing can say it. `parts(count, seed)` are targets of so many parts of the
    data, whose log-densities sum up to this one; None where there are no data to divide. `nuisances` are the
    coordinates of parameters that are declared so, and `device` is where programs run if it is not JAX's first.
    `packed()` is what another process can make the target of; None where only this one has all that it takes.
    """

    dimension: int
    log_density: Callable[[Any, Any], Any]
    initial: Callable[[Any, Any], Any]
    arrays: Any
    log_prior: Callable[[Any, Any], Any] | None = None
    content: str | None = None
    parts: Callable[[int, int], Sequence[Target]] | None = None
    nuisances: tuple[int, ...] = ()
    device: Any = None
    packed: Callable[[], bytes] | None = None

    def placed(self, device: Any = None) -> Target:
        """The same with its arrays where programs run: otherwise each call brings them there."""
        import jax

        with double_precision():
            return replace(self, arrays=jax.device_put(self.arrays, device), device=device)

    def on_devices(self) -> list[Target]:
        """The same on each device of this process that JAX computes on: chains take turns of them."""
        import jax

        devices = jax.local_devices()
        return [self.placed(device) for device in devices] if len(devices) > 1 else [self.placed()]

    @contextmanager
    def there(self) -> Iterator[None]:
        """A scope in which this thread computes in float64, on the device of the target if it has one."""
        import jax

        with double_precision(), jax.default_device(self.device) if self.device is not None else nullcontext():
            yield


def posterior_of(model: CompiledModel) -> Target:
    """The posterior of a model with a density, on the unconstrained scale."""
    functions = model.functions
    prior = functions.log_prior_unconstrained if model.is_proper else None
    density, content = functions.log_density_unconstrained, functions.content
    nuisances = tuple(
        place
        for slot in functions.generated.slots
        if slot.parameter.role == "nuisance"
        for place in range(slot.start, slot.stop)
    )
    return Target(model.dimension, density, functions.start, model.arrays, prior, content, nuisances=nuisances)


def likelihood_of(model: CompiledModel) -> Target:
    """The likelihood of a model with a density, without any prior or factor."""
    return Target(model.dimension, model.functions.likelihood, model.functions.start, model.arrays)
