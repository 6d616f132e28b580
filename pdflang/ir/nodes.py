"""Typed expressions over arrays: what a model computes, with every function inlined.

An expression is a node of a graph without cycles; equal nodes are one object, so that common
subexpressions are shared by construction. A node has *axes*, those of the array that the user sees, and
*loops*, the binders around it that it depends on (`for x in S`, `[i in S]`, the variable of an integral).
A loop is the name of an index set, not a place: two sums over the same set at the same depth share it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Literal, Protocol
from weakref import WeakValueDictionary

from pdflang.diagnostics import Span
from pdflang.ir.marks import current
from pdflang.ir.ranges import Range
from pdflang.ir.sizes import Axis

Dtype = Literal["bool", "int", "real"]


class Phase(IntEnum):
    """When a value is known: an expression belongs to the latest phase that it reads."""

    CONST = 0
    DATA = 1
    PARAMETER = 2


@dataclass(frozen=True)
class Loop:
    """A binder: `depth` counts the binders around it; a variable over an interval has no axis.

    Axes of arrays come in the order of depths: that of nodes to be summed over is negative, so that it is the first.

    `key` tells index sets of equal length apart where the elements differ (the rule of an integral).
    """

    depth: int
    axis: Axis | None
    key: Any = None


class Meaning(Protocol):
    """What a row of the library must offer to be applied elementwise."""

    name: str
    numpy: str


_interned: WeakValueDictionary[tuple[Any, ...], Node] = WeakValueDictionary()
_lock = threading.Lock()


class Node:
    """Base of all expressions. Subclasses list their fields; construction returns the one equal node."""

    __slots__ = ("__weakref__", "_key", "axes", "dtype", "loops", "phase")
    fields: ClassVar[tuple[str, ...]] = ()

    axes: tuple[Axis, ...]
    dtype: Dtype
    loops: frozenset[Loop]
    phase: Phase
    _key: tuple[Any, ...]

    def __new__(cls, *values: Any, span: Span | None = None) -> Any:
        node = cls._shared(values)
        if span is not None:
            current().spans.setdefault(node, span)
        return node

    @classmethod
    def _shared(cls, values: tuple[Any, ...]) -> Any:
        """The one node with these values."""
        key = (cls, *(_tagged(value) for value in values))
        with _lock:
            found = _interned.get(key)
            if found is not None:
                return found
            node = super().__new__(cls)
            for name, value in zip(cls.fields, values, strict=True):
                setattr(node, name, value)
            node._key = key
            node._infer()
            _interned[key] = node
            return node

    @property
    def span(self) -> Span | None:
        """Where the model at work wrote it."""
        return current().spans.get(self)

    @property
    def hint(self) -> str | None:
        """What generated code may call the value: the name of the function that it came from."""
        return current().hints.get(self)

    def _infer(self) -> None:
        """Set axes, dtype, loops and phase."""
        raise NotImplementedError(type(self).__name__)

    def _inherit(self, axes: tuple[Axis, ...], dtype: Dtype, without: tuple[Loop, ...] = ()) -> None:
        """Axes and dtype as given; loops and phase from the children, less the loops bound here."""
        self.axes, self.dtype = axes, dtype
        children = list(self.children())
        loops: set[Loop] = set()
        for child in children:
            loops |= child.loops
        self.loops = frozenset(loops.difference(without))
        self.phase = max((child.phase for child in children), default=Phase.CONST)

    def children(self) -> Iterator[Node]:
        for name in self.fields:
            value = getattr(self, name)
            if isinstance(value, Node):
                yield value
            elif isinstance(value, tuple):
                yield from (item for item in value if isinstance(item, Node))

    def rebuild(self, transform: Callable[[Node], Node]) -> Node:
        """The same node over transformed children."""
        values = []
        for name in self.fields:
            value = getattr(self, name)
            if isinstance(value, Node):
                value = transform(value)
            elif isinstance(value, tuple) and any(isinstance(item, Node) for item in value):
                value = tuple(transform(item) if isinstance(item, Node) else item for item in value)
            values.append(value)
        return type(self)(*values, span=self.span).called(self.hint)

    def called(self, hint: str | None) -> Node:
        """This node, with a name for generated code unless it has one."""
        if hint:
            current().hints.setdefault(self, hint)
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(repr(getattr(self, name)) for name in self.fields)})"


def _tagged(value: Any) -> Any:
    """A key that tells 1, 1.0 and True apart."""
    if isinstance(value, bool | int | float):
        return (type(value), repr(value))
    return value


class Constant(Node):
    """A number that was written or folded."""

    __slots__ = fields = ("value",)
    value: bool | int | float

    def _infer(self) -> None:
        kind: Dtype = "bool" if isinstance(self.value, bool) else "int" if isinstance(self.value, int) else "real"
        self._inherit((), kind)


@dataclass(frozen=True)
class Values:
    """An immutable array of known numbers, equal by content."""

    shape: tuple[int, ...]
    dtype: str
    content: bytes

    @staticmethod
    def of(array: Any) -> Values:
        import numpy as np

        array = np.ascontiguousarray(array)
        return Values(array.shape, array.dtype.str, array.tobytes())

    def array(self) -> Any:
        import numpy as np

        return np.frombuffer(self.content, dtype=self.dtype).reshape(self.shape)


class ArrayConstant(Node):
    """A known array, such as the nodes of a quadrature rule. `array_axes` are its axes."""

    __slots__ = fields = ("values", "array_axes")
    values: Values
    array_axes: tuple[Axis, ...]

    def _infer(self) -> None:
        kind = self.values.dtype[1]
        self._inherit(self.array_axes, "real" if kind == "f" else "bool" if kind == "b" else "int")


class Reference(Node):
    """A declared name: parameter, datum, constant, derived value. `range` is what its declaration promises."""

    __slots__ = fields = ("name", "kind", "declared_axes", "declared_dtype", "declared_phase", "range")
    name: str
    kind: Literal["param", "data", "const", "let", "solve", "length", "event"]
    declared_axes: tuple[Axis, ...]
    declared_dtype: Dtype
    declared_phase: Phase
    range: Range

    def _infer(self) -> None:
        self._inherit(self.declared_axes, self.declared_dtype)
        self.phase = self.declared_phase


class LoopIndex(Node):
    """The position, from 0, of a binder in its set."""

    __slots__ = fields = ("loop",)
    loop: Loop

    def _infer(self) -> None:
        self._inherit((), "int")
        self.loops = frozenset([self.loop])


class Variable(Node):
    """The real variable of a function under an integral or a process; `range` is its domain."""

    __slots__ = fields = ("loop", "range")
    loop: Loop
    range: Range

    def _infer(self) -> None:
        self._inherit((), "real")
        self.loops = frozenset([self.loop])


class Apply(Node):
    """An elementwise function; arrays combine when one's axes are the last axes of the other's."""

    __slots__ = fields = ("function", "arguments", "result")
    function: Meaning
    arguments: tuple[Node, ...]
    result: Dtype

    def _infer(self) -> None:
        self._inherit(merge_axes(*(argument.axes for argument in self.arguments)), self.result)


class Choose(Node):
    """`if condition then yes else no`, elementwise."""

    __slots__ = fields = ("condition", "yes", "no")
    condition: Node
    yes: Node
    no: Node

    def _infer(self) -> None:
        dtype: Dtype = self.yes.dtype if self.yes.dtype == self.no.dtype else "real"
        self._inherit(merge_axes(*(child.axes for child in self.children())), dtype)


class Element(Node):
    """`base[i, j]`: the first axes of `base` taken at integer positions."""

    __slots__ = fields = ("base", "positions")
    base: Node
    positions: tuple[Node, ...]

    def _infer(self) -> None:
        self._inherit(self.base.axes[len(self.positions) :], self.base.dtype)


class Array(Node):
    """`body for i in loop`: the loop becomes the first axis."""

    __slots__ = fields = ("loop", "body")
    loop: Loop
    body: Node

    def _infer(self) -> None:
        assert self.loop.axis is not None
        self._inherit((self.loop.axis, *self.body.axes), self.body.dtype, without=(self.loop,))


class Stack(Node):
    """`[a, b, c]`."""

    __slots__ = fields = ("items", "axis")
    items: tuple[Node, ...]
    axis: Axis

    def _infer(self) -> None:
        dtypes = {item.dtype for item in self.items}
        dtype: Dtype = dtypes.pop() if len(dtypes) == 1 else "real"
        self._inherit((self.axis, *self.items[0].axes), dtype)


class Sum(Node):
    """Σ of the body over a loop."""

    __slots__ = fields = ("loop", "body")
    loop: Loop
    body: Node

    def _infer(self) -> None:
        dtype: Dtype = "int" if self.body.dtype == "bool" else self.body.dtype
        self._inherit(self.body.axes, dtype, without=(self.loop,))


class Integral(Node):
    """∫ of a scalar body over the variable of `loop`, from `lower` to `upper`."""

    __slots__ = fields = ("loop", "lower", "upper", "body")
    loop: Loop
    lower: Node
    upper: Node
    body: Node

    def _infer(self) -> None:
        self._inherit((), "real", without=(self.loop,))
        # Bounds are outside the binder, so a loop of theirs stays free.
        self.loops = self.loops | self.lower.loops | self.upper.loops


class Whole(Node):
    """A function of whole arrays (`sum`, `@`, `cholesky`, …); the type was inferred where it was written."""

    __slots__ = fields = ("function", "arguments", "result_axes", "result")
    function: Meaning
    arguments: tuple[Node, ...]
    result_axes: tuple[Axis, ...]
    result: Dtype

    def _infer(self) -> None:
        self._inherit(self.result_axes, self.result)


class LogProbability(Node):
    """log p(value | arguments) of a library distribution, truncated to `bounds` where they are given.

    A distribution whose draws are vectors owns the last axis of `value`.
    """

    __slots__ = fields = ("distribution", "value", "arguments", "bounds")
    distribution: Any
    value: Node
    arguments: tuple[Node, ...]
    bounds: tuple[Node, ...]

    def _infer(self) -> None:
        axes = self.value.axes
        if self.distribution.rank:
            axes = axes[: -self.distribution.rank]
        elif self.arguments:
            axes = merge_axes(axes, *(argument.axes for argument in self.arguments))
        self._inherit(axes, "real")


class Density(LogProbability):
    """p(value | arguments) itself: what a detector's kernel multiplies a rate by.

    It is a node of its own, and no exponential, so that passes see a kernel where there is one.
    """

    __slots__ = ()


class Mass(Node):
    """The probability that a continuous distribution of the library gives to the interval from `lower` to `upper`."""

    __slots__ = fields = ("distribution", "lower", "upper", "arguments", "bounds")
    distribution: Any
    lower: Node
    upper: Node
    arguments: tuple[Node, ...]
    bounds: tuple[Node, ...]

    def _infer(self) -> None:
        self._inherit(merge_axes(self.lower.axes, self.upper.axes, *(a.axes for a in self.arguments)), "real")


class MixtureLogProbability(Node):
    """log Σ_k weights[k] p_k(value)."""

    __slots__ = fields = ("weights", "components")
    weights: Node
    components: tuple[Node, ...]

    def _infer(self) -> None:
        self._inherit(merge_axes(*(component.axes for component in self.components)), "real")


class Root(Node):
    """The value of the variable of `loop` between `lower` and `upper` where `equation` is zero.

    `fineness` multiplies the cells in which it is looked for, and the steps to it.
    """

    __slots__ = fields = ("loop", "lower", "upper", "equation", "fineness")
    loop: Loop
    lower: Node
    upper: Node
    equation: Node
    fineness: int

    def _infer(self) -> None:
        self._inherit((), "real", without=(self.loop,))


class State(Node):
    """The state that a step of a recurrence, or a rate, starts from; `range` is what is proved of all of them."""

    __slots__ = fields = ("loop", "state_axes", "range", "declared_phase")
    loop: Loop
    state_axes: tuple[Axis, ...]
    range: Range
    declared_phase: Phase

    def _infer(self) -> None:
        self._inherit(self.state_axes, "real")
        self.loops = frozenset([self.loop])
        self.phase = self.declared_phase


class Scan(Node):
    """The states of a recurrence, one for each turn of `loop`: `body` makes each of the one before, `state`.

    The first turn starts from `initial`, which is not among the results.
    """

    __slots__ = fields = ("loop", "state", "initial", "body")
    loop: Loop
    state: State
    initial: Node
    body: Node

    def _infer(self) -> None:
        assert self.loop.axis is not None
        self._inherit((self.loop.axis, *self.state.axes), "real", without=(self.loop, self.state.loop))


class Ode(Node):
    """The states at `times` of a flow: `body` is the rate at a `time` and a `state`, which is `initial` at `start`."""

    __slots__ = fields = ("time", "state", "initial", "start", "times", "body", "stiff")
    time: Variable
    state: State
    initial: Node
    start: Node
    times: Node
    body: Node
    stiff: bool

    def _infer(self) -> None:
        self._inherit((self.times.axes[0], *self.state.axes), "real", without=(self.time.loop, self.state.loop))


class Earlier(Node):
    """What `body` is at the parameters of an earlier fit. A checked program has none: they have become data."""

    __slots__ = fields = ("body",)
    body: Node

    def _infer(self) -> None:
        self._inherit(self.body.axes, self.body.dtype)
        self.phase = Phase.DATA


def merge_axes(*shapes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """The axes of arrays combined elementwise: the most that one has, each by its name where one names it."""
    longest = max(shapes, key=len)
    merged = []
    for place in range(len(longest), 0, -1):
        candidates = [shape[-place] for shape in shapes if len(shape) >= place]
        merged.append(next((axis for axis in candidates if axis.name), candidates[0]))
    return tuple(merged)


def number(value: bool | int | float, span: Span | None = None) -> Node:
    """A constant node."""
    return Constant(value, span=span)


def walk(*roots: Node, below: Callable[[Node], Iterable[Node]] = Node.children) -> Iterator[Node]:
    """Every node below the roots once, children before parents; `below` says what counts as children."""
    seen: set[Node] = set()
    stack: list[tuple[Node, bool]] = [(root, False) for root in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child in below(node))


def transform(root: Node, rule: Callable[[Node], Node]) -> Node:
    """Rebuild bottom-up: `rule` sees each node over its transformed children."""
    done: dict[Node, Node] = {}
    for node in walk(root):
        done[node] = rule(node.rebuild(done.__getitem__)).called(node.hint)
    return done[root]


def substitute(root: Node, replacements: dict[Node, Node]) -> Node:
    """Replace nodes by others of the same type."""
    done: dict[Node, Node] = {}
    for node in walk(root):
        done[node] = replacements.get(node) or node.rebuild(done.__getitem__)
    return done[root]


def references(*roots: Node) -> dict[str, Reference]:
    """The declared names that are read, in order of first use."""
    return {node.name: node for node in walk(*roots) if isinstance(node, Reference)}


