"""What must hold for numbers before a fit sees them. A check passes, or raises with the row it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pdflang.data.context import DataContext, counted, data_error, one_of
from pdflang.data.values import is_number
from pdflang.diagnostics import Label, closest_names

if TYPE_CHECKING:
    import numpy as np


def check_not_empty(rows: int, context: DataContext, selected_from: int | None = None) -> None:
    """At least one row. `selected_from` is the number of rows before a selection. Error: E516."""
    if rows > 0:
        return
    if selected_from:
        raise data_error(
            "E516",
            f"the selection of `{context.name}` leaves none of {counted(selected_from, 'row')}",
            context,
            remedy="widen the condition after `where`",
        )
    raise data_error("E516", f"`{context.name}` is empty{_from(context)}", context)


def check_numeric(values: np.ndarray, context: DataContext) -> None:
    """Numbers, not text or truth values. Error: E508 with the first entry that is none."""
    if values.dtype.kind in "if":
        return
    offenders = [
        i for i, value in enumerate(values.flat) if not (isinstance(value, str) and is_number(value))
    ]
    if not offenders:
        raise data_error("E508", f"`{context.name}` holds numbers written as text{_from(context)}", context)
    value = str(values.flat[offenders[0]])
    raise data_error(
        "E508",
        f"`{context.name}` is {value!r} in {_entry(offenders[0], values, context)}, which is no number",
        context,
        notes=_how_many(len(offenders), values.size),
        remedy="leave out rows without a value" if not value else "",
    )


def check_finite(values: np.ndarray, context: DataContext) -> None:
    """Neither NaN nor infinite. Error: E507 with the first such value."""
    import numpy as np

    check_numeric(values, context)
    offenders = np.flatnonzero(~np.isfinite(values))
    if not len(offenders):
        return
    raise data_error(
        "E507",
        f"`{context.name}` is {_number(values.flat[offenders[0]])} in "
        f"{_entry(offenders[0], values, context)}, which is not finite",
        context,
        notes=_how_many(len(offenders), values.size),
        remedy="leave these rows out, in the file or with `where`",
    )


def check_integers(values: np.ndarray, context: DataContext) -> np.ndarray:
    """Whole numbers, returned as int64. Error: E508 with the first that is not whole; E507."""
    import numpy as np

    check_finite(values, context)
    offenders = np.flatnonzero((values != np.round(values)) | (np.abs(values) >= 2.0**63))
    if len(offenders):
        raise data_error(
            "E508",
            f"`{context.name}` is {_number(values.flat[offenders[0]])} in "
            f"{_entry(offenders[0], values, context)}, where a whole number is due",
            context,
            label="counts, or positions",
            notes=_how_many(len(offenders), values.size),
            remedy="what is declared `int` or observed as Poisson holds whole numbers; weighted counts, which are "
            "not whole, have no Poisson distribution",
        )
    return values.astype(np.int64)


def check_size(
    found: int, expected: int, context: DataContext, axis: str = "", other: DataContext | None = None
) -> None:
    """A length. `axis` names it, `other` is the declaration that fixed it. Error: E506, which names both."""
    if found == expected:
        return
    fixed = f"the axis `{axis}` has {expected}" if axis else f"{expected} are expected"
    related = (Label(other.span, f"`{other.name}` makes it {expected}"),) if other and other.span else ()
    raise data_error(
        "E506",
        f"`{context.name}` has {counted(found, 'value')}{_from(context)}, but {fixed}"
        + (f" by `{other.name}`" if other else ""),
        context,
        label=f"{found} here",
        related=related,
        remedy="give data of the same length, or axes of different names" if axis else "",
    )


def label_positions(
    values: np.ndarray, labels: Sequence[str], context: DataContext, index: str
) -> np.ndarray:
    """The positions of labels on an index, int64 from 0. Error: E510 with the first that is no label."""
    import numpy as np

    position = {label: i for i, label in enumerate(labels)}
    found = [position.get(str(value), -1) for value in values.flat]
    offenders = [i for i, at in enumerate(found) if at < 0]
    if offenders:
        label = str(values.flat[offenders[0]])
        near = closest_names(label, labels)
        raise data_error(
            "E510",
            f"`{context.name}` is {label!r} in {_entry(offenders[0], values, context)}, "
            f"which is no label of the index `{index}`",
            context,
            notes=(f"The labels are {_listed(labels)}.", *_how_many(len(offenders), values.size)),
            remedy=f"did you mean {one_of(near)}?" if near else "",
        )
    return np.array(found, dtype=np.int64).reshape(values.shape)


def check_positions(values: np.ndarray, length: int, context: DataContext, index: str) -> np.ndarray:
    """Positions from 0 on an index of `length`, returned as int64. Errors: E510, E508."""
    import numpy as np

    positions = check_integers(values, context)
    offenders = np.flatnonzero((positions < 0) | (positions >= length))
    if len(offenders):
        raise data_error(
            "E510",
            f"`{context.name}` is {positions.flat[offenders[0]]} in {_entry(offenders[0], values, context)}, "
            f"and the index `{index}` has the positions 0 to {length - 1}",
            context,
            notes=_how_many(len(offenders), values.size),
            remedy="positions count from 0; subtract 1 where they count from 1"
            if positions.max() == length and positions.min() > 0
            else "",
        )
    return positions


def _from(context: DataContext) -> str:
    return f" in {context.source}" if context.source else ""


def _entry(offender: int, values: np.ndarray, context: DataContext) -> str:
    """The place of a value: its row, and the rest of its index where it has more axes. Rows count from 1."""
    import numpy as np

    row, *rest = (int(i) for i in np.unravel_index(offender, values.shape)) if values.ndim else (0,)
    return context.row(row) + "".join(f", column {i + 1}" for i in rest[:1])


def _how_many(offenders: int, size: int) -> tuple[str, ...]:
    return (f"{offenders} of {size} values are so.",) if offenders > 1 else ()


def _number(value: float) -> str:
    return "NaN" if value != value else f"{value:.10g}"


def _listed(labels: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(f"`{label}`" for label in labels[:most])
    return shown + (f" and {len(labels) - most} more" if len(labels) > most else "")
