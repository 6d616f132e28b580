"""Writes expressions down as Python over `jnp` (or `np`): one function body at a time.

The loops of a node become array axes in the order of their depth, in front of the node's own axes; operands
are aligned by `[:, None]`. What is known once data is bound is not computed here but asked for from `hoist`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pdflang.backend.early import describe
from pdflang.backend.imports import Imports
from pdflang.backend.masses import known_log_mass
from pdflang.backend.names import Names
from pdflang.components import Function, arithmetic, arrays
from pdflang.components.arithmetic import Operator
from pdflang.diagnostics import CompilerPanic, Span
from pdflang.ir import nodes
from pdflang.ir.nodes import Constant, Loop, LoopIndex, Node, Phase
from pdflang.ir.sizes import Size
from pdflang.semantics import build

_ATOM = 20
_DEEPEST = 12
_LONGEST = 88
_SHORT = 16


@dataclass(frozen=True)
class Code:
    """The text of an expression, how tightly its last operator binds, and how deeply it nests."""

    text: str
    precedence: int = _ATOM
    depth: int = 0

    def within(self, precedence: int) -> str:
        """The text, in parentheses where it binds less tightly than what surrounds it."""
        return self.text if self.precedence >= precedence else f"({self.text})"


@dataclass
class Context:
    """What the writers of one module share."""

    imports: Imports
    lengths: Mapping[str, int]
    definitions: Mapping[str, Node]
    matrices: list[Span | None] = field(default_factory=list)
    """Where the known matrices come from that `prepare` factorises."""

    def length(self, size: Size) -> int:
        return size.bind(self.lengths)


Hoist = Callable[[Node], str]


class Writer:
    """One function body. `lines` are its statements; `places` the source of each, where it has one.

    `known` are texts for nodes that are there already: arguments, the variable of an intensity. `hoist` gives
    the text of what is computed when data is bound; without it everything is written here.
    """

    def __init__(
        self,
        context: Context,
        names: Names,
        numpy: str,
        hoist: Hoist | None = None,
        known: Mapping[Node, str] | None = None,
        indent: str = "    ",
    ) -> None:
        self._context = context
        self.names = names
        self._numpy = numpy
        self._is_jax = numpy == "jax.numpy"
        self._hoist = hoist
        self._codes: dict[Node, Code] = {node: Code(text) for node, text in (known or {}).items()}
        self._uses: Counter[Node] = Counter()
        self._results: dict[Node, str] = {}
        self._indent = indent
        self.positions: dict[Loop, str] = {}
        """Loops that run one step at a time: their position has a name, and no axis."""
        self._side_by_side: dict[Loop, list[Loop]] = {}
        """The loops over which recurrences run together, by the loop of their state."""
        self.late: frozenset[str] = frozenset()
        """Data whose values this function makes itself."""
        self.lines: list[str] = []
        self.places: list[Span | None] = []

    # --- statements -----------------------------------------------------------------------------------------

    def expect(self, *roots: Node) -> None:
        """Count how often each node will be asked for, so that what is shared gets a name."""
        pending = list(roots)
        for root in roots:
            self._uses[root] += 1
        seen: set[Node] = set()
        while pending:
            node = pending.pop()
            if node in seen or node in self._codes or self._is_early(node):
                continue
            seen.add(node)
            for child in self._needs(node):
                self._uses[child] += 1
                pending.append(child)

    def _needs(self, node: Node) -> list[Node]:
        if isinstance(node, nodes.Reference) and node.name in self._context.definitions:
            return [self._context.definitions[node.name]]
        return list(node.children())

    def text(self, node: Node) -> str:
        """The expression of a node; statements that it needs are written first."""
        return self._code(node).text

    def result(self, node: Node, name: str) -> str:
        """The expression of a node that the function returns under a name: it may be long."""
        self._results.setdefault(node, name)
        return self.text(node)

    def operand(self, node: Node) -> str:
        """The expression of a node, ready to stand behind a sign."""
        return self._code(node).within(13)

    def assign(self, wish: str, text: str, span: Span | None = None) -> str:
        """A statement that names a value."""
        name = self.names.fresh(wish)
        self.write(f"{name} = {text}", span)
        return name

    def write(self, line: str, span: Span | None = None) -> None:
        self.lines.append(self._indent + line)
        self.places.append(span)

    def know(self, node: Node, text: str) -> None:
        """From here on a node is a variable that is there already."""
        self._codes[node] = Code(text)

    def inner(self, positions: Mapping[Loop, str]) -> Writer:
        """A writer for a function inside this one, where some loops run one step at a time."""
        writer = Writer(self._context, self.names, self._numpy, self._hoist, indent=self._indent + "    ")
        writer._codes = dict(self._codes)
        writer.positions = {**self.positions, **positions}
        writer._side_by_side = dict(self._side_by_side)
        writer.late = self.late
        return writer

    def extend(self, inner: Writer) -> None:
        """Take over the statements of an inner function."""
        self.lines += inner.lines
        self.places += inner.places

    def call(self, dotted: str) -> str:
        """The text by which an object is called, imported."""
        return self._context.imports.use(dotted)

    def array_function(self, name: str) -> str:
        return self.call(f"{self._numpy}.{name}")

    def _is_early(self, node: Node) -> bool:
        """Whether a node is computed when data is bound, and only read here."""
        if self._hoist is None or node.phase == Phase.PARAMETER or isinstance(node, Constant):
            return False
        if node.loops & self.positions.keys() or any(loop.axis is None for loop in node.loops):
            return False
        return not (self.late and self.late & nodes.references(node).keys())

    def _code(self, node: Node) -> Code:
        if node in self._codes:
            return self._codes[node]
        if self._is_early(node):
            assert self._hoist is not None
            code = Code(self._hoist(node))
        else:
            code = getattr(self, f"_{type(node).__name__}")(node)
            if self._deserves_name(node, code):
                name = node.hint or self._results.get(node) or describe(node)
                code = Code(self.assign(name, code.text, node.span))
        self._codes[node] = code
        return code

    def _deserves_name(self, node: Node, code: Code) -> bool:
        if (code.precedence == _ATOM and code.depth == 0) or isinstance(node, Constant):
            return False
        if len(code.text) <= _SHORT:
            return self._uses[node] > 1 and not (self._is_jax and _reads_no_parameter(node))
        if self._uses[node] > 1 or code.depth > _DEEPEST:
            return True
        return node.hint is not None or (len(code.text) > _LONGEST and node not in self._results)

    # --- layout ---------------------------------------------------------------------------------------------

    def loops(self, node: Node) -> list[Loop]:
        """The loops of a node that are axes of its array, outermost first."""
        found = {axis for loop in node.loops for axis in self._side_by_side.get(loop, [loop])}
        return sorted((loop for loop in found if loop not in self.positions), key=lambda loop: loop.depth)

    def _aligned(self, node: Node, loops: list[Loop], axes: int) -> Code:
        """A node as an operand of an array over `loops` and `axes` axes."""
        code = self._code(node)
        mine = self.loops(node)
        if not mine and not node.axes:
            return code
        entries = [":" if loop in mine else "None" for loop in loops]
        entries += ["None"] * (axes - len(node.axes)) + [":"] * len(node.axes)
        while entries and entries[0] == "None":
            entries.pop(0)
        if "None" not in entries:
            return code
        while entries[-1] == ":":
            entries.pop()
        return Code(f"{code.within(_ATOM)}[{', '.join(entries)}]", _ATOM, code.depth)

    def _shape(self, loops: list[Loop], node: Node) -> str:
        lengths = [self._loop_length(loop) for loop in loops]
        lengths += [self._context.length(axis.size) for axis in node.axes]
        return f"({', '.join(map(str, lengths))}{',' if len(lengths) == 1 else ''})"

    def _loop_length(self, loop: Loop) -> int:
        if loop.axis is None:
            raise CompilerPanic("a variable over an interval reached the backend")
        return self._context.length(loop.axis.size)

    def _full(self, node: Node, loops: list[Loop], like: Node) -> str:
        """A node broadcast to all of `loops` and the axes of `like`."""
        code = self._aligned(node, loops, len(like.axes))
        if self.loops(node) == loops and len(node.axes) == len(like.axes):
            return code.text
        return f"{self.array_function('broadcast_to')}({code.text}, {self._shape(loops, like)})"

    # --- leaves ---------------------------------------------------------------------------------------------

    def _Constant(self, node: nodes.Constant) -> Code:
        value = node.value
        if isinstance(value, float) and math.isnan(value):
            return Code(self.array_function("nan"))
        if isinstance(value, float) and math.isinf(value):
            text = self.array_function("inf")
            return Code(text) if value > 0 else Code(f"-{text}", 13)
        if isinstance(value, bool | int):
            return Code(repr(value), _ATOM if value >= 0 else 13)
        return Code(_number(value), _ATOM if math.copysign(1, value) > 0 else 13)

    def _Reference(self, node: nodes.Reference) -> Code:
        definition = self._context.definitions.get(node.name)
        if definition is None:
            if node.kind == "length":
                return Code(str(self._context.lengths[node.name]))
            raise CompilerPanic(f"`{node.name}` has no value here")
        code = self._code(definition)
        if code.precedence == _ATOM and code.depth == 0:
            return code
        name = self.assign(node.name, code.text, node.span)
        self._codes[definition] = Code(name)
        return Code(name)

    def _LoopIndex(self, node: nodes.LoopIndex) -> Code:
        if node.loop in self.positions:
            return Code(self.positions[node.loop])
        return Code(f"{self.array_function('arange')}({self._loop_length(node.loop)})", _ATOM, 1)

    # --- elementwise ----------------------------------------------------------------------------------------

    def _Apply(self, node: nodes.Apply) -> Code:
        loops, axes = self.loops(node), len(node.axes)
        arguments = [self._aligned(argument, loops, axes) for argument in node.arguments]
        depth = 1 + max(argument.depth for argument in arguments)
        if isinstance(node.function, Operator):
            return self._operator(node.function, arguments, depth)
        assert isinstance(node.function, Function)
        callee = self.call(node.function.jax if self._is_jax else node.function.numpy)
        return Code(f"{callee}({', '.join(argument.text for argument in arguments)})", _ATOM, depth)

    def _operator(self, operator: Operator, arguments: list[Code], depth: int) -> Code:
        precedence = operator.precedence
        if len(arguments) == 1:
            return Code(operator.template.format(arguments[0].within(precedence)), precedence, depth)
        left, right = arguments
        if operator is arithmetic.POWER:
            texts = (left.within(precedence + 1), right.within(precedence))
        else:
            non_associative = operator in arithmetic.COMPARISONS
            texts = (left.within(precedence + non_associative), right.within(precedence + 1))
        return Code(operator.template.format(*texts), precedence, depth)

    def _Choose(self, node: nodes.Choose) -> Code:
        loops, axes = self.loops(node), len(node.axes)
        parts = [self._aligned(child, loops, axes) for child in node.children()]
        depth = 1 + max(part.depth for part in parts)
        return Code(f"{self.array_function('where')}({', '.join(part.text for part in parts)})", _ATOM, depth)

    # --- arrays ---------------------------------------------------------------------------------------------

    def _Element(self, node: nodes.Element) -> Code:
        base, base_loops, slices = self._code(node.base), self.loops(node.base), self._slices(node)
        return self._gathered(node, base, base_loops) if slices is None else self._sliced(base, base_loops, slices)

    def _slices(self, node: nodes.Element) -> list[tuple[Loop | None, str]] | None:
        """The positions of an element as plain indices; None where it is gathered from an array of positions."""
        slices = [self._as_slice(p, axis.size) for p, axis in zip(node.positions, node.base.axes, strict=False)]
        found = [s for s in slices if s is not None]
        targets = [loop for loop, _ in found if loop is not None]
        distinct = len(set(targets)) == len(targets) and not set(targets) & set(self.loops(node.base))
        return found if distinct and len(found) == len(slices) else None

    def _as_slice(self, position: Node, size: Size) -> tuple[Loop | None, str] | None:
        """The position as a plain index: the loop that it becomes (None for a fixed one), and its text."""
        if isinstance(position, Constant):
            return None, str(position.value)
        loop, start = _affine_index(position)
        if loop is None or loop in self.positions or loop.axis is None:
            return None
        length = self._loop_length(loop)
        if start == 0 and length == self._context.length(size):
            return loop, ":"
        return loop, f"{start or ''}:{start + length}"

    def _sliced(self, base: Code, base_loops: list[Loop], slices: list[tuple[Loop | None, str]]) -> Code:
        entries = [":"] * len(base_loops) + [text for _, text in slices]
        order = [*base_loops, *(loop for loop, _ in slices if loop is not None)]
        while entries and entries[-1] == ":":
            entries.pop()
        code = Code(f"{base.within(_ATOM)}[{', '.join(entries)}]", _ATOM, base.depth) if entries else base
        wanted = sorted(order, key=lambda loop: loop.depth)
        if wanted == order:
            return code
        moved = ", ".join(str(order.index(loop)) for loop in wanted)
        places = ", ".join(str(i) for i in range(len(wanted)))
        return Code(f"{self.array_function('moveaxis')}({code.text}, ({moved}), ({places}))", _ATOM, code.depth + 1)

    def _gathered(self, node: nodes.Element, base: Code, base_loops: list[Loop]) -> Code:
        loops = self.loops(node)
        positions: list[Node] = [LoopIndex(loop) for loop in base_loops]
        positions += node.positions
        texts = [self._aligned(position, loops, 0).text for position in positions]
        return Code(f"{base.within(_ATOM)}[{', '.join(texts)}]", _ATOM, base.depth + 1)

    def _Array(self, node: nodes.Array) -> Code:
        inner = self.loops(node.body)
        if node.loop not in inner:
            loops = [*self.loops(node), node.loop]
            text = self._full(node.body, loops, node.body)
            return Code(text, _ATOM, 1)
        code = self._code(node.body)
        return self._moved(code, inner.index(node.loop), len(inner) - 1)

    def _Stack(self, node: nodes.Stack) -> Code:
        loops = self.loops(node)
        inner = max(node.items, key=lambda item: len(item.axes))
        if not loops and not inner.axes:
            texts = [self._code(item).text for item in node.items]
            return Code(f"{self.array_function('array')}([{', '.join(texts)}])", _ATOM, 1)
        texts = [self._full(item, loops, inner) for item in node.items]
        axis = f", axis={len(loops)}" if loops else ""
        return Code(f"{self.array_function('stack')}([{', '.join(texts)}]{axis})", _ATOM, 1)

    def _Sum(self, node: nodes.Sum) -> Code:
        inner = self.loops(node.body)
        if node.loop in inner and not node.body.axes:
            contracted = self._contracted(node, inner)
            if contracted is not None:
                return contracted
        code = self._code(node.body)
        if node.loop not in inner:
            return self._operator(arithmetic.MULTIPLY, [Code(str(self._loop_length(node.loop))), code], code.depth + 1)
        place = inner.index(node.loop)
        where = f", axis={place}" if len(inner) + len(node.body.axes) > 1 else ""
        return Code(f"{self.array_function('sum')}({code.text}{where})", _ATOM, code.depth + 1)

    def _contracted(self, node: nodes.Sum, inner: list[Loop]) -> Code | None:
        """Σ over products of which no factor has all loops, as a product of matrices: the whole is never made."""
        groups: list[tuple[set[Loop], list[Node]]] = []
        for factor in sorted(build.factors(node.body), key=lambda factor: -len(self.loops(factor))):
            mine = set(self.loops(factor))
            group = next((group for group in groups if mine <= group[0]), None)
            if group is None:
                groups.append((mine, [factor]))
            else:
                group[1].append(factor)
        if len(groups) < 2 or not all(node.loop in loops for loops, _ in groups):
            return None
        letters = {loop: chr(ord("a") + i) for i, loop in enumerate(inner)}
        operands = [build.product(factors) for _, factors in groups]
        subscripts = ["".join(letters[loop] for loop in self.loops(operand)) for operand in operands]
        result = "".join(letters[loop] for loop in inner if loop != node.loop)
        texts = ", ".join(self._code(operand).text for operand in operands)
        # Only JAX looks by itself for the products of matrices in a sum over products.
        quickly = "" if self._is_jax else ", optimize=True"
        return Code(f"{self.array_function('einsum')}('{','.join(subscripts)}->{result}', {texts}{quickly})", _ATOM, 1)

    # --- functions of whole arrays --------------------------------------------------------------------------

    def _Whole(self, node: nodes.Whole) -> Code:
        row = node.function
        assert isinstance(row, arrays.ArrayFunction)
        loops = self.loops(node)
        if row in (arrays.CHOLESKY, arrays.CHOLESKY_OF_INVERSE) and not self._is_jax:
            # A matrix of data that has no factor is the user's mistake, and told as such.
            checked = self.call(f"pdflang.backend.runtime.factorisation.{row.name}")
            self._context.matrices.append(node.span)
            matrix = self._code(node.arguments[0]).text
            return Code(f"{checked}({matrix}, {len(self._context.matrices) - 1})", _ATOM, 1)
        callee = self.call(row.jax if self._is_jax else row.numpy)
        if row in (arrays.LINSPACE, arrays.GEOMSPACE):
            ends = [self._code(end).text for end in node.arguments[:2]]
            return Code(f"{callee}({', '.join(ends)}, {self._context.length(node.axes[0].size)})", _ATOM, 1)
        if row is arrays.CONCAT:
            last = f", axis={len(loops)}" if loops else ""
            texts = [self._full(argument, loops, argument) for argument in node.arguments]
            return Code(f"{callee}([{', '.join(texts)}]{last})", _ATOM, 1)
        if row in (arrays.MATMUL, arrays.DOT, arrays.CONTRACT) and loops:
            return self._einsum(node, loops)
        texts = [self._code(argument).text for argument in node.arguments]
        if loops and row.name in arrays.REDUCTIONS:
            places = ", ".join(str(len(loops) + i) for i in range(len(node.arguments[0].axes)))
            texts.append(f"axis=({places},)")
        elif loops and row is arrays.CUMSUM:
            texts.append("axis=-1")
        elif loops and row is arrays.TRANSPOSE:
            return Code(f"{self.array_function('swapaxes')}({texts[0]}, -2, -1)", _ATOM, 1)
        elif loops and row is arrays.LINEAR_SOLVE:
            left, right = (self._aligned(argument, loops, len(argument.axes)) for argument in node.arguments)
            return Code(f"{callee}({left.text}, {right.within(_ATOM)}[..., None])[..., 0]", _ATOM, 1)
        elif loops and row is arrays.INTERPOLATION_ROW:
            texts[:2] = [self._aligned(argument, loops, len(argument.axes)).text for argument in node.arguments[:2]]
            return Code(f"{callee}({', '.join(texts)})", _ATOM, 1)
        elif loops and row is arrays.TABLE_OF_ROWS:
            texts[1:3] = [self._aligned(argument, loops, len(argument.axes)).text for argument in node.arguments[1:3]]
            return Code(f"{callee}({', '.join(texts)})", _ATOM, 1)
        elif loops and row.name not in _BATCHED:
            raise CompilerPanic(f"`{row.name}` inside a comprehension cannot be written down")
        if row is arrays.MATMUL and not loops:
            left, right = (self._code(argument) for argument in node.arguments)
            return Code(f"{left.within(12)} @ {right.within(13)}", 12, 1 + max(left.depth, right.depth))
        return Code(f"{callee}({', '.join(texts)})", _ATOM, 1)

    def _einsum(self, node: nodes.Whole, loops: list[Loop]) -> Code:
        letters = {loop: chr(ord("a") + i) for i, loop in enumerate(loops)}
        left, right = node.arguments
        subscripts = []
        shared = ["j"]
        own = [["i", "j"][-len(left.axes) :], ["j", "k"][: len(right.axes)]]
        if node.function is arrays.CONTRACT:
            shared = ["y", "z"]
            own = [[*"uvwx"[: len(left.axes) - 2], *shared], shared]
        for argument, axes in zip(node.arguments, own, strict=True):
            subscripts.append("".join(letters[loop] for loop in self.loops(argument)) + "".join(axes))
        result = "".join(letters.values()) + "".join(a for a in (*own[0], *own[1]) if a not in shared)
        texts = ", ".join(self._code(argument).text for argument in node.arguments)
        return Code(f"{self.array_function('einsum')}('{','.join(subscripts)}->{result}', {texts})", _ATOM, 1)

    # --- distributions --------------------------------------------------------------------------------------

    def _LogProbability(self, node: nodes.LogProbability) -> Code:
        row = node.distribution
        loops, axes = self.loops(node), len(node.axes)
        moves = any(bound.phase != Phase.CONST for bound in node.bounds)
        if not row.proper and not moves:
            like = self._full(node.value, loops, node) if not row.rank else self._code(node.value).text
            return Code(f"{self.array_function('zeros_like')}({like})", _ATOM, 1)
        if not self._is_jax:
            return self._known_kernel(node, "log_density", [node.value], row.rank)
        texts = [self._aligned(node.value, loops, axes + row.rank).text]
        for argument, parameter in zip(node.arguments, row.parameters, strict=False):
            own = axes + parameter.rank if row.rank == 0 or loops else len(argument.axes)
            texts.append(self._aligned(argument, loops, own).text)
        distribution = self.call(row.meaning)
        if node.bounds:
            bounds = [self._aligned(bound, loops, axes).text for bound in node.bounds]
            distribution = self.truncated(distribution, bounds, known_log_mass(node))
        return Code(f"{distribution}.log_prob({', '.join(texts)})", _ATOM, 1)

    def _Density(self, node: nodes.Density) -> Code:
        if self._is_jax:
            log_density = self._LogProbability(node)
            return Code(f"{self.array_function('exp')}({log_density.text})", _ATOM, 1)
        return self._known_kernel(node, "density", [node.value], node.distribution.rank)

    def _Mass(self, node: nodes.Mass) -> Code:
        if not self._is_jax:
            return self._known_kernel(node, "probability", [node.lower, node.upper], 0)
        loops, axes = self.loops(node), len(node.axes)
        arguments = [self._aligned(part, loops, axes).text for part in (node.lower, node.upper, *node.arguments)]
        bounds = [self._aligned(bound, loops, axes).text for bound in node.bounds]
        callee = self.call("pdflang.backend.runtime.distributions.probability")
        within = [f"bounds=({', '.join(bounds)})"] if bounds else []
        return Code(f"{callee}({', '.join([self.call(node.distribution.meaning), *arguments, *within])})", _ATOM, 1)

    def _known_kernel(self, node: nodes.LogProbability | nodes.Mass, name: str, values: list[Node], rank: int) -> Code:
        """A density or probability by SciPy: where it is computed once, and where nothing is compiled."""
        loops, axes = self.loops(node), len(node.axes)
        texts = [self._aligned(value, loops, axes + rank).text for value in values]
        for argument, parameter in zip(node.arguments, node.distribution.parameters, strict=False):
            texts.append(self._aligned(argument, loops, axes + parameter.rank).text)
        callee = self.call(f"pdflang.backend.runtime.known_kernels.{name}")
        bounds = [self._aligned(bound, loops, axes).text for bound in node.bounds]
        within = [f"bounds=({', '.join(bounds)})"] if bounds else []
        reference = self.call(node.distribution.reference)
        return Code(f"{callee}({', '.join([reference, *texts, *within])})", _ATOM, 1)

    def truncated(self, distribution: str, bounds: Sequence[str], log_mass: float | None = None) -> str:
        """A distribution between bounds, given as texts; the mass there may be known."""
        callee = self.call("pdflang.backend.runtime.distributions.Truncated")
        known = [] if log_mass is None else [f"known_log_mass={log_mass!r}"]
        return f"{callee}({', '.join([distribution, *bounds, *known])})"

    def _MixtureLogProbability(self, node: nodes.MixtureLogProbability) -> Code:
        loops = self.loops(node)
        parts = [self._full(component, loops, node) for component in node.components]
        callee = self.call("pdflang.backend.runtime.distributions.mixture_log_prob")
        weights = self._aligned(node.weights, loops, len(node.axes) + 1 if loops else 1).text
        stacked = f"{self.array_function('stack')}([{', '.join(parts)}], axis=-1)"
        return Code(f"{callee}({weights}, {stacked})", _ATOM, 1)

    def _Root(self, node: nodes.Root) -> Code:
        """A bracketed root: its equation becomes an inner function of the unknown."""
        ends = [self._code(bound).text for bound in (node.lower, node.upper)]
        unknown = next(
            child
            for child in nodes.walk(node.equation)
            if isinstance(child, nodes.Variable) and child.loop == node.loop
        )
        name, argument = self.names.fresh("equation"), self.names.fresh("unknown")
        inner = self.inner({node.loop: argument})
        inner.know(unknown, argument)
        inner.expect(node.equation)
        result = inner.text(node.equation)
        self.write(f"def {name}({argument}):", node.span)
        self.extend(inner)
        self.write(f"    return {result}", node.span)
        callee = self.call(f"pdflang.backend.runtime.roots.{'bracketed_root' if self._is_jax else 'known_root'}")
        finer = f", {node.fineness}" if node.fineness > 1 else ""
        return Code(f"{callee}({name}, {ends[0]}, {ends[1]}{finer})", _ATOM, 1)

    def _Scan(self, node: nodes.Scan) -> Code:
        """A recurrence: its step becomes an inner function of the state and of what differs from step to step.

        What does not follow the state is computed here, for all steps at once.
        """
        over = self.loops(node)
        initial = self._full(node.initial, over, node.state)
        step, state = self.names.fresh("step"), self.names.fresh(node.state.hint or "state")
        inner = self.inner({node.loop: step})
        inner._side_by_side[node.state.loop] = over
        inner.know(node.state, state)
        arguments, inputs = [state], []
        for part in inner._parts_without_state(node.body):
            if node.loop in part.loops:
                arguments.append(self.names.fresh(f"one_{describe(part)}"))
                inputs.append(self._by_steps(nodes.Array(node.loop, part)))
                inner.know(part, arguments[-1])
            else:
                text = self.text(part)
                inner.know(part, text if text.isidentifier() else self.assign(describe(part), text, part.span))
        inner.expect(node.body)
        result = inner._full(node.body, over, node.body)
        self.write(f"def {step}({', '.join(arguments)}):", node.span)
        self.extend(inner)
        self.write(f"    return {result}", node.span)
        name = "recurrence" if self._is_jax else "known_recurrence"
        callee = self.call(f"pdflang.backend.runtime.recurrences.{name}")
        steps = f"[{', '.join(inputs)}], {self._loop_length(node.loop)}"
        return self._moved(Code(f"{callee}({step}, {initial}, {steps})", _ATOM, 1), 0, len(over))

    def _Ode(self, node: nodes.Ode) -> Code:
        """A differential equation: its rate becomes an inner function of time, state, and what else it reads."""
        initial, start, times = (self.text(part) for part in (node.initial, node.start, node.times))
        rate = self.names.fresh("rate")
        time, state = (self.names.fresh(node.hint or wish) for node, wish in ((node.time, "t"), (node.state, "y")))
        inner = self.inner({node.time.loop: time, node.state.loop: state})
        inner.know(node.time, time)
        inner.know(node.state, state)
        read: dict[str, Phase] = {}
        for part in inner._parts_without_state(node.body):
            text = self.text(part)
            local = text if text.isidentifier() else self.assign(describe(part), text, part.span)
            inner.know(part, local)
            read[local] = part.phase
        arguments = [local for local, phase in read.items() if phase == Phase.PARAMETER]
        known = [local for local, phase in read.items() if phase != Phase.PARAMETER]
        inner.expect(node.body)
        result = inner._full(node.body, [], node.body)
        self.write(f"def {rate}({', '.join([time, state, *arguments, *known])}):", node.span)
        self.extend(inner)
        self.write(f"    return {result}", node.span)
        callee = self.call(f"pdflang.backend.runtime.flows.{'flow' if self._is_jax else 'known_flow'}")
        stiff = ", stiff=True" if node.stiff else ""
        lists = f"[{', '.join(arguments)}], [{', '.join(known)}]"
        return Code(f"{callee}({rate}, {start}, {initial}, {times}, {lists}{stiff})", _ATOM, 1)

    def _parts_without_state(self, root: Node) -> list[Node]:
        """The largest parts to write that follow no state, and no unknown of an equation, but for written numbers."""

        def follows(node: Node) -> bool:
            return any(loop.axis is None for loop in node.loops)

        def below(node: Node) -> Iterable[Node]:
            if not follows(node):
                return ()
            # The positions of a slice are its text.
            if isinstance(node, nodes.Element) and self._slices(node) is not None:
                return (node.base,)
            return node.children()

        return [node for node in nodes.walk(root, below=below) if not follows(node) and not isinstance(node, Constant)]

    def _by_steps(self, values: nodes.Array) -> str:
        """An array with its first axis before those of its loops."""
        return self._moved(self._code(values), len(self.loops(values)), 0).text

    def _moved(self, code: Code, place: int, target: int) -> Code:
        if place == target:
            return code
        return Code(f"{self.array_function('moveaxis')}({code.text}, {place}, {target})", _ATOM, code.depth + 1)


def _reads_no_parameter(node: Node) -> bool:
    """Such a value has no derivative: XLA computes it once, however often it is written."""
    if isinstance(node, nodes.State):
        return False
    if isinstance(node, nodes.Reference):
        return node.phase != Phase.PARAMETER or node.kind == "event"
    return node.phase != Phase.PARAMETER or all(_reads_no_parameter(child) for child in node.children())


_BATCHED = ("cholesky", "cubic_in_log", "endpoint_weights", "interp", "polynomial_in_x")


def _affine_index(position: Node) -> tuple[Loop | None, int]:
    """The loop and the start of a position `i` or `i + start`."""
    if isinstance(position, LoopIndex):
        return position.loop, 0
    if isinstance(position, nodes.Apply) and position.function is arithmetic.ADD:
        index, start = position.arguments
        if isinstance(start, LoopIndex):
            index, start = start, index
        if isinstance(index, LoopIndex) and isinstance(start, Constant) and start.value >= 0:
            return index.loop, int(start.value)
    return None, 0


def _number(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return repr(float(value))
