"""Random well-typed models as text, with their data: whatever the language has, in combinations nobody writes.

Names come from `name(i)`, so that one seed gives one program under any names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

PRIORS = (
    "Normal({r}, {p})",
    "Normal({r}, {p}) in (-0.4, inf)",
    "Normal({r}, 0.8) in (-inf, 2)",
    "Normal({r}, {p}) in (-1, 1.5)",
    "LogNormal({r}, 0.5)",
    "Gamma(2.5, {p})",
    "InverseGamma(3, {p})",
    "Beta(2, {p})",
    "Uniform(-1, 2.5)",
    "Exponential({p})",
    "StudentT(4, {r}, {p})",
    "HalfNormal({p})",
    "Logistic({r}, {p})",
    "Weibull(1.5, {p})",
    "Gamma(2, 1) in (0.5, 4)",
)


@dataclass
class RandomModel:
    """`text` and `data`; building it draws from `rng`."""

    rng: np.random.Generator
    name: Callable[[int], str]
    lines: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    scalars: list[str] = field(default_factory=list)
    arrays: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    densities: list[str] = field(default_factory=list)
    _count: int = 0

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    # --- pieces ---------------------------------------------------------------------------------------------

    def fresh(self) -> str:
        self._count += 1
        return self.name(self._count)

    def pick(self, *options: Any) -> Any:
        return options[self.rng.integers(len(options))]

    def number(self, low: float = 0.3, high: float = 2.0) -> str:
        return f"{self.rng.uniform(low, high):.3f}"

    def expression(self, depth: int, variables: tuple[str, ...] = (), index: str | None = None) -> str:
        """A tame real expression: of parameters, of `variables`, of elements at `index`."""
        leaves = [*self.scalars, *variables, self.number()]
        leaves += [f"{array}[{index}]" for array in self.arrays] if index else []
        if depth == 0:
            return self.pick(*leaves)

        def part() -> str:
            return self.expression(depth - 1, variables, index)

        kind = self.rng.integers(13)
        if kind < 4:
            return f"({part()} {self.pick('+', '-', '*')} {part()})"
        if kind == 4:
            return f"{self.pick('sin', 'cos', 'tanh', 'atan', 'Phi')}({part()})"
        if kind == 5:
            return f"exp(0.3*tanh({part()}))"
        if kind == 6:
            return f"{self.pick('log', 'sqrt')}(1 + ({part()})^2)"
        if kind == 7:
            return f"({part()} / (1 + ({part()})^2))"
        if kind == 8:
            # Without the variables: an integrand that jumps has no rule to 1e-10.
            one, other = (self.expression(depth - 1, (), index) for _ in range(2))
            return f"(if {one} > {other} then {part()} else {part()})"
        if kind == 9:
            step = self.fresh()
            body = self.expression(depth - 1, (*variables, f"({step} + 1)"), index)
            some = self.pick("", f" where {step} > 0", f" where {step} != 1")
            return f"sum(tanh({body}) for {step} in {self.pick('3', '4')}{some})"
        if kind == 10 and self.functions:
            return f"{self.pick(*self.functions)}({part()}, {part()})"
        if kind == 11:
            step = self.fresh()
            return f"dot([{part()}, {part()}], (0.2*{step} for {step} in 2))"
        if kind == 12:
            x = self.fresh()
            low, high = self.pick(("0", "1"), ("0.1", "0.8"), ("-1", "2"))
            return f"integral(tanh({self.expression(1, (x, *variables), index)}) for {x} in ({low}, {high}))"
        return f"(-{part()})"

    def positive(self, depth: int, variables: tuple[str, ...] = (), index: str | None = None) -> str:
        return f"(0.2 + ({self.expression(depth, variables, index)})^2)"

    # --- declarations ---------------------------------------------------------------------------------------

    def declare(self) -> None:
        """A whole model."""
        self.axis = self.fresh()
        self.lines.append(f"index {self.axis} = {', '.join(self.fresh() for _ in range(3))}")
        for _ in range(self.rng.integers(2, 5)):
            self.parameter()
        if self.rng.random() < 0.7:
            self.plate()
        for _ in range(self.rng.integers(0, 3)):
            self.derived()
        if self.rng.random() < 0.6:
            self.function()
        if self.rng.random() < 0.7:
            self.density()
        for _ in range(self.rng.integers(1, 4)):
            self.pick(
                self.normal, self.counts, self.vector, self.mixture, self.ragged, self.binned, self.other, self.events,
                self.series,
            )()
        if self.rng.random() < 0.3:
            self.lines.append(f"factor {self.fresh()} = -({self.expression(2)})^2")
        for _ in range(self.rng.integers(0, 3)):
            self.output()

    def parameter(self) -> None:
        name = self.fresh()
        prior = self.pick(*PRIORS).format(r=self.number(-0.5, 0.8), p=self.number(0.5, 1.5))
        if self.scalars and self.rng.random() < 0.4:
            one = self.expression(1)
            prior = self.pick(
                f"Normal({one}, {self.positive(1)})",
                f"Normal({one}, {self.positive(1)}) in ({one}, inf)",
                f"Uniform({one}, {one} + {self.positive(1)})",
                f"Logistic({one}, 0.5) in ({one} - {self.positive(1)}, {one} + 1)",
            )
        self.lines.append(f"{self.pick('param', 'nuisance')} {name} ~ {prior}")
        self.scalars.append(name)

    def plate(self) -> None:
        name = self.fresh()
        if self.rng.random() < 0.5:
            i = self.fresh()
            head = f"{name}[{i} in {self.axis}]"
            prior = f"Normal({self.expression(1)} + 0.1*{i}, {self.positive(1)})"
        else:
            head, prior = (
                f"{name}[{self.axis}]",
                self.pick("Normal(0.2, 1) in (-1, 2)", "Gamma(2, 2)", "Normal(0, 1)"),
            )
        self.lines.append(f"param {head} ~ {prior}")
        self.arrays.append(name)
        kind = self.rng.integers(4)
        if kind == 0:
            self.lines.append(f"param {self.fresh()}[3]: ordered ~ Normal(0, 1.5)")
        elif kind == 1:
            weights = self.fresh()
            self.lines.append(f"param {weights}[{self.axis}] ~ Dirichlet([1.5, 2, 2.5])")
            self.arrays.append(weights)

    def derived(self) -> None:
        name = self.fresh()
        if self.rng.random() < 0.5:
            self.lines.append(f"let {name} = {self.expression(2)}")
            self.scalars.append(name)
        else:
            i = self.fresh()
            self.lines.append(f"let {name}[{i} in {self.axis}] = {self.expression(2, index=i)}")
            self.arrays.append(name)

    def function(self) -> None:
        name, a, b = self.fresh(), self.fresh(), self.fresh()
        self.lines.append(f"func {name}({a}, {b}) = tanh({self.expression(2, (a, b))})")
        self.functions.append(name)

    def density(self) -> None:
        """A density with powers of x and 1 − x, alone or as a family."""
        x, name = self.fresh(), self.fresh()
        extra = self.pick("1", f"(1 + {x}^2)", f"(1 + 0.4*sqrt({x}) + 0.3*{x})", f"exp(-{x})")
        a, b = (f"(0.4 + 0.5*Phi({self.expression(1)}))" for _ in range(2))
        body = f"{self.positive(1)} * {x}^{a} * (1 - {x})^(1 + {b}) * {extra}"
        if self.rng.random() < 0.4:
            i = self.fresh()
            self.lines.append(f"pdf {name}[{i} in {self.axis}]({x}) = (1 + 0.2*{i}) * {body}")
            self.densities += [f"{name}[{k}]" for k in range(3)]
        else:
            self.lines.append(f"pdf {name}({x}) = {body}")
            self.densities.append(name)

    # --- observations ---------------------------------------------------------------------------------------

    def normal(self) -> None:
        y, s, i, n = self.fresh(), self.fresh(), self.fresh(), self.fresh()
        length = int(self.rng.integers(1, 5))
        self.data |= {y: self.rng.normal(size=length), s: self.rng.uniform(0.5, 1.5, length)}
        self.lines += [f"data {y}[{n}]", f"data {s}[{n}]"]
        scale = self.pick(f"{s}[{i}]", f"{s}[{i}] * {self.positive(1)}", self.positive(1), "0.8")
        self.lines.append(f"observe {y}[{i} in {n}] ~ Normal({self.expression(2, (f'0.3*{i}',))}, {scale})")

    def counts(self) -> None:
        y = self.fresh()
        self.data[y] = self.rng.poisson(3, 3)
        self.lines.append(f"data {y}[{self.axis}]: int")
        i = self.fresh()
        rate = self.positive(2, index=i)
        law = self.pick(f"Poisson({rate})", f"NegativeBinomial({rate}, {self.number()})")
        self.lines.append(f"observe {y}[{i} in {self.axis}] ~ {law}")

    def vector(self) -> None:
        y, r, i, j = (self.fresh() for _ in range(4))
        matrix = self.rng.normal(size=(3, 3))
        self.data |= {y: self.rng.normal(size=3), r: matrix @ matrix.T + np.eye(3)}
        self.lines += [f"data {y}[3]", f"data {r}[3, 3]"]
        linear = f"{r} @ ({self.expression(1, (i,))} for {i} in 3)"
        free = f"({self.expression(2, (j,))} for {j} in 3)"
        mean = self.pick(linear, free, f"{self.expression(1)} * ({linear})", f"{linear} - {r} @ [1, 0.5, 2]")
        self.lines.append(f"observe {y} ~ MvNormal({mean}, cov = {r})")

    def mixture(self) -> None:
        y, n = self.fresh(), self.fresh()
        self.data[y] = self.rng.normal(size=3)
        self.lines.append(f"data {y}[{n}]")
        if self.arrays and self.rng.random() < 0.4:
            k = self.fresh()
            part = f"Normal({self.expression(1, index=k)}, {self.positive(1)}) for {k} in {self.axis}"
            self.lines.append(f"observe {y} ~ Mixture([0.2, 0.3, 0.5], {part})")
            return
        first, second = (f"Normal({self.expression(1)}, {self.positive(1)})" for _ in range(2))
        share = f"(0.1 + 0.8*Phi({self.expression(1)}))"
        self.lines.append(f"observe {y} ~ Mixture([{share}, 1 - {share}], [{first}, {second}])")

    def events(self) -> None:
        """A list of events, and what else may run over its axis: all of it sees the events and no more."""
        y, n, x, rate, i = (self.fresh() for _ in range(5))
        length = int(self.rng.integers(1, 7))
        self.data[y] = self.rng.uniform(0.05, 0.95, length)
        self.lines.append(f"data {y}[{n}]")
        body = self.pick(self.positive(2, (x,)), *(f"(2*{d}({x}) + {self.positive(1)})" for d in self.densities))
        self.lines.append(f"theory {rate}({x} in (0, 1)) = {body}")
        weights = ""
        if self.rng.random() < 0.4:
            w = self.fresh()
            self.data[w] = self.rng.uniform(0.2, 2, length)
            self.lines.append(f"data {w}[{n}]")
            weights = f", weights = {self.pick(w, f'2*{w}')}"
        self.lines.append(f"observe {y} ~ {self.pick('PoissonProcess', 'Iid')}({rate}{weights})")
        beside = self.rng.integers(5)
        if beside == 0:
            z = self.fresh()
            self.data[z] = self.rng.normal(size=length)
            self.lines += [f"data {z}[{n}]", f"observe {z}[{i} in {n}] ~ Normal({self.expression(1)}*{y}[{i}], 0.7)"]
        elif beside == 1:
            self.lines.append(f"output {self.fresh()}[{i} in {n}] = {self.expression(1, (f'{y}[{i}]',))}")
        elif beside == 2:
            terms = f"tanh({self.expression(1, (f'{y}[{i}]',))}) for {i} in {n}"
            self.lines.append(f"output {self.fresh()} = sum({terms})")

    def series(self) -> None:
        """A recurrence over data that stand apart, and data that follow earlier ones."""
        y, u, n, step, s, v, t = (self.fresh() for _ in range(7))
        self.data |= {y: self.rng.normal(size=4), u: self.rng.normal(size=4)}
        self.lines += [f"data {y}[{n}]", f"data {u}[{n}]"]
        self.lines.append(f"func {step}({s}, {v}) = tanh({self.expression(1, (s, v))})")
        state = self.fresh()
        self.lines.append(f"let {state} = scan({step}, {self.expression(1)}, {u})")
        mean = self.pick(f"{state}[{t}]", f"{self.expression(1)}*{y}[{t} - 1]", f"{state}[{t}] + 0.5*{y}[{t} - 1]")
        self.lines.append(f"observe {y}[{t} in 1:{n}] ~ Normal({mean}, {self.positive(1)})")

    def ragged(self) -> None:
        y, g, n = self.fresh(), self.fresh(), self.fresh()
        if not self.arrays:
            return self.normal()
        self.data |= {y: self.rng.normal(size=4), g: np.array([2, 0, 0, 1])}
        self.lines += [f"data {y}[{n}]", f"data {g}[{n}]: {self.axis}"]
        array = self.pick(*self.arrays)
        self.lines.append(
            f"observe {y} ~ {self.pick('Normal', 'Logistic', 'Cauchy')}({array}[{g}], {self.positive(1)})"
        )
        return None

    def binned(self) -> None:
        if not self.densities:
            return self.counts()
        y, edges = self.fresh(), self.fresh()
        self.data[y] = self.rng.poisson(2, 4)
        ends = self.pick("0, 1", "0.05, 0.95", "0, 0.9", "0.2, 1")
        self.lines += [f"const {edges} = linspace({ends}, 5)", f"data {y}[4]: int"]
        first, second = self.pick(*self.densities), self.pick(*self.densities)
        x = self.fresh()
        theory = self.pick(f"(3*{first}({x}) + {second}({x}) for {x} in (0, 1))", first)
        self.lines.append(f"observe {y} ~ Poisson(0.1 + 5*({theory} |> bins({edges})))")
        return None

    def other(self) -> None:
        y, n = self.fresh(), self.fresh()
        law, values = self.pick(
            (f"Exponential({self.positive(1)})", self.rng.exponential(size=3)),
            (f"Bernoulli(0.05 + 0.9*Phi({self.expression(2)}))", self.rng.integers(0, 2, 3)),
            (f"Binomial(7, 0.05 + 0.9*Phi({self.expression(1)}))", self.rng.integers(0, 8, 3)),
            (f"Beta({self.positive(1)}, {self.positive(1)})", self.rng.uniform(0.1, 0.9, 3)),
            (f"LogNormal({self.expression(1)}, {self.positive(1)})", self.rng.exponential(size=3)),
            (f"Normal({self.expression(1)}, {self.positive(1)}) in (-3, 3)", self.rng.uniform(-1, 1, 3)),
        )
        self.data[y] = values
        self.lines += [f"data {y}[{n}]{': int' if values.dtype.kind == 'i' else ''}", f"observe {y} ~ {law}"]

    def output(self) -> None:
        name, x = self.fresh(), self.fresh()
        if self.densities and self.rng.random() < 0.6:
            density = self.pick(*self.densities)
            value = self.pick(
                f"integral({density}({x}) for {x} in (0, 1))",
                f"({density}({x}) for {x} in linspace(0.1, 0.9, 4))",
                f"{density} |> moments(3)",
                f"{density} |> at([0.1, 0.5])",
            )
        else:
            value = self.expression(2)
            if self.rng.random() < 0.3:
                i = self.fresh()
                self.lines.append(f"output {name}[{i} in {self.axis}] = {self.expression(2, index=i)}")
                return
        self.lines.append(f"output {name} = {value}")


def random_model(seed: int, name: Callable[[int], str] = "n{:03d}".format) -> RandomModel:
    """The model of a seed."""
    model = RandomModel(np.random.default_rng(seed), name)
    model.declare()
    return model
